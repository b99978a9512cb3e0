import type { Exemplar } from '../../model/exemplar.ts'
import { schemas, staleHistogram, type Histogram } from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Metadata } from '../../model/metadata.ts'
import type { SeriesRef } from '../../model/store.ts'
import { encodeHistograms } from '../wal/histograms.ts'
import { encodeExemplars, encodeMetadata, encodeSamples } from '../wal/records.ts'
import type { Floats } from './floats.ts'
import { isStale } from './lastsample.ts'
import type { MemSeries } from './series.ts'

/** The kinds of samples that have a record of their own. */
const histogramKinds = ['integer', 'customInteger', 'float', 'customFloat'] as const
type HistogramKind = (typeof histogramKinds)[number]

/** Some of what one commit has, of which a series has samples of one kind, or floats and behind them histograms of one
 *  kind (upstream `appendBatch`). So the records keep the order of the samples of a series, although each kind has its
 *  own. */
export class Batch {
  readonly floats: Floats
  /** Null when there is none. */
  histograms: HistogramColumns | null = null
  readonly histogramSeries: MemSeries[] = []
  readonly histogramRefs: SeriesRef[] = []
  readonly exemplars: { readonly series: MemSeries; readonly exemplar: Exemplar }[] = []
  readonly metadata = new Map<MemSeries, Metadata>()
  /** The kind of each histogram, and the one that a series has. */
  private readonly kinds: HistogramKind[] = []
  private readonly kindOf = new Map<MemSeries, HistogramKind>()

  /** @param floats empty columns, its own until it is of no use any more */
  constructor(floats: Floats) {
    this.floats = floats
  }

  /** Whether there is no sample. */
  get empty(): boolean {
    return this.floats.count === 0 && this.histograms === null
  }

  /** Whether a float of the series may come behind what is here. */
  takesFloat(series: MemSeries): boolean {
    return this.kindOf.size === 0 || !this.kindOf.has(series)
  }

  /** Whether a histogram of the series may come behind what is here. */
  takesHistogram(series: MemSeries, histogram: Histogram): boolean {
    const kind = this.kindOf.get(series)
    return kind === undefined || kind === kindFor(histogram)
  }

  /** What the series has here at last, if that is histograms. */
  lastHistogram(series: MemSeries): 'integer' | 'float' | null {
    const kind = this.kindOf.get(series)
    if (kind === undefined) return null
    return kind === 'float' || kind === 'customFloat' ? 'float' : 'integer'
  }

  addFloat(series: MemSeries, t: number, high: number, low: number): void {
    this.floats.add(series.ref, t, high, low)
  }

  /** @returns its row */
  addHistogram(series: MemSeries, t: number, histogram: Histogram): number {
    const kind = kindFor(histogram)
    this.histograms ??= new HistogramColumns()
    this.histograms.push(t, histogram)
    this.kindOf.set(series, kind)
    this.kinds.push(kind)
    this.histogramRefs.push(series.ref)
    return this.histogramSeries.push(series) - 1
  }

  /** Adds a float that is out of order. A stale marker is a histogram's where the series' last sample is one. */
  addLate(series: MemSeries, t: number, high: number, low: number): void {
    const kind = isStale(high, low) ? series.lastHistogram : null
    if (kind) this.addHistogram(series, t, staleHistogram(kind === 'float'))
    else this.addFloat(series, t, high, low)
  }

  /** Every series that is spoken of, more than once perhaps.
   *  @param find the series of a number */
  *series(find: (ref: SeriesRef) => MemSeries): Generator<MemSeries> {
    const { count, refs } = this.floats
    for (let i = 0; i < count; i++) yield find(refs[i] as SeriesRef)
    yield* this.histogramSeries
    yield* this.metadata.keys()
    for (const { series } of this.exemplars) yield series
  }

  /** In upstream's order: exemplars behind all samples, or whoever follows the log would not know their series. */
  records(): Uint8Array[] {
    const { floats, exemplars } = this
    const records: Uint8Array[] = []
    if (this.metadata.size > 0) records.push(encodeMetadata(this.metadataByRef()))
    if (floats.count > 0) records.push(encodeSamples(floats.refs, floats.columns))
    if (this.histograms) records.push(...this.histogramRecords(this.histograms))
    if (exemplars.length > 0) {
      records.push(
        encodeExemplars(exemplars.map(({ series, exemplar }) => ({ ref: series.ref, ...exemplar }))),
      )
    }
    return records
  }

  private *metadataByRef(): Generator<{ ref: SeriesRef; metadata: Metadata }> {
    for (const [{ ref }, metadata] of this.metadata) yield { ref, metadata }
  }

  private histogramRecords(histograms: HistogramColumns): Uint8Array[] {
    const refs = new Float64Array(this.histogramRefs)
    return histogramKinds.flatMap(kind => {
      const rows = Array.from(this.kinds.keys()).filter(row => this.kinds[row] === kind)
      return rows.length > 0 ? [encodeHistograms(refs, histograms, rows)] : []
    })
  }
}

/** As their record has it: a stale marker has no buckets, so none that are custom. */
function kindFor({ layout, float, stale }: Histogram): HistogramKind {
  const custom = !stale && layout.schema === schemas.custom
  if (float) return custom ? 'customFloat' : 'float'
  return custom ? 'customInteger' : 'integer'
}
