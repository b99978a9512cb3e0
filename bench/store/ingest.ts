import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { TextCursor } from '../../src/engine/exposition/text.ts'
import { Registry } from '../../src/engine/metrics/registry.ts'
import type { Host } from '../../src/engine/model/host.ts'
import { SeriesCache } from '../../src/engine/scrape/cache.ts'
import { Ingestion, ScrapeCounts } from '../../src/engine/scrape/ingest.ts'
import { scrapeMetrics, type ScrapeMetrics } from '../../src/engine/scrape/metrics.ts'
import type { Labels } from '../../src/engine/model/labels.ts'
import { openDb, type Db } from '../../src/engine/tsdb/db.ts'
import { Checksum } from '../frame/checksum.ts'
import { Workload } from '../frame/workload.ts'
import { checksumOf } from './everything.ts'
import { intervalMs, startT } from './shapes.ts'

export interface IngestOptions {
  readonly targets: number
  readonly shards: number
  /** Scrapes of each target; the first one is counted apart. */
  readonly rounds: number
}

/** Bodies in memory into head and log, on a disk in memory, as a scrape does it. */
export async function ingest(host: Host, { targets, shards, rounds }: IngestOptions) {
  const metrics = new Registry()
  const disk = new MemoryDisk()
  const db = await openDb(disk, host, metrics)
  const workload = new Workload({ targets, shards, startT, intervalMs })
  const counts = scrapeMetrics(metrics)
  const scrapers = Array.from(
    { length: targets },
    (_, target) => new Scraper(db, counts, workload.targetLabels(target)),
  )
  const keys = workload.keys()
  const expected = new Checksum()
  const seconds: number[] = []
  let bodyBytes = 0
  for (let round = 0; round < rounds; round++) {
    workload.step()
    workload.addTo(expected, keys)
    const bodies = scrapers.map((_, target) => workload.body(target))
    bodyBytes += bodies.reduce((sum, body) => sum + body.length, 0)
    const start = performance.now()
    for (const [target, scraper] of scrapers.entries()) {
      await scraper.scrape(bodies[target] as Uint8Array, workload.t(target))
    }
    seconds.push((performance.now() - start) / 1000)
  }
  const logBytes = db.stats().wal.bytes
  const found = await checksumOf(db.querier(), {
    minT: startT,
    maxT: startT + rounds * intervalMs + intervalMs,
  })
  await db.close()
  const [firstSeconds = NaN, ...steady] = seconds
  const perRound = targets * workload.seriesPerTarget
  return {
    firstSeconds,
    steadySeconds: steady.reduce((sum, one) => sum + one, 0),
    steadySamples: perRound * steady.length,
    perRound,
    bytesPerLine: bodyBytes / (perRound * rounds),
    logBytesPerSample: logBytes / (perRound * rounds),
    expected: expected.toString(),
    found,
  }
}

/** The part of a scrape loop between body and store. */
export class Scraper {
  readonly cache: SeriesCache
  private readonly db: Db
  private readonly ingestion: Ingestion

  constructor(db: Db, counts: ScrapeMetrics, labels: Labels) {
    this.db = db
    this.cache = new SeriesCache(1)
    const [instance = '', job = ''] = [labels[1], labels[3]]
    const target = {
      ...{ id: instance, job, url: `http://${instance}/metrics`, labels, hash: 0 },
      ...{ intervalMs, timeoutMs: 10_000, honorLabels: false, honorTimestamps: true, proxied: false },
    }
    this.ingestion = new Ingestion(target, this.cache, counts)
  }

  async scrape(body: Uint8Array, t: number): Promise<void> {
    const appender = this.db.appender()
    this.ingestion.run(new TextCursor(body, this.cache), appender, t, new ScrapeCounts())
    for (const ref of this.cache.takeStale()) appender.appendStale(ref, t)
    await appender.commit()
    this.cache.confirm()
    this.cache.end(true)
  }
}
