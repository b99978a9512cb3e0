import { assert } from '../../model/errors.ts'
import type { Metric, Registry } from '../../metrics/registry.ts'
import type { Host } from '../../model/host.ts'
import type { Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { SeriesRef, TimeRange } from '../../model/store.ts'
import { LabelOrder } from './order.ts'
import { Postings } from './postings.ts'
import { MemSeries, type SeriesSnapshot } from './series.ts'
import { SymbolTable } from './symbols.ts'

/** Times that are kept lie in (-2^52, 2^52): then their differences are exact in a number. */
export const timeLimit = 2 ** 52

/** The newest part of the store, in memory: every series with its chunks and the index to find them.
 *  Everything here is synchronous; a sample is visible as soon as `append` returns. */
export class Head {
  readonly chunkRangeMs: number
  readonly metrics: HeadMetrics
  /** Time of the first and the last sample; Infinity and -Infinity when there is none. */
  minT = Infinity
  maxT = -Infinity

  private readonly byRef = new Map<SeriesRef, MemSeries>()
  private readonly byHash = new Map<number, MemSeries>()
  /** The series that have samples, by ordinal. */
  private readonly visible: MemSeries[] = []
  private readonly postings = new Postings()
  private readonly order = new LabelOrder()
  private readonly symbols: SymbolTable
  private lastRef = 0
  private chunks = 0

  constructor(host: Host, metrics: Registry, chunkRangeMs: number) {
    this.chunkRangeMs = chunkRangeMs
    this.symbols = new SymbolTable(host.random())
    this.metrics = headMetrics(metrics, this)
  }

  get seriesCount(): number {
    return this.visible.length
  }

  get chunkCount(): number {
    return this.chunks
  }

  seriesOf(ref: SeriesRef): MemSeries | undefined {
    return this.byRef.get(ref)
  }

  /** Finds the series with these labels, or creates it; it is visible from its first sample on. */
  findOrCreate(labels: Labels): MemSeries {
    return this.find(labels) ?? this.create(this.lastRef + 1, this.symbols.own(labels))
  }

  /** A series as the log has it. The same labels under another reference are the same series: upstream creates a
   *  series anew after it has dropped it from memory. */
  restoreSeries(ref: SeriesRef, labels: Labels): void {
    const series = this.find(labels) ?? this.create(ref, this.symbols.own(labels))
    series.logged = true
    this.byRef.set(ref, series)
    this.lastRef = Math.max(this.lastRef, ref)
  }

  /** Adds a sample that `series.check` lets pass and that is not there yet. */
  append(series: MemSeries, t: number, high: number, low: number): void {
    const created = series.append(t, high, low, this.chunkRangeMs)
    if (series.ordinal < 0) this.show(series)
    if (created) {
      this.chunks++
      this.metrics.chunksCreated.inc()
    }
    if (t < this.minT) this.minT = t
    if (t > this.maxT) this.maxT = t
  }

  /** What the series that match hold in the range at this moment, in the order of their labels. Later samples
   *  do not show. */
  snapshot(matchers: readonly Matcher[], { minT, maxT }: TimeRange): SeriesSnapshot[] {
    const found: SeriesSnapshot[] = []
    for (const ordinal of this.order.sort(this.postings.select(matchers), this.visible)) {
      const snapshot = this.at(ordinal).snapshot(minT, maxT)
      if (!snapshot.empty) found.push(snapshot)
    }
    return found
  }

  /** Label names, or the values of a label, of all series when the range covers the head; null when it does not
   *  and `labelsIn` has to be asked. */
  allNames(range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.postings.names() : null
  }
  allValues(name: string, range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.postings.values(name) : null
  }

  /** Labels of the series that match and may have samples in the range, in no particular order. */
  *labelsIn(matchers: readonly Matcher[], { minT, maxT }: TimeRange): Generator<Labels> {
    for (const ordinal of this.postings.select(matchers)) {
      const series = this.at(ordinal)
      if (series.maxT >= minT && series.minT <= maxT) yield series.labels
    }
  }

  private within({ minT, maxT }: TimeRange): boolean {
    return minT <= this.minT && maxT >= this.maxT
  }

  private at(ordinal: number): MemSeries {
    return this.visible[ordinal] as MemSeries
  }

  private find(labels: Labels): MemSeries | null {
    let series = this.byHash.get(this.symbols.hash(labels)) ?? null
    while (series && !sameLabels(series.labels, labels)) series = series.next
    return series
  }

  /** @param labels with strings that are the head's own */
  private create(ref: SeriesRef, labels: Labels): MemSeries {
    // Owning the strings can change them, if they are not valid UTF-16; then this may be a known series.
    const known = this.find(labels)
    if (known) return known
    assert(Number.isSafeInteger(ref), `series reference ${ref}`)
    const series = new MemSeries(ref, labels)
    const hash = this.symbols.hash(labels)
    series.next = this.byHash.get(hash) ?? null
    this.byHash.set(hash, series)
    this.byRef.set(ref, series)
    this.lastRef = Math.max(this.lastRef, ref)
    return series
  }

  private show(series: MemSeries): void {
    series.ordinal = this.postings.add(series.labels)
    this.visible.push(series)
    this.metrics.seriesCreated.inc()
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export interface HeadMetrics {
  readonly seriesCreated: Metric
  readonly chunksCreated: Metric
  readonly samplesAppended: Metric
  readonly outOfOrder: Metric
  readonly outOfBounds: Metric
}

function headMetrics(metrics: Registry, head: Head): HeadMetrics {
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.computed(`prometheus_tsdb_head_${name}`, help, 'gauge', value)
  gauge('series', 'Total number of series in the head block.', () => head.seriesCount)
  gauge('chunks', 'Total number of chunks in the head block.', () => head.chunkCount)
  // What upstream's MinInt64 and MaxInt64 mean for an empty head.
  const orLimit = (t: number) => (Number.isFinite(t) ? t : Math.sign(t) * 2 ** 63)
  gauge('min_time', 'Minimum time bound of the head block, in milliseconds.', () => orLimit(head.minT))
  gauge('max_time', 'Maximum timestamp of the head block, in milliseconds.', () => orLimit(head.maxT))
  const floats = (name: string, help: string) => metrics.counter(name, help, ['type']).with('float')
  return {
    seriesCreated: metrics.counter(
      'prometheus_tsdb_head_series_created_total',
      'Total number of series created in the head',
    ),
    chunksCreated: metrics.counter(
      'prometheus_tsdb_head_chunks_created_total',
      'Total number of chunks created in the head',
    ),
    samplesAppended: floats(
      'prometheus_tsdb_head_samples_appended_total',
      'Total number of appended samples.',
    ),
    outOfOrder: floats(
      'prometheus_tsdb_out_of_order_samples_total',
      'Total number of out of order samples ingestion failed attempts due to out of order being disabled.',
    ),
    outOfBounds: floats(
      'prometheus_tsdb_out_of_bound_samples_total',
      'Total number of out of bound samples ingestion failed attempts with out of order support disabled.',
    ),
  }
}
