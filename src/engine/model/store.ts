import type { Exemplar } from './exemplar.ts'
import type { Histogram } from './histogram.ts'
import type { HistogramColumns } from './histogram/columns.ts'
import type { Labels } from './labels.ts'
import type { Matcher } from './matcher.ts'
import type { Metadata } from './metadata.ts'

/** Number of a series in the head and in the WAL; 0 is no series. Good until the appender that gave it ends; after
 *  that the store may let the series go, when it has had no samples for long. It is never given to another. */
export type SeriesRef = number

/** What became of a sample. Everything but `appended` is counted by the store and is no error for the scrape.
 *  `unknownSeries`: the store has let the series go since it gave the number; asked for it again by its labels, it
 *  gives another one. `tooOld`: older than the out-of-order window reaches. `invalid`: a histogram that contradicts
 *  itself. */
export type AppendResult =
  'appended' | 'duplicate' | 'outOfOrder' | 'outOfBounds' | 'tooOld' | 'invalid' | 'unknownSeries'

/** What became of an exemplar. Everything but `appended` is counted by the store. `duplicate`: it is the series'
 *  newest already. `tooLong`: its labels have more than 128 characters. `disabled`: the store keeps none. */
export type ExemplarResult =
  'appended' | 'duplicate' | 'outOfOrder' | 'tooLong' | 'unknownSeries' | 'disabled'

/** The way in: samples are collected and become durable, then visible, together. One appender serves one
 *  scrape; it is spent after `commit` or `rollback`. */
export interface Appender {
  /** Finds the series with these labels, or creates it. */
  series(labels: Labels): SeriesRef
  /** Adds a sample. `t` is in milliseconds. A NaN is an ordinary value here. */
  append(ref: SeriesRef, t: number, v: number): AppendResult
  /** Adds a stale marker: the series has ended at `t` (upstream's `value.StaleNaN`); a histogram's, when the series'
   *  last sample is one. A series that the store does not know any more ended long before. */
  appendStale(ref: SeriesRef, t: number): AppendResult
  /** Adds a native histogram, which the caller leaves as it is until the appender is spent. */
  appendHistogram(ref: SeriesRef, t: number, histogram: Histogram): AppendResult
  /** Adds an exemplar to a series. */
  appendExemplar(ref: SeriesRef, exemplar: Exemplar): ExemplarResult
  /** Says what a series is, instead of what was said before. */
  setMetadata(ref: SeriesRef, metadata: Metadata): void
  /** Writes the samples to the WAL and, once they are there, makes them visible.
   *  @throws DiskFullError, or another error of the disk: then none of them is visible, now or after a restart. */
  commit(): Promise<void>
  rollback(): void
}

/** A time range in milliseconds; both ends belong to it, as in Prometheus's `Querier`. */
export interface TimeRange {
  readonly minT: number
  readonly maxT: number
}

/** The samples of one series in time order: floats here, native histograms in columns of their own. A series may have
 *  both, at different times. `t` and `v` may be longer than `count`. */
export interface Columns {
  count: number
  t: Float64Array
  v: Float64Array
  /** One byte a sample, 1 where it is a stale marker; null when there is none. The value beside a marker is a
   *  plain NaN: a NaN's payload does not survive in every JavaScript engine. */
  stale: Uint8Array | null
  /** Null when there is none. Their hints say what is known of a reset before each sample; of the first one of a chunk
   *  nothing is known. */
  histograms: HistogramColumns | null
  /** When the counter behind each sample began, as far as it is known. */
  starts?: StartTimes | null
}

/** Start timestamps in milliseconds, 0 where nobody says: of the floats, and of the histograms, one for each sample. */
export interface StartTimes {
  readonly floats: Float64Array
  readonly histograms: Float64Array
}

/** A few series with the bytes of their chunks in memory, so that decoding needs no `await`. */
export interface SeriesBatch {
  readonly count: number
  labels(i: number): Labels
  /** Decodes the samples of series `i` that lie in the range. The columns are lent until the next call of
   *  `columns` on any batch of the same selection. */
  columns(i: number): Columns
}

/** The way out. */
export interface Querier {
  /** The series for which every matcher holds, in the order of their labels, each once. */
  select(matchers: readonly Matcher[], range: TimeRange): AsyncIterable<SeriesBatch>
  /** Label sets of the series that match and have samples around the range, each once, in any order: that of a
   *  series may be there which has none in it, between two chunks' ends (upstream's select for `/api/v1/series`). */
  labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]>
  /** Sorted label names of the series that match; of all of them without matchers. */
  labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]>
  /** Sorted values of a label among the series that match. */
  labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]>
  /** Lets go of what the querier keeps in the store while it is in use. Nothing is asked of it afterwards. */
  close?(): void
}
