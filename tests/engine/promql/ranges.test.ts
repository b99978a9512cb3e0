import { describe, expect, test } from 'vitest'
import { formatFloat } from '../../../src/engine/model/float.ts'
import { SortedWindow } from '../../../src/engine/promql/functions/overtimesorted.ts'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

// A sample a minute; a range of so many minutes and a second has one sample more than the minutes.

describe('functions of floats', () => {
  const { instant } = asker(
    loaded(`load 1m
      steady_total 0+60x10
      reset_total 100 160 220 20 80 140 200
      young_total _ _ _ _ 0 6 12 18 24 30
      gauge 3 -1 4 4 2 8 6
      holes NaN 2 NaN 5 NaN 1 NaN
      nothing NaN NaN NaN NaN NaN NaN NaN
      endless 1 Inf 2 -Inf 3 Inf 4
      line 10 12 14 16 18 20 22
      flat 7 7 7 7 7 7 7
      lonely _ _ _ _ _ _ 5`),
  )

  test.each([
    [
      'a counter grows from its first to its last sample, and a bit at the ends',
      'increase(steady_total[5m])',
      300,
    ],
    ['a rate is an increase per second', 'rate(steady_total[5m])', 1],
    ['what a counter had before a reset counts', 'increase(reset_total[6m1s])', (320 * 361) / 360],
    ['a young counter is not extrapolated beyond zero', 'increase(young_total[10m])', 12],
    ['a gauge may fall', 'delta(gauge[3m1s])', 2.011111111111111],
    ['the last two samples make irate', 'irate(reset_total[5m])', 1],
    ['irate after a reset is what came since', 'irate(reset_total[5m] offset 3m)', 0.3333333333333333],
    ['idelta knows no resets', 'idelta(reset_total[5m] offset 3m)', -200],
    ['neighbours that differ are changes', 'changes(gauge[10m])', 5],
    ['from NaN to NaN nothing changes', 'changes(nothing[10m])', 0],
    ['every fall is a reset', 'resets(gauge[10m])', 3],
    ['a sum with NaN is NaN', 'sum_over_time(holes[10m])', NaN],
    ['an average may be of infinities', 'avg_over_time(endless[1m1s] offset 5m)', Infinity],
    ['the greatest is no NaN where there is a number', 'max_over_time(holes[10m])', 5],
    ['nothing but NaN has NaN as the least', 'min_over_time(nothing[10m])', NaN],
    ['the least was last taken', 'ts_of_min_over_time(gauge[10m])', 60],
    ['of equals the last one counts for the time', 'ts_of_max_over_time(flat[10m])', 360],
    ['of NaN alone the last one counts for the time', 'ts_of_max_over_time(nothing[10m])', 360],
    ['the oldest sample has a time', 'ts_of_first_over_time(gauge[2m1s])', 240],
    ['the newest sample has a time', 'ts_of_last_over_time(gauge[2m1s])', 360],
    ['a quantile lies between two values', 'quantile_over_time(0.25, gauge[10m])', 2.5],
    ['NaN is less than all numbers to a quantile', 'quantile_over_time(1, holes[10m])', 5],
    ['the lowest quantile of some NaN is NaN', 'quantile_over_time(0, holes[10m])', NaN],
    ['a variance is of all samples', 'stdvar_over_time(line[10m])', 16],
    ['a standard deviation is its root', 'stddev_over_time(line[10m])', 4],
    ['the deviation from the median has a median', 'mad_over_time(gauge[10m])', 2],
    ['a NaN leaves no deviation', 'mad_over_time(holes[10m])', NaN],
    ['infinities leave no deviation', 'mad_over_time(endless[10m])', NaN],
    ['a line has its slope', 'deriv(line[10m])', 2 / 60],
    ['a flat line has none', 'deriv(flat[10m])', 0],
    ['a line goes on', 'predict_linear(line[10m], 600)', 42],
    [
      'the future of an offset begins at the time of evaluation',
      'predict_linear(line[10m] offset 2m, 0)',
      22,
    ],
    ['a straight line is smooth', 'double_exponential_smoothing(line[10m], 0.5, 0.5)', 22],
    ['samples are counted', 'count_over_time(gauge[3m])', 3],
    ['the oldest sample keeps its value', 'first_over_time(gauge[3m])', 2],
    ['the newest sample keeps its value', 'last_over_time(gauge[3m])', 6],
    ['a sample is present', 'present_over_time(lonely[1m])', 1],
  ])('%s: %s', async (_, expr, value) => {
    const { rows } = await instant(expr, 6)
    expect(rows.map(row => row.replace(/^\S* /, ''))).toEqual([formatFloat(value)])
  })
})

describe('functions of native histograms', () => {
  const { instant } = asker(
    loaded(`load 1m
      h {{schema:0 count:6 sum:9 buckets:[2 4]}} {{schema:0 count:9 sum:12 buckets:[3 6]}} {{schema:0 count:2 sum:3 buckets:[1 1]}} {{schema:0 count:5 sum:6 buckets:[2 3]}}
      g {{schema:0 count:6 sum:9 buckets:[2 4] counter_reset_hint:gauge}} {{schema:0 count:2 sum:3 buckets:[1 1] counter_reset_hint:gauge}}
      finer {{schema:0 count:6 sum:9 buckets:[2 4]}} {{schema:1 count:9 sum:12 buckets:[3 2 4]}}
      custom {{schema:-53 count:3 sum:3 custom_values:[1 2] buckets:[1 2]}} {{schema:-53 count:6 sum:9 custom_values:[2 4] buckets:[5 1]}}
      both {{schema:0 count:6 sum:9 buckets:[2 4]}} {{schema:-53 count:6 sum:9 custom_values:[2 4] buckets:[5 1]}}
      mixed 1 {{schema:0 count:6 sum:9 buckets:[2 4]}} 3 _
      late {{schema:0 count:6 sum:9 buckets:[2 4]}} {{schema:0 count:9 sum:12 buckets:[3 6]}} 5 7`),
  )
  test.each([
    [
      'what a counter had before a reset counts',
      'increase(h[2m])',
      2,
      '{} {count:4, sum:6, (0.5,1]:2, (1,2]:2}',
    ],
    [
      'each bucket is extrapolated like a float',
      'increase(h[3m])',
      3,
      '{} {count:7.5, sum:9, (0.5,1]:3, (1,2]:4.5}',
    ],
    [
      'the last two make irate',
      'irate(h[5m])',
      3,
      '{} {count:0.05, sum:0.05, (0.5,1]:0.016666666666666666, (1,2]:0.03333333333333333}',
    ],
    ['the last two make idelta', 'idelta(g[2m])', 1, '{} {count:-4, sum:-6, (0.5,1]:-1, (1,2]:-3}'],
    ['a gauge may fall', 'delta(g[2m])', 1, '{} {count:-8, sum:-12, (0.5,1]:-2, (1,2]:-6}'],
    [
      'before a finer resolution the counter was reset, whatever its buckets are',
      'increase(both[2m])',
      1,
      '{} {count:12, sum:18, [-Inf,2]:10, (2,4]:2}',
    ],
    ['histograms are added', 'sum_over_time(h[5m])', 3, '{} {count:22, sum:30, (0.5,1]:8, (1,2]:14}'],
    ['histograms have a mean', 'avg_over_time(h[5m])', 3, '{} {count:5.5, sum:7.5, (0.5,1]:2, (1,2]:3.5}'],
    ['resets are counted', 'resets(h[5m])', 3, '{} 1'],
    ['from one kind to the other is a reset', 'resets(late[5m])', 3, '{} 1'],
    ['any difference is a change', 'changes(h[5m])', 3, '{} 3'],
    ['from one kind to the other is a change', 'changes(mixed[5m])', 2, '{} 2'],
    ['the last two of a window may be floats again', 'irate(late[5m])', 3, '{} 0.03333333333333333'],
    [
      'the newest sample is the newest of either kind',
      'last_over_time(mixed[5m])',
      1,
      'mixed {count:6, sum:9, (0.5,1]:2, (1,2]:4}',
    ],
    [
      'the oldest sample is the oldest of either kind',
      'first_over_time(late[5m])',
      3,
      'late {count:6, sum:9, (0.5,1]:2, (1,2]:4}',
    ],
    ['both kinds are counted', 'count_over_time(mixed[5m])', 2, '{} 3'],
    ['a histogram is present', 'present_over_time(h[5m])', 3, '{} 1'],
    ['a histogram has a time', 'ts_of_last_over_time(late[5m])', 1, '{} 60'],
    ['the first of either kind has a time', 'ts_of_first_over_time(mixed[1m])', 1, '{} 60'],
  ])('%s: %s', async (_, expr, minute, row) => {
    expect(await instant(expr, minute)).toEqual({ rows: [row], notes: [] })
  })

  test('functions of floats have nothing to say of them', async () => {
    expect(await instant('max_over_time(h[5m])', 3)).toEqual({ rows: [], notes: [] })
    expect(await instant('quantile_over_time(0.5, h[5m])', 3)).toEqual({ rows: [], notes: [] })
  })

  const mixedKinds = 'PromQL warning: encountered a mix of histograms and floats for metric name "mixed"'
  const ignored =
    'PromQL info: ignored histograms in a range containing both floats and histograms for metric name "mixed"'
  const mixedBuckets =
    'PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "both"'
  const notGauge = 'PromQL warning: this native histogram metric is not a gauge'
  const reconciled = 'PromQL info: mismatched custom buckets were reconciled during'

  test.each([
    ['rate(mixed[5m])', 2, [`${mixedKinds} (1:6)`]],
    ['irate(mixed[5m])', 2, [`${mixedKinds} (1:7)`]],
    ['sum_over_time(mixed[5m])', 2, [`${mixedKinds} (1:15)`]],
    ['sum_over_time(both[5m])', 1, [`${mixedBuckets} (1:15)`]],
    ['delta(both[5m])', 1, [`${mixedBuckets} (1:7)`]],
  ])('%s has a warning instead of a value', async (expr, minute, notes) => {
    expect(await instant(expr, minute)).toEqual({ rows: [], notes })
  })

  test.each([
    ['max_over_time(mixed[5m])', 2, [`${ignored} (1:15)`]],
    ['deriv(mixed[5m])', 2, [`${ignored} (1:7)`]],
    [
      'quantile_over_time(2, mixed[5m])',
      2,
      ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)', `${ignored} (1:20)`],
    ],
    ['rate(g[2m])', 1, ['PromQL warning: this native histogram metric is not a counter: "g" (1:6)']],
    ['delta(h[2m])', 1, [`${notGauge}: "h" (1:7)`]],
    ['delta(custom[2m])', 1, [`${notGauge}: "custom" (1:7)`, `${reconciled} subtraction (1:7)`]],
    ['sum_over_time(custom[5m])', 1, [`${reconciled} aggregation (1:15)`]],
  ])('%s has a value, and there is something to be said', async (expr, minute, notes) => {
    const answer = await instant(expr, minute)
    expect(answer.rows).toHaveLength(1)
    expect(answer.notes).toEqual(notes)
  })
})

describe('what a range function says', () => {
  const store = loaded(`load 1m
    a{n="1"} 0+1x5
    b{n="1"} 0+1x5`)
  const { instant, range } = asker(store)

  test('is about the metric without its name', async () => {
    expect((await instant('increase(a[5m])', 5)).rows).toEqual(['{n="1"} 5'])
    expect((await instant('last_over_time(a[5m])', 5)).rows).toEqual(['a{n="1"} 5'])
  })

  test('is an error for two metrics that differ in nothing else', async () => {
    const same = 'vector cannot contain metrics with the same labelset'
    await expect(instant('increase({n="1"}[5m])', 5)).rejects.toThrow(same)
    expect((await instant('last_over_time({n="1"}[5m])', 5)).rows).toHaveLength(2)
  })

  test('has a hint for what does not look like a counter', async () => {
    const { notes } = await instant('rate(a[5m])', 5)
    expect(notes).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "a" (1:6)',
    ])
    expect((await instant('irate(a[5m])', 5)).notes).toEqual([])
  })

  test('is 1 where no series has a sample', async () => {
    expect((await range('absent_over_time(c{x="y",z!="1"}[1m])', 2)).rows).toEqual(['{x="y"} 1 1 1'])
    expect((await range('absent_over_time(a[1m] offset 4m)', 5)).rows).toEqual(['{} 1 1 1 1 _ _'])
    expect((await range('absent_over_time(a[1m])', 5)).rows).toEqual([])
  })

  test.each([
    ['double_exponential_smoothing(a[5m], 0, 0.5)', 'smoothing factor. Expected: 0 < sf < 1, got: 0.000000'],
    ['double_exponential_smoothing(a[5m], 0.5, 1)', 'trend factor. Expected: 0 < tf < 1, got: 1.000000'],
    ['double_exponential_smoothing(a[5m], Inf, 1)', 'smoothing factor. Expected: 0 < sf < 1, got: +Inf'],
  ])('is that a factor is wrong: %s', async (expr, message) => {
    await expect(instant(expr, 5)).rejects.toThrow(`invalid ${message}`)
    expect((await instant(expr.replace('a[5m]', 'c[5m]'), 5)).rows).toEqual([])
  })
})

test('a sliding window has the sorted values of the window', () => {
  const random = seeded(7)
  const values = Float64Array.from({ length: 400 }, () => (random() < 0.1 ? NaN : Math.floor(random() * 50)))
  const window = new SortedWindow()
  let from = 0
  let to = 0
  while (to < values.length) {
    from = Math.min(from + Math.floor(random() * 30), values.length - 1)
    to = Math.min(Math.max(to, from + 1) + Math.floor(random() * 40), values.length)
    window.slide(values, from, to)
    const numbers = values.slice(from, to).filter(value => !Number.isNaN(value))
    const wanted = [...Array.from({ length: to - from - numbers.length }, () => NaN), ...numbers.sort()]
    expect(Array.from({ length: window.size }, (_, i) => window.at(i))).toEqual(wanted)
  }
})

/** Numbers in [0, 1), the same ones for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => (state = (state * 16807) % 2147483647) / 2147483647
}
