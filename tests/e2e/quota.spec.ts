import { expect, test, type CDPSession, type Page } from '@playwright/test'
import { made, type Made } from '../engine/tsdb/block/blockdisk.ts'
import { archiveOf, ulids } from '../engine/tsdb/transfer/blocks.ts'
import { startTarget } from './servers.ts'
import { lost, probe, startWitness, stored } from './witness.ts'

// The quota of the page's origin is used up: it is told, what was acknowledged stays, and when there is room again all goes
// on as if nothing had been. How it is while blocks are made is in tests/engine/tsdb/quota.browser.test.ts.

// What the page caches for days without a network would count, too, whenever it comes.
test.use({ serviceWorkers: 'block' })

const mb = 1_000_000

/** The quota of the page's origin; none is what the browser gives. */
class Quota {
  private readonly cdp: CDPSession
  private readonly origin: string

  private constructor(cdp: CDPSession, origin: string) {
    this.cdp = cdp
    this.origin = origin
  }

  static async of(page: Page, url: string | undefined): Promise<Quota> {
    if (url === undefined) throw new Error('the project has no baseURL')
    return new Quota(await page.context().newCDPSession(page), new URL(url).origin)
  }

  async leave(bytes: number): Promise<void> {
    const { usage } = await this.cdp.send('Storage.getUsageAndQuota', { origin: this.origin })
    await this.cdp.send('Storage.overrideQuotaForOrigin', { origin: this.origin, quotaSize: usage + bytes })
  }

  async lift(): Promise<void> {
    await this.cdp.send('Storage.overrideQuotaForOrigin', { origin: this.origin })
  }
}

test('a full quota pauses what is appended until there is room, and loses nothing', async ({
  page,
  baseURL,
}) => {
  const target = await startTarget('')
  const filler = await startTarget('')
  let n = 0
  target.answer(() => ({ body: `moving ${Math.sin(n++)}\n` }))
  // Half a megabyte a scrape in the log, and for the first one two more.
  filler.answer(() => ({
    body: Array.from({ length: 30_000 }, (_, i) => `filler{i="${i}"} ${Math.random()}\n`).join(''),
  }))
  const witness = await startWitness()
  const quota = await Quota.of(page, baseURL)
  // Before anything is written: the browser looks only now and then how much room there is.
  await quota.leave(8 * mb)
  try {
    const since = Date.now()
    await page.goto('./#/targets')
    await page.waitForFunction(() => globalThis.brazier !== undefined)
    await (await probe('shared', page.context().browser()!, page)).report(witness)
    await scrape(page, 'survivor', target.metrics)
    await scrape(page, 'filler', filler.metrics)
    const notice = page.getByRole('alert').filter({ hasText: 'The disk is full' })
    await expect(notice).toBeVisible()
    await expect(notice).toContainText('no space left to write wal/')
    expect(witness.told.size).toBeGreaterThan(0)
    expect(lost(new Map(witness.told), await stored(page, since))).toEqual([])

    await quota.lift()
    await expect(notice).toBeHidden()
    const before = witness.told.size
    await expect.poll(() => witness.told.size).toBeGreaterThan(before + 10)
    expect(lost(new Map(witness.told), await stored(page, since))).toEqual([])
    await page.reload()
    await page.waitForFunction(() => globalThis.brazier !== undefined)
    expect(lost(new Map(witness.told), await stored(page, since))).toEqual([])
    await expect(page.getByRole('alert')).toHaveCount(0)
  } finally {
    await Promise.all([target, filler, witness].map(server => server.stop()))
  }
})

test('an import beyond the quota leaves nothing, and succeeds once there is room', async ({
  page,
  baseURL,
}) => {
  const quota = await Quota.of(page, baseURL)
  const archive = await largeArchive()
  await page.goto('./#/blocks')
  await page.waitForFunction(() => globalThis.brazier !== undefined)
  await quota.leave(2 * mb)
  await drop(page, archive)
  await expect(page.getByText('large.tar was not imported.')).toBeVisible()
  await expect(page.getByText('no space left to write', { exact: false })).toBeVisible()
  await expect.poll(() => finishedFiles(page)).toEqual([])
  expect(await samplesOf(page)).toBe(0)

  await quota.lift()
  await drop(page, archive)
  await expect(page.getByText('1 block imported')).toBeVisible()
  expect(await samplesOf(page)).toBe(largeSamples)
})

async function scrape(page: Page, job: string, url: string): Promise<void> {
  await page.evaluate(target => globalThis.brazier?.client.addTarget(target), { url, job, intervalMs: 500 })
}

const [largeSeries, samplesEach] = [60, 12_000]
const largeSamples = largeSeries * samplesEach

/** Of a block whose samples cannot be compressed: 6 MB. */
async function largeArchive(): Promise<string> {
  const series = Array.from({ length: largeSeries }, (_, i): Made => {
    const samples = Array.from({ length: samplesEach }, (_, k) => [k * 1000, Math.random()] as const)
    return ['large', { i: String(i) }, samples]
  })
  const { files } = await made(series, { ulid: ulids[0], minT: 0, maxT: samplesEach * 1000 })
  const entries = [...files].map(([path, bytes]) => [`${ulids[0]}/${path}`, bytes] as const)
  const source = await archiveOf(Object.fromEntries(entries))
  if (source.kind !== 'archive') throw new Error('want an archive')
  return Buffer.from(await source.bytes.arrayBuffer()).toString('base64')
}

async function drop(page: Page, archive: string): Promise<void> {
  const transfer = await page.evaluateHandle(text => {
    const dropped = new DataTransfer()
    dropped.items.add(new File([Uint8Array.from(atob(text), char => char.charCodeAt(0))], 'large.tar'))
    return dropped
  }, archive)
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer })
}

function samplesOf(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const query = { expr: 'sum(count_over_time(large[4h]))', time: 12_000_000 }
    const answer = await globalThis.brazier?.client.query(query)
    return answer?.kind === 'vector' ? (answer.values[0] ?? 0) : NaN
  })
}

/** Every file in the origin private file system. */
function finishedFiles(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const found: string[] = []
    for await (const [name, folder] of (await navigator.storage.getDirectory()).entries()) {
      if (folder.kind !== 'directory') found.push(name)
      else for await (const file of folder.keys()) found.push(`${name}/${file}`)
    }
    return found
  })
}
