import type { Disk } from '../../../src/engine/disk/disk.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import type { Labels } from '../../../src/engine/model/labels.ts'
import { openDb, type Db, type DbOptions } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'
import { series } from './reading.ts'

export { always, everything, sampleText, series } from './reading.ts'

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
