import { nanBits, SampleColumns, staleBits } from '../../chunks/columns.ts'
import { assert } from '../../model/errors.ts'
import type { Labels } from '../../model/labels.ts'
import type { Appender, AppendResult, SeriesRef } from '../../model/store.ts'
import { encodeSamples, encodeSeries } from '../wal/records.ts'
import { timeLimit, type Head } from './head.ts'
import type { OpenAppender } from './open.ts'
import type { MemSeries } from './series.ts'

/** Samples of one commit, in the order in which they were appended. The arrays may be longer than `count` and
 *  are lent for the call. */
export interface CommittedSamples {
  readonly count: number
  readonly refs: Float64Array
  /** Milliseconds. */
  readonly t: Float64Array
  readonly v: Float64Array
  /** One byte a sample, 1 for a stale marker, beside which `v` is NaN; null when there is none. */
  readonly stale: Uint8Array | null
  labels(ref: SeriesRef): Labels
}

/** What a commit needs of the store around the head. */
export interface CommitSteps {
  /** Makes records durable, all or none.
   *  @throws what the disk throws */
  log(records: readonly Uint8Array[]): Promise<void>
  /** The samples are visible now. */
  applied(batch: CommittedSamples): void
}

const float = new Float64Array(1)
const floatBits = new Int32Array(float.buffer)

/** Collects the samples of one scrape. Whether a sample fits is looked at twice, because others may commit in
 *  between: when it is appended, and when the commit is applied. */
export class HeadAppender implements Appender, OpenAppender {
  /** Samples before it are out of bounds. */
  readonly minValidT: number

  private readonly head: Head
  private readonly steps: CommitSteps
  private readonly samples = new SampleColumns()
  /** The series of each sample. */
  private readonly pending: MemSeries[] = []
  /** Series that were asked for by their labels. */
  private readonly asked: MemSeries[] = []
  private spent = false

  constructor(head: Head, steps: CommitSteps) {
    this.head = head
    this.steps = steps
    this.minValidT = head.appendableT
    head.appenders.add(this)
  }

  series(labels: Labels): SeriesRef {
    const series = this.head.findOrCreate(labels)
    this.asked.push(series)
    return series.ref
  }

  append(ref: SeriesRef, t: number, v: number): AppendResult {
    // Whatever bits this NaN has, upstream knows one NaN that is a value.
    if (v !== v) return this.add(ref, t, nanBits.high, nanBits.low)
    float[0] = v
    return this.add(ref, t, floatBits[1] as number, floatBits[0] as number)
  }

  appendStale(ref: SeriesRef, t: number): AppendResult {
    return this.add(ref, t, staleBits.high, staleBits.low)
  }

  /** The log first, then memory: what is visible is never lost. Applying is one synchronous block, and commits
   *  are applied in the order of the log, so a replay gives the same samples. */
  async commit(): Promise<void> {
    this.spend()
    try {
      if (this.pending.length > 0) await this.logAndApply()
    } finally {
      this.head.appenders.remove(this)
    }
  }

  rollback(): void {
    this.spend()
    this.head.appenders.remove(this)
  }

  *heldSeries(): Generator<MemSeries> {
    yield* this.pending
    yield* this.asked
  }

  private async logAndApply(): Promise<void> {
    const { pending } = this
    const refs = new Float64Array(pending.length)
    for (let i = 0; i < pending.length; i++) refs[i] = (pending[i] as MemSeries).ref
    const records = [encodeSamples(refs, this.samples)]
    // Another commit that is under way may be logging the same series, and may fail.
    const unlogged = new Set(pending.filter(series => !series.logged))
    if (unlogged.size > 0) records.unshift(encodeSeries(unlogged))
    await this.steps.log(records)
    for (const series of unlogged) series.logged = true
    this.apply(refs)
  }

  private add(ref: SeriesRef, t: number, high: number, low: number): AppendResult {
    assert(!this.spent, 'append after commit or rollback')
    assert(Number.isInteger(t), `time ${t} is not in whole milliseconds`)
    const { head } = this
    if (t < this.minValidT || Math.abs(t) >= timeLimit) {
      head.metrics.outOfBounds.inc()
      return 'outOfBounds'
    }
    const series = head.seriesOf(ref)
    if (!series) {
      head.metrics.seriesNotFound.inc()
      return 'unknownSeries'
    }
    const result = series.check(t, high, low)
    if (result === 'outOfOrder') head.metrics.outOfOrder.inc()
    // The same sample again is accepted, and there is nothing to write: it is durable already.
    if (result === 'appended' && t > series.maxT) {
      this.samples.add(t, high, low)
      this.pending.push(series)
    }
    return result
  }

  private apply(refs: Float64Array): void {
    const { head, pending, samples } = this
    const { t: times, bits } = samples
    let kept = 0
    for (let i = 0; i < pending.length; i++) {
      const series = pending[i] as MemSeries
      const t = times[i] as number
      const low = bits[2 * i] as number
      const high = bits[2 * i + 1] as number
      if (!this.stillFits(series, t, high, low)) continue
      head.append(series, t, high, low)
      refs[kept] = series.ref
      times[kept] = t
      bits[2 * kept] = low
      bits[2 * kept + 1] = high
      kept++
    }
    head.metrics.samplesAppended.inc(kept)
    samples.count = kept
    if (kept > 0) this.announce(refs)
  }

  /** Looks again: the head may have been truncated, and others may have committed. */
  private stillFits(series: MemSeries, t: number, high: number, low: number): boolean {
    const { minValidT, metrics } = this.head
    if (t < minValidT) {
      metrics.outOfBounds.inc()
      return false
    }
    const result = series.check(t, high, low)
    if (result === 'outOfOrder') metrics.outOfOrder.inc()
    return result === 'appended' && t > series.maxT
  }

  private announce(refs: Float64Array): void {
    const { head, samples } = this
    const stale = samples.splitStale()
    const { count, t, v } = samples
    this.steps.applied({ count, refs, t, v, stale, labels: ref => head.seriesOf(ref)?.labels ?? [] })
  }

  private spend(): void {
    assert(!this.spent, 'commit or rollback twice')
    this.spent = true
  }
}
