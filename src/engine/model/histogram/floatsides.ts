import { isExponential } from '../histogram.ts'
import { compensate } from '../kahan.ts'
import { exponentialBound } from './bounds.ts'
import { wideIndex } from './compact.ts'
import { bucketIndices, sameNumbers, spansOf, union } from './spans.ts'

// The buckets of one sign, and how two of them become one. All sums are upstream's, in upstream's order, to the bit.

export interface Side {
  readonly spans: Int32Array
  /** Belong to the side and may be changed in place. */
  readonly counts: Float64Array
  /** What a Kahan sum holds back of each count; null where sums are plain. */
  readonly aside: Float64Array | null
}

export type Sign = 1 | -1

/** Which buckets the zero bucket has inside it. */
export interface Zone {
  readonly schema: number
  readonly zeroThreshold: number
}

/** Adds b's buckets to a's or takes them away (upstream `addBuckets`, `kahanAddBuckets`). Those of b that begin the side
 *  and lie in the zero bucket are left out. May change a in place; b stays as it is. */
export function addSide(a: Side, b: Side, sign: Sign, zone: Zone): Side {
  const from = bucketsInZone(b, zone)
  if (from === b.counts.length) return a
  if (!sameNumbers(a.spans, b.spans)) return merged(a, b, sign, from)
  addSameBuckets(a, b, sign, from)
  return a
}

function bucketsInZone({ spans, counts }: Side, { schema, zeroThreshold }: Zone): number {
  if (!isExponential(schema)) return 0
  let k = 0
  let index = 0
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i] as number
    for (let end = k + (spans[i + 1] as number); k < end; k++) {
      if (k === counts.length || exponentialBound(index++, schema) > zeroThreshold) return k
    }
  }
  return k
}

function addSameBuckets(a: Side, b: Side, sign: Sign, from: number): void {
  const { counts, aside } = a
  const more = b.counts
  for (let k = from; k < more.length; k++) {
    const sum = counts[k] as number
    const inc = sign * (more[k] as number)
    const total = sum + inc
    if (aside) aside[k] = compensate(aside[k] as number, sum, inc, total)
    counts[k] = total
    const rest = b.aside?.[k]
    if (rest !== undefined && rest !== 0) increase(a, k, sign * rest)
  }
}

function addAt(a: Side, i: number, b: Side, j: number, sign: Sign): void {
  increase(a, i, sign * (b.counts[j] as number))
  const rest = b.aside?.[j]
  if (rest !== undefined && rest !== 0) increase(a, i, sign * rest)
}

function increase({ counts, aside }: Side, i: number, inc: number): void {
  const sum = counts[i] as number
  const total = sum + inc
  counts[i] = total
  if (aside) aside[i] = compensate(aside[i] as number, sum, inc, total)
}

/** Sides with different buckets; those of b count from `from`. */
function merged(a: Side, b: Side, sign: Sign, from: number): Side {
  const ofA = bucketIndices(a.spans)
  const ofB = bucketIndices(b.spans).subarray(from)
  const all = union(ofA, ofB)
  const target = all.length === ofA.length ? a : emptySide(spansOf(all), all.length, a.aside !== null)
  let [i, j] = [0, 0]
  for (let k = 0; k < all.length; k++) {
    const hasA = i < ofA.length && ofA[i] === all[k]
    if (hasA) move(a, i++, target, k)
    if (j === ofB.length || ofB[j] !== all[k]) continue
    if (hasA) addAt(target, k, b, from + j, sign)
    else put(b, from + j, target, k, sign)
    j++
  }
  return target
}

function emptySide(spans: Int32Array, size: number, compensated: boolean): Side {
  return {
    spans,
    counts: new Float64Array(size),
    aside: compensated ? new Float64Array(size) : null,
  }
}

function move(from: Side, i: number, to: Side, k: number): void {
  to.counts[k] = from.counts[i] as number
  if (to.aside) to.aside[k] = from.aside?.[i] ?? 0
}

function put(from: Side, i: number, to: Side, k: number, sign: Sign): void {
  to.counts[k] = sign * (from.counts[i] as number)
  if (to.aside) to.aside[k] = sign * (from.aside?.[i] ?? 0)
}

/** A side with buckets 2^by times as wide, empty ones included (upstream `reduceResolution`). */
export function widenedSide(side: Side, by: number): Side {
  const narrow = bucketIndices(side.spans)
  const wide = new Int32Array(narrow.length)
  const target = emptySide(side.spans, narrow.length, side.aside !== null)
  let size = 0
  for (let i = 0; i < narrow.length; i++) {
    const index = wideIndex(narrow[i] as number, by)
    if (size === 0 || wide[size - 1] !== index) {
      move(side, i, target, size)
      wide[size++] = index
    } else {
      increase(target, size - 1, side.counts[i] as number)
      if (side.aside) increase(target, size - 1, side.aside[i] as number)
    }
  }
  return {
    spans: spansOf(wide.subarray(0, size)),
    counts: target.counts.slice(0, size),
    aside: target.aside && target.aside.slice(0, size),
  }
}

/** A side without empty buckets, in as few spans as can be (upstream `compactBuckets` with 0); itself when there is
 *  nothing to do. A bucket of which something was held back is not empty. */
export function compactedSide(side: Side): Side {
  const { spans, counts, aside } = side
  if (!counts.includes(0) && areTidy(spans)) return side
  const indices = bucketIndices(spans)
  const kept = new Int32Array(counts.length)
  const target = emptySide(spans, counts.length, aside !== null)
  let size = 0
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0 && (aside === null || aside[i] === 0)) continue
    move(side, i, target, size)
    kept[size++] = indices[i] as number
  }
  return {
    spans: spansOf(kept.subarray(0, size)),
    counts: target.counts.slice(0, size),
    aside: target.aside && target.aside.slice(0, size),
  }
}

/** Whether there are buckets in each span and gaps between them. */
function areTidy(spans: Int32Array): boolean {
  for (let i = 0; i < spans.length; i += 2) {
    if (spans[i + 1] === 0 || (i > 0 && spans[i] === 0)) return false
  }
  return true
}

/** A side with the bounds of its custom buckets. */
export interface CustomSide extends Side {
  readonly bounds: Float64Array
}

/** Adds or takes away custom buckets of other bounds: what lies between two bounds that both have becomes one bucket,
 *  empty ones are left out (upstream `addCustomBucketsWithMismatches`).
 *  @param common the bounds of the result */
export function addAtCommonBounds(a: CustomSide, b: CustomSide, sign: Sign, common: Float64Array): Side {
  const size = common.length + 1
  // Whether a bucket is empty depends on what is held back of it, even when the caller sums plainly.
  const all = emptySide(Int32Array.of(0, size), size, true)
  addAcross(a, common, 1, all)
  addAcross({ ...b, aside: null }, common, sign, all)
  const { spans, counts, aside } = compactedSide(all)
  return { spans, counts, aside: a.aside && aside }
}

function addAcross(from: CustomSide, common: Float64Array, sign: Sign, to: Side): void {
  let target = 0
  for (const [i, index] of bucketIndices(from.spans).entries()) {
    const bound = from.bounds[index] ?? Infinity
    while (target < common.length && (common[target] as number) < bound) target++
    addAt(to, target, from, i, sign)
  }
}

/** The bounds that both have (upstream `intersectCustomBucketBounds`). */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const other = new Set(b)
  return a.filter(bound => other.has(bound))
}
