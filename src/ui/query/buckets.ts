import { schemas, type Histogram } from '../../engine/model/histogram.ts'
import { BucketCursor } from '../../engine/model/histogram/floatbuckets.ts'
import { FloatHistogram } from '../../engine/model/histogram/float.ts'

/** A bucket of a native histogram with something in it. */
export interface Bucket {
  readonly lower: number
  readonly upper: number
  /** Whether an observation that equals the bound is in it. */
  readonly lowerClosed: boolean
  readonly upperClosed: boolean
  readonly count: number
  /** Of the largest count of all, 0 … 1. */
  readonly share: number
}

/** The buckets of a histogram from the lowest bound up, the empty ones left out as Prometheus's API does
 *  (`web/api/v1`, `MarshalHistogram`). */
export function bucketsOf(histogram: Histogram): Bucket[] {
  const cursor = new BucketCursor()
  const found: Omit<Bucket, 'share'>[] = []
  cursor.ascend(FloatHistogram.of(histogram))
  while (cursor.next()) {
    const { lower, upper, count } = cursor
    if (count === 0) continue
    found.push({ lower, upper, count, ...closedBounds(histogram, lower, upper) })
  }
  const most = found.reduce((max, { count }) => Math.max(max, Math.abs(count)), 0)
  return found.map(bucket => ({ ...bucket, share: Math.abs(bucket.count) / most }))
}

/** The bound that is further from zero is closed; of the zero bucket both are. Custom buckets end with their upper bound,
 *  and the lowest begins with its lower one (upstream `baseBucketIterator.at`). */
function closedBounds({ layout }: Histogram, lower: number, upper: number) {
  const { schema, zeroThreshold } = layout
  if (schema === schemas.custom) return { lowerClosed: lower === -Infinity, upperClosed: true }
  const isZero = lower === -zeroThreshold && upper === zeroThreshold
  return { lowerClosed: isZero || lower < 0, upperClosed: isZero || upper > 0 }
}
