import { describe, expect, test } from 'vitest'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { FakeHost } from '../../fakehost.ts'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

const store = loaded(`load 1m
  c_total 0 10 20 5 15 25
  gap 3 _ _ _ _ 13
  late _ _ _ 4 6
  h {{schema:0 count:2 sum:2 buckets:[2]}} {{schema:0 count:6 sum:8 buckets:[6]}} {{schema:0 count:2 sum:4 buckets:[2]}} {{schema:0 count:4 sum:8 buckets:[4]}}
  mixed 1 {{schema:0 count:2 sum:2 buckets:[2]}} 3`)
const { instant } = asker(store)

describe('an anchored range', () => {
  test.each([
    ['begins with the sample before it', 'increase(c_total[90s] anchored)', 5, '{} 20'],
    ['begins with the sample at its beginning', 'increase(c_total[2m] anchored)', 5, '{} 20'],
    ['has a rate per second of its length', 'rate(c_total[2m] anchored)', 5, `{} ${20 / 120}`],
    ['adds what a counter had before a reset', 'increase(c_total[4m] anchored)', 5, '{} 35'],
    ['of a gauge has no resets', 'delta(c_total[4m] anchored)', 5, '{} 15'],
    ['counts the reset after its first sample', 'resets(c_total[2m] anchored)', 4, '{} 1'],
    ['counts the change after its first sample', 'changes(c_total[2m] anchored)', 4, '{} 2'],
    ['may have nothing before it', 'changes(late[1m] anchored)', 3, '{} 0'],
    ['is of histograms, too', 'increase(h[2m] anchored)', 2, '{} {count:6, sum:10, (0.5,1]:6}'],
  ])('%s', async (_, expr, minute, row) => {
    expect(await instant(expr, minute)).toEqual({ rows: [row], notes: [] })
  })

  test('is empty when its only sample lies before it', async () => {
    expect((await instant('increase(late[1m] anchored)', 6)).rows).toEqual([])
    expect((await instant('changes(late[1m] anchored)', 6)).rows).toEqual([])
  })

  test('is nothing for histograms and floats together', async () => {
    const what = 'encountered a mix of histograms and floats for metric name "mixed" (1:6)'
    const answer = await instant('rate(mixed[2m] anchored)', 2)
    expect(answer).toEqual({ rows: [], notes: [`PromQL warning: ${what}`] })
  })
})

describe('a smoothed range', () => {
  test.each([
    ['has ends between samples', 'increase(c_total[2m] smoothed offset 30s)', 4, '{} 15'],
    ['begins at zero inside of a reset', 'increase(c_total[90s] smoothed)', 4, '{} 12.5'],
    [
      'has histograms at its ends',
      'increase(h[2m] smoothed offset 30s)',
      3,
      '{} {count:5, sum:9, (0.5,1]:5}',
    ],
  ])('%s', async (_, expr, minute, row) => {
    expect(await instant(expr, minute)).toEqual({ rows: [row], notes: [] })
  })
})

test.each([
  [
    'deriv(gap[5m] anchored)',
    'anchored modifier can only be used with: changes, delta, increase, rate, resets',
  ],
  ['changes(gap[5m] smoothed)', 'smoothed modifier can only be used with: delta, increase, rate'],
  ['absent_over_time(gap[5m] smoothed)', 'smoothed modifier can only be used with: delta, increase, rate'],
])('%s has no use for what is around the range', async (expr, message) => {
  const [name] = expr.split('(')
  await expect(instant(expr, 5)).rejects.toThrow(`${message} - not with ${name}`)
})

describe('a smoothed selector', () => {
  test.each([
    ['finds a value between two samples', 'gap smoothed', 2, ['gap 7']],
    ['finds nothing before the first sample', 'late smoothed', 1, []],
    ['keeps the last sample', 'late smoothed', 6, ['late 6']],
    ['takes a sample at its time', 'late smoothed', 4, ['late 6']],
    ['finds a histogram between two', 'h smoothed offset 30s', 1, ['h {count:4, sum:5, (0.5,1]:4}']],
    ['begins at zero inside of a reset', 'h smoothed offset 30s', 2, ['h {count:1, sum:2, (0.5,1]:1}']],
  ])('%s', async (_, expr, minute, rows) => {
    expect(await instant(expr, minute)).toEqual({ rows, notes: [] })
  })

  test('finds nothing where there are histograms and floats', async () => {
    const what = 'encountered a mix of histograms and floats for metric name "mixed" (1:1)'
    expect(await instant('mixed smoothed', 1)).toEqual({ rows: [], notes: [`PromQL warning: ${what}`] })
  })
})

describe('the samples of an extended range', () => {
  const engine = new QueryEngine({ querier: () => store, host: new FakeHost(), metrics: new Registry() })
  const samples = async (expr: string, time: number): Promise<number[][]> => {
    const answer = await engine.instant({ expr, time })
    if (answer.kind !== 'samples') throw new Error(`want samples, found a ${answer.kind}`)
    return Array.from(answer.t, (t, i) => [t, answer.v[i] as number])
  }

  test('begin and end with its ends', async () => {
    expect(await samples('c_total[1m] anchored', 150_000)).toEqual([
      [90_000, 10],
      [120_000, 20],
      [150_000, 20],
    ])
    expect(await samples('c_total[1m] smoothed', 150_000)).toEqual([
      [90_000, 15],
      [120_000, 20],
      [150_000, 12.5],
    ])
  })

  test('are no histograms', async () => {
    const message = 'anchored modifier is not supported with histograms'
    await expect(samples('h[1m] anchored', 60_000)).rejects.toThrow(message)
  })
})

describe('start timestamps', () => {
  const started = loaded(`load 1m
    delta_total@st _ -59s -59s -59s
    delta_total _ 60 60 60
    once_total@st _ -30s
    once_total _ 6
    wrong_total@st _ _ _ -150s -150s -150s
    wrong_total _ _ _ 60 120 180`)
  const asked = asker(started, { startTimestamps: true })

  test('tell of resets that values do not show', async () => {
    expect((await asked.instant('resets(delta_total[5m])', 3)).rows).toEqual(['{} 2'])
    expect((await asked.instant('irate(delta_total[5m])', 3)).rows).toEqual(['{} 1'])
    expect((await asker(started).instant('resets(delta_total[5m])', 3)).rows).toEqual(['{} 0'])
  })

  test('are where a counter was zero, so that one sample is enough', async () => {
    expect((await asked.instant('increase(once_total[2m])', 1)).rows).toEqual(['{} 6'])
    expect((await asker(started).instant('increase(once_total[2m])', 1)).rows).toEqual([])
  })

  test('that lie before the sample before are worth a warning for each window', async () => {
    const what = 'sample has start time that overlaps with previous sample timestamp for metric "wrong_total"'
    const { notes } = await asked.range('rate(wrong_total[5m])', 5)
    expect(notes).toEqual([`PromQL warning: ${what} (2 occurrences) (1:6)`])
  })
})
