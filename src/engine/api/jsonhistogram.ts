import { formatFloat } from '../model/float.ts'
import type { Histogram } from '../model/histogram.ts'
import { FloatHistogram } from '../model/histogram/float.ts'
import { BucketCursor } from '../model/histogram/floatbuckets.ts'

/** A native histogram as the API has it: count, sum, and the buckets that are not empty, each with a number for which of
 *  its bounds belong to it (https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms). */
export function histogramJson(histogram: Histogram): string {
  const buckets = bucketsOf(histogram)
  const fields = [`"count":"${formatFloat(histogram.count)}"`, `"sum":"${formatFloat(histogram.sum)}"`]
  if (buckets.length > 0) fields.push(`"buckets":[${buckets.join(',')}]`)
  return `{${fields.join(',')}}`
}

function bucketsOf(histogram: Histogram): string[] {
  const buckets: string[] = []
  const cursor = new BucketCursor()
  cursor.ascend(FloatHistogram.of(histogram))
  while (cursor.next()) {
    const { lower, upper, count } = cursor
    if (count === 0) continue
    const numbers = [lower, upper, count].map(v => `"${formatFloat(v)}"`)
    buckets.push(`[${boundsKind(lower, upper)},${numbers.join(',')}]`)
  }
  return buckets
}

/** 0: the upper bound belongs to the bucket, 1: the lower one, 2: none, 3: both. Bounds away from zero do, and those of a
 *  zero bucket. */
function boundsKind(lower: number, upper: number): 0 | 1 | 2 | 3 {
  if (lower === upper) return 3
  if (lower < 0) return upper > 0 ? 3 : 1
  return upper > 0 ? 0 : 2
}
