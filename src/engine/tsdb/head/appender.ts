import { nanBits, staleBits } from '../../chunks/columns.ts'
import { assert } from '../../model/errors.ts'
import type { Exemplar } from '../../model/exemplar.ts'
import { staleHistogram, type Histogram } from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { faultOf } from '../../model/histogram/validate.ts'
import type { Labels } from '../../model/labels.ts'
import type { Metadata } from '../../model/metadata.ts'
import type { Appender, AppendResult, ExemplarResult, SeriesRef } from '../../model/store.ts'
import { Batch } from './batch.ts'
import { commit, type CommitSteps, type Pending } from './commit.ts'
import { fit, type Bounds, type Fit } from './fit.ts'
import { timeLimit, type Head } from './head.ts'
import { sameMetadata } from './metadata.ts'
import type { SampleCounter } from './metrics.ts'
import type { OpenAppender } from './open.ts'
import type { MemSeries } from './series.ts'
import { ownText } from './symbols.ts'

export type { CommitSteps, CommittedSamples } from './commit.ts'

const float = new Float64Array(1)
const floatBits = new Int32Array(float.buffer)

/** Collects the samples of one scrape. Whether a sample fits is looked at twice, because others may commit in
 *  between: when it is appended, and when the commit is applied. */
export class HeadAppender implements Appender, OpenAppender, Pending {
  /** Samples before it are out of bounds, or out of order. */
  readonly minValidT: number

  private readonly head: Head
  private readonly steps: CommitSteps
  readonly bounds: Bounds
  /** In the order of the log; the last one takes what comes. */
  readonly batches: Batch[]
  /** What is out of order. */
  readonly late: Batch
  readonly unlogged = new Set<MemSeries>()
  /** Series that were asked for by their labels. */
  private readonly asked: MemSeries[] = []
  private spent = false

  constructor(head: Head, steps: CommitSteps) {
    this.head = head
    this.steps = steps
    this.minValidT = head.appendableT
    this.bounds = { minValidT: this.minValidT, windowMs: head.outOfOrderWindowMs, maxT: head.maxT }
    this.batches = [new Batch(head.spareFloats.take())]
    this.late = new Batch(head.spareFloats.take())
    head.appenders.add(this)
  }

  series(labels: Labels): SeriesRef {
    const series = this.head.findOrCreate(labels)
    this.asked.push(series)
    return series.ref
  }

  append(ref: SeriesRef, t: number, v: number): AppendResult {
    // Whatever bits this NaN has, upstream knows one NaN that is a value.
    if (v !== v) return this.addFloat(ref, t, nanBits.high, nanBits.low)
    float[0] = v
    return this.addFloat(ref, t, floatBits[1] as number, floatBits[0] as number)
  }

  /** Behind a histogram of this appender the marker is logged as a histogram's, behind one of the head as a float: which it
   *  has to be is found out when the commit is applied, and at a replay. */
  appendStale(ref: SeriesRef, t: number): AppendResult {
    const series = this.head.seriesOf(ref)
    const kind = series ? this.batch.lastHistogram(series) : null
    if (kind) return this.addHistogram(ref, t, staleHistogram(kind === 'float'))
    return this.addFloat(ref, t, staleBits.high, staleBits.low)
  }

  appendHistogram(ref: SeriesRef, t: number, histogram: Histogram): AppendResult {
    if (faultOf(histogram) === null) return this.addHistogram(ref, t, histogram)
    this.check(t)
    this.head.metrics.invalid.inc()
    return 'invalid'
  }

  appendExemplar(ref: SeriesRef, exemplar: Exemplar): ExemplarResult {
    this.check(exemplar.t)
    const { head } = this
    const series = head.seriesOf(ref)
    if (!series) return this.unknown()
    if (Math.abs(exemplar.t) >= timeLimit) return 'outOfOrder'
    const result = head.exemplars.check(series.labels, exemplar)
    if (result === 'appended') {
      const labels = exemplar.labels.map(ownText)
      this.note(series)
      this.batch.exemplars.push({ series, exemplar: { ...exemplar, labels } })
    }
    return result
  }

  setMetadata(ref: SeriesRef, metadata: Metadata): void {
    assert(!this.spent, 'metadata after commit or rollback')
    const series = this.head.seriesOf(ref)
    if (!series) {
      this.unknown()
      return
    }
    if (sameMetadata(series.metadata, metadata)) return
    this.note(series)
    this.batch.metadata.set(series, metadata)
  }

  async commit(): Promise<void> {
    this.spend()
    try {
      await commit(this.head, this.steps, this)
    } finally {
      this.end()
    }
  }

  rollback(): void {
    this.spend()
    this.end()
  }

  *heldSeries(): Generator<MemSeries> {
    for (const batch of [...this.batches, this.late]) yield* batch.series(ref => this.head.heldSeriesOf(ref))
    yield* this.asked
  }

  private get batch(): Batch {
    return this.batches[this.batches.length - 1] as Batch
  }

  private addFloat(ref: SeriesRef, t: number, high: number, low: number): AppendResult {
    this.check(t)
    if (this.isOutside(t)) return this.refuse('outOfBounds', 'float')
    const series = this.head.seriesOf(ref)
    if (!series) return this.unknown()
    const place = fit(t, series.maxT, this.bounds)
    // The same sample again is accepted, and there is nothing to write: it is durable already.
    if (place === 'same') return series.endsWith(high, low) ? 'appended' : 'duplicate'
    if (place !== 'later' && place !== 'late') return this.refuse(place, 'float')
    this.note(series)
    if (place === 'late') this.late.addLate(series, t, high, low)
    else this.batchForFloat(series).addFloat(series, t, high, low)
    return 'appended'
  }

  private addHistogram(ref: SeriesRef, t: number, histogram: Histogram): AppendResult {
    this.check(t)
    if (this.isOutside(t)) return this.refuse('outOfBounds', 'histogram')
    const series = this.head.seriesOf(ref)
    if (!series) return this.unknown()
    const place = fit(t, series.maxT, this.bounds)
    if (place === 'same') return endsWith(series, t, histogram) ? 'appended' : 'duplicate'
    if (place !== 'later' && place !== 'late') return this.refuse(place, 'histogram')
    this.note(series)
    if (place === 'late') this.late.addHistogram(series, t, histogram)
    else this.batchForHistogram(series, histogram).addHistogram(series, t, histogram)
    return 'appended'
  }

  private batchForFloat(series: MemSeries): Batch {
    const { batch } = this
    return batch.takesFloat(series) ? batch : this.nextBatch()
  }

  private batchForHistogram(series: MemSeries, histogram: Histogram): Batch {
    const { batch } = this
    return batch.takesHistogram(series, histogram) ? batch : this.nextBatch()
  }

  private nextBatch(): Batch {
    const batch = new Batch(this.head.spareFloats.take())
    this.batches.push(batch)
    return batch
  }

  /** Something of the series will be in the log. */
  private note(series: MemSeries): void {
    if (!series.logged) this.unlogged.add(series)
  }

  /** Whether no series takes a sample of this time. */
  private isOutside(t: number): boolean {
    return (t < this.minValidT && this.bounds.windowMs <= 0) || Math.abs(t) >= timeLimit
  }

  private refuse<T extends Exclude<Fit, 'later' | 'late' | 'same'>>(place: T, kind: keyof SampleCounter): T {
    this.head.metrics[place][kind].inc()
    return place
  }

  private unknown(): 'unknownSeries' {
    this.head.metrics.seriesNotFound.inc()
    return 'unknownSeries'
  }

  private check(t: number): void {
    assert(!this.spent, 'append after commit or rollback')
    // Without the time: a text is made whether it is needed or not, and this is once for each sample.
    assert(Number.isInteger(t), 'a time is not in whole milliseconds')
  }

  private end(): void {
    this.head.appenders.remove(this)
    for (const { floats } of [...this.batches, this.late]) this.head.spareFloats.giveBack(floats)
  }

  private spend(): void {
    assert(!this.spent, 'commit or rollback twice')
    this.spent = true
  }
}

function endsWith(series: MemSeries, t: number, histogram: Histogram): boolean {
  const columns = new HistogramColumns(1)
  columns.push(t, histogram)
  return series.endsWithHistogram(columns, 0)
}
