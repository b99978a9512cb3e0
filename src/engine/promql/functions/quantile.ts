import { BucketCursor } from '../../model/histogram/floatbuckets.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import { exp2, fractionBelow, log2 } from '../../model/histogram/floatlog.ts'
import { compensate } from '../../model/kahan.ts'

/** How observations of NaN change a result: they are counted, but are in no bucket. */
export type NaNEffect = 'isNaN' | 'skewed' | 'excluded'

/** Estimates what native histograms tell of their observations (upstream `promql/quantile.go`). In a bucket they are taken
 *  to be spread evenly: on a logarithmic scale in exponential buckets, on a plain one in custom buckets and in the zero
 *  bucket. One estimator serves many histograms; nothing is made for any. */
export class NativeEstimator {
  private readonly cursor = new BucketCursor()
  private readonly onNaN: (effect: NaNEffect) => void
  /** The bucket at hand. */
  private lower = 0
  private upper = 0
  private size = 0

  /** @param onNaN told when NaNs were observed and change a result */
  constructor(onNaN: (effect: NaNEffect) => void) {
    this.onNaN = onNaN
  }

  /** The φ-quantile (upstream `HistogramQuantile`): NaN of nothing, -Inf and +Inf for a φ outside [0, 1]. */
  quantile(q: number, h: FloatHistogram): number {
    if (q < 0) return -Infinity
    if (q > 1) return Infinity
    if (h.count === 0 || Number.isNaN(q)) return NaN
    // With NaNs the buckets do not add up to the count: then only the way up finds the rank.
    const ascending = Number.isNaN(h.sum) || q < 0.5
    if (ascending) this.cursor.ascend(h)
    else this.cursor.descend(h)
    return this.valueAt((ascending ? q : 1 - q) * h.count, ascending, h)
  }

  /** The value of a rank, counted from where the cursor stands. */
  private valueAt(rank: number, ascending: boolean, h: FloatHistogram): number {
    const passed = this.passUpTo(rank)
    this.readBucket()
    if (h.custom && this.lower === -Infinity) {
      if (this.upper <= 0) return this.upper
      this.lower = 0
    } else if (h.custom && this.upper === Infinity) {
      return this.lower
    } else if (!h.custom && this.lower < 0 && this.upper > 0) {
      this.cutZeroBucket(h)
    }
    // A sum of floats may end above the count.
    const count = passed > h.count ? h.count : passed
    if (count < rank) return this.beyondBuckets(h)
    const within = ascending ? rank - (count - this.size) : count - rank
    if (Number.isNaN(h.sum)) this.lookForNaN(count, h)
    return this.interpolated(within / this.size, h)
  }

  /** Goes on until so many observations are passed, or to the last bucket.
   *  @returns how many were passed */
  private passUpTo(rank: number): number {
    const { cursor } = this
    let count = 0
    while (cursor.next()) {
      if (cursor.count === 0) continue
      count += cursor.count
      if (count >= rank) break
    }
    return count
  }

  private readBucket(): void {
    this.lower = this.cursor.lower
    this.upper = this.cursor.upper
    this.size = this.cursor.count
  }

  /** A bucket around 0 is cut in half where there are observations on one side only. */
  private cutZeroBucket({ positive, negative }: FloatHistogram): void {
    if (negative.length === 0 && positive.length > 0) this.lower = 0
    else if (positive.length === 0 && negative.length > 0) this.upper = 0
  }

  private beyondBuckets(h: FloatHistogram): number {
    if (!Number.isNaN(h.sum)) return this.upper
    this.onNaN('isNaN')
    return NaN
  }

  /** The sum is NaN: either there are more observations than in buckets, or both infinities were observed. */
  private lookForNaN(passed: number, h: FloatHistogram): void {
    const { cursor } = this
    let count = passed
    let isLast = true
    while (cursor.next()) {
      isLast = false
      count += cursor.count
    }
    // As upstream, which then goes on with the last bucket.
    if (!isLast) this.readBucket()
    if (count < h.count) this.onNaN('skewed')
  }

  private interpolated(fraction: number, h: FloatHistogram): number {
    const { lower, upper } = this
    if (h.custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction
    const logLower = log2(Math.abs(lower))
    const logUpper = log2(Math.abs(upper))
    if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction)
    return -exp2(logUpper + (logLower - logUpper) * (1 - fraction))
  }

  /** The fraction of the observations between two values (upstream `HistogramFraction`): NaN of nothing or between NaNs. */
  fraction(lower: number, upper: number, h: FloatHistogram): number {
    if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN
    if (lower >= upper) return 0
    const count = Number.isNaN(h.sum) ? this.countWithoutNaN(h) : h.count
    return (this.rankOf(upper, count, h) - this.rankOf(lower, count, h)) / h.count
  }

  private countWithoutNaN(h: FloatHistogram): number {
    const { cursor } = this
    cursor.ascend(h)
    let count = 0
    while (cursor.next()) count += cursor.count
    if (count < h.count) this.onNaN('excluded')
    return count
  }

  /** How many observations lie below a value, at most `count`. */
  private rankOf(value: number, count: number, h: FloatHistogram): number {
    const { cursor } = this
    cursor.ascend(h)
    let rank = 0
    while (cursor.next()) {
      const found = this.rankInBucket(value, rank, h)
      if (found !== null) return found > count ? count : found
      rank += cursor.count
    }
    return count
  }

  /** Null when the value lies above the bucket. */
  private rankInBucket(value: number, rank: number, h: FloatHistogram): number | null {
    this.readBucket()
    const aroundZero = this.lower <= 0 && this.upper >= 0
    if (aroundZero) this.cutZeroBucket(h)
    const { lower, upper, size } = this
    if (lower >= value) return rank
    if (upper <= value) return null
    const scale = h.custom || aroundZero ? 'linear' : 'logarithmic'
    // Nothing is known of how an endless bucket is filled.
    if (scale === 'linear' && lower === -Infinity) return size
    return rank + size * fractionBelow(value, lower, upper, scale)
  }

  /** The variance of the observations, each taken to be in the middle of its bucket (upstream `histogramVariance`). */
  variance(h: FloatHistogram): number {
    const { cursor } = this
    const mean = h.sum / h.count
    let sum = 0
    let aside = 0
    cursor.ascend(h)
    while (cursor.next()) {
      if (cursor.count === 0) continue
      const delta = this.middle(h) - mean
      const inc = cursor.count * delta * delta
      const total = sum + inc
      aside = compensate(aside, sum, inc, total)
      sum = total
    }
    return (sum + aside) / h.count
  }

  private middle({ custom }: FloatHistogram): number {
    const { lower, upper } = this.cursor
    if (custom) return (upper + lower) / 2
    if (lower <= 0 && upper >= 0) return 0
    const middle = Math.sqrt(upper * lower)
    return upper < 0 ? -middle : middle
  }
}
