import { schemas } from '../histogram.ts'
import type { FloatHistogram } from './float.ts'
import { sameBuckets, sameNumbers } from './spans.ts'

/** Whether two histograms hold the same data (upstream `Equals`): the same buckets, empty ones included, and the same
 *  numbers bit by bit; only a NaN is like every other NaN, because its payload does not survive in every JavaScript
 *  engine. Hints are not looked at. */
export function sameFloatHistogram(a: FloatHistogram, b: FloatHistogram): boolean {
  if (a === b) return true
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    (a.schema !== schemas.custom || sameNumbers(a.bounds, b.bounds)) &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameBuckets(a.positiveSpans, b.positiveSpans) &&
    sameBuckets(a.negativeSpans, b.negativeSpans) &&
    sameCounts(a.positive, b.positive) &&
    sameCounts(a.negative, b.negative)
  )
}

function sameCounts(a: Float64Array, b: Float64Array): boolean {
  if (a.length !== b.length) return false
  for (let k = 0; k < a.length; k++) if (!Object.is(a[k], b[k])) return false
  return true
}
