import { HistogramColumns } from '../../src/engine/model/histogram/columns.ts'
import type { Histogram, ResetHint } from '../../src/engine/model/histogram.ts'

/** A sample as it stands in what upstream's code made: spans are offset and length in turn, counts are absolute, the sum
 *  is its bits in hexadecimal. */
export interface UpstreamSample {
  readonly t: number
  readonly hint?: ResetHint
  readonly schema: number
  readonly zt: number
  readonly zc: number
  readonly count: number
  readonly sum: string
  readonly ps?: readonly number[]
  readonly ns?: readonly number[]
  readonly pb?: readonly number[]
  readonly nb?: readonly number[]
  readonly cv?: readonly number[]
  /** The chunk before it was cut for its size or age. */
  readonly cut?: boolean
}

const staleSum = '7ff0000000000002'

export function histogramOf(sample: UpstreamSample, float: boolean): Histogram {
  const { hint = 0, schema, zt, zc, count, sum, ps = [], ns = [], pb = [], nb = [], cv = [] } = sample
  return {
    layout: {
      schema,
      zeroThreshold: zt,
      positiveSpans: Int32Array.from(ps),
      negativeSpans: Int32Array.from(ns),
      bounds: Float64Array.from(cv),
    },
    float,
    hint,
    count,
    zeroCount: zc,
    sum: Buffer.from(sum, 'hex').readDoubleBE(),
    positive: Float64Array.from(pb),
    negative: Float64Array.from(nb),
    stale: sum === staleSum,
  }
}

/** Columns with these samples. */
export function columnsOf(samples: readonly UpstreamSample[], float: boolean): HistogramColumns {
  const columns = new HistogramColumns()
  for (const sample of samples) columns.push(sample.t, histogramOf(sample, float))
  return columns
}

/** What a sample says, whatever its spans and empty buckets: counts by index of bucket. */
export function contentOf(t: number, h: Histogram): object {
  if (h.stale) return { t, float: h.float, stale: true }
  return {
    t,
    float: h.float,
    schema: h.layout.schema,
    zeroThreshold: h.layout.zeroThreshold,
    bounds: [...h.layout.bounds],
    count: h.count,
    zeroCount: h.zeroCount,
    sum: h.sum,
    positive: countsOf(h.layout.positiveSpans, h.positive),
    negative: countsOf(h.layout.negativeSpans, h.negative),
  }
}

function countsOf(spans: Int32Array, counts: Float64Array): Record<number, number> {
  const found: Record<number, number> = {}
  let index = 0
  let at = 0
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i]!
    for (let k = 0; k < spans[i + 1]!; k++, index++) {
      const count = counts[at++]!
      if (count !== 0) found[index] = count
    }
  }
  return found
}
