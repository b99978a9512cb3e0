import { isExponential, resetHint, schemas, type Histogram, type HistogramLayout } from '../histogram.ts'
import { exponentialBound, upperBound } from './bounds.ts'
import type { HistogramColumns } from './columns.ts'
import { wideIndex } from './compact.ts'
import { bucketIndices, sameNumbers } from './spans.ts'

/** Whether the counter was reset between sample j of `previous` and sample i of `current`, two of one series (upstream
 *  `DetectReset`). Only an explicit hint or a count that fell say so; a sum may fall. Neither may be stale. */
export function isReset(
  current: HistogramColumns,
  i: number,
  previous: HistogramColumns,
  j: number,
): boolean {
  const hint = current.hint[i]
  if (hint === resetHint.reset) return true
  if (hint === resetHint.notReset) return false
  if ((current.observations[i] as number) < (previous.observations[j] as number)) return true
  // The rule, in quantity: same buckets, and nothing fell. The rest is worth a second look.
  if (current.layoutOf(i) === previous.layoutOf(j) && !anyLower(current, i, previous, j)) return false
  return isResetAcross(current.at(i), previous.at(j))
}

function anyLower(current: HistogramColumns, i: number, previous: HistogramColumns, j: number): boolean {
  if ((current.zeroCount[i] as number) < (previous.zeroCount[j] as number)) return true
  const a = current.offset[i] as number
  const b = previous.offset[j] as number
  for (let k = current.size(i) - 1; k >= 0; k--) {
    if ((current.buckets[a + k] as number) < (previous.buckets[b + k] as number)) return true
  }
  return false
}

/** The same, bucket by bucket, for any two layouts. */
export function isResetAcross(current: Histogram, previous: Histogram): boolean {
  const { layout } = current
  const before = previous.layout
  if (layout.schema === schemas.custom) {
    if (before.schema !== schemas.custom) return true
    if (!sameNumbers(layout.bounds, before.bounds)) return lowerAtCommonBounds(current, previous)
  }
  if (layout.schema > before.schema || layout.zeroThreshold < before.zeroThreshold) return true
  const zero = widenedZero(previous, layout.zeroThreshold)
  // The threshold may only grow to where a bucket with observations ends.
  if (zero.threshold !== layout.zeroThreshold || current.zeroCount < zero.count) return true
  const { schema, zeroThreshold } = layout
  return (
    lower(
      buckets(layout.positiveSpans, current.positive, schema, schema, zeroThreshold),
      buckets(before.positiveSpans, previous.positive, before.schema, schema, zeroThreshold),
    ) ||
    lower(
      buckets(layout.negativeSpans, current.negative, schema, schema, zeroThreshold),
      buckets(before.negativeSpans, previous.negative, before.schema, schema, zeroThreshold),
    )
  )
}

/** Counts by index of bucket, ascending. */
type Buckets = ReadonlyMap<number, number>

/** Buckets of one sign, merged into those of a lower schema, without those that the zero bucket has inside it. */
function buckets(
  spans: Int32Array,
  counts: Float64Array,
  from: number,
  to: number,
  zeroThreshold: number,
): Buckets {
  const found = new Map<number, number>()
  for (const [k, narrow] of bucketIndices(spans).entries()) {
    const index = from === to ? narrow : wideIndex(narrow, from - to)
    if (isExponential(to) && zeroThreshold !== 0 && exponentialBound(index, to) <= zeroThreshold) continue
    found.set(index, (found.get(index) ?? 0) + (counts[k] as number))
  }
  return found
}

function lower(current: Buckets, previous: Buckets): boolean {
  for (const [index, count] of previous) {
    const now = current.get(index)
    if (now === undefined ? count !== 0 : now < count) return true
  }
  return false
}

interface ZeroBucket {
  readonly threshold: number
  readonly count: number
}

/** The zero bucket of a histogram, had it been as wide as `threshold`: wider still where that falls inside a bucket with
 *  observations (upstream `zeroCountForLargerThreshold`). */
function widenedZero({ layout, positive, negative, zeroCount }: Histogram, threshold: number): ZeroBucket {
  if (threshold === layout.zeroThreshold) return { threshold, count: zeroCount }
  for (let wide = threshold; ;) {
    const above = widened({ threshold: wide, count: zeroCount }, layout, layout.positiveSpans, positive)
    const both = widened(above, layout, layout.negativeSpans, negative)
    // A negative bucket that widens it changes what it takes of the positive ones.
    if (both.threshold === above.threshold) return both
    wide = both.threshold
  }
}

/** A zero bucket with the buckets of one sign that it reaches over or into. */
function widened(
  zero: ZeroBucket,
  layout: HistogramLayout,
  spans: Int32Array,
  counts: Float64Array,
): ZeroBucket {
  const { threshold } = zero
  let sum = zero.count
  for (const [k, index] of bucketIndices(spans).entries()) {
    if (upperBound(index - 1, layout) >= threshold) break
    const count = counts[k] as number
    const end = upperBound(index, layout)
    sum += count
    if (end > threshold) return { threshold: count === 0 ? threshold : end, count: sum }
  }
  return { threshold, count: sum }
}

/** Compares what lies between the bounds that both have, +Inf among them (upstream
 *  `detectResetWithMismatchedCustomBounds`). */
function lowerAtCommonBounds(current: Histogram, previous: Histogram): boolean {
  const before = new Set(previous.layout.bounds)
  const common = [...current.layout.bounds.filter(bound => before.has(bound)), Infinity]
  const now = countsUpTo(common, current)
  const then = countsUpTo(common, previous)
  return common.some((_, k) => (now[k] as number) < (then[k] as number))
}

/** For each bound, the observations above the bound before it. */
function countsUpTo(bounds: readonly number[], { layout, positive }: Histogram): number[] {
  const sums = bounds.map(() => 0)
  let at = 0
  for (const [k, index] of bucketIndices(layout.positiveSpans).entries()) {
    while ((bounds[at] as number) < upperBound(index, layout)) at++
    sums[at] = (sums[at] as number) + (positive[k] as number)
  }
  return sums
}
