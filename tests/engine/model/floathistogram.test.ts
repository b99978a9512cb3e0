import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { resetHint } from '../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import {
  addInPlace,
  compactInPlace,
  reduceResolutionInPlace,
  subtractInPlace,
} from '../../../src/engine/model/histogram/floatadd.ts'
import { sameFloatHistogram } from '../../../src/engine/model/histogram/floatequal.ts'
import { interpolatedHistogram } from '../../../src/engine/model/histogram/floatinterpolate.ts'
import { isFloatReset } from '../../../src/engine/model/histogram/floatreset.ts'
import { HistogramMean, HistogramSum } from '../../../src/engine/model/histogram/floatsum.ts'
import { trimmed } from '../../../src/engine/model/histogram/floattrim.ts'
import { bucketIndices } from '../../../src/engine/model/histogram/spans.ts'
import { NativeEstimator } from '../../../src/engine/promql/functions/quantile.ts'
import { histogramOf, type UpstreamSample } from '../histogramsamples.ts'

type Upstream = UpstreamSample | null

interface Estimated {
  readonly A: UpstreamSample
  readonly Q: string
  readonly Quantile: string
  readonly QuantileNote: '' | 'result' | 'skew'
  readonly Lower: string
  readonly Upper: string
  readonly Fraction: string
  readonly FractionNote: '' | 'fraction'
  readonly Variance: string
  readonly Weight: number
}

/** What Prometheus 3.14's own code answered to histograms made by chance, numbers as decimals or as bits. */
const [combinations, sums, trims, resets, interpolations, estimates] = readFileSync(
  new URL('floathistograms.txt', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as unknown) as [
  {
    A: UpstreamSample
    B: UpstreamSample
    Sum: Upstream
    Difference: Upstream
    Collision: boolean
    Reconciled: boolean
  }[],
  { Of: UpstreamSample[]; Total: UpstreamSample; Mean: UpstreamSample }[],
  { A: UpstreamSample; At: string; Below: UpstreamSample; Above: UpstreamSample; Compact: UpstreamSample }[],
  { A: UpstreamSample; B: UpstreamSample; Reset: boolean; Equal: boolean }[],
  { A: UpstreamSample; B: UpstreamSample; T: number; Counter: Upstream; Gauge: Upstream }[],
  Estimated[],
]

describe('addition', () => {
  test.each(combinations)('gives the bits that upstream gives: schemas $A.schema and $B.schema', row => {
    const sum = floatOf(row.A)
    const noticed = addInPlace(sum, floatOf(row.B))
    if (!row.Sum) {
      expect(noticed).toBeNull()
      expect(shown(sum)).toEqual(shown(floatOf(row.A)))
      return
    }
    expect(noticed).toEqual({ resetCollision: row.Collision, boundsReconciled: row.Reconciled })
    expect(shown(sum)).toEqual(shown(floatOf(row.Sum)))
  })

  test('leaves the other histogram and what it shares with it alone', () => {
    const other = floatOf(combinations[1]?.B as UpstreamSample)
    const before = shown(other)
    addInPlace(other.copy(), other)
    subtractInPlace(other.copy(), other)
    other.scaled(3).divideInPlace(2)
    other.withHint(resetHint.reset)
    expect(shown(other)).toEqual(before)
  })

  test.each([
    ['reset', 'notReset', 'unknown', true],
    ['reset', 'reset', 'reset', false],
    ['reset', 'unknown', 'unknown', false],
    ['gauge', 'reset', 'gauge', false],
    ['unknown', 'gauge', 'gauge', false],
  ] as const)('of %s to %s is %s; whether that is a collision: %s', (a, b, both, collision) => {
    const sum = simple({ hint: resetHint[a] })
    expect(addInPlace(sum, simple({ hint: resetHint[b] }))?.resetCollision).toBe(collision)
    expect(sum.hint).toBe(resetHint[both])
  })
})

test.each(combinations)('subtraction gives the bits that upstream gives: $A.schema and $B.schema', row => {
  const difference = floatOf(row.A)
  const noticed = subtractInPlace(difference, floatOf(row.B))
  expect(noticed && shown(difference)).toEqual(row.Difference && shown(floatOf(row.Difference)))
})

describe('a Kahan sum', () => {
  test.each(sums)('gives the bits that upstream gives, and so does the mean: $Total.schema', row => {
    const [first, ...others] = row.Of.map(floatOf) as [FloatHistogram, ...FloatHistogram[]]
    const sum = new HistogramSum(first)
    const mean = new HistogramMean(first)
    for (const h of others) {
      expect(sum.add(h)).not.toBeNull()
      expect(mean.add(h)).not.toBeNull()
    }
    expect(shown(sum.total())).toEqual(shown(floatOf(row.Total)))
    expect(shown(mean.mean())).toEqual(shown(floatOf(row.Mean)))
  })

  test('keeps what a plain sum would lose', () => {
    const sum = new HistogramSum(simple({ sum: 1e100 }))
    for (const each of [1, 1, -1e100]) sum.add(simple({ sum: each }))
    expect(sum.total().sum).toBe(2)
  })

  test('of one histogram is the histogram', () => {
    expect(shown(new HistogramSum(simple({})).total())).toEqual(shown(simple({})))
    expect(shown(new HistogramMean(simple({})).mean())).toEqual(shown(simple({})))
  })

  test('refuses to mix custom and exponential buckets', () => {
    expect(new HistogramSum(simple({})).add(simple({ schema: -53 }))).toBeNull()
    expect(new HistogramMean(simple({})).add(simple({ schema: -53 }))).toBeNull()
  })

  test('would overflow where the mean goes on', () => {
    const huge = simple({ sum: Number.MAX_VALUE })
    const mean = new HistogramMean(huge)
    mean.add(huge)
    mean.add(huge)
    expect(mean.mean().sum / Number.MAX_VALUE).toBeCloseTo(1, 12)
  })
})

describe('trimming', () => {
  test.each(trims)('keeps what upstream keeps below and above a value: schema $A.schema', row => {
    const at = numberOf(row.At)
    expect(shown(trimmed(floatOf(row.A), at, 'below'))).toEqual(shown(floatOf(row.Below)))
    expect(shown(trimmed(floatOf(row.A), at, 'above'))).toEqual(shown(floatOf(row.Above)))
  })

  test('answers the same histogram when everything is kept', () => {
    const h = simple({})
    expect(trimmed(h, 100, 'below')).toBe(h)
    expect(trimmed(h, 1, 'above')).toBe(h)
  })
})

test.each(trims)('compaction leaves the buckets that upstream leaves: schema $A.schema', row => {
  const h = floatOf(row.A)
  compactInPlace(h)
  expect(shown(h)).toEqual(shown(floatOf(row.Compact)))
})

test('the resolution is reduced and never raised', () => {
  const h = simple({})
  reduceResolutionInPlace(h, -1)
  expect(h.schema).toBe(-1)
  expect([...h.positive]).toEqual([3])
  expect(() => reduceResolutionInPlace(h, 0)).toThrow('cannot reduce resolution from schema -1 to 0')
})

test.each(resets)('a reset is found where upstream finds it, and a copy is the same: $Reset $Equal', row => {
  expect(isFloatReset(floatOf(row.A), floatOf(row.B))).toBe(row.Reset)
  expect(sameFloatHistogram(floatOf(row.A), floatOf(row.B))).toBe(row.Equal)
})

describe('between two samples', () => {
  test.each(interpolations)('lies what upstream puts there: schema $A.schema at $T', row => {
    const before = { t: 1000, histogram: floatOf(row.A) }
    const after = { t: 31_000, histogram: floatOf(row.B) }
    const counter = interpolatedHistogram(before, after, row.T, 'counter', () => undefined)
    const gauge = interpolatedHistogram(before, after, row.T, 'gauge', () => undefined)
    expect(counter && shown(counter)).toEqual(row.Counter && shown(floatOf(row.Counter)))
    expect(gauge && shown(gauge)).toEqual(row.Gauge && shown(floatOf(row.Gauge)))
  })

  test('it is told that bounds differ, in both directions', () => {
    const custom = { schema: -53, zeroThreshold: 0, zeroCount: 0 }
    const before = { t: 0, histogram: simple({ ...custom, bounds: Float64Array.of(1, 2) }) }
    const after = { t: 10, histogram: simple({ ...custom, bounds: Float64Array.of(1, 3) }) }
    const told: string[] = []
    interpolatedHistogram(before, after, 5, 'gauge', operation => told.push(operation))
    expect(told).toEqual(['subtraction', 'addition'])
  })
})

test.each(estimates)('estimates have the bits of upstream: schema $A.schema, φ $Q', row => {
  const notes: string[] = []
  const estimator = new NativeEstimator(effect => notes.push(effect))
  const h = floatOf(row.A)
  expect(bitsOf(estimator.quantile(numberOf(row.Q), h))).toBe(bitsOf(numberOf(row.Quantile)))
  expect(notes.splice(0)).toEqual({ '': [], result: ['isNaN'], skew: ['skewed'] }[row.QuantileNote])
  const [lower, upper] = [numberOf(row.Lower), numberOf(row.Upper)]
  expect(bitsOf(estimator.fraction(lower, upper, h))).toBe(bitsOf(numberOf(row.Fraction)))
  expect(notes).toEqual(row.FractionNote ? ['excluded'] : [])
  expect(bitsOf(estimator.variance(h))).toBe(bitsOf(numberOf(row.Variance)))
  expect(h.weight).toBe(row.Weight)
})

describe('a float histogram', () => {
  test('is made of a row without sharing its counts', () => {
    const columns = new HistogramColumns()
    columns.push(1, { ...simple({}).plain(), float: false })
    const h = FloatHistogram.ofRow(columns, 0)
    columns.buckets.fill(9)
    expect(shown(h)).toEqual(shown(simple({})))
    expect(shown(FloatHistogram.of(h.plain()))).toEqual(shown(h))
  })

  test('becomes a gauge when it is turned around', () => {
    expect(simple({ hint: resetHint.reset }).scaled(-1).hint).toBe(resetHint.gauge)
    expect(simple({ hint: resetHint.reset }).divided(-1).hint).toBe(resetHint.gauge)
    expect(simple({ hint: resetHint.reset }).scaled(2).hint).toBe(resetHint.reset)
  })

  test('loses its buckets when it is divided by zero', () => {
    expect(shown(simple({}).divided(0))).toMatchObject({
      count: bitsOf(Infinity),
      positive: {},
      negative: {},
    })
  })

  test('overflows when any number is infinite', () => {
    expect(simple({}).overflows).toBe(false)
    expect(simple({}).divided(0).overflows).toBe(true)
    expect(simple({ positive: Float64Array.of(1, Infinity) }).overflows).toBe(true)
  })
})

/** One observation in (1, 2], two in (2, 4]. */
function simple(parts: Partial<FloatHistogram>): FloatHistogram {
  const h = FloatHistogram.empty()
  const counts = { count: 3, sum: 7, positive: Float64Array.of(1, 2) }
  return Object.assign(h, { positiveSpans: Int32Array.of(1, 2), ...counts, ...parts })
}

function floatOf(sample: UpstreamSample): FloatHistogram {
  return FloatHistogram.of(histogramOf(sample, true))
}

/** All that a histogram says, numbers as bits: counts by index, empty buckets included. */
function shown(h: FloatHistogram): object {
  return {
    schema: h.schema,
    hint: h.hint,
    zeroThreshold: h.zeroThreshold,
    zeroCount: bitsOf(h.zeroCount),
    count: bitsOf(h.count),
    sum: bitsOf(h.sum),
    positive: byIndex(h.positiveSpans, h.positive),
    negative: byIndex(h.negativeSpans, h.negative),
    bounds: [...h.bounds],
  }
}

function byIndex(spans: Int32Array, counts: Float64Array): Record<number, string> {
  const indices = [...bucketIndices(spans)]
  expect(indices.length).toBe(counts.length)
  return Object.fromEntries(indices.map((index, k) => [index, bitsOf(counts[k] as number)]))
}

/** All NaNs are one. */
function bitsOf(v: number): string {
  const bits = Buffer.alloc(8)
  bits.writeDoubleBE(Number.isNaN(v) ? NaN : v)
  return bits.toString('hex')
}

function numberOf(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE()
}
