import { expect, test, type Page } from '@playwright/test'
import { Chromium, WorkerProbe } from '../e2e/browser.ts'
import { FairClock } from '../e2e/pace.ts'
import { startTarget, type Target } from '../e2e/servers.ts'
import { archiveOf, blockFiles, ulids } from '../engine/tsdb/transfer/blocks.ts'
import { lost, probe, startWitness, stored, type Mode, type Witness } from '../e2e/witness.ts'

const intervalMs = 500

/** How often each death is died, by an engine that the one before has left its store to. */
const rounds = 2

/** Ends the engine in one way, and gives back a page that is open on the same store. */
type Death = (scene: Scene) => Promise<Page>

interface Scene {
  readonly browser: Chromium
  readonly page: Page
  readonly mode: Mode
  readonly url: string
}

const deaths: Record<string, Death> = {
  'the worker ends': async ({ browser, page, mode }) => {
    await (await probe(mode, browser.browser, page)).end()
    return page
  },
  'the tab that made it crashes': async ({ browser, page, url }) => {
    const other = await opened(browser, url)
    const gone = new Promise(resolve => page.once('crash', resolve))
    const cdp = await page.context().newCDPSession(page)
    // The session dies with the page, and no answer comes.
    void cdp.send('Page.crash').catch(() => undefined)
    await gone
    return other
  },
  'Chromium is killed': async ({ browser, url }) => {
    await browser.kill()
    await browser.restart()
    return opened(browser, url)
  },
}

for (const mode of ['shared', 'dedicated'] as const) {
  test.describe(`with the engine in a ${mode} worker`, () => {
    for (const [name, die] of Object.entries(deaths)) {
      test(`nothing acknowledged is lost when ${name}, and scraping goes on`, async ({ baseURL }) => {
        const url = `${baseURL}${mode === 'dedicated' ? '?host=dedicated' : ''}#/targets`
        const target = await movingTarget()
        const witness = await startWitness()
        const browser = await Chromium.start()
        try {
          const since = Date.now()
          let page = await opened(browser, url)
          const start = new FairClock()
          await addTarget(page, target)
          await start.until('the first scrape', 120_000, () => target.scrapes() > 0)
          start.stop()
          // A second, where an empty store takes half of one: no machine starts an engine again faster than that.
          const limitMs = Math.max(1000, 2 * start.ms)
          const pauses = [`at first: ${start.told}`]
          for (let round = 0; round < rounds; round++) {
            await (await probe(mode, browser.browser, page)).report(witness)
            await hear(witness, 40)
            page = await die({ browser, page, mode, url })
            const clock = new FairClock()
            const before = target.scrapes()
            await clock.until('the next scrape', limitMs, () => target.scrapes() > before)
            clock.stop()
            pauses.push(clock.told)
            expect(lost(new Map(witness.told), await stored(page, since))).toEqual([])
          }
          test.info().annotations.push({ type: 'until the next scrape', description: pauses.join('; ') })
        } finally {
          await browser.stop()
          await Promise.all([target.stop(), witness.stop()])
        }
      })
    }
  })
}

test('nothing acknowledged is lost when Chromium is killed twenty times while it scrapes', async ({
  baseURL,
}) => {
  const url = `${baseURL}#/targets`
  const targets = await Promise.all([movingTarget(), movingTarget(), movingTarget(), movingTarget()])
  const witness = await startWitness()
  const browser = await Chromium.start()
  try {
    const since = Date.now()
    let page = await opened(browser, url)
    await importBlock(page)
    for (const target of targets) await addTarget(page, target, 200)
    const told: number[] = []
    for (let round = 1; round <= 20; round++) {
      await (await probe('shared', browser.browser, page)).report(witness)
      await hear(witness, 100)
      await page.waitForTimeout(Math.random() * 1500)
      await browser.kill()
      await browser.restart()
      page = await opened(browser, url)
      const missing = lost(new Map(witness.told), await stored(page, since))
      expect({ round, lost: missing.length, some: missing.slice(0, 5) }).toEqual({ round, lost: 0, some: [] })
      expect(await stateOf(browser, page)).toEqual({ notices: [], broken: [], verified: 1 })
      told.push(witness.told.size)
    }
    test.info().annotations.push({ type: 'samples told until each death', description: told.join(' ') })
  } finally {
    await browser.stop()
    await Promise.all([...targets, witness].map(server => server.stop()))
  }
})

async function importBlock(page: Page): Promise<void> {
  const source = await archiveOf(await blockFiles(ulids[0]))
  if (source.kind !== 'archive') throw new Error('want an archive')
  const text = Buffer.from(await source.bytes.arrayBuffer()).toString('base64')
  await page.evaluate(async archive => {
    const bytes = new Blob([Uint8Array.from(atob(archive), char => char.charCodeAt(0))])
    await globalThis.brazier?.client.importBlocks({ kind: 'archive', name: 'block.zip', bytes })
  }, text)
}

/** What the store says of itself, and how many blocks it has, each of them read whole. */
async function stateOf(browser: Chromium, page: Page) {
  const said = await page.evaluate(async () => {
    const client = globalThis.brazier?.client
    return { notices: (await client?.status())?.notices, broken: (await client?.blocks())?.broken }
  })
  const worker = await WorkerProbe.attach(browser.browser, new URL('engine.js', page.url()).href)
  const verified = await worker.evaluate<number>(`(async () => {
    const { blocks, release } = (await globalThis.brazier.engine).db.blocks.holdAll()
    for (const block of blocks) await block.verify()
    release()
    return blocks.length
  })()`)
  await worker.detach()
  return { ...said, verified }
}

/** Values of every kind that bits can tell apart, new ones at each scrape. */
async function movingTarget(): Promise<Target> {
  const target = await startTarget('')
  let n = 0
  target.answer(() => {
    n++
    const lines = Array.from({ length: 20 }, (_, i) => `moving{i="${i}"} ${Math.sin(n * (i + 1)) * 1e6}`)
    return {
      body: `${lines.join('\n')}\nspecial{v="nan"} NaN\nspecial{v="inf"} -Inf\nspecial{v="zero"} -0\n`,
    }
  })
  return target
}

async function opened(browser: Chromium, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  await page.waitForFunction(() => globalThis.brazier !== undefined)
  return page
}

async function addTarget(page: Page, { metrics }: Target, everyMs = intervalMs): Promise<void> {
  await page.evaluate(
    ([url, interval]) => globalThis.brazier?.client.addTarget({ url, job: 'survivor', intervalMs: interval }),
    [metrics, everyMs] as const,
  )
}

/** Waits until the witness has heard of `more` samples. */
async function hear({ told }: Witness, more: number): Promise<void> {
  const before = told.size
  await expect.poll(() => told.size).toBeGreaterThan(before + more)
}
