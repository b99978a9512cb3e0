import { describe, expect, test } from 'vitest'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

describe('topk and bottomk', () => {
  const { instant, range } = asker(
    loaded(`load 1m
      m{i="1"} 3 1 NaN
      m{i="2"} 1 2 NaN
      m{i="3"} 3 3 5
      m{i="4"} 2 _ 4
      k 1 2 0
      h {{count:1 sum:1 buckets:[1]}}`),
  )

  test.each([
    [
      'the largest come first, the earlier of equal ones',
      'topk(3, m)',
      0,
      ['m{i="1"} 3', 'm{i="3"} 3', 'm{i="4"} 2'],
    ],
    ['the smallest come first', 'bottomk(2, m)', 0, ['m{i="2"} 1', 'm{i="4"} 2']],
    ['NaN comes last', 'topk(9, m)', 2, ['m{i="3"} 5', 'm{i="4"} 4', 'm{i="1"} NaN', 'm{i="2"} NaN']],
    [
      'NaN comes last for the smallest, too',
      'bottomk(3, m)',
      2,
      ['m{i="4"} 4', 'm{i="3"} 5', 'm{i="1"} NaN'],
    ],
    [
      'groups stand where their first series stood',
      'topk by (i) (1, m)',
      0,
      ['m{i="1"} 3', 'm{i="2"} 1', 'm{i="3"} 3', 'm{i="4"} 2'],
    ],
    ['k is cut to an integer', 'topk(1.9, m)', 0, ['m{i="1"} 3']],
    ['less than one is none', 'topk(0.9, m)', 0, []],
  ])('%s', async (_, expr, minute, rows) => {
    expect((await instant(expr, minute)).rows).toEqual(rows)
  })

  test('k may change from step to step', async () => {
    expect((await range('topk(scalar(k), m)', 2)).rows).toEqual([
      'm{i="1"} 3 _ _',
      'm{i="2"} _ 2 _',
      'm{i="3"} _ 3 _',
    ])
  })

  test('a series is answered at the steps at which it was chosen', async () => {
    expect((await range('bottomk(1, m)', 2)).rows).toEqual([
      'm{i="1"} _ 1 _',
      'm{i="2"} 1 _ _',
      'm{i="4"} _ _ 4',
    ])
  })

  test.each(['topk', 'bottomk'])('%s ignores histograms and says so', async op => {
    expect(await range(`1 + ${op}(1, {__name__=~"h|k"})`, 0)).toEqual({
      rows: ['{} 2'],
      notes: [`PromQL info: ignored histogram in ${op} aggregation (1:5)`],
    })
  })

  test.each([
    ['topk(NaN, m)', 'Parameter value is NaN'],
    ['limitk(1e30, m)', 'Scalar value 1e+30 overflows int64'],
    ['bottomk(Inf, missing)', 'Scalar value +Inf overflows int64'],
    ['topk(scalar(k > 1), m)', 'Parameter value is NaN'],
    ['topk(3 - 1e20 * (scalar(k) == bool 0), m)', 'Scalar value -1e+20 underflows int64'],
    ['limit_ratio(NaN, m)', 'Ratio value is NaN'],
  ])('%s fails', async (expr, message) => {
    await expect(range(expr, 2)).rejects.toMatchObject({ type: 'execution', message })
  })

  test('an error in the vector comes before one in k', async () => {
    await expect(range('topk(NaN, m + on () m)', 2)).rejects.toThrow('found duplicate series')
  })
})

describe('limitk and limit_ratio', () => {
  const { range, instant } = asker(
    loaded(`load 1m
      m{i="0"} 1 1
      m{i="1"} 2 stale
      m{i="2"} {{count:1 sum:1 buckets:[1]}} 3
      m{i="3"} 4 4
      m{i="4"} 5 5
      m{i="5"} 6 6
      l{l="${'é'.repeat(300)}"} 1`),
  )

  test('the first series at each step are taken, whatever they are', async () => {
    expect((await range('limitk(2, m{i=~"[123]"})', 1)).rows).toEqual([
      'm{i="1"} 2 _',
      'm{i="2"} {count:1, sum:1, (0.5,1]:1} 3',
      'm{i="3"} _ 4',
    ])
  })

  // Offsets by Prometheus's hash: 0.1751, 0.3263, 0.2608, 0.1915, 0.5594, 0.7236; of l 0.67090.
  test.each([
    ['limit_ratio(0.3, m)', ['0', '2', '3']],
    ['limit_ratio(0.5595, m)', ['0', '1', '2', '3', '4']],
    ['limit_ratio(-0.5, m)', ['4', '5']],
    ['limit_ratio(-0.7, m)', ['1', '4', '5']],
    ['limit_ratio(-3, m)', ['0', '1', '2', '3', '4', '5']],
    ['limit_ratio(0, m)', []],
  ])('%s takes the series that Prometheus takes', async (expr, series) => {
    const { rows } = await instant(expr, 0)
    expect(rows.map(row => /i="(.)"/.exec(row)?.[1])).toEqual(series)
  })

  test('long labels are hashed as Prometheus keeps them', async () => {
    expect((await instant('limit_ratio(0.6710, l)', 0)).rows).toHaveLength(1)
    expect((await instant('limit_ratio(0.6709, l)', 0)).rows).toHaveLength(0)
  })

  test('a ratio beyond 1 is told', async () => {
    const { notes } = await range('limit_ratio(1.5, m)', 1)
    expect(notes).toEqual([
      'PromQL warning: ratio value should be between -1 and 1, got 1.5, capping to 1 (1:13)',
    ])
  })
})

describe('quantile', () => {
  const { range } = asker(
    loaded(`load 1m
      m{i="1"} 1 NaN 1
      m{i="2"} 3 5 {{count:1 sum:1 buckets:[1]}}
      m{i="3"} 2 7 3
      q 0.75 0.5 2`),
  )

  test.each([
    ['between two values it is interpolated', 'quantile(0.75, m)', ['{} 2.5 6 2.5']],
    ['NaN is the smallest value', 'quantile(0.25, m)', ['{} 1.5 NaN 1.5']],
    ['φ may change from step to step', 'quantile(scalar(q), m)', ['{} 2.5 5 Inf']],
    [
      'groups have their own',
      'quantile by (i) (0, m)',
      ['{i="1"} 1 NaN 1', '{i="2"} 3 5 _', '{i="3"} 2 7 3'],
    ],
  ])('%s', async (_, expr, rows) => {
    expect((await range(expr, 2)).rows.map(row => row.replace('+Inf', 'Inf'))).toEqual(rows)
  })

  test('strange quantiles and histograms are told', async () => {
    expect((await range('quantile(-1, m)', 2)).notes).toEqual([
      'PromQL warning: quantile value should be between 0 and 1, got -1 (1:10)',
      'PromQL info: ignored histogram in quantile aggregation (1:14)',
    ])
    expect(await range('quantile(NaN, m{i="1"})', 1)).toEqual({
      rows: ['{} NaN NaN'],
      notes: ['PromQL warning: quantile value should be between 0 and 1, got NaN (1:10)'],
    })
  })
})

describe('count_values', () => {
  const { range } = asker(
    loaded(`load 1m
      m{i="1",g="x"} 1 2 -0
      m{i="2",g="x"} 1 1 0
      m{i="3",g="y"} 1e21 NaN NaN
      m{i="4",g="y"} {{schema:-53 count:3 sum:5.5 custom_values:[5] buckets:[3]}}`),
  )

  test.each([
    [
      'each value has a series',
      'count_values("v", m{g="x"})',
      ['{v="-0"} _ _ 1', '{v="0"} _ _ 1', '{v="1"} 2 1 _', '{v="2"} _ 1 _'],
    ],
    [
      'values are written without an exponent',
      'count_values("v", m{i="3"})',
      ['{v="1000000000000000000000"} 1 _ _', '{v="NaN"} _ 1 1'],
    ],
    ['histograms have a text', 'count_values("v", m{i="4"})', ['{v="{count:3, sum:5.5, [-Inf,5]:3}"} 1 1 1']],
    ['groups are counted apart', 'count_values by (g) ("v", m == 1)', ['{g="x", v="1"} 2 1 _']],
    [
      'the label may be one that there is',
      'count_values without (g) ("i", m{g="x"} > 0)',
      ['{i="1"} 2 1 _', '{i="2"} _ 1 _'],
    ],
    ['without takes the label away, too', 'count_values without (i, v) ("v", m{g="x"})', ['{g="x"} 2 2 2']],
    ['the value may become a name', 'count_values("__name__", m{i="2"} > 0)', ['{__name__="1"} 1 1 _']],
  ])('%s', async (_, expr, rows) => {
    expect((await range(expr, 2)).rows).toEqual(rows)
  })

  test('the label needs a name', async () => {
    await expect(range('count_values("", m)', 2)).rejects.toThrow('invalid label name ""')
  })
})

describe('sums of native histograms', () => {
  const { range } = asker(
    loaded(`load 1m
      m{i="1"} {{count:1 sum:1e100 buckets:[1]}} {{count:1 sum:1 buckets:[1]}} 5
      m{i="2"} {{count:2 sum:1 buckets:[0 2]}} 5 7
      m{i="3"} {{count:1 sum:-1e100 buckets:[1]}} {{count:1 sum:1 buckets:[1]}} stale
      c{i="1"} {{schema:-53 count:3 sum:9 custom_values:[2 5] buckets:[1 2]}}
      c{i="2"} {{schema:-53 count:3 sum:9 custom_values:[5 9] buckets:[1 2]}}
      e{i="2"} {{count:2 sum:1 buckets:[0 2]}}`),
  )

  test('sums are compensated, and floats beside histograms make none', async () => {
    expect(await range('sum(m)', 2)).toEqual({
      rows: ['{} {count:4, sum:1, (0.5,1]:2, (1,2]:2} _ 12'],
      notes: ['PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)'],
    })
  })

  test('so are averages', async () => {
    expect((await range('avg(m{i!="2"})', 1)).rows).toEqual([
      '{} {count:1, sum:0, (0.5,1]:1} {count:1, sum:1, (0.5,1]:1}',
    ])
  })

  test('different bounds are reduced to common ones', async () => {
    expect(await range('sum(c)', 0)).toEqual({
      rows: ['{} {count:6, sum:18, [-Inf,5]:4, (5,+Inf]:2}'],
      notes: ['PromQL info: mismatched custom buckets were reconciled during aggregation (1:5)'],
    })
  })

  test.each(['sum', 'avg'])('%s answers nothing for exponential and custom buckets', async op => {
    expect(await range(`${op}({__name__=~"c|e"})`, 0)).toEqual({
      rows: [],
      notes: [
        'PromQL info: mismatched custom buckets were reconciled during aggregation (1:5)',
        'PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "e" (1:5)',
      ].reverse(),
    })
  })

  test.each(['min', 'max', 'stddev', 'stdvar'])('%s ignores histograms and says so', async op => {
    const { rows, notes } = await range(`${op}(m)`, 1)
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatch(/^\{\} _ [05]$/)
    expect(notes).toEqual([`PromQL info: ignored histogram in ${op} aggregation (1:${op.length + 2})`])
  })

  test('count and group take histograms like floats', async () => {
    expect((await range('count(m)', 2)).rows).toEqual(['{} 3 3 2'])
    expect((await range('group(m)', 2)).rows).toEqual(['{} 1 1 1'])
  })
})
