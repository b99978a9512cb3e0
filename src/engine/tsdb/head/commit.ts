import { staleHistogram } from '../../model/histogram.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { SeriesRef } from '../../model/store.ts'
import { encodeSeries } from '../wal/records.ts'
import type { Batch } from './batch.ts'
import type { Floats } from './floats.ts'
import { fit, type Bounds, type Fit } from './fit.ts'
import type { Head } from './head.ts'
import { isStale } from './lastsample.ts'
import type { SampleCounter } from './metrics.ts'
import type { MemSeries } from './series.ts'

/** Samples of one commit, in the order in which they were appended. One in which a series changes between floats and
 *  histograms is told in parts, and what came out of order in a part of its own. The arrays may be longer than `count` and
 *  are lent for the call. */
export interface CommittedSamples {
  /** Floats, whose columns these are. */
  readonly count: number
  readonly refs: Float64Array
  /** Milliseconds. */
  readonly t: Float64Array
  readonly v: Float64Array
  /** One byte a sample, 1 for a stale marker, beside which `v` is NaN; null when there is none. */
  readonly stale: Uint8Array | null
  /** They come behind the floats; null when there is none. */
  readonly histograms: CommittedHistograms | null
  labels(ref: SeriesRef): Labels
}

/** Native histograms of a commit. */
interface CommittedHistograms {
  readonly count: number
  readonly refs: Float64Array
  /** Where each is in the columns. */
  readonly rows: Int32Array
  readonly columns: HistogramColumns
}

/** What a commit needs of the store around the head. */
export interface CommitSteps {
  /** Makes records durable, all or none.
   *  @throws what the disk throws */
  log(records: readonly Uint8Array[]): Promise<void>
  /** The same in the log of what comes out of order.
   *  @throws what the disk throws */
  logOutOfOrder(records: readonly Uint8Array[]): Promise<void>
  /** The samples are visible now. */
  applied(batch: CommittedSamples): void
}

/** What an appender has collected. */
export interface Pending {
  /** In the order of the log. */
  readonly batches: readonly Batch[]
  /** What is out of order. */
  readonly late: Batch
  /** Series of these that the log did not have when they were added. */
  readonly unlogged: ReadonlySet<MemSeries>
  readonly bounds: Bounds
}

/** Logs what is pending and applies it: the log first, then memory, so that what is visible is never lost. Applying is one
 *  synchronous block, and commits are applied in the order of the log, so a replay gives the same samples. What is out of
 *  order follows, in its own log.
 *  @throws what the disk throws: from the first log, then nothing is visible; from the second, what is out of order is not */
export async function commit(head: Head, steps: CommitSteps, pending: Pending): Promise<void> {
  const { batches, late } = pending
  const records = batches.flatMap(batch => batch.records())
  // Another commit that is under way may be logging the same series, and may fail.
  const unlogged = [...pending.unlogged].filter(series => !series.logged)
  if (unlogged.length > 0) records.unshift(encodeSeries(unlogged))
  if (records.length > 0) await steps.log(records)
  for (const series of unlogged) series.logged = true
  new Application(head, steps, pending).apply()
  if (late.empty) return
  await steps.logOutOfOrder(late.records())
  insertLate(head, steps, late)
}

/** Puts what has been logged into the head. Looks again whether it fits: the head may have been truncated, and others may
 *  have committed. */
class Application {
  private readonly head: Head
  private readonly steps: CommitSteps
  private readonly pending: Pending
  private readonly bounds: Bounds

  constructor(head: Head, steps: CommitSteps, pending: Pending) {
    this.head = head
    this.steps = steps
    this.pending = pending
    this.bounds = { ...pending.bounds, minValidT: head.minValidT }
  }

  apply(): void {
    for (const batch of this.pending.batches) {
      const markersFrom = batch.histogramSeries.length
      const floats = keepFloats(this.head, batch.floats, (series, i) => this.takeFloat(batch, series, i))
      const take: Take = (series, i) => i >= markersFrom || this.takeHistogram(batch, series, i)
      const histograms = keepHistograms(batch, markersFrom, take)
      for (const [series, metadata] of batch.metadata) this.head.setMetadata(series, metadata)
      announce(this.head, this.steps, batch, { floats, histograms })
    }
    for (const { exemplars } of this.pending.batches) {
      for (const { series, exemplar } of exemplars) this.head.exemplars.add(series.labels, exemplar)
    }
  }

  /** A stale marker behind a histogram is a histogram's. Upstream adds it behind all histograms of the batch, and so loses it
   *  where the series goes on; we, as a replay does, where it is. */
  private takeFloat(batch: Batch, series: MemSeries, i: number): boolean {
    const { t: times, bits } = batch.floats.columns
    const t = times[i] as number
    const high = bits[2 * i + 1] as number
    const low = bits[2 * i] as number
    const marked = isStale(high, low) ? series.lastHistogram : null
    const place = fit(t, series.maxT, this.bounds)
    if (place === 'later') {
      this.head.append(series, t, high, low)
      if (marked) batch.addHistogram(series, t, staleHistogram(marked === 'float'))
      return marked === null
    }
    if (place === 'late') this.pending.late.addLate(series, t, high, low)
    else this.refuse(place, marked ? 'histogram' : 'float')
    return false
  }

  private takeHistogram({ histograms }: Batch, series: MemSeries, i: number): boolean {
    const columns = histograms as HistogramColumns
    const t = columns.t[i] as number
    const place = fit(t, series.maxT, this.bounds)
    if (place === 'later') {
      this.head.appendHistogram(series, columns, i)
      return true
    }
    if (place === 'late') this.pending.late.addHistogram(series, t, columns.at(i))
    else this.refuse(place, 'histogram')
    return false
  }

  private refuse(place: Exclude<Fit, 'later' | 'late'>, kind: keyof SampleCounter): void {
    // The same time is no fault of its own: of two that append it the first to commit wins.
    if (place !== 'same') this.head.metrics[place][kind].inc()
  }
}

function insertLate(head: Head, steps: CommitSteps, late: Batch): void {
  const { floats, histograms } = late
  const { t, bits } = floats.columns
  const inserted = {
    floats: keepFloats(head, floats, (series, i) =>
      head.insert(series, t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number),
    ),
    histograms: keepHistograms(late, 0, (series, i) =>
      head.insertHistogram(series, histograms as HistogramColumns, i),
    ),
  }
  head.metrics.outOfOrderAppended.float.inc(inserted.floats.length)
  head.metrics.outOfOrderAppended.histogram.inc(inserted.histograms?.count ?? 0)
  announce(head, steps, late, inserted)
}

interface Applied {
  /** The series of the floats that were taken, which are the first ones in the batch now. */
  readonly floats: Float64Array
  readonly histograms: CommittedHistograms | null
}

type Take = (series: MemSeries, i: number) => boolean

/** Takes the floats that can be taken, and the others out of the columns. Answers the series of those that are left. */
function keepFloats(head: Head, floats: Floats, take: Take): Float64Array {
  const { count, refs } = floats
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (!take(head.heldSeriesOf(refs[i] as SeriesRef), i)) continue
    if (kept < i) floats.move(i, kept)
    kept++
  }
  floats.columns.count = kept
  return refs.subarray(0, kept)
}

/** Takes the histograms that can be taken.
 *  @param first the row to begin with; those in front of it come last */
function keepHistograms(batch: Batch, first: number, take: Take): CommittedHistograms | null {
  const { histograms, histogramSeries } = batch
  if (!histograms) return null
  const refs = new Float64Array(histogramSeries.length)
  const rows = new Int32Array(refs.length)
  let kept = 0
  for (let k = 0; k < rows.length; k++) {
    const i = (first + k) % rows.length
    if (!take(histogramSeries[i] as MemSeries, i)) continue
    refs[kept] = batch.histogramRefs[i] as SeriesRef
    rows[kept++] = i
  }
  return kept > 0 ? { count: kept, refs, rows, columns: histograms } : null
}

function announce(
  head: Head,
  steps: CommitSteps,
  { floats: { columns } }: Batch,
  { floats: refs, histograms }: Applied,
): void {
  const { count, t } = columns
  head.metrics.samplesAppended.float.inc(count)
  head.metrics.samplesAppended.histogram.inc(histograms?.count ?? 0)
  if (count === 0 && !histograms) return
  const stale = columns.splitStale()
  const labels = (ref: SeriesRef) => head.seriesOf(ref)?.labels ?? []
  steps.applied({ count, refs, t, v: columns.v, stale, histograms, labels })
}
