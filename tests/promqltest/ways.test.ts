import { describe, expect, test } from 'vitest'
import { allWays, asWritten, dependsOnContext } from '../../src/promqltest/ways.ts'

describe('ways to ask for an instant', () => {
  test('as written, then with @ at five times', () => {
    expect(allWays('up', 300_000)).toEqual([
      { expr: 'up', time: 300_000 },
      { expr: 'up @ 300.000', time: -3_000_000 },
      { expr: 'up @ 300.000', time: 0 },
      { expr: 'up @ 300.000', time: 60_000 },
      { expr: 'up @ 300.000', time: 300_000 },
      { expr: 'up @ 300.000', time: 3_000_000 },
    ])
    expect(asWritten('up', 300_000)).toEqual([{ expr: 'up', time: 300_000 }])
  })

  test('around zero at times of their own', () => {
    expect(allWays('1', 0).map(({ time }) => time)).toEqual([0, -1000, 0, 1000])
  })

  test.each([
    ['sum  by(a)  (up{job="x"})', 'sum by (a) (up{job="x"} @ 0.012)'],
    ['rate(a[5m] offset 1m) / (b offset 5m)', 'rate(a[5m] @ 0.012 offset 1m) / (b @ 0.012 offset 5m)'],
    ['{a="}"} + -b', '{a="}"} @ 0.012 + -b @ 0.012'],
    ['a - a - a', 'a @ 0.012 - a @ 0.012 - a @ 0.012'],
    ['a @ 7 + a @ end()', 'a @ 7.000 + a @ 0.012'],
    ['max_over_time(rate(a[5m])[1h:1m] offset 2m)', 'max_over_time(rate(a[5m])[1h:1m] @ 0.012 offset 2m)'],
    ['topk(scalar(k), a)', 'topk(scalar(k @ 0.012), a @ 0.012)'],
    ['rate(a[5m] smoothed)', 'rate(a[5m] smoothed @ 0.012)'],
    ['1 + 2', '1 + 2'],
    ['"up"', '"up"'],
  ])('%s is asked as %s', (expr, pinned) => {
    expect(allWays(expr, 12)[1]?.expr).toBe(pinned)
  })

  test.each(['time() - a', 'rate(a[5m]) > step()', 'sum(hour(vector(0)))'])('%s only as written', expr => {
    expect(allWays(expr, 12)).toEqual([{ expr, time: 12 }])
  })

  test('a function of the time does no harm inside of a subquery', () => {
    expect(allWays('sum_over_time(vector(time())[1m:10s])', 12)).toHaveLength(6)
  })

  test('what is no PromQL cannot be asked', () => {
    expect(() => allWays('up{', 0)).toThrow('unexpected end of input inside braces')
  })
})

test.each([
  ['time() - start()', true],
  ['a[5m:step()]', true],
  ['end(', false],
  ['rate(a[5m])', false],
])('%s depends on its context: %s', (expr, depends) => {
  expect(dependsOnContext(expr)).toBe(depends)
})
