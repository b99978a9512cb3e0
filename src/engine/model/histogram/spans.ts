import type { HistogramLayout } from '../histogram.ts'

// Runs of buckets as offset, length, offset, length … (see `HistogramLayout`).

/** How many buckets the spans have. A length is unsigned on disk; one above 2^31 counts as what it is. */
export function bucketsIn(spans: Int32Array): number {
  let count = 0
  for (let i = 1; i < spans.length; i += 2) count += (spans[i] as number) >>> 0
  return count
}

/** Index of each bucket, ascending for valid spans. */
export function bucketIndices(spans: Int32Array): Int32Array {
  const indices = new Int32Array(bucketsIn(spans))
  let at = 0
  let index = 0
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i] as number
    const end = at + (spans[i + 1] as number)
    while (at < end) indices[at++] = index++
  }
  return indices
}

/** The fewest spans that have these buckets; `indices` ascend. */
export function spansOf(indices: ArrayLike<number>): Int32Array {
  const spans: number[] = []
  let next = 0
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    if (i > 0 && index === next) spans[spans.length - 1] = (spans.at(-1) as number) + 1
    else spans.push(index - next, 1)
    next = index + 1
  }
  return Int32Array.from(spans)
}

/** All buckets of both, ascending. */
export function union(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length)
  let [i, j, count] = [0, 0, 0]
  while (i < a.length || j < b.length) {
    const left = i < a.length ? (a[i] as number) : Infinity
    const right = j < b.length ? (b[j] as number) : Infinity
    all[count++] = Math.min(left, right)
    if (left <= right) i++
    if (right <= left) j++
  }
  return all.slice(0, count)
}

/** Whether both have the same buckets, in whatever spans (upstream `spansMatch`). */
export function sameBuckets(a: Int32Array, b: Int32Array): boolean {
  return sameNumbers(a, b) || sameNumbers(bucketIndices(a), bucketIndices(b))
}

/** Whether the layouts have the same buckets in the same spans. */
export function sameLayout(a: HistogramLayout, b: HistogramLayout): boolean {
  return (
    a === b ||
    (a.schema === b.schema &&
      a.zeroThreshold === b.zeroThreshold &&
      sameNumbers(a.positiveSpans, b.positiveSpans) &&
      sameNumbers(a.negativeSpans, b.negativeSpans) &&
      sameNumbers(a.bounds, b.bounds))
  )
}

export function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
