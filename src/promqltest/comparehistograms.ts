import type { FloatHistogram } from '../engine/model/histogram/float.ts'
import { compactInPlace } from '../engine/model/histogram/floatadd.ts'
import { sameBuckets, sameNumbers } from '../engine/model/histogram/spans.ts'
import { almostEqual } from './almost.ts'
import type { HistogramValue } from './histogram.ts'

/** Whether a histogram is almost what a script wants: the same buckets but for empty ones, and nearly the same numbers;
 *  the hint only where the script gives one (upstream's `compareNativeHistogram`). */
export function almostSameHistogram({ histogram, hinted }: HistogramValue, found: FloatHistogram): boolean {
  const [a, b] = [compacted(histogram), compacted(found)]
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    sameNumbers(a.bounds, b.bounds) &&
    almostEqual(a.count, b.count) &&
    almostEqual(a.sum, b.sum) &&
    almostEqual(a.zeroCount, b.zeroCount) &&
    sameBuckets(a.positiveSpans, b.positiveSpans) &&
    sameBuckets(a.negativeSpans, b.negativeSpans) &&
    almostSameCounts(a.positive, b.positive) &&
    almostSameCounts(a.negative, b.negative) &&
    (!hinted || a.hint === b.hint)
  )
}

function compacted(h: FloatHistogram): FloatHistogram {
  const copy = h.copy()
  compactInPlace(copy)
  return copy
}

function almostSameCounts(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((count, i) => almostEqual(count, b[i] as number))
}
