import { formatGeneral } from '../float.ts'
import { upperBound } from './bounds.ts'
import type { FloatHistogram } from './float.ts'
import { bucketIndices } from './spans.ts'

/** A histogram as text (upstream's `FloatHistogram.String`): `{count:3, sum:4.5, (1,2]:3}`, with the buckets that are not
 *  empty. */
export function histogramText(h: FloatHistogram): string {
  const { zeroThreshold, zeroCount } = h
  const zero =
    zeroCount === 0 || h.custom ? [] : [bucketText(-zeroThreshold, zeroThreshold, zeroCount, '[', ']')]
  const parts = [
    `count:${formatGeneral(h.count)}`,
    `sum:${formatGeneral(h.sum)}`,
    ...bucketTexts(h, 'negative').reverse(),
    ...zero,
    ...bucketTexts(h, 'positive'),
  ]
  return `{${parts.join(', ')}}`
}

function bucketTexts(h: FloatHistogram, side: 'positive' | 'negative'): string[] {
  const counts = h[side]
  const indices = bucketIndices(side === 'positive' ? h.positiveSpans : h.negativeSpans)
  return [...indices].flatMap((index, k) => {
    const count = counts[k] as number
    if (count === 0) return []
    const near = upperBound(index - 1, h)
    const far = upperBound(index, h)
    if (h.custom) return [bucketText(near, far, count, index === 0 ? '[' : '(', ']')]
    if (side === 'negative') return [bucketText(-far, -near, count, '[', ')')]
    return [bucketText(near, far, count, near < 0 ? '[' : '(', far > 0 ? ']' : ')')]
  })
}

function bucketText(lower: number, upper: number, count: number, open: string, close: string): string {
  return `${open}${formatGeneral(lower)},${formatGeneral(upper)}${close}:${formatGeneral(count)}`
}
