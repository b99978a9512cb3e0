import type { Registry } from '../../metrics/registry.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { SeriesRef } from '../../model/store.ts'
import { timeLimit, type Head } from '../head/head.ts'
import type { MemSeries } from '../head/series.ts'
import type { RecordVisitor } from '../wal/records.ts'

/** Brings the out-of-order samples back when the store is opened: told the records of their log once the head knows its
 *  series. Upstream's markers, which say that all samples before them are in chunks on disk, mean nothing here: the log has
 *  those samples, too. */
export class OutOfOrderReplay implements RecordVisitor {
  /** The head, which hands late samples on and shows their series. */
  private readonly head: Pick<Head, 'restoredSeriesOf' | 'insert' | 'insertHistogram'>
  private readonly unknown: (what: string) => void
  private readonly unknownSeries = new Set<SeriesRef>()

  constructor(head: Pick<Head, 'restoredSeriesOf' | 'insert' | 'insertHistogram'>, metrics: Registry) {
    this.head = head
    const unknown = metrics.counter(
      'prometheus_tsdb_wbl_replay_unknown_refs_total',
      'Total number of unknown series references encountered during WBL replay.',
      ['type'],
    )
    this.unknown = what => unknown.with(what).inc()
  }

  /** This log has no series of its own. */
  series(): void {
    this.skipped()
  }

  sample(ref: SeriesRef, t: number, high: number, low: number): void {
    const series = this.seriesOf(ref, 'samples')
    if (series && Math.abs(t) < timeLimit) this.head.insert(series, t, high, low)
  }

  histogram(ref: SeriesRef, from: HistogramColumns, i: number): void {
    const series = this.seriesOf(ref, 'histograms')
    if (series && Math.abs(from.t[i] as number) < timeLimit) this.head.insertHistogram(series, from, i)
  }

  skipped(): void {
    // Whoever reads the log counts what it skips.
  }

  private seriesOf(ref: SeriesRef, what: string): MemSeries | undefined {
    const series = this.head.restoredSeriesOf(ref)
    if (series) return series
    this.unknown(what)
    if (!this.unknownSeries.has(ref)) this.unknown('series')
    this.unknownSeries.add(ref)
    return undefined
  }
}
