import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { MemSeries } from '../head/series.ts'
import { SeriesSamples } from './samples.ts'

/** What came between two compactions. */
export class Layer {
  readonly series = new Map<MemSeries, SeriesSamples>()
  /** Times of the first and the last sample; Infinity and -Infinity when there is none. */
  minT = Infinity
  maxT = -Infinity
  /** Chunk ranges that have samples, by their number: n is [n · length, (n + 1) · length). */
  readonly ranges = new Set<number>()
  private readonly chunkRangeMs: number
  private readonly capacity: number

  constructor(chunkRangeMs: number, capacity: number) {
    this.chunkRangeMs = chunkRangeMs
    this.capacity = capacity
  }

  insert(series: MemSeries, t: number, high: number, low: number): boolean {
    const samples = this.of(series)
    if (!samples.insert(t, high, low)) return false
    this.note(t)
    this.finishFull(samples)
    return true
  }

  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean {
    const samples = this.of(series)
    if (!samples.insertHistogram(from, i)) return false
    this.note(from.t[i] as number)
    this.finishFull(samples)
    return true
  }

  /** Takes everything in that came before. */
  absorb(earlier: Layer): void {
    for (const [series, samples] of earlier.series) {
      const now = this.series.get(series)
      if (!now) this.series.set(series, samples)
      else {
        samples.finish()
        now.putBefore(samples.finished)
      }
    }
    for (const range of earlier.ranges) this.ranges.add(range)
    this.minT = Math.min(this.minT, earlier.minT)
    this.maxT = Math.max(this.maxT, earlier.maxT)
  }

  private of(series: MemSeries): SeriesSamples {
    let samples = this.series.get(series)
    if (!samples) this.series.set(series, (samples = new SeriesSamples()))
    return samples
  }

  private note(t: number): void {
    if (t < this.minT) this.minT = t
    if (t > this.maxT) this.maxT = t
    this.ranges.add(Math.floor(t / this.chunkRangeMs))
  }

  private finishFull(samples: SeriesSamples): void {
    if (samples.openCount >= this.capacity) samples.finish()
  }
}
