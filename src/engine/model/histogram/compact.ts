import { schemas, type Histogram } from '../histogram.ts'
import { bucketIndices, spansOf } from './spans.ts'

/** Buckets of one sign. */
interface Side {
  readonly spans: Int32Array
  readonly counts: Float64Array
}

/** The same histogram without buckets that are empty, in as few spans as can be (upstream `Compact(0)`). Itself when
 *  there is nothing to do; the spans must fit the buckets. */
export function compacted(h: Histogram): Histogram {
  const positive = compactedSide({ spans: h.layout.positiveSpans, counts: h.positive })
  const negative = compactedSide({ spans: h.layout.negativeSpans, counts: h.negative })
  if (positive.counts === h.positive && negative.counts === h.negative) return h
  return withSides(h, h.layout.schema, positive, negative)
}

function compactedSide(side: Side): Side {
  const { spans, counts } = side
  if (!counts.includes(0) && tidy(spans)) return side
  const indices = bucketIndices(spans).filter((_, i) => counts[i] !== 0)
  return { spans: spansOf(indices), counts: counts.filter(count => count !== 0) }
}

/** Whether there are buckets in each span and gaps between them. */
function tidy(spans: Int32Array): boolean {
  for (let i = 0; i < spans.length; i += 2) {
    if (spans[i + 1] === 0 || (i > 0 && spans[i] === 0)) return false
  }
  return true
}

/** The same histogram with wider buckets, empty ones included (upstream `ReduceResolution`).
 *  @param schema exponential and lower than that of the histogram; its spans must fit its buckets */
export function reduceResolution(h: Histogram, schema: number): Histogram {
  const { layout } = h
  if (layout.schema === schemas.custom)
    throw new RangeError('cannot reduce resolution when there are custom buckets')
  if (schema === schemas.custom) throw new RangeError('cannot reduce resolution to custom buckets schema')
  if (schema >= layout.schema)
    throw new RangeError(`cannot reduce resolution from schema ${layout.schema} to ${schema}`)
  const by = layout.schema - schema
  const positive = widened({ spans: layout.positiveSpans, counts: h.positive }, by)
  const negative = widened({ spans: layout.negativeSpans, counts: h.negative }, by)
  return withSides(h, schema, positive, negative)
}

/** Buckets 2^by times as wide. */
function widened({ spans, counts }: Side, by: number): Side {
  const indices: number[] = []
  const sums: number[] = []
  for (const [i, narrow] of bucketIndices(spans).entries()) {
    const index = wideIndex(narrow, by)
    if (indices.at(-1) !== index) {
      indices.push(index)
      sums.push(0)
    }
    sums[sums.length - 1] = (sums.at(-1) as number) + (counts[i] as number)
  }
  return { spans: spansOf(indices), counts: Float64Array.from(sums) }
}

/** The bucket that has bucket `index` of a schema higher by `by` inside it (upstream `targetIdx`). */
export function wideIndex(index: number, by: number): number {
  // A shift counts modulo 32; that far away, only the sign is left.
  return ((index - 1) >> Math.min(by, 31)) + 1
}

function withSides(h: Histogram, schema: number, positive: Side, negative: Side): Histogram {
  const layout = { ...h.layout, schema, positiveSpans: positive.spans, negativeSpans: negative.spans }
  return { ...h, layout, positive: positive.counts, negative: negative.counts }
}
