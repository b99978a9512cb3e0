import { compensate } from '../kahan.ts'
import { upperBound } from './bounds.ts'
import type { FloatHistogram } from './float.ts'
import { compactedSide, type Side } from './floatsides.ts'
import { bucketIndices } from './spans.ts'

// Zero buckets of different widths: the narrower one grows, over buckets that it takes in.

export interface ZeroBucket {
  readonly threshold: number
  readonly count: number
  /** What a Kahan sum holds back of the count. */
  readonly aside: number
}

/** Widens the zero bucket of `h`, and for the answer that of `other`, until both are as wide and end inside no bucket with
 *  observations (upstream `reconcileZeroBuckets`).
 *  @param aside what is held back of `h`, with the same buckets; it is widened, too
 *  @returns the zero bucket of `other` */
export function reconcileZeroBuckets(
  h: FloatHistogram,
  other: FloatHistogram,
  aside: FloatHistogram | null,
): ZeroBucket {
  let zero: ZeroBucket = { threshold: other.zeroThreshold, count: other.zeroCount, aside: 0 }
  while (zero.threshold !== h.zeroThreshold) {
    if (h.zeroThreshold > zero.threshold) zero = widenedZeroBucket(other, h.zeroThreshold, null)
    if (zero.threshold > h.zeroThreshold) widenInPlace(h, zero.threshold, aside)
  }
  return zero
}

function widenInPlace(h: FloatHistogram, threshold: number, aside: FloatHistogram | null): void {
  const zero = widenedZeroBucket(h, threshold, aside)
  h.zeroThreshold = zero.threshold
  h.zeroCount = zero.count
  if (aside) {
    aside.zeroThreshold = zero.threshold
    aside.zeroCount = zero.aside
  }
  for (const sign of ['positive', 'negative'] as const) {
    const side = sideOf(h, sign, aside)
    clear(side, h)
    setSide(h, sign, aside, compactedSide(side))
  }
}

/** Buckets of one sign. */
export function sideOf(
  h: FloatHistogram,
  sign: 'positive' | 'negative',
  aside: FloatHistogram | null = null,
): Side {
  const spans = sign === 'positive' ? h.positiveSpans : h.negativeSpans
  return { spans, counts: h[sign], aside: aside && aside[sign] }
}

export function setSide(
  h: FloatHistogram,
  sign: 'positive' | 'negative',
  aside: FloatHistogram | null,
  side: Side,
): void {
  const spans = sign === 'positive' ? 'positiveSpans' : 'negativeSpans'
  h[spans] = side.spans
  h[sign] = side.counts
  if (!aside) return
  aside[spans] = side.spans
  aside[sign] = side.aside ?? new Float64Array(0)
}

/** Empties the buckets that the zero bucket has taken in. */
function clear({ spans, counts, aside }: Side, { layout, zeroThreshold }: FloatHistogram): void {
  for (const [k, index] of bucketIndices(spans).entries()) {
    if (upperBound(index - 1, layout) >= zeroThreshold) return
    counts[k] = 0
    if (aside) aside[k] = 0
  }
}

/** The zero bucket of a histogram, had it been as wide as `threshold`: wider still where that falls inside a bucket with
 *  observations (upstream `zeroCountForLargerThreshold`). */
function widenedZeroBucket(h: FloatHistogram, threshold: number, aside: FloatHistogram | null): ZeroBucket {
  const own = { threshold, count: h.zeroCount, aside: aside?.zeroCount ?? 0 }
  if (threshold === h.zeroThreshold) return own
  for (let zero: ZeroBucket = own; ;) {
    const above = takeIn(zero, h, 'positive', aside)
    const both = takeIn(above, h, 'negative', aside)
    if (both.threshold === above.threshold) return both
    // A negative bucket that widens it changes what it takes of the positive ones. What was held back stays, as it does
    // upstream.
    zero = { threshold: both.threshold, count: h.zeroCount, aside: both.aside }
  }
}

/** A zero bucket with the buckets of one sign that it reaches over or into. */
function takeIn(
  zero: ZeroBucket,
  h: FloatHistogram,
  sign: 'positive' | 'negative',
  held: FloatHistogram | null,
): ZeroBucket {
  const side = sideOf(h, sign, held)
  const { layout } = h
  let { threshold, count, aside } = zero
  for (const [k, index] of bucketIndices(side.spans).entries()) {
    if (upperBound(index - 1, layout) >= threshold) break
    for (const inc of [side.counts[k], side.aside?.[k]]) {
      if (inc === undefined) continue
      const total = count + inc
      aside = compensate(aside, count, inc, total)
      count = total
    }
    const end = upperBound(index, layout)
    if (end <= threshold) continue
    if (side.counts[k] !== 0) threshold = end
    break
  }
  return { threshold, count, aside }
}
