import type { SampleColumns } from '../chunks/columns.ts'
import type { Metric, Registry } from '../metrics/registry.ts'
import type { HistogramColumns } from '../model/histogram/columns.ts'
import type { Labels } from '../model/labels.ts'
import type { Metadata } from '../model/metadata.ts'
import type { SeriesRef } from '../model/store.ts'
import type { Head } from './head/head.ts'
import type { RecordVisitor } from './wal/records.ts'

/** Fills the head from the log by the rule by which commits are applied: a sample counts if it is later than the
 *  series' last. The log also holds samples that were refused then. */
export class Replay implements RecordVisitor {
  /** Records of types that nobody knows. */
  skippedRecords = 0
  private readonly head: Head
  private readonly unknown: Metric
  private readonly unknownSeries = new Set<SeriesRef>()

  constructor(head: Head, metrics: Registry) {
    this.head = head
    this.unknown = metrics.counter(
      'prometheus_tsdb_wal_replay_unknown_refs_total',
      'Total number of unknown series references encountered during WAL replay.',
      ['type'],
    )
  }

  series(ref: SeriesRef, labels: Labels): void {
    this.head.restoreSeries(ref, labels)
  }

  sample(ref: SeriesRef, t: number, high: number, low: number): void {
    if (!this.head.restoreSample(ref, t, high, low)) this.miss(ref, 'samples')
  }

  samples(ref: SeriesRef, of: SampleColumns, from: number, to: number): void {
    for (let lost = this.head.restoreSamples(ref, of, from, to); lost > 0; lost--) this.miss(ref, 'samples')
  }

  histogram(ref: SeriesRef, from: HistogramColumns, i: number): void {
    if (!this.head.restoreHistogram(ref, from, i)) this.miss(ref, 'histograms')
  }

  tombstone(ref: SeriesRef, minT: number, maxT: number): void {
    if (!this.head.restoreTombstone(ref, minT, maxT)) this.miss(ref, 'tombstones')
  }

  metadata(ref: SeriesRef, metadata: Metadata): void {
    if (!this.head.restoreMetadata(ref, metadata)) this.miss(ref, 'metadata')
  }

  exemplar(ref: SeriesRef, t: number, v: number, labels: Labels): void {
    if (!this.head.restoreExemplar(ref, { t, v, labels })) this.miss(ref, 'exemplars')
  }

  skipped(): void {
    this.skippedRecords++
  }

  /** As upstream, `series` counts each once. */
  private miss(ref: SeriesRef, type: string): void {
    this.unknown.with(type).inc()
    if (this.unknownSeries.has(ref)) return
    this.unknownSeries.add(ref)
    this.unknown.with('series').inc()
  }
}
