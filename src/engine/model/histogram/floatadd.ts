import { resetHint, type ResetHint } from '../histogram.ts'
import { compensate } from '../kahan.ts'
import type { FloatHistogram } from './float.ts'
import { addAtCommonBounds, addSide, commonBounds, compactedSide, widenedSide } from './floatsides.ts'
import type { Side, Sign } from './floatsides.ts'
import { reconcileZeroBuckets, setSide, sideOf } from './floatzero.ts'
import { sameNumbers } from './spans.ts'

/** What is worth telling when two histograms were put together. */
export interface Noticed {
  /** One says that the counter was reset, the other that it was not. */
  readonly resetCollision: boolean
  /** Their custom bounds were different; only those that both have are left. */
  readonly boundsReconciled: boolean
}

/** Adds `other` to `h` (upstream `Add`): the wider zero bucket and the lower resolution win. Buckets that become empty
 *  stay.
 *  @returns null when one has custom buckets and the other exponential ones; then nothing has changed */
export function addInPlace(h: FloatHistogram, other: FloatHistogram): Noticed | null {
  return combineInPlace(h, other, 1, null)
}

/** The same, taking away (upstream `Sub`). The hint becomes what it would in a sum. */
export function subtractInPlace(h: FloatHistogram, other: FloatHistogram): Noticed | null {
  return combineInPlace(h, other, -1, null)
}

/** Adds `other` to a Kahan sum (upstream `KahanAdd`).
 *  @param aside what is held back of each number of `h`: begins as `nothingAside(h)`, is added to `h` at the very end, and
 *  has the same buckets all the time */
export function kahanAddInPlace(
  h: FloatHistogram,
  other: FloatHistogram,
  aside: FloatHistogram,
): Noticed | null {
  return combineInPlace(h, other, 1, aside)
}

/** Zeros for everything that can be counted in `h`. */
export function nothingAside(h: FloatHistogram): FloatHistogram {
  const aside = h.copy()
  aside.count = aside.sum = aside.zeroCount = 0
  aside.positive.fill(0)
  aside.negative.fill(0)
  return aside
}

/** Takes out empty buckets and joins spans (upstream `Compact(0)`). */
export function compactInPlace(h: FloatHistogram): void {
  setSide(h, 'positive', null, compactedSide(sideOf(h, 'positive')))
  setSide(h, 'negative', null, compactedSide(sideOf(h, 'negative')))
}

/** Widens the buckets to those of a lower exponential schema (upstream `ReduceResolution`). */
export function reduceResolutionInPlace(h: FloatHistogram, schema: number): void {
  const by = h.schema - schema
  if (h.custom || by <= 0)
    throw new RangeError(`cannot reduce resolution from schema ${h.schema} to ${schema}`)
  setSide(h, 'positive', null, widenedSide(sideOf(h, 'positive'), by))
  setSide(h, 'negative', null, widenedSide(sideOf(h, 'negative'), by))
  h.schema = schema
}

function combineInPlace(
  h: FloatHistogram,
  other: FloatHistogram,
  sign: Sign,
  aside: FloatHistogram | null,
): Noticed | null {
  if (h.custom !== other.custom) return null
  const hint = hintOfBoth(h.hint, other.hint)
  const resetCollision = hint === null
  h.hint = hint ?? resetHint.unknown
  if (!h.custom) addZeroBuckets(h, other, sign, aside)
  increase(h, aside, 'count', sign * other.count)
  increase(h, aside, 'sum', sign * other.sum)
  if (h.custom && !sameNumbers(h.bounds, other.bounds)) {
    addOtherBounds(h, other, sign, aside)
    return resetCollision ? noticed.both : noticed.bounds
  }
  addBuckets(h, other, sign, aside)
  return resetCollision ? noticed.collision : noticed.nothing
}

const noticed = {
  nothing: { resetCollision: false, boundsReconciled: false },
  collision: { resetCollision: true, boundsReconciled: false },
  bounds: { resetCollision: false, boundsReconciled: true },
  both: { resetCollision: true, boundsReconciled: true },
} as const satisfies Record<string, Noticed>

/** What is known of a sum, null for a collision (upstream `adjustCounterReset`). */
function hintOfBoth(a: ResetHint, b: ResetHint): ResetHint | null {
  if (a === b) return a
  if (a === resetHint.gauge || b === resetHint.gauge) return resetHint.gauge
  if (a === resetHint.unknown || b === resetHint.unknown) return resetHint.unknown
  return null
}

function addZeroBuckets(
  h: FloatHistogram,
  other: FloatHistogram,
  sign: Sign,
  aside: FloatHistogram | null,
): void {
  const zero = reconcileZeroBuckets(h, other, aside)
  increase(h, aside, 'zeroCount', sign * zero.count)
  if (aside) increase(h, aside, 'zeroCount', zero.aside)
}

function increase(
  h: FloatHistogram,
  aside: FloatHistogram | null,
  what: 'count' | 'sum' | 'zeroCount',
  inc: number,
): void {
  const total = h[what] + inc
  if (aside) aside[what] = compensate(aside[what], h[what], inc, total)
  h[what] = total
}

function addOtherBounds(
  h: FloatHistogram,
  other: FloatHistogram,
  sign: Sign,
  aside: FloatHistogram | null,
): void {
  const common = commonBounds(h.bounds, other.bounds)
  const ofH = { ...sideOf(h, 'positive', aside), bounds: h.bounds }
  const ofOther = { ...sideOf(other, 'positive'), bounds: other.bounds }
  setSide(h, 'positive', aside, addAtCommonBounds(ofH, ofOther, sign, common))
  h.bounds = common
  if (aside) aside.bounds = common
}

function addBuckets(
  h: FloatHistogram,
  other: FloatHistogram,
  sign: Sign,
  aside: FloatHistogram | null,
): void {
  const schema = Math.min(h.schema, other.schema)
  const zone = { schema, zeroThreshold: h.zeroThreshold }
  for (const side of ['positive', 'negative'] as const) {
    const ofH = atSchema(sideOf(h, side, aside), h.schema - schema)
    const ofOther = atSchema(asideIfWidened(other, side, schema, aside !== null), other.schema - schema)
    setSide(h, side, aside, addSide(ofH, ofOther, sign, zone))
  }
  h.schema = schema
  if (aside) aside.schema = schema
}

function atSchema(side: Side, by: number): Side {
  return by === 0 ? side : widenedSide(side, by)
}

/** Buckets of another histogram: widening them is part of the Kahan sum. */
function asideIfWidened(
  other: FloatHistogram,
  side: 'positive' | 'negative',
  schema: number,
  compensated: boolean,
): Side {
  const plain = sideOf(other, side)
  if (!compensated || other.schema === schema) return plain
  return { ...plain, aside: new Float64Array(plain.counts.length) }
}
