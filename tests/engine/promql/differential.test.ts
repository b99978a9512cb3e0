import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aggregators } from '../../../src/engine/promql/syntax/aggregators.ts'
import { functions } from '../../../src/engine/promql/syntax/functions.ts'
import { implementations } from '../../../src/engine/promql/functions/implementations.ts'
import { peer } from '../../peers.ts'
import { startDifferential, type Asked, type Differential } from './differential.ts'
import { differences, misordered } from './differentialanswers.ts'
import { depthOf, featuresOf } from './differentialparts.ts'
import { excuseOf } from './excuses.ts'
import { Generator } from './generator.ts'
import { mistaken } from './generatormutations.ts'

// Expressions by chance, the same ones to a real Prometheus 2.42 and to ours, of the same samples. BRAZIER_SEED=17 asks
// others; more are asked with the long tests.

const seed = Number(process.env['BRAZIER_SEED'] ?? 1)
const count = 720

const prometheus = peer('prometheus')

// What came after 2.42.
const newer = {
  functions: [
    ...[
      'histogram_avg',
      'histogram_stddev',
      'histogram_stdvar',
      'histogram_quantiles',
      'first_over_time',
      'info',
    ],
    ...[
      'mad_over_time',
      'ts_of_first_over_time',
      'ts_of_last_over_time',
      'ts_of_min_over_time',
      'max_of',
      'min_of',
    ],
    ...['ts_of_max_over_time', 'start_timestamp', 'start', 'end', 'range', 'step', 'sort_by_label'],
    ...['sort_by_label_desc'],
  ],
  aggregators: ['limitk', 'limit_ratio'],
}

const wanted = [
  ...Object.keys(functions).filter(name => !newer.functions.includes(name)),
  ...Object.keys(aggregators).filter(name => !newer.aggregators.includes(name)),
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '^',
    'atan2',
    '==',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    'and',
    'or',
    'unless',
    'unary -',
  ],
  ...['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'offset', '@', 'subquery'],
  ...['=', '=~', '!~'],
]

// No range query takes them, or they have no series.
const others = [
  ...[
    'temperature[5m]',
    'latency_seconds[2m]',
    'stopping{job="api"}[20m] offset 5m',
    '(sizes_bytes)[3m:45s]',
  ],
  ...['rate(requests_total[5m])[4m500ms:1m] offset 1m', '"text"', '`\\n`', '1', '-1 + 2 * 3', 'time()'],
  ...[
    'topk(3, requests_total)',
    'bottomk by (job) (2, requests_total)',
    'sort(temperature)',
    'sort_desc(strange)',
  ],
  ...['quantile(0.5, strange)', 'nosuch', 'sum(nosuch)', 'absent(nosuch)', 'scalar(nosuch)', 'vector(NaN)'],
]

const failures = [
  '{__name__=~"temperature|limit"} * 2',
  'rate({__name__=~"requests_total|late_total"}[5m]) + on (job) limit',
  'abs({__name__=~"flag|limit"})',
  'limit + on (job) temperature',
  'limit * on (job) group_left temperature',
  'limit * on (instance) group_right temperature',
  'limit / on () group_left limit',
  'requests_total * ignoring (instance) group_left (job) limit',
  'sum by (job) (limit) * on (job) group_left (instance) limit',
  'label_replace(requests_total, "code", "", "code", ".*")',
  'label_replace(limit, "zone", "$1", "job", "(")',
  'label_join(requests_total, "code", "", "job")',
  'double_exponential_smoothing(limit[5m], 1.5, 0.3)',
  'double_exponential_smoothing(limit[5m], 0.5, 0)',
]

describe.skipIf(prometheus.missing)(`the same as ${prometheus.name}`, () => {
  let differential: Differential
  let asked: Asked[]
  let stop = async () => {}
  const expressions = new Generator(seed).expressions(count)

  beforeAll(async () => {
    differential = await startDifferential()
    stop = () => differential.stop()
    asked = await differential.askAll(expressions)
  })
  afterAll(() => stop())

  test('every answer, over a range and at instants', async () => {
    expect(await differential.unexcused(asked)).toEqual([])
  })

  test('but for few that have an excuse', async () => {
    const mistakes = await differential.askAll(mistaken(count / 4, seed))
    expect(await differential.unexcused(mistakes)).toEqual([])
    const all = [...asked, ...mistakes]
    const excused = all.filter(one => one.differences.length > 0 && excuseOf(one) !== null)
    expect(excused.length / all.length).toBeLessThanOrEqual(0.02)
  })

  test('range vectors, texts and the order of rows', async () => {
    expect(await differential.unexcused(await differential.askAll(others))).toEqual([])
  })

  test.each(failures)('fails at %s in the same words', async expr => {
    const one = await differential.ask(expr)
    expect(one).toEqual({ expr, differences: [], empty: true, refused: true })
  })

  test('each function and operator is asked for at least three times, and there are data', () => {
    const answered = asked.filter(({ empty }) => !empty)
    const uses = answered.flatMap(({ expr }) => featuresOf(expr))
    const rare = wanted.filter(feature => uses.filter(used => used === feature).length < 3)
    expect(rare).toEqual([])
    expect(answered.length / asked.length).toBeGreaterThanOrEqual(0.6)
    expect(asked.filter(({ refused }) => refused).length / asked.length).toBeLessThan(0.01)
  })

  test('half of the expressions are three operations deep or more', () => {
    expect(expressions.filter(expr => depthOf(expr) >= 3).length / count).toBeGreaterThanOrEqual(0.5)
  })

  test.each([
    ['increase', 'delta', 'counters that are never reset'],
    ['last_over_time', 'min_over_time', 'the lowest sample instead of the last'],
    ['resets', 'changes', 'any change instead of a reset'],
    ['sinh', 'sin', 'another function of an angle'],
  ] as const)('notices a broken kernel: %s as %s, %s', async (...[name, wrong]) => {
    const right = implementations[name]
    try {
      Object.assign(implementations, { [name]: implementations[wrong] })
      const using = expressions.filter(expr => featuresOf(expr).includes(name)).slice(0, 10)
      const broken = await differential.askAll(using)
      expect(broken.filter(({ differences }) => differences.length > 0)).not.toEqual([])
    } finally {
      Object.assign(implementations, { [name]: right })
    }
  })
})

const row = (...values: number[]) => new Map(values.map((value, i) => [i, value]))
const vector = (rows: Record<string, ReadonlyMap<number, number>>) => ({
  type: 'vector',
  rows: new Map(Object.entries(rows)),
})

test('numbers are the same within a billionth, NaN is NaN', () => {
  const mine = vector({ a: row(1, 1e6, NaN) })
  expect(differences(mine, vector({ a: row(1 + 1e-10, 1e6 + 1e-4, NaN) }))).toEqual([])
  expect(differences(mine, vector({ a: row(1 + 2e-9, 1e6, 0) }))).toEqual([
    'a at 0: 1 here, 1.000000002 there',
    'a at 2: NaN here, 0 there',
  ])
})

test('a series or a sample that only one of them has is a difference', () => {
  expect(differences(vector({ a: row(1) }), vector({ a: row(1, 2), b: row(3) }))).toEqual([
    'a at 1: none here, 2 there',
    'b at 0: none here, 3 there',
  ])
})

test('where an expression asks for an order, another one is a difference', () => {
  const [mine, peers] = [vector({ a: row(1), b: row(2) }), vector({ b: row(2), a: row(1) })]
  expect(differences(mine, peers)).toEqual([])
  expect(misordered(mine, peers)).toEqual(['in the order 1, 2 here, 2, 1 there'])
})

test('an answer and a failure are a difference, and so are two failures in other words', () => {
  const failure = (error: string) => ({ errorType: 'execution', error })
  expect(differences(vector({}), failure('no'))).toEqual(['an answer here, execution: no there'])
  expect(differences(failure('yes'), failure('no'))).toEqual(['execution: yes here, execution: no there'])
})
