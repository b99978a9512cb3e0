import axe from 'axe-core'
import { mount, tick, unmount } from 'svelte'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import App from '../../../src/ui/App.svelte'
import { block, FakeClient } from '../fakeclient.ts'

const gib = 1024 ** 3
const always = { minT: -8.64e15, maxT: 8.64e15 }

let client: FakeClient
let app: Record<string, unknown> | undefined
let target: HTMLElement

beforeEach(async () => {
  localStorage.clear()
  await page.viewport(1280, 900)
  client = new FakeClient()
})
afterEach(async () => {
  if (app) await unmount(app)
  app = undefined
  target.remove()
})

async function open(): Promise<void> {
  history.replaceState(null, '', '#/blocks')
  target = document.body.appendChild(document.createElement('div'))
  app = mount(App, { target, props: { client } })
  await tick()
}

/** Holds the engine up until the function that it answers is called. */
function hold(): () => void {
  let release: (() => void) | undefined
  client.gate = new Promise(resolve => (release = resolve))
  return () => release?.()
}

const button = (name: string) => page.getByRole('button', { name, exact: true })
const store = () => page.getByRole('region', { name: 'Store' })
const snapshots = () => page.getByRole('region', { name: 'Snapshots' })
const dialog = () => page.getByRole('dialog')

const press = (name: string) => (button(name).element() as HTMLElement).click()

/** What a card says of what was done last. */
const said = (card: typeof store) => card().getByRole('status').last()

async function violations(): Promise<string[]> {
  // A colour on its way to another is neither; a cursor blinks for ever.
  const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
  await Promise.all(moving.map(({ finished }) => finished))
  const found = await axe.run(document, { rules: { 'html-has-lang': { enabled: false } } })
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('; ')}`)
}

describe('the store', () => {
  test('shows what uses its room against the budget, how long it keeps, and the head', async () => {
    client.store = { ...client.store, wbl: 2048 }
    await open()
    await expect.element(store()).toHaveTextContent('3.25 MiB of 10.0 GiB')
    await expect.element(page.getByRole('img', { name: '3.25 MiB of 10.0 GiB used' })).toBeVisible()
    for (const part of [
      'Blocks of level 1 805 KiB',
      'Blocks of level 2 402 KiB',
      'Write-ahead log 1.46 MiB',
      'Out-of-order log 2.00 KiB',
      'Head chunks 625 KiB',
    ])
      await expect.element(store()).toHaveTextContent(part)
    await expect.element(store()).toHaveTextContent('10.0 GiB, the default')
    await expect.element(store()).toHaveTextContent('15d, then blocks go')
    await expect.element(store()).toHaveTextContent('1,240 series · 2,411 chunks')
  })

  test('says when it is over its budget, keeps samples of any age, and is at work', async () => {
    client.store = { ...client.store, budget: 1_000_000, budgetIsOwn: true, retentionMs: null, busy: true }
    await open()
    await expect.element(store()).toHaveTextContent('More than the budget: the oldest blocks go')
    await expect.element(store()).toHaveTextContent('none: the budget alone decides')
    await expect.element(said(store)).toHaveTextContent('The store is at work on its blocks.')
  })

  test('whose figures cannot be had says so and leaves the rest alone', async () => {
    client.storage = () => Promise.reject(new Error('the disk is gone'))
    await open()
    await expect
      .element(page.getByRole('alert'))
      .toHaveTextContent('The store’s figures could not be had: the disk is gone')
    await expect.element(page.getByText('3 blocks · 1.18 MiB')).toBeVisible()
  })

  test('is compacted at a click, and says what came of it', async () => {
    const release = hold()
    client.rewritten = [block('01KAMJ6V0000000000000009QX', client.now - 30 * 3600_000, client.now)]
    await open()
    await userEvent.click(button('Compact now'))
    await expect.element(button('Compacting…')).toHaveFocus()
    // Playwright itself does not click what is aria-disabled.
    for (const name of ['Compacting…', 'Clean up deleted samples', 'Make a snapshot']) press(name)
    release()
    await expect.element(said(store)).toHaveTextContent('3 blocks became one.')
    await expect.element(page.getByText('1 block · 402 KiB')).toBeVisible()
    await expect.element(button('Compact now')).toHaveFocus()
    expect(client.deeds).toEqual([['compact']])
  })

  test('that cannot be compacted says why', async () => {
    client.refusal = new Error('the disk is full')
    await open()
    await userEvent.click(button('Compact now'))
    await expect
      .element(page.getByRole('alert'))
      .toHaveTextContent('The store could not be compacted. the disk is full')
    await expect.element(said(store)).toHaveTextContent(/^$/)
  })

  test('is cleaned up at a click, which goes on while another page is looked at', async () => {
    const release = hold()
    client.rewritten = client.stored.blocks.map(one =>
      one.level === 2 ? one : { ...one, ulid: `${one.ulid.slice(0, 25)}Z`, bytes: 206_000 },
    )
    await open()
    await userEvent.click(button('Clean up deleted samples'))
    await userEvent.click(page.getByRole('link', { name: 'Status' }))
    await userEvent.click(page.getByRole('link', { name: 'Blocks', exact: true }))
    await expect.element(button('Cleaning up…')).toBeVisible()
    release()
    await expect.element(said(store)).toHaveTextContent('2 blocks were rewritten: 402 KiB less.')
    expect(client.deeds).toEqual([['cleanTombstones']])
  })
})

describe('the budget', () => {
  const field = () => page.getByRole('textbox', { name: 'Budget' })

  async function type(text: string): Promise<void> {
    await userEvent.click(button('Change the budget'))
    await expect.element(field()).toHaveFocus()
    await userEvent.keyboard(`${text}{Enter}`)
  }

  test('is set in place, by keyboard, and the focus returns', async () => {
    await open()
    await type('20 GiB')
    await expect.element(said(store)).toHaveTextContent('The budget is 20.0 GiB now.')
    await expect.element(store()).toHaveTextContent('3.25 MiB of 20.0 GiB')
    await expect.element(button('Change the budget')).toHaveFocus()
    expect(client.deeds).toEqual([['setBudget', 20 * gib]])
  })

  test('that is no size is refused beside its field', async () => {
    await open()
    await type('plenty')
    await expect.element(store().getByRole('alert')).toHaveTextContent('Want a size such as 10 GiB')
    await expect.element(field()).toHaveFocus()
    await userEvent.keyboard('{Escape}')
    await expect.element(button('Change the budget')).toHaveFocus()
    expect(client.deeds).toEqual([])
  })

  test('that would cost blocks is asked about', async () => {
    await open()
    await type('1 MiB')
    await expect.element(dialog()).toHaveTextContent('Set the budget to 1.00 MiB? The store uses 3.25 MiB')
    await userEvent.click(dialog().getByRole('button', { name: 'Keep' }))
    expect(client.deeds).toEqual([])
    await userEvent.click(field())
    await userEvent.keyboard('{Enter}')
    await userEvent.click(dialog().getByRole('button', { name: 'Set' }))
    await expect.poll(() => client.deeds).toEqual([['setBudget', 1024 ** 2]])
    await expect.element(dialog()).not.toBeInTheDocument()
    await expect.element(button('Change the budget')).toHaveFocus()
  })

  test('is the default again when nothing stands there', async () => {
    client.store = { ...client.store, budget: 2 * gib, budgetIsOwn: true }
    await open()
    await userEvent.click(button('Change the budget'))
    await expect.element(field()).toHaveValue('2 GiB')
    await userEvent.clear(field())
    await userEvent.keyboard('{Enter}')
    await userEvent.click(dialog().getByRole('button', { name: 'Set' }))
    await expect.element(said(store)).toHaveTextContent('The budget is the default again.')
    expect(client.deeds).toEqual([['setBudget', null]])
  })

  test('that the engine refuses shows its words', async () => {
    client.refusal = new Error('the disk is full')
    await open()
    await type('20 GiB')
    await expect.element(store().getByRole('alert')).toHaveTextContent('the disk is full')
  })
})

describe('deleting samples', () => {
  const selector = () => dialog().getByRole('textbox', { name: 'Selector' })

  async function ask(text: string): Promise<void> {
    await userEvent.click(button('Delete samples…'))
    await expect.element(selector()).toHaveFocus()
    // Braces and brackets have a meaning for the keyboard of the test.
    if (text) await userEvent.keyboard(text.replace(/[[{](?!Enter})/g, '$&$&'))
  }

  test('is asked about with the series that it hits, and done by keyboard', async () => {
    await open()
    await ask('rate(http_requests_total[5m])')
    await userEvent.keyboard('{Enter}')
    await expect.element(dialog()).toHaveTextContent('Delete all samples of 12 series?')
    await expect.element(dialog()).toHaveTextContent('method="GET"')
    await expect.element(dialog()).toHaveTextContent('and 7 more')
    await expect.element(button('Back')).toHaveFocus()
    expect(client.deeds).toEqual([])
    await userEvent.keyboard('{Tab}{Enter}')
    await expect.element(said(store)).toHaveTextContent('The samples of 12 series are deleted.')
    await expect.element(dialog()).not.toBeInTheDocument()
    await expect.element(button('Delete samples…')).toHaveFocus()
    expect(client.deeds).toEqual([['deleteSeries', { match: ['rate(http_requests_total[5m])'], ...always }]])
  })

  test('takes several selectors and a time', async () => {
    await open()
    await ask('up')
    await userEvent.click(button('Another selector'))
    await expect.element(selector().last()).toHaveFocus()
    await userEvent.keyboard('gaps')
    await userEvent.click(button('Another selector'))
    await userEvent.click(button('Remove this selector').last())
    await userEvent.fill(dialog().getByLabelText('From'), '2026-11-22 12:00:00')
    await userEvent.fill(dialog().getByLabelText('To', { exact: true }), '2026-11-22 12:30:00')
    await userEvent.click(button('See what matches'))
    const question = 'Delete the samples of 5 series from 2026-11-22 12:00:00 to 2026-11-22 12:30:00?'
    await expect.element(dialog()).toHaveTextContent(question)
    await userEvent.click(dialog().getByRole('button', { name: 'Delete' }))
    const minT = new Date(2026, 10, 22, 12).getTime()
    await expect
      .poll(() => client.deeds)
      .toEqual([['deleteSeries', { match: ['up', 'gaps'], minT, maxT: minT + 1800_999 }]])
  })

  test('shows at its field what is wrong with a selector or a time', async () => {
    await open()
    await ask('')
    await userEvent.click(button('See what matches'))
    await expect.element(dialog().getByRole('alert')).toHaveTextContent('Want a selector, such as')
    await expect.element(selector()).toHaveFocus()
    await userEvent.keyboard('rate(((')
    await userEvent.click(button('See what matches'))
    await expect
      .element(dialog().getByRole('alert'))
      .toHaveTextContent('1:8: parse error: unclosed left parenthesis')
    await expect.poll(() => target.querySelector('.cm-lintRange-error')?.textContent).toBe('(')
    await userEvent.fill(dialog().getByLabelText('To', { exact: true }), 'noon')
    await userEvent.click(button('See what matches'))
    await expect.element(dialog().getByText('Want a time such as')).toBeVisible()
    expect(client.deeds).toEqual([])
  })

  test('of nothing offers no deletion, and what was written is still there on the way back', async () => {
    await open()
    await ask('nothing{Enter}')
    await expect.element(dialog()).toHaveTextContent('No series matches in that time')
    expect(dialog().getByRole('button', { name: 'Delete' }).elements()).toEqual([])
    await userEvent.keyboard('{Enter}')
    await expect.element(selector()).toHaveFocus()
    await expect.element(selector()).toHaveTextContent('nothing')
    await userEvent.keyboard('{Escape}')
    await expect.element(dialog()).not.toBeInTheDocument()
  })

  test('that fails says so where it was asked', async () => {
    await open()
    await ask('up{Enter}')
    client.refusal = new Error('the disk is full')
    await userEvent.click(dialog().getByRole('button', { name: 'Delete' }))
    await expect.element(dialog().getByRole('alert')).toHaveTextContent('the disk is full')
    client.refusal = null
    await userEvent.click(dialog().getByRole('button', { name: 'Delete' }))
    await expect.element(said(store)).toHaveTextContent('The samples of 3 series are deleted.')
  })

  test('completes metrics as the query page does, and Escape closes the list alone', async () => {
    await open()
    await ask('htt')
    await expect.element(page.getByRole('option', { name: 'http_requests_total' })).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await expect.element(page.getByRole('option', { name: 'http_requests_total' })).not.toBeInTheDocument()
    await expect.element(selector()).toBeVisible()
  })
})

describe('a snapshot', () => {
  test('is made with the head or without, and listed', async () => {
    await open()
    await expect.element(snapshots()).toHaveTextContent('No snapshots.')
    await userEvent.click(button('Make a snapshot'))
    await expect
      .element(said(snapshots))
      .toHaveTextContent('20261124T101500Z-4f2a61c09b7d8e35 was made: 4 blocks, 1.56 MiB.')
    await userEvent.click(page.getByLabelText('With the head'))
    await userEvent.click(button('Make a snapshot'))
    const list = page.getByRole('list', { name: 'List of snapshots' })
    await expect.poll(() => list.getByRole('listitem').elements().length).toBe(2)
    expect(client.deeds).toEqual([
      ['snapshot', { skipHead: false }],
      ['snapshot', { skipHead: true }],
    ])
  })

  test('that fails says why', async () => {
    client.refusal = new Error('the disk is full')
    await open()
    await userEvent.click(button('Make a snapshot'))
    await expect
      .element(snapshots().getByRole('alert'))
      .toHaveTextContent('No snapshot was made. the disk is full')
  })

  test('is deleted only after asking', async () => {
    const name = '20261124T101500Z-4f2a61c09b7d8e35'
    client.store = { ...client.store, snapshots: [{ name, blocks: 1, bytes: 2048 }] }
    await open()
    await userEvent.click(button(`Delete ${name}`))
    await expect.element(dialog()).toHaveTextContent(`Delete the snapshot ${name} (1 block, 2.00 KiB)?`)
    await userEvent.click(button('Keep'))
    await expect.element(button(`Delete ${name}`)).toHaveFocus()
    await userEvent.click(button(`Delete ${name}`))
    await userEvent.click(dialog().getByRole('button', { name: 'Delete' }))
    await expect.element(snapshots()).toHaveTextContent('No snapshots.')
    expect(client.deeds).toEqual([['deleteSnapshot', name]])
  })
})

describe.each(['light', 'dark'] as const)('axe finds nothing wrong in %s', theme => {
  beforeEach(() => localStorage.setItem('brazier-theme', theme))

  test('with the page when it is full', async () => {
    const name = '20261124T101500Z-4f2a61c09b7d8e35'
    client.store = {
      ...{ ...client.store, budget: 1_000_000, budgetIsOwn: true, wbl: 2048, busy: true },
      snapshots: [{ name, blocks: 1, bytes: 2048 }],
    }
    await open()
    await userEvent.click(page.getByLabelText('Samples as text'))
    await userEvent.click(button('Change the budget'))
    await userEvent.keyboard('{Control>}a{/Control}much{Enter}')
    await expect.element(store().getByRole('alert')).toBeVisible()
    expect(await violations()).toEqual([])
  })

  test('with the deletion, its errors and its question', async () => {
    await open()
    await userEvent.click(button('Delete samples…'))
    await userEvent.click(button('See what matches'))
    await expect.element(dialog().getByRole('alert')).toBeVisible()
    expect(await violations()).toEqual([])
    await userEvent.click(dialog().getByRole('textbox', { name: 'Selector' }))
    await userEvent.keyboard('thousand{Enter}')
    await expect.element(dialog()).toHaveTextContent('and 995 more')
    expect(await violations()).toEqual([])
  })
})
