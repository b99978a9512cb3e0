import { describe, expect, test } from 'vitest'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import { FakeHost } from '../../fakehost.ts'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

const store = loaded(`load 30s
  m 0+1x20
  c_total 0 1 2 0 1 2 0 1 2 0
  h {{schema:0 count:2 sum:2 buckets:[2]}} {{schema:0 count:6 sum:8 buckets:[6]}} {{schema:0 count:2 sum:4 buckets:[2]}} {{schema:0 count:4 sum:8 buckets:[4]}}`)
const { instant, range } = asker(store)

describe('a subquery', () => {
  test.each([
    ['is evaluated at the multiples of its step', 'sum_over_time(m[90s:40s])', 5, '{} 17'],
    ['does not have the beginning of its range', 'sum_over_time(m[2m:1m])', 5, '{} 18'],
    ['has a minute as step when it does not say', 'sum_over_time(m[2m:])', 5, '{} 18'],
    ['may look back', 'sum_over_time(m[2m:1m] offset 1m)', 5, '{} 14'],
    ['may look at a fixed time', 'sum_over_time(m[2m:1m] @ 200)', 9, '{} 10'],
    ['may look ahead of a fixed time', 'last_over_time(m[1m:30s] @ 60 offset -30s)', 5, 'm 3'],
    ['finds a sample several times', 'count_over_time(m[2m:7s])', 5, '{} 17'],
    ['is of any vector', 'sum_over_time((m + 1)[2m:1m])', 5, '{} 20'],
    ['may be in another one', 'sum_over_time(sum_over_time(m[1m:30s])[2m:1m])', 5, '{} 34'],
    ['takes the name with it that an operator took', 'last_over_time((-m)[1m:30s])', 5, '{} -10'],
    ['finds the resets of histograms anew', 'resets(h[2m:30s])', 2, '{} 1'],
  ])('%s', async (_, expr, minute, row) => {
    expect(await instant(expr, minute)).toEqual({ rows: [row], notes: [] })
  })

  test('moves with the steps of the query, its own times stay where they are', async () => {
    const { rows } = await range('count_over_time(m[1m:40s])', 3)
    expect(rows).toEqual(['{} 1 1 2 1'])
    expect((await range('sum_over_time(m[1m:30s] @ 60)', 3)).rows).toEqual(['{} 3 3 3 3'])
  })

  test('stands nowhere for what is said about its samples', async () => {
    const { notes } = await instant('1 + rate(m[2m:30s])', 5)
    expect(notes).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "m" (1:1)',
    ])
  })

  test('with too many steps is refused before it begins', async () => {
    const message = 'query processing would load too many samples'
    await expect(instant('count_over_time(m[100y:1ms])', 5)).rejects.toThrow(message)
  })

  test('with a step of less than a millisecond is an error', async () => {
    await expect(instant('count_over_time(m[1m:0.0005])', 5)).rejects.toThrow('integer divide by zero')
  })
})

test.each([
  ['rate(m[2m])', 4],
  ['rate(m[2m:1m])', 2],
  ['sum_over_time(rate(m[1m])[2m:1m])', 2],
  ['sum(m) + count_over_time(m[1m])', 3],
  ['increase(h[5m])', 36],
])('%s counts %i samples at its last step', async (expr, samples) => {
  const engine = new QueryEngine({ querier: () => store, host: new FakeHost(), metrics: new Registry() })
  const answer = await engine.instant({ expr, time: 300_000 })
  expect(answer.stats.samples).toBe(samples)
})

test('the samples of the largest window are held beside the answer', async () => {
  const answer = (maxSamples: number) => {
    const options = { querier: () => store, host: new FakeHost(), metrics: new Registry(), maxSamples }
    return new QueryEngine(options).instant({ expr: 'max_over_time(m[5m])', time: 300_000 })
  }
  await expect(answer(9)).rejects.toThrow('too many samples')
  expect((await answer(10)).kind).toBe('vector')
})
