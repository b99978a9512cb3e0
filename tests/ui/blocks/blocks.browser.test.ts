import { mount, tick, unmount } from 'svelte'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import App from '../../../src/ui/App.svelte'
import { block, FakeClient } from '../fakeclient.ts'

const [oldest, middle, newest] = [
  '01KAMJ6V0000000000000000QX',
  '01KAMJ6V0000000000000001QX',
  '01KAMJ6V0000000000000002QX',
] as const

let client: FakeClient
let app: Record<string, unknown> | undefined
let target: HTMLElement

beforeEach(async () => {
  localStorage.clear()
  await page.viewport(1280, 800)
  client = new FakeClient()
})
afterEach(async () => {
  if (app) await unmount(app)
  app = undefined
  target.remove()
  vi.unstubAllGlobals()
})

async function open(): Promise<void> {
  history.replaceState(null, '', '#/blocks')
  target = document.body.appendChild(document.createElement('div'))
  app = mount(App, { target, props: { client } })
  await tick()
}

function carrying(...files: readonly File[]): DataTransfer {
  const data = new DataTransfer()
  for (const file of files) data.items.add(file)
  return data
}

const archive = (name: string) => new File(['bytes'], name)

function drag(type: string, dataTransfer: DataTransfer): DragEvent {
  const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })
  document.body.dispatchEvent(event)
  return event
}

/** Gives files to an `<input>`, as its picker would. */
function pick(label: string, ...files: readonly File[]): void {
  const input = page
    .getByLabelText(label)
    .elements()
    .find(e => e instanceof HTMLInputElement)!
  input.files = carrying(...files).files
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

const button = (name: string) => page.getByRole('button', { name, exact: true })
const results = () => page.getByRole('list', { name: 'Results' })
const tasks = () => page.getByRole('list', { name: 'Running imports and exports' })

describe('the list', () => {
  test('shows what is known of each block, the newest first, and totals', async () => {
    await open()
    await expect.element(page.getByText('3 blocks · 1.18 MiB · 288,000 samples')).toBeVisible()
    const shown = [...target.querySelectorAll('article')].map(({ innerText }) => innerText)
    expect(shown.map(text => /\w{26}/.exec(text)?.[0])).toEqual([newest, middle, oldest])
    for (const part of ['2h 0m', '402 KiB', '200', '96,000']) expect(shown[0]).toContain(part)
    await expect
      .element(page.getByRole('img', { name: /^3 blocks from .* some of them overlapping/ }))
      .toBeVisible()
  })

  test('without blocks it says what to do', async () => {
    client.stored = { blocks: [], broken: [], jobs: [] }
    await open()
    await expect.element(page.getByText('No blocks yet.')).toBeVisible()
  })

  test('a broken block is listed with its error, and can be deleted', async () => {
    client.stored = { ...client.stored, broken: [{ ulid: '01BROKEN', error: 'index: want 1, found 2' }] }
    await open()
    await expect.element(page.getByText('index: want 1, found 2')).toBeVisible()
    await userEvent.click(button('Delete 01BROKEN'))
    await userEvent.click(page.getByRole('dialog').getByRole('button', { name: 'Delete' }))
    await expect.element(page.getByRole('heading', { name: 'Broken blocks' })).not.toBeInTheDocument()
  })

  test('a failure to list is told', async () => {
    client.blocks = () => Promise.reject(new Error('the disk is gone'))
    await open()
    await expect.element(page.getByRole('alert')).toHaveTextContent('the disk is gone')
  })

  test('a block is deleted only after asking', async () => {
    await open()
    await userEvent.click(button(`Delete ${middle}`))
    await userEvent.click(button('Keep'))
    await expect.element(button(`Delete ${middle}`)).toHaveFocus()
    expect(client.stored.blocks.length).toBe(3)
    await userEvent.click(button(`Delete ${middle}`))
    await userEvent.click(page.getByRole('dialog').getByRole('button', { name: 'Delete' }))
    await expect.element(page.getByText(middle)).not.toBeInTheDocument()
    expect(client.stored.blocks.length).toBe(2)
  })

  test('a block is pinned and unpinned, and a refusal is told', async () => {
    await open()
    const pin = button(`Pin ${oldest}`)
    await expect.element(pin).toHaveAttribute('aria-pressed', 'true')
    await userEvent.click(pin)
    await expect.element(pin).toHaveAttribute('aria-pressed', 'false')
    client.refusal = new Error('the disk is full')
    await userEvent.click(pin)
    await expect.element(page.getByRole('alert')).toHaveTextContent('the disk is full')
  })

  test('one block alone is queried over its time, until somebody wants everything again', async () => {
    await open()
    await userEvent.click(page.getByRole('link', { name: `Query only ${newest}` }))
    await expect.element(page.getByText(`Only block ${newest}`)).toBeVisible()
    const { minT, maxT } = client.stored.blocks[2]!
    await expect.poll(() => client.rangeQueries.at(-1)).toMatchObject({ block: newest })
    expect(client.rangeQueries.at(-1)!.start).toBeGreaterThan(minT - 60_000)
    expect(client.rangeQueries.at(-1)!.end).toBeLessThanOrEqual(Math.ceil(maxT / 1000) * 1000)
    await userEvent.click(button('Table'))
    await expect.poll(() => client.instantQueries.at(-1)).toMatchObject({ block: newest })
    await userEvent.click(button('Look at everything again, not only at this block'))
    await expect.poll(() => client.instantQueries.at(-1)).not.toHaveProperty('block')
    expect(location.hash).not.toContain('block=')
  })
})

describe('an import', () => {
  test('of a dropped archive says what came of it', async () => {
    const added = block('01KAMJ6V0000000000000004QX', client.now - 7200_000, client.now)
    client.report = { imported: [added], known: [oldest], remarks: [] }
    await open()
    expect(drag('dragover', carrying(archive('snapshot.zip'))).defaultPrevented).toBe(true)
    await expect.element(page.getByText('Drop to import')).toBeVisible()
    expect(drag('drop', carrying(archive('snapshot.zip'))).defaultPrevented).toBe(true)
    await expect.element(results()).toHaveTextContent('snapshot.zip: 1 block imported, 1 was there already.')
    await expect.element(page.getByText(added.ulid)).toBeVisible()
    expect(client.imports).toMatchObject([{ kind: 'archive', name: 'snapshot.zip' }])
    await userEvent.click(page.getByRole('button', { name: /^Dismiss/ }))
    await expect.poll(() => results().getByRole('listitem').elements()).toEqual([])
  })

  test('shows what could not be taken in whole', async () => {
    const remarks = ['wal/00000003 at byte 32768: want 7 bytes, have 2', 'chunks_head/000002: left out']
    client.report = { imported: [], known: [], remarks }
    await open()
    pick('Choose files', archive('data.tar.gz'))
    await expect.element(results()).toHaveTextContent('data.tar.gz: nothing to import.')
    for (const remark of remarks) await expect.element(page.getByText(remark)).toBeVisible()
  })

  test('of text is one source for each file', async () => {
    await open()
    pick('Choose files', new File(['up 1 1\n'], 'up.om'), new File(['down 1 1\n# EOF\n'], 'export'))
    await expect
      .poll(() => client.imports)
      .toMatchObject([
        { kind: 'text', name: 'up.om' },
        { kind: 'text', name: 'export' },
      ])
  })

  test('of a picked folder keeps its paths', async () => {
    await open()
    const file = archive('meta.json')
    Object.defineProperty(file, 'webkitRelativePath', { value: '01A/meta.json' })
    const input = target.querySelector<HTMLInputElement>('input[webkitdirectory]')!
    // A script cannot put a folder into the field.
    Object.defineProperty(input, 'files', { value: [file] })
    input.dispatchEvent(new Event('change', { bubbles: true }))
    await expect.poll(() => client.imports).toMatchObject([{ kind: 'folder', name: '01A' }])
  })

  test('that is refused shows the engine’s words', async () => {
    client.refusal = new Error('01A/index at byte 12: want checksum 1, found 2')
    await open()
    pick('Choose files', archive('bad.zip'))
    await expect.element(results()).toHaveTextContent('bad.zip was not imported.')
    await expect.element(results()).toHaveTextContent('01A/index at byte 12: want checksum 1, found 2')
  })

  test('shows how far it is, goes on on other pages, and others wait for it', async () => {
    client.gate = new Promise(() => undefined)
    await open()
    pick('Choose files', archive('a.zip'), archive('b.zip'))
    await expect.element(tasks()).toHaveTextContent('Importing b.zip waiting')
    const job = { id: 1, kind: 'import', name: 'a.zip', phase: 'checking', done: 1024, total: 4096 } as const
    client.stored = { ...client.stored, jobs: [job] }
    await expect.element(tasks()).toHaveTextContent('checking every byte 1.00 KiB of 4.00 KiB')
    await expect.element(page.getByRole('progressbar').first()).toHaveAttribute('value', '1024')
    await userEvent.click(page.getByRole('link', { name: 'Status' }))
    await userEvent.click(page.getByRole('link', { name: 'Blocks', exact: true }))
    await expect.element(tasks()).toHaveTextContent('Importing a.zip')
    expect(client.imports.length).toBe(1)
  })

  test('can be cancelled, and the next one begins', async () => {
    client.gate = new Promise(() => undefined)
    await open()
    pick('Choose files', archive('a.zip'), archive('b.zip'), archive('c.zip'))
    await userEvent.click(button('Cancel b.zip'))
    await expect.element(results()).toHaveTextContent('The import of b.zip was cancelled.')
    await userEvent.click(button('Cancel a.zip'))
    await expect.element(results()).toHaveTextContent('The import of a.zip was cancelled.')
    await expect.poll(() => client.imports.map(({ name }) => name)).toEqual(['a.zip', 'c.zip'])
  })

  test('of nothing is told as such, and dragged text is left alone', async () => {
    await open()
    pick('Choose files')
    await expect.element(results()).toHaveTextContent('There was no file in it.')
    const text = new DataTransfer()
    text.setData('text/plain', 'up')
    expect(drag('dragover', text).defaultPrevented).toBe(false)
  })
})

describe('an export', () => {
  test('of selected blocks is one archive in the chosen format', async () => {
    await open()
    await expect.element(button('Export selected')).toBeDisabled()
    await userEvent.click(page.getByLabelText('Select all blocks'))
    await userEvent.click(page.getByLabelText(`Select ${middle}`))
    await expect.element(page.getByText('2 selected')).toBeVisible()
    await userEvent.selectOptions(page.getByLabelText('Format').first(), '.tar.gz')
    await userEvent.click(button('Export selected'))
    await expect.element(results()).toHaveTextContent('brazier.tar.gz was saved (3 B).')
    expect(client.exports).toEqual([{ kind: 'blocks', ulids: [newest, oldest], format: 'tar.gz' }])
  })

  test('of one block is a click', async () => {
    await open()
    await userEvent.click(button(`Export ${middle} as .zip`))
    await expect.poll(() => client.exports).toEqual([{ kind: 'blocks', ulids: [middle], format: 'zip' }])
  })

  test('of a time range is the head’s by default', async () => {
    await open()
    await userEvent.click(button('Export'))
    const { minT, maxT } = (await client.status()).head
    await expect.poll(() => client.exports).toEqual([{ kind: 'range', minT, maxT: maxT! + 1, format: 'zip' }])
  })

  test('of samples as text has selectors and, by default, the time of the whole store', async () => {
    await open()
    await userEvent.click(page.getByLabelText('Samples as text'))
    await userEvent.click(page.getByRole('textbox', { name: 'Selector' }))
    await userEvent.keyboard('up')
    await userEvent.click(button('Export'))
    const { head } = await client.status()
    const minT = client.stored.blocks[0]!.minT
    await expect
      .poll(() => client.exports)
      .toEqual([{ kind: 'text', match: ['up'], minT, maxT: head.maxT! + 1 }])
    await expect.element(results()).toHaveTextContent('brazier.txt was saved (3 B).')
  })

  test('of samples as text without a selector is of everything, and a selector that is none is told', async () => {
    await open()
    await userEvent.click(page.getByLabelText('Samples as text'))
    await userEvent.click(button('Another selector'))
    await expect.element(page.getByRole('textbox', { name: 'Selector' }).last()).toHaveFocus()
    await userEvent.keyboard('rate(((')
    await userEvent.click(button('Export'))
    await expect.element(page.getByRole('alert')).toHaveTextContent('1:8: parse error: unclosed')
    await expect.element(page.getByRole('textbox', { name: 'Selector' }).last()).toHaveFocus()
    expect(client.exports).toEqual([])
    await userEvent.click(button('Remove this selector').last())
    await userEvent.click(button('Export'))
    await expect.poll(() => client.exports).toMatchObject([{ kind: 'text', match: [] }])
  })

  test('of the whole store is a data directory', async () => {
    await open()
    await userEvent.click(page.getByLabelText('The whole store'))
    await userEvent.selectOptions(page.getByLabelText('Format').last(), '.tar.gz')
    await userEvent.click(button('Export'))
    await expect.poll(() => client.exports).toEqual([{ kind: 'directory', format: 'tar.gz' }])
  })

  test('of a time that is none is refused beside its field, which has the focus', async () => {
    await open()
    await userEvent.fill(page.getByLabelText('To', { exact: true }), 'noon')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByLabelText('To', { exact: true })).toHaveFocus()
    await expect.element(page.getByText('Want a time such as 2026-11-22 13:05:00.')).toBeVisible()
    expect(client.exports).toEqual([])
  })

  test('that is cancelled is closed in the engine', async () => {
    client.gate = new Promise(() => undefined)
    await open()
    await userEvent.click(button(`Export ${middle} as .zip`))
    await userEvent.click(button('Cancel brazier.zip'))
    await expect.element(results()).toHaveTextContent(`The export of ${middle} was cancelled.`)
    expect(client.closedExports).toEqual([1])
  })

  test('that is large asks for a file, and is not begun without one', async () => {
    client.stored = {
      ...client.stored,
      blocks: client.stored.blocks.map(one => ({ ...one, bytes: 2 ** 30 })),
    }
    vi.stubGlobal('showSaveFilePicker', () => Promise.reject(new DOMException('no file', 'AbortError')))
    await open()
    await userEvent.click(button(`Export ${middle} as .zip`))
    await expect.element(results()).toHaveTextContent(`The export of ${middle} was cancelled.`)
    expect(client.exports).toEqual([])
  })
})
