import { describe, expect, test } from 'vitest'
import type { RangeAnswer } from '../../../src/engine/model/answers.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import { labelsFrom, type Labels } from '../../../src/engine/model/labels.ts'
import type { Columns, Querier } from '../../../src/engine/model/store.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import { FakeHost } from '../../fakehost.ts'

/** A sample a minute; null where there is none. */
type Samples = readonly (number | FloatHistogram | null)[]

interface Series {
  readonly labels: Record<string, string>
  readonly samples: Samples
}

/** Rows as text: labels and values, `_` where there is none. */
interface Told {
  readonly rows: Record<string, (number | '_')[]>
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
}

const minute = 60_000
const quantileOfH = (q: string) => `histogram_quantile(${q}, h)`

describe('a classic histogram', () => {
  const h = bucketsOf('h', { 1: [2, 0, 5], 2: [6, 0, 5], 4: [8, 0, 5], '+Inf': [10, 0, 5] })

  test.each([
    ['0.1', [0.5, NaN, 0.1]],
    ['0.5', [1.75, NaN, 0.5]],
    ['0.8', [4, NaN, 0.8]],
    ['1', [4, NaN, 1]],
    ['-1', [-Infinity, -Infinity, -Infinity]],
    ['2', [Infinity, Infinity, Infinity]],
    ['NaN', [NaN, NaN, NaN]],
  ])('has the quantile %s between the bounds of its bucket', async (q, values) => {
    expect((await ask(h, quantileOfH(q))).rows).toEqual({ '{}': values })
  })

  test('has fractions between two values', async () => {
    const { rows } = await ask(h, 'histogram_fraction(0.5, 3, h)')
    expect(rows).toEqual({ '{}': [0.6, NaN, 0.5] })
    const all = await ask(h, 'histogram_fraction(-Inf, +Inf, h)')
    expect(all.rows).toEqual({ '{}': [1, NaN, 1] })
  })

  test('begins at its lowest bound when that is negative', async () => {
    const negative = bucketsOf('h', { '-1': [2], 1: [6], '+Inf': [6] })
    expect((await ask(negative, quantileOfH('0.1'))).rows).toEqual({ '{}': [-1, '_', '_'] })
    expect((await ask(negative, quantileOfH('0.75'))).rows).toEqual({ '{}': [0.25, '_', '_'] })
  })

  test('tells nothing without a bucket for all observations', async () => {
    const open = bucketsOf('h', { 1: [2], 2: [6] })
    expect((await ask(open, quantileOfH('0.5'))).rows).toEqual({ '{}': [NaN, '_', '_'] })
    expect((await ask(open, 'histogram_fraction(0, 1, h)')).rows).toEqual({ '{}': [NaN, '_', '_'] })
  })

  test('may write one bound in two ways', async () => {
    const twice = bucketsOf('h', { 1: [2], '1.0': [2], '1e0': [4], '+inf': [8] })
    expect((await ask(twice, quantileOfH('0.5'))).rows).toEqual({ '{}': [0.5, '_', '_'] })
  })

  test('is one of those that its other labels make', async () => {
    const two = [
      ...bucketsOf('h', { 1: [1], '+Inf': [1] }, { job: 'a' }),
      ...bucketsOf('h', { 2: [1], '+Inf': [1] }, { job: 'b' }),
    ]
    expect((await ask(two, quantileOfH('1'))).rows).toEqual({
      '{job="a"}': [1, '_', '_'],
      '{job="b"}': [2, '_', '_'],
    })
  })

  test('is made ascending where it falls, and that is told with its extent', async () => {
    const falling = bucketsOf('h', { 1: [4, 4], 2: [3, 2], 4: [6, 6], '+Inf': [6, 6] })
    const { rows, infos } = await ask(falling, quantileOfH('0.5'), delayed)
    expect(rows).toEqual({ '{}': [0.75, 0.75, '_'] })
    expect(infos).toEqual([
      'PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see ' +
        'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name "h", ' +
        'from buckets 2 to 2, with a max diff of 2, over 2 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)',
    ])
  })

  test('is not told of when it falls by rounding only', async () => {
    const rounded = bucketsOf('h', { 1: [4], 2: [4 - 1e-13], '+Inf': [4] })
    const { rows, infos } = await ask(rounded, quantileOfH('0.5'))
    expect(rows).toEqual({ '{}': [0.5, '_', '_'] })
    expect(infos).toEqual([])
  })

  test.each([[''], ['one'], ['0x10'], [' 1'], ['1e999']])('has no bucket "%s"', async le => {
    const bad = [...bucketsOf('h', { [le]: [1] }), ...bucketsOf('h', { 1: [2], '+Inf': [2] })]
    const { rows, warnings } = await ask(bad, quantileOfH('1'), delayed)
    expect(rows).toEqual({ '{}': [1, '_', '_'] })
    expect(warnings).toEqual([
      `PromQL warning: bucket label "le" is missing or has a malformed value of "${le}" for metric name "h" (1:23)`,
    ])
  })
})

describe('a native histogram', () => {
  const h = [{ labels: { __name__: 'h' }, samples: [native([1, 2]), null, native([4, 0])] }]

  test.each([
    ['histogram_count(h)', [3, '_', 4]],
    ['histogram_sum(h)', [7, '_', 7]],
    ['histogram_avg(h)', [7 / 3, '_', 7 / 4]],
    ['histogram_quantile(0, h)', [1, '_', 1]],
    ['histogram_quantile(1, h)', [4, '_', 2]],
    ['histogram_quantile(0.5, h)', [2 * 2 ** 0.25, '_', Math.SQRT2]],
    ['histogram_fraction(0, 2, h)', [1 / 3, '_', 1]],
    ['histogram_fraction(3, 2, h)', [0, '_', 0]],
  ])('%s', async (expr, values) => {
    const row = (await ask(h, expr)).rows['{}'] as (number | '_')[]
    for (const [i, value] of values.entries()) {
      if (value === '_') expect(row[i]).toBe('_')
      else expect(row[i]).toBeCloseTo(value as number, 12)
    }
  })

  test('has a variance with its observations in the middle of their buckets', async () => {
    const mean = 7 / 4
    const variance = (await ask(h, 'histogram_stdvar(h)')).rows['{}']?.[2] as number
    expect(variance).toBeCloseTo((Math.SQRT2 - mean) ** 2, 12)
    expect((await ask(h, 'histogram_stddev(h)')).rows['{}']?.[2]).toBeCloseTo(Math.sqrt(variance), 12)
  })

  test('is all that functions of native histograms look at', async () => {
    const mixed = [{ labels: { __name__: 'h' }, samples: [1, native([1, 2]), 2] }]
    expect((await ask(mixed, 'histogram_count(h)')).rows).toEqual({ '{}': ['_', 3, '_'] })
    const floats = [{ labels: { __name__: 'h' }, samples: [1, 2, 3] }]
    expect(await ask(floats, 'histogram_count(h)')).toEqual({ rows: {}, warnings: [], infos: [] })
  })

  test('is told of when NaN was observed', async () => {
    const samples = [native([1, 2], { sum: NaN, count: 4 })]
    const nan = [{ labels: { __name__: 'h' }, samples }]
    expect((await ask(nan, quantileOfH('0.1'), delayed)).infos).toEqual([
      'PromQL info: input to histogram_quantile has NaN observations, result is skewed higher for metric name "h" (1:25)',
    ])
    const last = await ask(nan, quantileOfH('1'))
    expect(last.rows).toEqual({ '{}': [NaN, '_', '_'] })
    expect(last.infos).toEqual([
      'PromQL info: input to histogram_quantile has NaN observations, result is NaN (1:23)',
    ])
    expect((await ask(nan, 'histogram_fraction(0, 4, h)')).infos).toEqual([
      'PromQL info: input to histogram_fraction has NaN observations, which are excluded from all fractions (1:26)',
    ])
  })
})

describe('classic and native histograms of one name', () => {
  const classic = bucketsOf('h', { 1: [4, null, 4], '+Inf': [4, null, 4] })

  test('count both when they come at different steps, and are one row', async () => {
    const both = [...classic, { labels: { __name__: 'h' }, samples: [null, native([1, 2]), null] }]
    const { rows, warnings } = await ask(both, quantileOfH('1'))
    expect(rows).toEqual({ '{}': [1, 4, 1] })
    expect(warnings).toEqual([])
  })

  test('count neither where both are there', async () => {
    const both = [...classic, { labels: { __name__: 'h' }, samples: [native([1, 2]), native([1, 2]), null] }]
    const { rows, warnings } = await ask(both, quantileOfH('1'), delayed)
    expect(rows).toEqual({ '{}': ['_', 4, 1] })
    expect(warnings).toEqual([
      'PromQL warning: vector contains a mix of classic and native histograms for metric name "h" (1:23)',
    ])
  })
})

describe('several quantiles', () => {
  const h = [
    ...bucketsOf('h', { 1: [2, 2, 2], 2: [4, 4, 4], '+Inf': [4, 4, 4] }),
    { labels: { __name__: 'q' }, samples: [0.5, 1, 0.5] },
  ]

  test('are told apart by a label in the notation of OpenMetrics', async () => {
    const { rows } = await ask(h, 'histogram_quantiles(h, "q", 0, 0.25, 1, 1e-7)')
    expect(rows).toEqual({
      '{q="0.0"}': [0, 0, 0],
      '{q="0.25"}': [0.5, 0.5, 0.5],
      '{q="1.0"}': [2, 2, 2],
      '{q="1e-07"}': [2e-7, 2e-7, 2e-7],
    })
  })

  test('may change from step to step', async () => {
    const { rows } = await ask(h, 'histogram_quantiles(h, "q", scalar(q), 1.5 - scalar(q))')
    expect(rows).toEqual({ '{q="0.5"}': [1, 1, 1], '{q="1.0"}': [2, 2, 2] })
  })

  test('must be different', async () => {
    const asked = ask(h, 'histogram_quantiles(h, "q", 0.5, 0.5)')
    await expect(asked).rejects.toThrow('vector cannot contain metrics with the same labelset')
  })

  test('outside of [0, 1] are infinite and told of, each once', async () => {
    const { rows, warnings } = await ask(h, 'histogram_quantiles(h, "q", 2, -1)')
    expect(rows).toEqual({
      '{q="2.0"}': [Infinity, Infinity, Infinity],
      '{q="-1.0"}': [-Infinity, -Infinity, -Infinity],
    })
    expect(warnings).toEqual([
      'PromQL warning: quantile value should be between 0 and 1, got 2 (1:29)',
      'PromQL warning: quantile value should be between 0 and 1, got -1 (1:32)',
    ])
  })

  test('tell once of a histogram that falls', async () => {
    const falling = bucketsOf('h', { 1: [4], 2: [3], '+Inf': [6] })
    const { infos } = await ask(falling, 'histogram_quantiles(h, "q", 0.1, 0.2, 0.3)')
    expect(infos).toHaveLength(1)
    expect(infos[0]).toContain('over 1 samples')
  })
})

const delayed = { delayedNameRemoval: true } as const

/** One observation in (1, 2] and so on, as many as the counts say. */
function native(counts: readonly number[], parts: Partial<FloatHistogram> = {}): FloatHistogram {
  const positive = Float64Array.from(counts)
  const count = positive.reduce((sum, each) => sum + each, 0)
  const positiveSpans = Int32Array.of(1, counts.length)
  return Object.assign(FloatHistogram.empty(), { positiveSpans, positive, count, sum: 7, ...parts })
}

/** The series of a classic histogram. */
function bucketsOf(
  name: string,
  buckets: Record<string, Samples>,
  labels: Record<string, string> = {},
): Series[] {
  return Object.entries(buckets).map(([le, samples]) => ({
    labels: { __name__: name, le, ...labels },
    samples,
  }))
}

/** Asks at the first three minutes. */
async function ask(series: readonly Series[], expr: string, language = {}): Promise<Told> {
  const engine = new QueryEngine({
    querier: () => querierOf(series),
    host: new FakeHost(),
    metrics: new Registry(),
    lookbackMs: minute,
    language,
  })
  const answer = await engine.range({ expr, start: 0, end: 2 * minute, step: minute })
  return { rows: rowsOf(answer), warnings: answer.warnings, infos: answer.infos }
}

function rowsOf({ labels, steps, values, present }: RangeAnswer): Told['rows'] {
  return Object.fromEntries(
    labels.map((row, i) => {
      const found = Array.from({ length: steps }, (_, s) =>
        present[i * steps + s] === 1 ? (values[i * steps + s] as number) : ('_' as const),
      )
      return [textOf(row), found]
    }),
  )
}

function textOf(labels: Labels): string {
  const pairs = labels.flatMap((name, i) => (i % 2 === 0 ? [`${name}="${labels[i + 1] ?? ''}"`] : []))
  return `{${pairs.join(', ')}}`
}

function querierOf(all: readonly Series[]): Querier {
  const series = all.map(({ labels, samples }) => ({ labels: labelsFrom(Object.entries(labels)), samples }))
  return {
    async *select(matchers) {
      const found = series.filter(({ labels }) =>
        matchers.every(({ name, matches }) => matches(labels[labels.indexOf(name) + 1] ?? '')),
      )
      const at = (i: number) => found[i] as (typeof found)[number]
      yield {
        count: found.length,
        labels: i => at(i).labels,
        columns: i => columnsOf(at(i).samples),
      }
    },
    labelSets: async () => [],
    labelNames: async () => [],
    labelValues: async () => [],
  }
}

function columnsOf(samples: Samples): Columns {
  const floats: { t: number; v: number }[] = []
  const histograms = new HistogramColumns()
  for (const [i, sample] of samples.entries()) {
    if (typeof sample === 'number') floats.push({ t: i * minute, v: sample })
    else if (sample) histograms.push(i * minute, sample.plain())
  }
  return {
    count: floats.length,
    t: Float64Array.from(floats, ({ t }) => t),
    v: Float64Array.from(floats, ({ v }) => v),
    stale: null,
    histograms: histograms.count > 0 ? histograms : null,
  }
}
