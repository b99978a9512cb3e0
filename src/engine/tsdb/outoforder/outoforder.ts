import { assert } from '../../model/errors.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Querier } from '../../model/store.ts'
import type { Head } from '../head/head.ts'
import type { MemSeries } from '../head/series.ts'
import type { Run } from './chunk.ts'
import { OutOfOrderCompaction } from './compaction.ts'
import { Layer } from './layer.ts'
import { OutOfOrderQuerier } from './querier.ts'
import type { SeriesSamples } from './samples.ts'

/** Samples of a chunk (upstream's `OutOfOrderCapMax`). */
const defaultCapacity = 32

/** What reading asks of the head: which series match. */
export type SeriesLookup = Pick<Head, 'seriesFor'>

interface OutOfOrderOptions {
  /** Length of the ranges that become blocks, in milliseconds. */
  readonly chunkRangeMs: number
  /** Samples of a chunk, 1 … 255. */
  readonly capacity?: number
}

/** The samples that came out of order and are in no block yet (upstream `ooo_head.go`). The head's deletions do not concern
 *  them: whoever deletes makes blocks of them before, and those that come later were not meant. Everything here is
 *  synchronous, and a sample is there as soon as `insert` returns. A series that has none costs nothing.
 *
 *  Their log has all of them until they are in blocks. Upstream puts finished chunks of them aside, too, and finds there
 *  again what has become blocks since. */
export class OutOfOrder {
  readonly chunkRangeMs: number
  private readonly capacity: number
  private live: Layer
  /** What is becoming blocks. */
  private frozen: Layer | null = null

  constructor({ chunkRangeMs, capacity = defaultCapacity }: OutOfOrderOptions) {
    assert(capacity > 0 && capacity <= 255, `chunks of ${capacity} out-of-order samples`)
    this.chunkRangeMs = chunkRangeMs
    this.capacity = capacity
    this.live = new Layer(chunkRangeMs, capacity)
  }

  get empty(): boolean {
    return this.layers().every(({ series }) => series.size === 0)
  }

  /** Time of the first sample; Infinity when there is none. */
  get minT(): number {
    return Math.min(...this.layers().map(({ minT }) => minT))
  }

  /** Time of the last sample; -Infinity when there is none. */
  get maxT(): number {
    return Math.max(...this.layers().map(({ maxT }) => maxT))
  }

  has(series: MemSeries): boolean {
    return this.live.series.has(series) || this.frozen?.series.has(series) === true
  }

  /** Adds a float by the bits of its value. Answers false when the newest of the series' out-of-order samples, those that
   *  are in no finished chunk, have one of that time: then that one stays. */
  insert(series: MemSeries, t: number, high: number, low: number): boolean {
    return this.live.insert(series, t, high, low)
  }

  /** Adds a copy of row i, likewise. */
  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean {
    return this.live.insertHistogram(series, from, i)
  }

  /** Answers from these samples alone, those of the moment of each selection. */
  querier(head: SeriesLookup): Querier {
    return new OutOfOrderQuerier(this, head)
  }

  /** The chunks of a series that reach into [minT, maxT], as they are now, in the order in which they came. */
  runs(series: MemSeries, minT: number, maxT: number): Run[] {
    const old = this.frozen?.series.get(series)?.runs(minT, maxT) ?? []
    const now = this.live.series.get(series)?.runs(minT, maxT) ?? []
    return old.length === 0 ? now : [...old, ...now]
  }

  /** Whether `runs` would find something. */
  reaches(series: MemSeries, minT: number, maxT: number): boolean {
    return this.layers().some(layer => layer.series.get(series)?.reaches(minT, maxT))
  }

  /** Sets everything that is there apart, to be made blocks of; null when there is nothing. It stays visible until the
   *  compaction is ended by `done` or `abandon`; until then no other begins. What comes meanwhile is not touched.
   *
   *  When the log of these samples is to be shortened afterwards: cut it first, then wait for the appenders that are open,
   *  then begin. What is in segments before the cut is then in here. */
  begin(head: SeriesLookup): OutOfOrderCompaction | null {
    assert(this.frozen === null, 'a compaction of out-of-order samples is under way')
    const layer = this.live
    if (layer.series.size === 0) return null
    this.frozen = layer
    this.live = new Layer(this.chunkRangeMs, this.capacity)
    return new OutOfOrderCompaction({
      samples: sortedBy(head, layer),
      ranges: [...layer.ranges].sort((a, b) => a - b),
      chunkRangeMs: this.chunkRangeMs,
      end: keep => this.end(keep),
    })
  }

  private end(keep: boolean): void {
    assert(this.frozen !== null, 'a compaction of out-of-order samples ended twice')
    if (keep) this.live.absorb(this.frozen)
    this.frozen = null
  }

  /** Older ones first. */
  private layers(): Layer[] {
    return this.frozen ? [this.frozen, this.live] : [this.live]
  }
}

/** The series of a layer in label order. */
function sortedBy(head: SeriesLookup, { series: all }: Layer): [MemSeries, SeriesSamples][] {
  const sorted: [MemSeries, SeriesSamples][] = []
  for (const series of head.seriesFor([])) {
    const samples = all.get(series)
    if (samples) sorted.push([series, samples])
  }
  assert(sorted.length === all.size, 'the head does not show series that have out-of-order samples')
  return sorted
}
