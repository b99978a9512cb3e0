import { expect, test, type Page } from '@playwright/test'
import { tarEntry } from '../engine/archive/forge.ts'
import { blockFiles, ulids } from '../engine/tsdb/transfer/blocks.ts'
import { Chromium, WorkerProbe } from './browser.ts'

// Imports that come to no end: of each nothing is left, and what was there before stays as it was.

const [small, endless] = ulids
const mib = 2 ** 20
/** More than any machine reads before a test has done what it means to do. */
const endlessBytes = 4096 * mib

test('a cancelled import leaves nothing, and the next one begins at once', async ({ page }) => {
  await page.goto('./#/blocks')
  await drop(page, 'endless.tar', await endlessArchive())
  await untilWritten(page)
  await page.getByRole('button', { name: 'Cancel endless.tar' }).click()
  await expect(page.getByText('The import of endless.tar was cancelled.')).toBeVisible()
  await drop(page, 'small.tar', await smallArchive())
  await expect(page.getByText('1 block imported')).toBeVisible()
  expect(await ulidsOf(page)).toEqual([small])
  expect((await stored(page)).length).toBe((await smallFiles()).length)
})

test('an import ends with the tab that asked for it', async ({ page, context }) => {
  await page.goto('./#/blocks')
  const other = await context.newPage()
  await other.goto('./#/blocks')
  await drop(page, 'endless.tar', await endlessArchive())
  await untilWritten(page)
  await expect(other.getByText('Importing endless.tar', { exact: true })).toBeVisible()
  await page.close()
  await expect(other.getByText('Importing endless.tar', { exact: true })).toBeHidden()
  await expect.poll(() => stored(other)).toEqual([])
})

test('a worker that dies in an import leaves what was there, and nothing else', async ({ baseURL }) => {
  const chromium = await Chromium.start()
  try {
    const { page, before } = await importing(chromium, at(baseURL))
    const probe = await WorkerProbe.attach(chromium.browser, at(baseURL))
    await probe.end()
    await expect(page.getByText('endless.tar was not imported.')).toBeVisible()
    await expectUnchanged(page, before)
  } finally {
    await chromium.stop()
  }
})

test('a browser that is killed in an import leaves what was there, and nothing else', async ({ baseURL }) => {
  const chromium = await Chromium.start()
  try {
    const { before } = await importing(chromium, at(baseURL))
    await chromium.kill()
    await chromium.restart()
    const page = await chromium.newPage()
    await page.goto(`${at(baseURL)}#/blocks`)
    await expectUnchanged(page, before)
  } finally {
    await chromium.stop()
  }
})

function at(baseURL: string | undefined): string {
  if (baseURL === undefined) throw new Error('the project has no baseURL')
  return baseURL
}

/** A page whose store has one block, in the middle of an import. */
async function importing(chromium: Chromium, url: string): Promise<{ page: Page; before: string[] }> {
  const page = await chromium.newPage()
  await page.goto(`${url}#/blocks`)
  await drop(page, 'small.tar', await smallArchive())
  await expect(page.getByText('1 block imported')).toBeVisible()
  const before = await stored(page)
  await drop(page, 'endless.tar', await endlessArchive())
  await untilWritten(page)
  return { page, before }
}

async function expectUnchanged(page: Page, before: readonly string[]): Promise<void> {
  await expect(page.getByRole('article')).toHaveCount(1)
  expect(await ulidsOf(page)).toEqual([small])
  await expect.poll(() => stored(page)).toEqual(before)
  const values = await page.evaluate(async () => {
    const answer = await globalThis.brazier?.client.query({ expr: 'count(up)', time: 10_000 })
    return answer?.kind === 'vector' ? [...answer.values] : null
  })
  expect(values).toEqual([3])
}

/** Bytes of an archive's beginning, and how many zeros follow. */
interface Archive {
  readonly head: Buffer
  readonly zeros: number
}

async function smallFiles(): Promise<[string, Uint8Array][]> {
  return Object.entries(await blockFiles(small))
}

async function smallArchive(): Promise<Archive> {
  const entries = (await smallFiles()).flatMap(([name, body]) => tarEntry({ name, body }))
  return { head: Buffer.concat(entries), zeros: 1024 }
}

async function endlessArchive(): Promise<Archive> {
  const meta = `${endless}/meta.json`
  const body = (await blockFiles(endless))[meta]
  if (!body) throw new Error(`want ${meta} among the files of a block`)
  const chunks = tarEntry({ name: `${endless}/chunks/000001`, size: endlessBytes })
  return { head: Buffer.concat([...tarEntry({ name: meta, body }), ...chunks]), zeros: endlessBytes + 1024 }
}

/** Drops it on the page. The zeros take no memory: all are the same ones. */
async function drop(page: Page, name: string, { head, zeros }: Archive): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([name, text, zeros]) => {
      const head = Uint8Array.from(atob(text), char => char.charCodeAt(0))
      const some = new Blob([new Uint8Array(2 ** 20)])
      const full = Array.from({ length: Math.floor(zeros / some.size) }, () => some)
      const dropped = new DataTransfer()
      dropped.items.add(new File([head, ...full, some.slice(0, zeros % some.size)], name))
      return dropped
    },
    [name, head.toString('base64'), zeros] as const,
  )
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer })
}

/** Waits until the engine has written a part of what it reads. */
async function untilWritten(page: Page): Promise<void> {
  const read = () =>
    page.evaluate(async () => (await globalThis.brazier?.client.blocks())?.jobs[0]?.done ?? 0)
  await expect.poll(read).toBeGreaterThan(16 * mib)
}

function ulidsOf(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { blocks = [] } = (await globalThis.brazier?.client.blocks()) ?? {}
    return blocks.map(({ ulid }) => ulid)
  })
}

/** Every file in the origin private file system, with its size. */
function stored(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const found: string[] = []
    const open = [await navigator.storage.getDirectory()]
    for (let folder = open.pop(); folder; folder = open.pop()) {
      for await (const [name, handle] of folder.entries()) {
        if (handle.kind === 'directory') open.push(handle)
        else found.push(`${name}: ${(await handle.getFile()).size} bytes`)
      }
    }
    return found.sort()
  })
}
