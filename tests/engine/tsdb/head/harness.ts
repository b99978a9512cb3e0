import { Registry } from '../../../../src/engine/metrics/registry.ts'
import type { Histogram } from '../../../../src/engine/model/histogram.ts'
import type { Labels } from '../../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../../src/engine/model/matcher.ts'
import type { TimeRange } from '../../../../src/engine/model/store.ts'
import { HeadAppender, type CommittedSamples } from '../../../../src/engine/tsdb/head/appender.ts'
import { Head, type HeadOptions } from '../../../../src/engine/tsdb/head/head.ts'
import type { HeadChunk } from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import { Replay } from '../../../../src/engine/tsdb/replay.ts'
import { CheckpointFilter } from '../../../../src/engine/tsdb/wal/filter.ts'
import { encodeTombstones } from '../../../../src/engine/tsdb/wal/records.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { FakeHost } from '../../../fakehost.ts'
import { series } from '../store.ts'
import { allSamples } from './text.ts'

export type Value = number | 'stale' | Histogram

/** A head with its logs, and the chunks that it put on disk, in memory. */
export class LoggedHead {
  readonly head: Head
  readonly records: Uint8Array[] = []
  /** The log of what came out of order. */
  readonly lateRecords: Uint8Array[] = []
  readonly disk: HeadChunk[] = []
  /** What the next commits wait for. */
  gate: Promise<void> = Promise.resolve()
  lateGate: Promise<void> = Promise.resolve()
  /** Hears of commits. */
  applied: (batch: CommittedSamples) => void = () => undefined
  private readonly metrics = new Registry()
  private readonly options: HeadOptions

  constructor(chunkRangeMs: number, minValidT?: number, host = new FakeHost(), options: HeadOptions = {}) {
    this.options = options
    this.head = new Head(host, this.metrics, chunkRangeMs, minValidT, options)
  }

  appender = (): HeadAppender =>
    new HeadAppender(this.head, {
      log: async records => {
        await this.gate
        this.records.push(...records)
      },
      logOutOfOrder: async records => {
        await this.lateGate
        this.lateRecords.push(...records)
      },
      applied: batch => this.applied(batch),
    })

  /** Commits samples of one series; answers what became of each. */
  async put(name: string | Labels, ...samples: readonly (readonly [number, Value])[]): Promise<string[]> {
    const appender = this.appender()
    const ref = appender.series(typeof name === 'string' ? series(name) : name)
    const results = samples.map(([t, v]) => append(appender, ref, t, v))
    await appender.commit()
    return results
  }

  everything(): Promise<Record<string, string>> {
    return allSamples(new HeadQuerier(this.head))
  }

  /** Value of a metric, or of its child of this type; of several children the sum. */
  metric(name: string, type: string | null = null): number {
    const front = type === null ? [`${name} `, `${name}{`] : [`${name}{type="${type}"} `]
    const lines = this.metrics.text().split('\n')
    const values = lines.filter(line => front.some(each => line.startsWith(each)))
    return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Deletes as the store does it: logged, then applied. */
  delete(matchers: readonly Matcher[], range: TimeRange): number {
    const stones = this.head.delete(matchers, range)
    if (stones.length > 0) this.records.push(encodeTombstones(stones))
    this.head.applyTombstones(stones)
    return stones.length
  }

  /** Puts the chunks that are finished on disk. */
  save(): void {
    const chunks = this.head.unsavedChunks()
    this.disk.push(...chunks)
    this.head.markSaved(chunks)
  }

  /** Makes the oldest records a checkpoint. */
  checkpoint(minT: number, records: number): void {
    const filter = new CheckpointFilter(minT, ref => this.head.keepsInLog(ref, minT))
    const kept = this.records.splice(0, records).flatMap(record => filter.filter(record) ?? [])
    this.records.unshift(...kept, ...filter.metadata())
  }

  /** The head that a restart makes of the log, and of chunks on disk. Answers it with how often the log spoke of series that
   *  nobody knows. */
  restart(
    minValidT = this.head.minValidT,
    disk: readonly HeadChunk[] = [],
  ): { again: LoggedHead; unknown: number } {
    const again = new LoggedHead(this.head.chunkRangeMs, minValidT, new FakeHost(), this.options)
    for (const chunk of disk) again.head.restoreChunk(chunk)
    again.disk.push(...disk)
    const replay = new Replay(again.head, again.metrics)
    for (const record of this.records) {
      again.records.push(record)
      visitRecord(record, replay)
    }
    again.head.restored()
    return { again, unknown: again.metric('prometheus_tsdb_wal_replay_unknown_refs_total') }
  }
}

export function append(appender: HeadAppender, ref: number, t: number, v: Value): string {
  if (v === 'stale') return appender.appendStale(ref, t)
  return typeof v === 'number' ? appender.append(ref, t, v) : appender.appendHistogram(ref, t, v)
}
