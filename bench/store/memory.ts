import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { Registry } from '../../src/engine/metrics/registry.ts'
import type { Host } from '../../src/engine/model/host.ts'
import { labelsFrom, type Labels } from '../../src/engine/model/labels.ts'
import type { SeriesRef } from '../../src/engine/model/store.ts'
import { scrapeMetrics } from '../../src/engine/scrape/metrics.ts'
import { openDb, type Db } from '../../src/engine/tsdb/db.ts'
import { Scraper } from './ingest.ts'
import { intervalMs, startT } from './shapes.ts'

const seriesPerTarget = 1000

export interface OccupyOptions {
  /** Of 1,000 series each. */
  readonly targets: number
  /** Samples of each series; fewer than fill a chunk. */
  readonly rounds: number
  /** Whether the series come by scrapes, and what these remember is kept, too. */
  readonly withCaches: boolean
}

/** What is in memory until it is let go. */
export interface Occupied {
  readonly parts: readonly object[]
  release(): Promise<void>
}

/** A store with series of ten labels and one open chunk each. */
export async function occupy(host: Host, options: OccupyOptions): Promise<Occupied> {
  const metrics = new Registry()
  const db = await openDb(new ForgetfulDisk(), host, metrics)
  const counts = scrapeMetrics(metrics)
  const { targets, withCaches } = options
  const parts: object[] = [db]
  for (let target = 0; target < targets; target++) {
    if (withCaches)
      parts.push(await scrapeTarget(new Scraper(db, counts, targetLabels(target)), target, options))
    else await appendTarget(db, target, options)
  }
  // Its timers would keep it.
  return { parts, release: () => db.close() }
}

async function scrapeTarget(scraper: Scraper, target: number, { rounds }: OccupyOptions): Promise<Scraper> {
  const utf8 = new TextEncoder()
  const values = new Values(target)
  for (let round = 0; round < rounds; round++) {
    values.step()
    const lines = Array.from({ length: seriesPerTarget }, (_, i) => {
      const [[, name], ...labels] = exposed(target, i)
      return `${name}{${labels.map(([label, value]) => `${label}="${value}"`).join(',')}} ${values.at(i)}\n`
    })
    await scraper.scrape(utf8.encode(lines.join('')), startT + round * intervalMs)
  }
  return scraper
}

async function appendTarget(db: Db, target: number, { rounds }: OccupyOptions): Promise<void> {
  const own = targetLabels(target)
  let refs: SeriesRef[] | null = null
  const values = new Values(target)
  for (let round = 0; round < rounds; round++) {
    values.step()
    const appender = db.appender()
    refs ??= Array.from({ length: seriesPerTarget }, (_, i) =>
      appender.series(
        labelsFrom([...exposed(target, i), ['instance', own[1] as string], ['job', own[3] as string]]),
      ),
    )
    for (const [i, ref] of refs.entries()) appender.append(ref, startT + round * intervalMs, values.at(i))
    await appender.commit()
  }
}

function targetLabels(target: number): Labels {
  return labelsFrom([
    ['instance', `10.1.${target >> 8}.${target & 255}:8080`],
    ['job', `service-${target % 10}`],
  ])
}

type Pairs = [[string, string], ...[string, string][]]

/** Eight of the ten labels; the target's own come to them. A thousand series: 50 metrics of 10 pods in 2 zones. */
function exposed(target: number, i: number): Pairs {
  const pod = Math.floor(i / 50) % 10
  const service = ['checkout', 'catalog', 'search', 'basket', 'login'][target % 5] as string
  return [
    [
      '__name__',
      `service_${['requests', 'errors', 'bytes', 'sessions', 'retries'][i % 5] as string}_${i % 50}_total`,
    ],
    ['cluster', 'production-eu-1'],
    ['namespace', `shop-${target % 7}`],
    ['pod', `${service}-${hex(target * 10 + pod)}-${hex(target * 77 + pod * 13).slice(0, 5)}`],
    ['container', 'app'],
    ['node', `worker-${(target * 10 + pod) % 40}`],
    ['service', service],
    ['zone', i < 500 ? 'eu-1a' : 'eu-1b'],
  ]
}

function hex(n: number): string {
  return (Math.imul(n + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
}

/** Counters that grow by a few, or by many, or not at all. */
class Values {
  private readonly values = new Float64Array(seriesPerTarget)
  private state: number

  constructor(seed: number) {
    this.state = seed
  }

  step(): void {
    for (let i = 0; i < seriesPerTarget; i++) {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0
      const r = (this.state >>> 0) / 2 ** 32
      this.values[i] = (this.values[i] as number) + Math.floor(r * r * ([0, 3, 40, 1e6, 5][i % 5] as number))
    }
  }

  at(i: number): number {
    return this.values[i] as number
  }
}

/** Keeps no byte of the log, which is not what is measured. */
class ForgetfulDisk extends MemoryDisk {
  override async append(): Promise<void> {
    // Nothing is kept.
  }
}
