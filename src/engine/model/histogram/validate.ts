import { isExponential, maxCount, schemas, type Histogram } from '../histogram.ts'

/** What is wrong with a histogram from outside, in upstream's words (`Histogram.Validate`, `FloatHistogram.Validate`); null
 *  when it may be stored. An integer histogram's buckets must add up to its count, unless NaN was observed. Different
 *  from upstream: an integer count above `maxCount` is refused. */
export function faultOf(h: Histogram): string | null {
  if (h.stale) return null
  const { schema } = h.layout
  if (schema === schemas.custom) return customFault(h) ?? totalFault(h)
  if (isExponential(schema)) return exponentialFault(h) ?? totalFault(h)
  return `histogram has an invalid schema, which must be between ${schemas.min} and ${schemas.max} for exponential buckets, or ${schemas.custom} for custom buckets, got schema ${schema}`
}

function customFault({ layout, positive, negative, zeroCount }: Histogram): string | null {
  const fault = boundsFault(layout.bounds) ?? customSpansFault(layout.positiveSpans, positive, layout.bounds)
  if (fault !== null) return `custom buckets: ${fault}`
  if (zeroCount !== 0) return 'custom buckets: must have zero count of 0'
  if (layout.zeroThreshold !== 0) return 'custom buckets: must have zero threshold of 0'
  if (layout.negativeSpans.length > 0) return 'custom buckets: must not have negative spans'
  if (negative.length > 0) return 'custom buckets: must not have negative buckets'
  return null
}

function exponentialFault({ layout, positive, negative, zeroCount, float }: Histogram): string | null {
  const positiveFault = spansFault(layout.positiveSpans, positive)
  if (positiveFault !== null) return `positive side: ${positiveFault}`
  const negativeFault = spansFault(layout.negativeSpans, negative) ?? countsFault(negative, float)
  if (negativeFault !== null) return `negative side: ${negativeFault}`
  if (float && zeroCount < 0)
    return `zero bucket has observation count of ${shortest(zeroCount)}: ${negativeBucket}`
  if (layout.bounds.length > 0) return 'histogram with exponential schema must not have custom bounds'
  return null
}

const negativeBucket = 'histogram has a bucket whose observation count is negative'
const negativeOffset = 'histogram has a span whose offset is negative'

function boundsFault(bounds: Float64Array): string | null {
  for (const [i, bound] of bounds.entries()) {
    if (Number.isNaN(bound)) return 'histogram custom bounds must not be NaN'
    const before = i > 0 ? (bounds[i - 1] as number) : -Infinity
    if (i > 0 && bound <= before)
      return `previous bound is ${sixDigits(before)} and current is ${sixDigits(bound)}: histogram custom bounds must be in strictly increasing order`
  }
  if (bounds.at(-1) === Infinity)
    return 'last +Inf bound must not be explicitly defined: histogram custom bounds must be finite'
  return null
}

function customSpansFault(spans: Int32Array, counts: Float64Array, bounds: Float64Array): string | null {
  if (spans.length > 0 && (spans[0] as number) < 0)
    return `span number 1 with offset ${spans[0]}: ${negativeOffset}`
  const fault = spansFault(spans, counts)
  if (fault !== null) return fault
  let end = 0
  for (let i = 0; i < spans.length; i += 2) end += (spans[i] as number) + (spans[i + 1] as number)
  if (bounds.length + 1 >= end) return null
  return `only ${bounds.length} custom bounds defined which is insufficient to cover total span length of ${end}: histogram custom bounds are too few`
}

function spansFault(spans: Int32Array, counts: Float64Array): string | null {
  let wanted = 0
  for (let i = 0; i < spans.length; i += 2) {
    if (i > 0 && (spans[i] as number) < 0)
      return `span number ${i / 2 + 1} with offset ${spans[i]}: ${negativeOffset}`
    wanted += (spans[i + 1] as number) >>> 0
  }
  if (wanted === counts.length) return null
  return `spans need ${wanted} buckets, have ${counts.length} buckets: histogram spans specify different number of buckets than provided`
}

function countsFault(counts: Float64Array, float: boolean): string | null {
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    if (count < 0)
      return `bucket number ${i + 1} has observation count of ${float ? shortest(count) : count}: ${negativeBucket}`
  }
  return null
}

function totalFault(h: Histogram): string | null {
  if (h.float && h.count < 0)
    return `observation count is  ${shortest(h.count)}: histogram's observation count is negative`
  const fault = countsFault(h.positive, h.float)
  if (fault !== null) return `positive side: ${fault}`
  return h.float ? null : integerFault(h)
}

function integerFault({ count, zeroCount, positive, negative, sum }: Histogram): string | null {
  for (const each of [count, zeroCount]) {
    if (!Number.isInteger(each) || each < 0 || each > maxCount)
      return `want counts that are integers up to 2^50, have ${each}`
  }
  let found = zeroCount
  for (const side of [positive, negative]) {
    for (let i = 0; i < side.length; i++) {
      const each = side[i] as number
      if (!Number.isInteger(each)) return `want counts that are integers up to 2^50, have ${each}`
      found += each
    }
  }
  const have = `${found} observations found in buckets, but the Count field is ${count}: histogram's observation count should`
  if (Number.isNaN(sum))
    return found > count ? `${have} be at least the number of observations found in the buckets` : null
  return found === count
    ? null
    : `${have} equal the number of observations found in the buckets (in absence of NaN)`
}

/** A float as Go's %v: an exponent of two digits below 1e-4 and from 1e6 on. */
function shortest(v: number): string {
  if (v === -Infinity) return '-Inf'
  const [mantissa = '', exponent = ''] = v.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(v)
  const digits = String(Math.abs(power)).padStart(2, '0')
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`
}

/** A float as Go's %f. */
function sixDigits(v: number): string {
  if (Math.abs(v) === Infinity) return v > 0 ? '+Inf' : '-Inf'
  return v.toFixed(6)
}
