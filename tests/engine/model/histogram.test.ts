import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { maxCount, schemas, staleHistogram, type Histogram } from '../../../src/engine/model/histogram.ts'
import { exponentialBound, upperBound } from '../../../src/engine/model/histogram/bounds.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { compacted, reduceResolution } from '../../../src/engine/model/histogram/compact.ts'
import { sameHistogram } from '../../../src/engine/model/histogram/equal.ts'
import { isReset } from '../../../src/engine/model/histogram/reset.ts'
import { faultOf } from '../../../src/engine/model/histogram/validate.ts'
import { histogramOf, type UpstreamSample } from '../histogramsamples.ts'

/** What Prometheus 3.14's own code answered. */
interface Result {
  readonly h: UpstreamSample
  readonly float: boolean
  readonly to?: number
  readonly PS: readonly number[]
  readonly NS: readonly number[]
  readonly PB: readonly number[] | null
  readonly NB: readonly number[] | null
}

const [valid, compact, reduce, resets] = readFileSync(new URL('histograms.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as unknown) as [
  { float: boolean; h: UpstreamSample; error: string }[],
  Result[],
  Result[],
  { A: UpstreamSample; B: UpstreamSample; Reset: boolean }[],
]

describe('validation', () => {
  test.each(valid)('says what upstream says: "$error"', ({ h, float, error }) => {
    expect(faultOf(histogramOf(h, float)) ?? '').toBe(error)
  })

  test('lets a stale marker pass whatever is in it', () => {
    expect(faultOf(staleHistogram(false))).toBeNull()
    expect(faultOf({ ...simple(), count: -1, stale: true })).toBeNull()
  })

  test.each([maxCount * 2, 1.5, -1])('refuses a count of %d that a chunk could not keep', count => {
    const h = { ...simple(), count, positive: Float64Array.of(count) }
    expect(faultOf(h)).toMatch(/want counts that are integers up to 2\^50|negative/)
  })
})

test.each(compact)('compaction drops what upstream drops: $h.ps $h.ns', row => {
  expectSides(compacted(histogramOf(row.h, row.float)), row)
})

test('compaction gives the histogram itself when there is nothing to do', () => {
  const h = simple()
  expect(compacted(h)).toBe(h)
})

test.each(reduce)('the resolution is reduced from $h.schema to $to as upstream does', row => {
  const reduced = reduceResolution(histogramOf(row.h, row.float), row.to ?? 0)
  expect(reduced.layout.schema).toBe(row.to ?? 0)
  expectSides(reduced, row)
})

test('the resolution is not raised, nor that of custom buckets changed', () => {
  expect(() => reduceResolution(simple(), 3)).toThrow('cannot reduce resolution from schema 0 to 3')
  expect(() => reduceResolution(simple(), schemas.custom)).toThrow(
    'cannot reduce resolution to custom buckets schema',
  )
  const custom = { ...simple(), layout: { ...simple().layout, schema: schemas.custom } }
  expect(() => reduceResolution(custom, -1)).toThrow('cannot reduce resolution when there are custom buckets')
})

describe('a counter reset', () => {
  test.each(resets)('is found where upstream finds it: $Reset', ({ A, B, Reset }) => {
    expect(resetBetween(histogramOf(A, true), histogramOf(B, true))).toBe(Reset)
  })

  test('is what the hint says, whatever the counts', () => {
    const lower = { ...simple(), count: 1, positive: Float64Array.of(1) }
    expect(resetBetween(simple(), { ...lower, hint: 2 })).toBe(false)
    expect(resetBetween(simple(), { ...simple(), hint: 1 })).toBe(true)
    expect(resetBetween(simple(), lower)).toBe(true)
  })
})

describe('bounds', () => {
  const layout = simple().layout

  test.each([
    [0, 0, 1],
    [1, 0, 2],
    [-1074, 0, 5e-324],
    [-1075, 0, 0],
    [1023, 0, 2 ** 1023],
    [1024, 0, Number.MAX_VALUE],
    [1025, 0, Infinity],
    [1, 1, 1.414213562373095],
    [1, 2, 1.189207115002721],
    [-1, 3, 0.9170040432046711],
    [3, 8, 1.008155898092349 * (1.0081558981184175 / 1.008155898092349)],
    [1, -4, 65_536],
    [64, -4, Number.MAX_VALUE],
    [65, -4, Infinity],
  ])('bucket %d of schema %d ends at %d', (index, schema, bound) => {
    expect(upperBound(index, { ...layout, schema })).toBe(bound)
  })

  test('are the same for a bucket that a lower schema has too', () => {
    for (let schema = 1; schema <= schemas.max; schema++) {
      for (let index = -40; index <= 40; index++)
        expect(exponentialBound(2 * index, schema)).toBe(exponentialBound(index, schema - 1))
    }
  })

  test('of custom buckets are those that are listed', () => {
    const custom = { ...layout, schema: schemas.custom, bounds: Float64Array.of(1, 2.5) }
    expect([-1, 0, 1, 2].map(index => upperBound(index, custom))).toEqual([-Infinity, 1, 2.5, Infinity])
    expect(() => upperBound(3, custom)).toThrow('index 3 out of bounds for custom bounds of length 2')
  })
})

describe('equality', () => {
  const cases: [string, Partial<Histogram>, boolean][] = [
    ['the same data', {}, true],
    ['another hint', { hint: 3 }, true],
    ['another sum', { sum: 8 }, false],
    ['a negative zero for a sum', { sum: -0 }, false],
    ['another count in a bucket', { positive: Float64Array.of(6) }, false],
    ['floats for integers', { float: true }, false],
    ['the same bucket in other spans', { layout: layoutWith(Int32Array.of(-1, 0, 2, 1, 3, 0)) }, true],
    ['another bucket', { layout: layoutWith(Int32Array.of(2, 1)) }, false],
    ['another zero threshold', { layout: { ...layoutWith(Int32Array.of(1, 1)), zeroThreshold: 1 } }, false],
    ['a stale marker', staleHistogram(false), false],
  ]
  test.each(cases)('with %s', (_, change, same) => {
    const columns = new HistogramColumns()
    columns.push(1, { ...simple(), sum: 0 + 0 })
    columns.push(2, { ...simple(), sum: 0, ...change })
    expect(sameHistogram(columns, 0, columns, 1)).toBe(same)
  })
})

describe('columns', () => {
  test('hold samples of several layouts, and give back what was pushed', () => {
    const columns = new HistogramColumns()
    const samples = [simple(), staleHistogram(true), { ...simple(), float: true, hint: 3 as const, sum: NaN }]
    for (const [i, h] of samples.entries()) columns.push(i, h)
    expect(samples.map((_, i) => columns.at(i))).toEqual(samples)
    expect(columns.layouts.length).toBe(2)
    expect([columns.size(0), columns.size(1), columns.positives(2)]).toEqual([1, 0, 1])
  })

  test('keep the samples of a range, and lose those of another', () => {
    const columns = new HistogramColumns()
    for (let t = 0; t < 10; t++) columns.push(t, { ...simple(), count: t, positive: Float64Array.of(t) })
    columns.clip(2, 8)
    columns.cut(4, 5)
    const kept = [2, 3, 6, 7, 8]
    expect([...columns.t.subarray(0, columns.count)]).toEqual(kept)
    expect(kept.map((_, i) => columns.at(i).positive[0])).toEqual(kept)
    columns.push(9, simple())
    expect(columns.at(5)).toEqual(simple())
    columns.clip(20, 30)
    expect(columns.count).toBe(0)
  })

  test('copy a sample from others with all its bits', () => {
    const from = new HistogramColumns()
    from.push(1, { ...simple(), float: true })
    from.sumBits.set([7, 0x7ff80000], 0)
    from.bucketBits.set([9, 0x7ff80000], 0)
    const to = new HistogramColumns()
    to.copy(from, 0)
    expect(sameHistogram(from, 0, to, 0)).toBe(true)
    expect([...to.sumBits.subarray(0, 2)]).toEqual([7, 0x7ff80000])
  })
})

function resetBetween(previous: Histogram, current: Histogram): boolean {
  const columns = new HistogramColumns()
  columns.push(1, previous)
  columns.push(2, current)
  return isReset(columns, 1, columns, 0)
}

function expectSides(h: Histogram, { PS, NS, PB, NB }: Result): void {
  expect([...h.layout.positiveSpans]).toEqual(PS)
  expect([...h.layout.negativeSpans]).toEqual(NS)
  expect([...h.positive]).toEqual(PB ?? [])
  expect([...h.negative]).toEqual(NB ?? [])
}

function layoutWith(positiveSpans: Int32Array): Histogram['layout'] {
  return {
    schema: 0,
    zeroThreshold: 0.5,
    positiveSpans,
    negativeSpans: new Int32Array(0),
    bounds: new Float64Array(0),
  }
}

/** Five observations in (1, 2]. */
function simple(): Histogram {
  return {
    layout: layoutWith(Int32Array.of(1, 1)),
    float: false,
    hint: 0,
    count: 5,
    zeroCount: 0,
    sum: 7.5,
    positive: Float64Array.of(5),
    negative: new Float64Array(0),
    stale: false,
  }
}
