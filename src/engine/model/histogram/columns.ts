import type { Histogram, HistogramLayout, ResetHint } from '../histogram.ts'
import { bucketsIn, sameLayout } from './spans.ts'

/** The bits of a NaN that marks nothing, as words (upstream's `value.NormalNaN`). */
const plainNaN = { high: 0x7ff80000, low: 1 } as const

/** Native histograms in columns that grow, in time order: those of one series for whoever reads, those of one batch
 *  for whoever appends. Nothing is made for a sample: its buckets are a run in `buckets`, first the positive ones and
 *  then the negative ones as its layout counts them, and samples of a chunk share a layout.
 *
 *  A row may be taken out or moved without touching `buckets`; runs of rows need not follow each other. Arrays may be
 *  longer than `count` and are replaced when they grow. */
export class HistogramColumns {
  count = 0
  /** Milliseconds. */
  t: Float64Array
  /** Observations; an integer up to `maxCount` unless `float`. */
  observations: Float64Array
  zeroCount: Float64Array
  sum: Float64Array
  /** Index into `layouts`. */
  layout: Uint32Array
  /** Where the buckets of a sample begin. */
  offset: Uint32Array
  /** 1 for a float histogram. */
  float: Uint8Array
  /** A `ResetHint`. */
  hint: Uint8Array
  /** 1 for a stale marker: it has no buckets, and its other numbers mean nothing. */
  stale: Uint8Array
  buckets: Float64Array
  /** The same numbers as bits, low word first, like `SampleColumns.bits`: a NaN's payload does not survive as a number in
   *  every JavaScript engine. Of a stale marker, the sum is a plain NaN. */
  observationBits: Int32Array
  zeroBits: Int32Array
  sumBits: Int32Array
  bucketBits: Int32Array
  /** Each different layout once. */
  readonly layouts: HistogramLayout[] = []
  /** Buckets of each layout: [positive, all] at 2i and 2i + 1. */
  private sizes: number[] = []
  private used = 0

  constructor(capacity = 0) {
    this.t = new Float64Array(capacity)
    this.observations = new Float64Array(capacity)
    this.zeroCount = new Float64Array(capacity)
    this.sum = new Float64Array(capacity)
    this.layout = new Uint32Array(capacity)
    this.offset = new Uint32Array(capacity)
    this.float = new Uint8Array(capacity)
    this.hint = new Uint8Array(capacity)
    this.stale = new Uint8Array(capacity)
    this.buckets = new Float64Array(capacity)
    this.observationBits = new Int32Array(this.observations.buffer)
    this.zeroBits = new Int32Array(this.zeroCount.buffer)
    this.sumBits = new Int32Array(this.sum.buffer)
    this.bucketBits = new Int32Array(this.buckets.buffer)
  }

  /** Forgets all samples and layouts, keeps the memory. */
  clear(): void {
    this.count = 0
    this.used = 0
    this.layouts.length = 0
    this.sizes.length = 0
  }

  layoutOf(i: number): HistogramLayout {
    return this.layouts[this.layout[i] as number] as HistogramLayout
  }

  /** How many positive buckets sample i has; the negative ones follow them. */
  positives(i: number): number {
    return this.stale[i] ? 0 : (this.sizes[2 * (this.layout[i] as number)] as number)
  }

  /** How many buckets sample i has, of both signs. */
  size(i: number): number {
    return this.stale[i] ? 0 : (this.sizes[2 * (this.layout[i] as number) + 1] as number)
  }

  /** The number of a layout, which is added unless one like it is there. */
  intern(layout: HistogramLayout): number {
    // The newest is the likeliest: chunk after chunk has the same buckets.
    for (let i = this.layouts.length - 1; i >= 0; i--) {
      if (sameLayout(this.layouts[i] as HistogramLayout, layout)) return i
    }
    const positive = bucketsIn(layout.positiveSpans)
    this.sizes.push(positive, positive + bucketsIn(layout.negativeSpans))
    return this.layouts.push(layout) - 1
  }

  /** Adds a sample whose other columns the caller fills in. Its buckets are zeros, its flags 0.
   *  @param layout from `intern`
   *  @returns its row */
  add(t: number, layout: number, stale: 0 | 1 = 0): number {
    const i = this.count
    if (i === this.t.length) this.reserve(1)
    const size = stale ? 0 : (this.sizes[2 * layout + 1] as number)
    if (this.used + size > this.buckets.length) this.reserveBuckets(size)
    this.t[i] = t
    this.observations[i] = 0
    this.zeroCount[i] = 0
    if (stale) this.setNaN(i)
    else this.sum[i] = 0
    this.layout[i] = layout
    this.offset[i] = this.used
    this.float[i] = 0
    this.hint[i] = 0
    this.stale[i] = stale
    this.buckets.fill(0, this.used, this.used + size)
    this.used += size
    this.count = i + 1
    return i
  }

  push(t: number, h: Histogram): void {
    const i = this.add(t, this.intern(h.layout), h.stale ? 1 : 0)
    this.float[i] = h.float ? 1 : 0
    this.hint[i] = h.hint
    if (h.stale) return
    this.observations[i] = h.count
    this.zeroCount[i] = h.zeroCount
    this.sum[i] = h.sum
    if (Number.isNaN(h.sum)) this.setNaN(i)
    this.buckets.set(h.positive, this.offset[i])
    this.buckets.set(h.negative, (this.offset[i] as number) + h.positive.length)
  }

  /** Adds a copy of another's sample. */
  copy(from: HistogramColumns, k: number): void {
    const i = this.add(from.t[k] as number, this.intern(from.layoutOf(k)), from.stale[k] ? 1 : 0)
    // Whole arrays are copied as bytes; a NaN that went through a number might lose its payload.
    this.observations.set(from.observations.subarray(k, k + 1), i)
    this.zeroCount.set(from.zeroCount.subarray(k, k + 1), i)
    this.sum.set(from.sum.subarray(k, k + 1), i)
    this.float[i] = from.float[k] as number
    this.hint[i] = from.hint[k] as number
    const start = from.offset[k] as number
    this.buckets.set(from.buckets.subarray(start, start + from.size(k)), this.offset[i])
  }

  /** A sample by itself; its counts are copies. */
  at(i: number): Histogram {
    const start = this.offset[i] as number
    const middle = start + this.positives(i)
    return {
      layout: this.layoutOf(i),
      float: this.float[i] === 1,
      hint: this.hint[i] as ResetHint,
      count: this.observations[i] as number,
      zeroCount: this.zeroCount[i] as number,
      sum: this.sum[i] as number,
      positive: this.buckets.slice(start, middle),
      negative: this.buckets.slice(middle, start + this.size(i)),
      stale: this.stale[i] === 1,
    }
  }

  private setNaN(i: number): void {
    this.sumBits[2 * i] = plainNaN.low
    this.sumBits[2 * i + 1] = plainNaN.high
  }

  /** Keeps the samples in [minT, maxT]; times must ascend. */
  clip(minT: number, maxT: number): void {
    const from = this.lowerBound(minT)
    const to = this.lowerBound(maxT + 0.5)
    this.remove(Math.max(from, to), this.count)
    this.remove(0, from)
  }

  /** Takes the samples in [minT, maxT] out; times must ascend. */
  cut(minT: number, maxT: number): void {
    this.remove(this.lowerBound(minT), this.lowerBound(maxT + 0.5))
  }

  /** Makes room for `more` samples behind the last. */
  reserve(more: number): void {
    const wanted = this.count + more
    if (wanted <= this.t.length) return
    const capacity = Math.max(wanted, this.t.length * 2)
    this.t = grown(this.t, new Float64Array(capacity))
    this.observations = grown(this.observations, new Float64Array(capacity))
    this.zeroCount = grown(this.zeroCount, new Float64Array(capacity))
    this.sum = grown(this.sum, new Float64Array(capacity))
    this.layout = grown(this.layout, new Uint32Array(capacity))
    this.offset = grown(this.offset, new Uint32Array(capacity))
    this.float = grown(this.float, new Uint8Array(capacity))
    this.hint = grown(this.hint, new Uint8Array(capacity))
    this.stale = grown(this.stale, new Uint8Array(capacity))
    this.observationBits = new Int32Array(this.observations.buffer)
    this.zeroBits = new Int32Array(this.zeroCount.buffer)
    this.sumBits = new Int32Array(this.sum.buffer)
  }

  /** Makes room for buckets of samples that are still to come. */
  reserveBuckets(more: number): void {
    const wanted = this.used + more
    if (wanted <= this.buckets.length) return
    this.buckets = grown(this.buckets, new Float64Array(Math.max(wanted, this.buckets.length * 2)))
    this.bucketBits = new Int32Array(this.buckets.buffer)
  }

  /** Takes rows [from, to) out. */
  private remove(from: number, to: number): void {
    if (to <= from) return
    for (const column of this.columns()) column.copyWithin(from, to, this.count)
    this.count -= to - from
  }

  private columns(): (Float64Array | Uint32Array | Uint8Array)[] {
    const { t, observations, zeroCount, sum, layout, offset, float, hint, stale } = this
    return [t, observations, zeroCount, sum, layout, offset, float, hint, stale]
  }

  private lowerBound(t: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.t[middle] as number) < t) low = middle + 1
      else high = middle
    }
    return low
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
