import {
  emptyLayout,
  resetHint,
  schemas,
  type Histogram,
  type HistogramLayout,
  type ResetHint,
} from '../histogram.ts'
import type { HistogramColumns } from './columns.ts'

// One float histogram by itself (upstream `FloatHistogram`): what a query calculates with. What is done to it stands
// beside it in the other files that begin with float.

/** Everything that a float histogram is made of. Counts may have fractions, and be negative once something was
 *  subtracted. */
export interface FloatHistogramParts {
  /** -4 … 8, or `schemas.custom`. */
  schema: number
  zeroThreshold: number
  zeroCount: number
  /** All observations, NaN among them. */
  count: number
  sum: number
  /** As in `HistogramLayout`. Never changed in place: histograms share them. */
  positiveSpans: Int32Array
  negativeSpans: Int32Array
  /** Absolute counts, as many as the positive spans have buckets. */
  positive: Float64Array
  negative: Float64Array
  /** As in `HistogramLayout`. Never changed in place. */
  bounds: Float64Array
  hint: ResetHint
}

/** A native histogram with float counts. Whoever made one may change it until it is handed on; then it stays as it is and
 *  may be shared. What changes one in place says so by its name. */
export class FloatHistogram implements FloatHistogramParts {
  schema: number
  zeroThreshold: number
  zeroCount: number
  count: number
  sum: number
  positiveSpans: Int32Array
  negativeSpans: Int32Array
  positive: Float64Array
  negative: Float64Array
  bounds: Float64Array
  hint: ResetHint

  /** Takes the arrays as they are. */
  constructor(parts: FloatHistogramParts) {
    this.schema = parts.schema
    this.zeroThreshold = parts.zeroThreshold
    this.zeroCount = parts.zeroCount
    this.count = parts.count
    this.sum = parts.sum
    this.positiveSpans = parts.positiveSpans
    this.negativeSpans = parts.negativeSpans
    this.positive = parts.positive
    this.negative = parts.negative
    this.bounds = parts.bounds
    this.hint = parts.hint
  }

  /** A copy of a sample that is no stale marker. */
  static of(h: Histogram): FloatHistogram {
    const { hint, zeroCount, count, sum, positive, negative } = h
    const counts = { zeroCount, count, sum, positive: positive.slice(), negative: negative.slice(), hint }
    return new FloatHistogram({ ...h.layout, ...counts })
  }

  /** A copy of row i, which is no stale marker. */
  static ofRow(columns: HistogramColumns, i: number): FloatHistogram {
    const { schema, zeroThreshold, positiveSpans, negativeSpans, bounds } = columns.layoutOf(i)
    const start = columns.offset[i] as number
    const middle = start + columns.positives(i)
    return new FloatHistogram({
      schema,
      zeroThreshold,
      zeroCount: columns.zeroCount[i] as number,
      count: columns.observations[i] as number,
      sum: columns.sum[i] as number,
      positiveSpans,
      negativeSpans,
      positive: columns.buckets.slice(start, middle),
      negative: columns.buckets.slice(middle, start + columns.size(i)),
      bounds,
      hint: columns.hint[i] as ResetHint,
    })
  }

  /** Nothing observed, no buckets. */
  static empty(): FloatHistogram {
    const none = {
      zeroCount: 0,
      count: 0,
      sum: 0,
      positive: new Float64Array(0),
      negative: new Float64Array(0),
    }
    return new FloatHistogram({ ...emptyLayout, ...none, hint: resetHint.unknown })
  }

  /** Whether the bounds are listed instead of following from the schema. */
  get custom(): boolean {
    return this.schema === schemas.custom
  }

  get layout(): HistogramLayout {
    const { schema, zeroThreshold, positiveSpans, negativeSpans, bounds } = this
    return { schema, zeroThreshold, positiveSpans, negativeSpans, bounds }
  }

  /** The same as a sample for answers; it shares the arrays. */
  plain(): Histogram {
    const { layout, hint, count, zeroCount, sum, positive, negative } = this
    return { layout, float: true, hint, count, zeroCount, sum, positive, negative, stale: false }
  }

  /** Has counts of its own. */
  copy(): FloatHistogram {
    const copy = new FloatHistogram(this)
    copy.positive = this.positive.slice()
    copy.negative = this.negative.slice()
    return copy
  }

  /** The same with another hint; it shares the counts, so neither is changed in place afterwards. */
  withHint(hint: ResetHint): FloatHistogram {
    const copy = new FloatHistogram(this)
    copy.hint = hint
    return copy
  }

  /** All counts and the sum times a factor (upstream `Mul`); with a negative one it becomes a gauge. */
  scaled(factor: number): FloatHistogram {
    const copy = this.copy()
    copy.scaleInPlace(factor)
    return copy
  }

  scaleInPlace(factor: number): void {
    this.zeroCount *= factor
    this.count *= factor
    this.sum *= factor
    for (let i = 0; i < this.positive.length; i++) this.positive[i] = (this.positive[i] as number) * factor
    for (let i = 0; i < this.negative.length; i++) this.negative[i] = (this.negative[i] as number) * factor
    if (factor < 0) this.hint = resetHint.gauge
  }

  /** All counts and the sum divided (upstream `Div`); by a negative number it becomes a gauge, by 0 it loses all buckets. */
  divided(divisor: number): FloatHistogram {
    const copy = this.copy()
    copy.divideInPlace(divisor)
    return copy
  }

  divideInPlace(divisor: number): void {
    this.zeroCount /= divisor
    this.count /= divisor
    this.sum /= divisor
    if (divisor === 0) {
      this.positiveSpans = this.negativeSpans = emptyLayout.positiveSpans
      this.positive = this.negative = new Float64Array(0)
      return
    }
    for (let i = 0; i < this.positive.length; i++) this.positive[i] = (this.positive[i] as number) / divisor
    for (let i = 0; i < this.negative.length; i++) this.negative[i] = (this.negative[i] as number) / divisor
    if (divisor < 0) this.hint = resetHint.gauge
  }

  /** Whether a number became infinite (upstream `HasOverflow`). */
  get overflows(): boolean {
    const { zeroCount, count, sum, positive, negative, bounds } = this
    return (
      [zeroCount, count, sum].some(isInfinite) ||
      positive.some(isInfinite) ||
      negative.some(isInfinite) ||
      bounds.some(isInfinite)
    )
  }

  /** How many float samples it counts for. */
  get weight(): number {
    return weightOf(this, this.positive.length + this.negative.length)
  }
}

/** How many float samples a histogram counts for, where the samples of a query are limited (upstream's `HPoint.size`: its
 *  bytes with the time, in units of 16). */
export function weightOf({ positiveSpans, negativeSpans, bounds }: HistogramLayout, buckets: number): number {
  const spanBytes = 4 * (positiveSpans.length + negativeSpans.length)
  const bytes = 168 + spanBytes + 8 * (buckets + bounds.length)
  return Math.floor((bytes + 8) / 16)
}

function isInfinite(v: number): boolean {
  return v === Infinity || v === -Infinity
}
