import { upperBound } from './bounds.ts'
import type { FloatHistogram } from './float.ts'
import { compactInPlace } from './floatadd.ts'
import { fractionBelow } from './floatlog.ts'
import { bucketIndices } from './spans.ts'

// Trimming: the observations on one side of a value, as far as buckets can tell (the operators </ and >/, upstream
// `TrimBuckets`). The sum is estimated anew.

export type Kept = 'below' | 'above'

interface Bucket {
  readonly lower: number
  readonly upper: number
  readonly count: number
}

/** What of a bucket is kept: how many observations, and the value that stands for each. */
interface Rest {
  readonly count: number
  readonly middle: number
}

/** How buckets of a side are filled: evenly, or evenly on a logarithmic scale. */
interface Scale {
  readonly sign: 'positive' | 'negative'
  readonly linear: boolean
}

/** Count and sum of what was kept so far. */
interface Totals {
  count: number
  sum: number
  changed: boolean
}

/** The observations below or above `value`; the same histogram when those are all. */
export function trimmed(h: FloatHistogram, value: number, kept: Kept): FloatHistogram {
  const result = h.copy()
  const totals: Totals = { count: 0, sum: 0, changed: false }
  const hasPositive = trimSide(result, 'positive', value, kept, totals)
  const hasNegative = trimSide(result, 'negative', value, kept, totals)
  if (h.zeroCount > 0) {
    const width = h.zeroThreshold
    const zero = {
      lower: hasPositive && !hasNegative ? 0 : -width,
      upper: hasNegative && !hasPositive ? 0 : width,
      count: h.zeroCount,
    }
    result.zeroCount = take(restOfZero(zero, value, kept), h.zeroCount, totals)
  }
  if (!totals.changed) return h
  result.count = totals.count
  result.sum = totals.sum
  compactInPlace(result)
  return result
}

/** Trims the buckets of one sign in place.
 *  @returns whether there were observations */
function trimSide(
  h: FloatHistogram,
  sign: Scale['sign'],
  value: number,
  kept: Kept,
  totals: Totals,
): boolean {
  const { layout } = h
  const counts = h[sign]
  const scale = { sign, linear: h.custom }
  let any = false
  for (const [k, index] of bucketIndices(sign === 'positive' ? h.positiveSpans : h.negativeSpans).entries()) {
    const count = counts[k] as number
    if (count === 0) continue
    any = true
    const inner = upperBound(index - 1, layout)
    const outer = upperBound(index, layout)
    const bucket =
      sign === 'positive' ? { lower: inner, upper: outer, count } : { lower: -outer, upper: -inner, count }
    const rest = restOf(bucket, value, kept, scale)
    if (rest) counts[k] = take(rest, count, totals)
    else {
      counts[k] = 0
      totals.changed = true
    }
  }
  return any
}

function take(rest: Rest, before: number, totals: Totals): number {
  totals.count += rest.count
  totals.sum += rest.middle * rest.count
  if (rest.count !== before) totals.changed = true
  return rest.count
}

/** Null when nothing is kept. */
function restOf(bucket: Bucket, value: number, kept: Kept, scale: Scale): Rest | null {
  const { lower, upper, count } = bucket
  if (kept === 'below' ? upper <= value : lower >= value)
    return { count, middle: middleOf(lower, upper, scale) }
  if (kept === 'below' ? !(lower < value) : !(upper > value)) return null
  if (lower === -Infinity) return restWithoutLower(bucket, value, kept)
  if (upper === Infinity) return restWithoutUpper(bucket, value, kept)
  const under = count * fractionBelow(value, lower, upper, scale.linear ? 'linear' : 'logarithmic')
  return kept === 'below'
    ? { count: under, middle: middleOf(lower, value, scale) }
    : { count: count - under, middle: middleOf(value, upper, scale) }
}

/** Of a custom bucket without lower bound, which begins at 0 when it ends above. Where the observations lie is not known
 *  otherwise. */
function restWithoutLower({ upper, count }: Bucket, value: number, kept: Kept): Rest {
  const nothing = { count: 0, middle: finiteOrZero(upper) }
  const isOpen = upper === Infinity
  if (kept === 'below') {
    if (value > 0 && upper > 0 && !isOpen) return { count: (count * value) / upper, middle: value / 2 }
    return upper <= 0 ? { count, middle: value } : nothing
  }
  if (value >= 0 && !isOpen) return { count: count * (1 - value / upper), middle: (value + upper) / 2 }
  return nothing
}

/** Of a bucket without upper bound: all of it lies above any value inside. */
function restWithoutUpper({ lower, count }: Bucket, value: number, kept: Kept): Rest {
  return kept === 'above' ? { count, middle: value } : { count: 0, middle: finiteOrZero(lower) }
}

function finiteOrZero(v: number): number {
  return Number.isFinite(v) ? v : 0
}

function restOfZero({ lower, upper, count }: Bucket, value: number, kept: Kept): Rest {
  const all = { count, middle: (lower + upper) / 2 }
  const nothing = { count: 0, middle: 0 }
  if (value <= lower) return kept === 'below' ? nothing : all
  if (value >= upper) return kept === 'below' ? all : nothing
  return kept === 'below'
    ? { count: count * ((value - lower) / (upper - lower)), middle: (lower + value) / 2 }
    : { count: count * ((upper - value) / (upper - lower)), middle: (value + upper) / 2 }
}

/** The value that stands for those between two bounds: in the middle of the scale, or as far as is known. */
function middleOf(lower: number, upper: number, { sign, linear }: Scale): number {
  if (lower === -Infinity || lower === Infinity) {
    if (!Number.isFinite(upper)) return 0
    return upper > 0 ? upper / 2 : upper
  }
  if (upper === Infinity || upper === -Infinity) return lower
  if (linear) return (lower + upper) / 2
  const mean = Math.sqrt(Math.abs(lower * upper))
  return sign === 'positive' ? mean : -mean
}
