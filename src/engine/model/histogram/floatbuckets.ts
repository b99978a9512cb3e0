import { emptyLayout, type HistogramLayout } from '../histogram.ts'
import { upperBound } from './bounds.ts'
import { FloatHistogram } from './float.ts'
import { bucketsIn, sameLayout } from './spans.ts'

/** Goes through all buckets of a histogram, empty ones included, as if its zero bucket, when it is not empty, lay between
 *  those of both signs (upstream `AllBucketIterator`, `AllReverseBucketIterator`). One cursor serves many histograms.
 *  Bounds are only worked out when they are asked for, and kept as long as histograms have the same layout: mostly all
 *  of a series do. */
export class BucketCursor {
  /** Of the bucket that `next` found. */
  count = 0
  private h: FloatHistogram = FloatHistogram.empty()
  private layout: HistogramLayout = emptyLayout
  private negatives = 0
  private total = 1
  /** 1 for ascending, -1 for descending. */
  private direction: 1 | -1 = 1
  /** Place of the bucket: the negative ones from the lowest one up, the zero bucket, the positive ones. */
  private at = -1
  /** Bounds by place; NaN where they were not asked for yet. */
  private lowers = Float64Array.of(NaN)
  private uppers = Float64Array.of(NaN)

  /** Stands in front of the lowest bucket. */
  ascend(h: FloatHistogram): void {
    this.aim(h, 1)
    this.at = -1
  }

  /** Stands behind the highest bucket. */
  descend(h: FloatHistogram): void {
    this.aim(h, -1)
    this.at = this.total
  }

  private aim(h: FloatHistogram, direction: 1 | -1): void {
    this.h = h
    this.direction = direction
    this.count = 0
    if (!sameLayout(this.layout, h)) this.take(h.layout)
  }

  private take(layout: HistogramLayout): void {
    this.layout = layout
    this.negatives = bucketsIn(layout.negativeSpans)
    this.total = this.negatives + 1 + bucketsIn(layout.positiveSpans)
    if (this.total > this.lowers.length) {
      this.lowers = new Float64Array(this.total * 2)
      this.uppers = new Float64Array(this.total * 2)
    }
    this.lowers.fill(NaN, 0, this.total)
    this.uppers.fill(NaN, 0, this.total)
  }

  /** Goes to the next bucket; false, and stays where it is, when there is none. */
  next(): boolean {
    const { h, negatives, direction } = this
    let at = this.at + direction
    if (at === negatives && !(h.zeroCount > 0)) at += direction
    if (at < 0 || at >= this.total) return false
    this.at = at
    if (at < negatives) this.count = h.negative[negatives - 1 - at] as number
    else this.count = at === negatives ? h.zeroCount : (h.positive[at - negatives - 1] as number)
    return true
  }

  /** The lower bound, moved out of the zero bucket; 0 where there is no bucket. */
  get lower(): number {
    if (this.isOutside) return 0
    const known = this.lowers[this.at] as number
    return Number.isNaN(known) ? (this.lowers[this.at] = this.lowerBound()) : known
  }

  /** The upper bound, moved out of the zero bucket; 0 where there is no bucket. */
  get upper(): number {
    if (this.isOutside) return 0
    const known = this.uppers[this.at] as number
    return Number.isNaN(known) ? (this.uppers[this.at] = this.upperBound()) : known
  }

  private lowerBound(): number {
    const { at, negatives, layout } = this
    const { zeroThreshold } = layout
    if (at < negatives) return -upperBound(this.index(), layout)
    if (at === negatives) return -zeroThreshold
    const bound = upperBound(this.index() - 1, layout)
    return bound > 0 && bound < zeroThreshold ? zeroThreshold : bound
  }

  private upperBound(): number {
    const { at, negatives, layout } = this
    const { zeroThreshold } = layout
    if (at > negatives) return upperBound(this.index(), layout)
    if (at === negatives) return zeroThreshold
    const bound = -upperBound(this.index() - 1, layout)
    return bound < 0 && bound > -zeroThreshold ? -zeroThreshold : bound
  }

  /** Before the first `next`, or when there is no bucket at all. */
  private get isOutside(): boolean {
    return this.at < 0 || this.at >= this.total
  }

  private index(): number {
    const { at, negatives, layout } = this
    return at < negatives
      ? bucketIndex(layout.negativeSpans, negatives - 1 - at)
      : bucketIndex(layout.positiveSpans, at - negatives - 1)
  }
}

/** Index of the kth bucket. */
function bucketIndex(spans: Int32Array, k: number): number {
  let index = 0
  let left = k
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i] as number
    const length = spans[i + 1] as number
    if (left < length) return index + left
    left -= length
    index += length
  }
  return index + left
}
