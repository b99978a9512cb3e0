import { describe, expect, test } from 'vitest'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import {
  emptyLayout,
  resetHint,
  staleHistogram,
  type Histogram,
} from '../../../src/engine/model/histogram.ts'
import type { VectorSelector } from '../../../src/engine/promql/syntax/ast.ts'
import { HistogramStats, markStatsOnly } from '../../../src/engine/promql/samples/histogramstats.ts'
import { parse } from '../../../src/engine/promql/syntax/parser.ts'

describe('buckets are left out', () => {
  test.each([
    ['histogram_count(h)', true],
    ['histogram_sum(h)', true],
    ['histogram_avg(rate(h[5m]))', true],
    ['sum(histogram_count((-(h + 1))))', true],
    ['topk(scalar(histogram_count(h)), vector(1))', true],
    ['h', false],
    ['histogram_stddev(h)', false],
    ['histogram_count(increase(h[5m:1m]))', false],
    ['max_over_time(histogram_count(h)[5m:1m])', false],
    ['histogram_count(histogram_quantile(0.5, h))', false],
    ['histogram_quantile(0.5, histogram_count(h))', false],
    ['histogram_count(h </ 1)', false],
    ['histogram_count(h) >/ 1', false],
  ])('in %s: %s', (expr, leftOut) => {
    const text = JSON.stringify(markStatsOnly(parse(expr)))
    expect(text.includes('"statsOnly":true')).toBe(leftOut)
  })
})

describe('what is left of a histogram', () => {
  test('is count and sum, and what its buckets said of a reset', () => {
    const found = statsOf([5, 6, 4, 4])
    expect(found.at(1)).toMatchObject({
      count: 6,
      sum: 60,
      zeroCount: 0,
      layout: { schema: 0, zeroThreshold: 0 },
    })
    expect(found.at(1).positive).toHaveLength(0)
    expect(hints(found)).toEqual(['unknown', 'notReset', 'reset', 'notReset'])
  })

  test('keeps the hint that it has', () => {
    const gauges = [5, 4].map(count => histogram(count, { hint: resetHint.gauge }))
    expect(hints(statsOf(gauges))).toEqual(['gauge', 'gauge'])
  })

  test('is compared across a stale marker', () => {
    expect(hints(statsOf([5, 'stale', 4, 5]))).toEqual(['unknown', 'stale', 'reset', 'notReset'])
  })

  test('is compared with no sample that no step looks at', () => {
    const grid = { start: 1, step: 4, steps: 2 }
    const found = statsOf([1, 2, 3, 4, 5, 6], { range: { minT: 0, maxT: 5 }, grid })
    expect(hints(found)).toEqual(['unknown', 'notReset', 'notReset', 'notReset', 'unknown', 'notReset'])
  })
})

/** Samples at 0, 1, 2 … ms; a number is a count of observations in one bucket. */
function statsOf(
  samples: readonly (number | 'stale' | Histogram)[],
  look = { range: { minT: 0, maxT: samples.length }, grid: { start: 0, step: 0, steps: 1 } },
): HistogramColumns {
  const histograms = new HistogramColumns()
  for (const [t, sample] of samples.entries()) {
    if (sample === 'stale') histograms.push(t, staleHistogram(true))
    else histograms.push(t, typeof sample === 'number' ? histogram(sample) : sample)
  }
  const none = new Float64Array(0)
  const stats = new HistogramStats(parse('h') as VectorSelector, look.range, look.grid)
  return stats.of({ count: 0, t: none, v: none, stale: null, histograms }).histograms as HistogramColumns
}

function histogram(count: number, parts: Partial<Histogram> = {}): Histogram {
  return {
    layout: { ...emptyLayout, zeroThreshold: 0.5, positiveSpans: Int32Array.of(1, 1) },
    float: false,
    hint: resetHint.unknown,
    count,
    zeroCount: 0,
    sum: count * 10,
    positive: Float64Array.of(count),
    negative: new Float64Array(0),
    stale: false,
    ...parts,
  }
}

function hints(columns: HistogramColumns): string[] {
  const names = Object.keys(resetHint)
  return Array.from({ length: columns.count }, (_, i) =>
    columns.stale[i] === 1 ? 'stale' : (names[columns.hint[i] as number] ?? ''),
  )
}
