import type { Disk } from '../../../src/engine/disk/disk.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { formatLabels, labelsFrom, metricName, type Labels } from '../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../src/engine/model/matcher.ts'
import type { Querier, TimeRange } from '../../../src/engine/model/store.ts'
import { openDb, type Db, type DbOptions } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'

export const always: TimeRange = { minT: -Infinity, maxT: Infinity }

export interface OpenedStore {
  readonly db: Db
  readonly host: FakeHost
  /** Value of one of the store's own metrics, its children summed. */
  metric(name: string): number
}

export async function openStore(
  disk: Disk,
  options: DbOptions = {},
  host = new FakeHost(),
): Promise<OpenedStore> {
  const metrics = new Registry()
  const db = await openDb(disk, host, metrics, options)
  const metric = (name: string) => {
    const lines = metrics.text().split('\n')
    const values = lines.filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    if (values.length === 0) throw new Error(`no metric ${name}`)
    return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }
  return { db, host, metric }
}

export function series(name: string, pairs: Record<string, string> = {}): Labels {
  return labelsFrom([[metricName, name], ...Object.entries(pairs)])
}

/** A sample as "t:value", `stale` for a marker. Distinguishes -0 and 0. */
export function sampleText(t: number, v: number, stale: boolean): string {
  return `${t}:${stale ? 'stale' : Object.is(v, -0) ? '-0' : String(v)}`
}

/** Every series that matches with its samples: `{ 'up{job="a"}': '1000:1 2000:stale' }`, in the querier's order.
 *  The querier is closed. */
export async function everything(
  querier: Querier,
  matchers: readonly Matcher[] = [],
  range: TimeRange = always,
): Promise<Record<string, string>> {
  try {
    return await read(querier, matchers, range)
  } finally {
    querier.close?.()
  }
}

async function read(
  querier: Querier,
  matchers: readonly Matcher[],
  range: TimeRange,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const batch of querier.select(matchers, range)) {
    for (let i = 0; i < batch.count; i++) {
      const { count, t, v, stale } = batch.columns(i)
      const texts = Array.from({ length: count }, (_, k) => sampleText(t[k]!, v[k]!, stale?.[k] === 1))
      found[formatLabels(batch.labels(i))] = texts.join(' ')
    }
  }
  return found
}

/** Commits samples of one series: `put(db, 'up', [1000, 1], [2000, 'stale'])`. */
export async function put(
  db: Db,
  labels: Labels | string,
  ...samples: readonly (readonly [number, number | 'stale'])[]
): Promise<void> {
  const appender = db.appender()
  const ref = appender.series(typeof labels === 'string' ? series(labels) : labels)
  for (const [t, v] of samples) {
    if (v === 'stale') appender.appendStale(ref, t)
    else appender.append(ref, t, v)
  }
  await appender.commit()
}
