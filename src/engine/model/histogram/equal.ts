import { schemas } from '../histogram.ts'
import type { HistogramColumns } from './columns.ts'
import { sameBuckets, sameNumbers } from './spans.ts'

/** Whether two samples hold the same data, which is what makes one a duplicate of the other (upstream `Equals`): the same
 *  buckets, empty ones included, and the same bits in sums and float counts. Hints and times are not looked at. */
export function sameHistogram(a: HistogramColumns, i: number, b: HistogramColumns, j: number): boolean {
  if (a.float[i] !== b.float[j] || a.stale[i] !== b.stale[j]) return false
  if (a.stale[i]) return true
  return sameHead(a, i, b, j) && sameKinds(a, i, b, j) && sameCounts(a, i, b, j)
}

function sameHead(a: HistogramColumns, i: number, b: HistogramColumns, j: number): boolean {
  return (
    sameBits(a.observationBits, i, b.observationBits, j) &&
    sameBits(a.sumBits, i, b.sumBits, j) &&
    sameBits(a.zeroBits, i, b.zeroBits, j)
  )
}

function sameKinds(a: HistogramColumns, i: number, b: HistogramColumns, j: number): boolean {
  const p = a.layoutOf(i)
  const q = b.layoutOf(j)
  if (p === q) return true
  if (p.schema !== q.schema || p.zeroThreshold !== q.zeroThreshold) return false
  if (p.schema === schemas.custom && !sameNumbers(p.bounds, q.bounds)) return false
  return sameBuckets(p.positiveSpans, q.positiveSpans) && sameBuckets(p.negativeSpans, q.negativeSpans)
}

function sameCounts(a: HistogramColumns, i: number, b: HistogramColumns, j: number): boolean {
  const from = a.offset[i] as number
  const to = b.offset[j] as number
  for (let k = a.size(i) - 1; k >= 0; k--) {
    if (!sameBits(a.bucketBits, from + k, b.bucketBits, to + k)) return false
  }
  return true
}

function sameBits(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  return a[2 * i] === b[2 * j] && a[2 * i + 1] === b[2 * j + 1]
}
