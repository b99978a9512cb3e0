import { MemoryDisk } from '../engine/disk/memory.ts'
import { Registry } from '../engine/metrics/registry.ts'
import type { Host } from '../engine/model/host.ts'
import { formatLabels } from '../engine/model/labels.ts'
import type { AppendResult } from '../engine/model/store.ts'
import { openDb, type Db } from '../engine/tsdb/db.ts'
import { blockOf } from './blockof.ts'
import type { StoredSeries } from './load.ts'
import type { Store, View } from './store.ts'

/** Scripts load one series after the other, each from the beginning: nothing of a day must be too old (upstream's
 *  `teststorage.New`). */
const chunkRangeMs = 24 * 3600_000

/** Keeps samples as the engine does: through the log into the head, and the head's samples once more in a block. */
export class TsdbStore implements Store {
  readonly lacks = ['start timestamps'] as const
  private readonly host: Host
  private readonly disk: MemoryDisk
  private readonly db: Db
  private current: readonly View[] | null = null

  private constructor(host: Host, disk: MemoryDisk, db: Db) {
    this.host = host
    this.disk = disk
    this.db = db
  }

  static async open(host: Host): Promise<TsdbStore> {
    const disk = new MemoryDisk()
    const db = await openDb(disk, host, new Registry(), { chunkRangeMs })
    return new TsdbStore(host, disk, db)
  }

  async load(series: readonly StoredSeries[]): Promise<void> {
    this.current = null
    const appender = this.db.appender()
    for (const { labels, samples } of series) {
      const ref = appender.series(labels)
      for (const { t, v, stale, histogram } of samples) {
        const result = histogram
          ? appender.appendHistogram(ref, t, histogram.plain())
          : stale
            ? appender.appendStale(ref, t)
            : appender.append(ref, t, v)
        if (result !== 'appended') {
          appender.rollback()
          throw refusal(result, formatLabels(labels), t)
        }
      }
    }
    await appender.commit()
  }

  /** The head, and a block of what is in it unless it is empty: there are no empty blocks. */
  async views(): Promise<readonly View[]> {
    return (this.current ??= await this.look())
  }

  async close(): Promise<void> {
    await this.db.close()
    await this.disk.close()
  }

  private async look(): Promise<View[]> {
    const head = { name: 'head', querier: this.db.querier() }
    const { minT, maxT } = this.db.stats().head
    if (minT === null || maxT === null) return [head]
    const block = await blockOf(head.querier, { minT, maxT }, this.host)
    return [head, { name: 'block', querier: block.querier() }]
  }
}

function refusal(result: AppendResult, metric: string, t: number): Error {
  return new Error(`want samples of ${metric} in the order of time, found one at ${t} ms that is ${result}`)
}
