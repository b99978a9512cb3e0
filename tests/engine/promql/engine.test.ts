import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import type { Querier, SeriesBatch } from '../../../src/engine/model/store.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { aggregators } from '../../../src/engine/promql/aggregate.ts'
import { QueryEngine, type QueryEngineOptions } from '../../../src/engine/promql/engine.ts'
import { functions } from '../../../src/engine/promql/functions.ts'
import { FakeHost } from '../../fakehost.ts'
import { loaded } from '../../promqltest/loaded.ts'

const store = loaded(`load 1m
  up{job="b"} 1 1 0
  up{job="a"} 0 1 1
  http_requests 1 2 3 stale 5`)

function engine(options: Partial<QueryEngineOptions> = {}): QueryEngine {
  return new QueryEngine({ querier: () => store, host: new FakeHost(), metrics: new Registry(), ...options })
}

const minutes = (n: number) => n * 60_000
const range = (expr: string) => ({ expr, start: 0, end: minutes(2), step: minutes(1) })

async function failure(answer: Promise<unknown>): Promise<QueryError> {
  const error = await answer.then(
    () => new Error('no failure'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(QueryError)
  return error as QueryError
}

describe('answers', () => {
  test('a range query answers rows in the order of their labels, with the steps that are ≤ end', async () => {
    const answer = await engine().range({
      expr: 'up',
      start: minutes(1),
      end: minutes(2) + 59_999,
      step: minutes(1),
    })
    expect(answer).toMatchObject({ kind: 'matrix', start: minutes(1), step: minutes(1), steps: 2 })
    expect(answer.labels).toEqual([
      ['__name__', 'up', 'job', 'a'],
      ['__name__', 'up', 'job', 'b'],
    ])
    expect(answer.values).toEqual(Float64Array.of(1, 1, 1, 0))
    expect(answer.present).toEqual(Uint8Array.of(1, 1, 1, 1))
  })

  test('series without any value are left out', async () => {
    const answer = await engine().range(range('up == 7'))
    expect(answer).toMatchObject({ labels: [], values: new Float64Array(0), present: new Uint8Array(0) })
  })

  test('a range that ends before it starts has no steps', async () => {
    const answer = await engine().range({ expr: 'up', start: 1000, end: 0, step: 1000 })
    expect(answer).toMatchObject({ steps: 0, labels: [] })
  })

  test('a single step is a matrix too', async () => {
    const answer = await engine().range({ expr: 'sum(up)', start: 0, end: 0, step: 1000 })
    expect(answer).toMatchObject({ kind: 'matrix', steps: 1, labels: [[]], values: Float64Array.of(1) })
  })

  test('an instant query answers by the type of its expression', async () => {
    expect(await engine().instant({ expr: '1 + 1', time: 5 })).toMatchObject({
      kind: 'scalar',
      t: 5,
      value: 2,
    })
    expect(await engine().instant({ expr: '("x")', time: 5 })).toMatchObject({
      kind: 'string',
      t: 5,
      value: 'x',
    })
    const vector = await engine().instant({ expr: 'sum by (job) (up)', time: minutes(2) })
    expect(vector).toMatchObject({
      kind: 'vector',
      t: minutes(2),
      labels: [
        ['job', 'a'],
        ['job', 'b'],
      ],
      values: Float64Array.of(1, 0),
    })
  })

  test('an instant query over a range vector answers the samples, stale markers left out', async () => {
    const answer = await engine().instant({ expr: '{__name__=~"up|http.*",job!="a"}[4m]', time: minutes(4) })
    expect(answer).toMatchObject({
      kind: 'samples',
      labels: [
        ['__name__', 'http_requests'],
        ['__name__', 'up', 'job', 'b'],
      ],
      offsets: Uint32Array.of(0, 3, 5),
      t: Float64Array.of(1, 2, 4, 1, 2).map(minutes),
      v: Float64Array.of(2, 3, 5, 1, 0),
    })
  })

  test('a hint carries the place of what it is about, and is given once', async () => {
    const answer = await engine().range(range('1 +\n rate(up[2m]) + rate(up[2m])'))
    expect(answer.warnings).toEqual([])
    expect(answer.infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (2:22)',
    ])
  })

  test('samples are counted as often as they are looked at', async () => {
    expect((await engine().range(range('up'))).stats.samples).toBe(6)
    expect((await engine().range(range('count_over_time(up[2m])'))).stats.samples).toBe(2 * (1 + 2 + 2))
  })

  test('the lookback can be set', async () => {
    const answer = await engine({ lookbackMs: minutes(1) }).instant({ expr: 'up', time: minutes(3) })
    expect(answer).toMatchObject({ kind: 'vector', labels: [] })
  })
})

describe('limits', () => {
  test('a step must lead forward, and the steps alone can be too many', async () => {
    const wanted = 'zero or negative query resolution step widths are not accepted. Try a positive integer'
    for (const step of [0, -1, NaN]) {
      const error = await failure(engine().range({ expr: 'up', start: 0, end: 1, step }))
      expect(error).toMatchObject({ type: 'bad_data', message: wanted })
    }
    expect((await failure(engine().range({ expr: '1', start: 0, end: 1e15, step: 1 }))).type).toBe(
      'execution',
    )
  })

  test('more values than maxSamples are refused in Prometheus’s words', async () => {
    const tooMany = 'query processing would load too many samples into memory in query execution'
    expect(await failure(engine({ maxSamples: 5 }).range(range('up')))).toMatchObject({
      type: 'execution',
      message: tooMany,
    })
    await engine({ maxSamples: 6 }).range(range('up'))
    expect(
      (await failure(engine({ maxSamples: 3 }).instant({ expr: 'up[3m]', time: minutes(2) }))).message,
    ).toBe(tooMany)
  })

  test('what went into an operator is let go when it is done', async () => {
    // Three values of one sum, and six that become three of the other: twelve at once.
    await engine({ maxSamples: 12 }).range(range('sum(up) + sum(up)'))
    await failure(engine({ maxSamples: 11 }).range(range('sum(up) + sum(up)')))
  })

  test('a query that was cancelled before it began is not begun', async () => {
    const controller = new AbortController()
    controller.abort()
    expect(await failure(engine().range(range('up'), controller.signal))).toMatchObject({
      type: 'canceled',
      message: 'query was canceled in expression evaluation',
    })
  })

  test('a query ends when it is cancelled, even while the store does not answer', async () => {
    const controller = new AbortController()
    const answer = engine({ querier: () => silent }).range(range('up'), controller.signal)
    setTimeout(() => {
      controller.abort()
    }, 5)
    expect((await failure(answer)).type).toBe('canceled')
  })

  test('a query ends after the timeout', async () => {
    const host = new FakeHost()
    const answer = failure(engine({ host, querier: () => silent }).range(range('up')))
    await host.advance(119_999)
    await host.advance(1)
    expect(await answer).toMatchObject({
      type: 'timeout',
      message: 'query timed out in expression evaluation',
    })
  })

  test('a long query lets others run between two series, and can be cancelled there', async () => {
    const host = new SlowHost()
    const controller = new AbortController()
    host.onYield = times => {
      if (times === 2) controller.abort()
    }
    const lines = Array.from({ length: 20 }, (_, i) => `up{i="${i}"} 1`)
    const querier = () => loaded(`load 1m\n${lines.join('\n')}`)
    const answer = engine({ host, querier }).range(range('up'), controller.signal)
    expect((await failure(answer)).type).toBe('canceled')
    expect(host.yields).toBe(2)
  })

  test('a failing store fails the query with its text', async () => {
    const querier = { ...silent, select: () => failing() }
    expect(await failure(engine({ querier: () => querier }).range(range('up')))).toMatchObject({
      type: 'execution',
      message: 'expanding series: checksum mismatch',
    })
  })

  test('a query lets go of the store, however it ends', async () => {
    const ends: string[] = []
    const over = (querier: Querier, name: string) => {
      const closing = Object.assign(Object.create(querier) as Querier, { close: () => ends.push(name) })
      return engine({ querier: () => closing })
    }
    await over(store, 'answered').range(range('up'))
    await failure(over({ ...silent, select: () => failing() }, 'failed').range(range('up')))
    await failure(over(silent, 'cancelled').range(range('up'), AbortSignal.abort()))
    expect(ends).toEqual(['answered', 'failed', 'cancelled'])
  })
})

test('whatever can be read is answered or refused with a reason', async () => {
  const atoms = [
    'up',
    'http_requests',
    '{__name__=~".+"}',
    'up[2m]',
    '((up[1m]))',
    '2',
    '-1h',
    'NaN',
    '"s"',
    'missing',
  ]
  const { expr } = fc.letrec<{ expr: string }>(tie => ({
    expr: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...atoms),
      fc.tuple(fc.constantFrom('(', '-(', '+('), tie('expr')).map(([open, inner]) => `${open}${inner})`),
      fc.tuple(fc.constantFrom(...Object.keys(functions)), tie('expr')).map(([f, inner]) => `${f}(${inner})`),
      fc
        .tuple(
          fc.constantFrom(...Object.keys(aggregators)),
          fc.constantFrom('', 'by (job)', 'without (job)'),
          tie('expr'),
        )
        .map(([op, by, inner]) => `${op} ${by} (${inner})`),
      fc
        .tuple(
          tie('expr'),
          fc.constantFrom('+', '%', '^', '> bool', '==', '* on (job)', '< ignoring (job)'),
          tie('expr'),
        )
        .map(([left, op, right]) => `${left} ${op} ${right}`),
    ),
  }))
  const queries = engine()
  await fc.assert(
    fc.asyncProperty(expr, async text => {
      for (const answer of [queries.range(range(text)), queries.instant({ expr: text, time: minutes(2) })]) {
        const outcome: unknown = await answer.catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(QueryError)
      }
    }),
    { numRuns: 500 },
  )
})

describe('metrics', () => {
  test('queries are counted under Prometheus’s names', async () => {
    const metrics = new Registry()
    const queries = engine({ metrics })
    await queries.range(range('up'))
    await failure(queries.range(range('up > ')))
    const text = metrics.text()
    expect(text).toContain('prometheus_engine_queries 0\n')
    expect(text).toContain('prometheus_engine_query_samples_total 6\n')
    expect(text).toContain('prometheus_engine_query_duration_seconds_count{slice="inner_eval"} 1\n')
    expect(text).toContain('prometheus_engine_query_duration_seconds_count{slice="prepare_time"} 2\n')
    expect(text).toContain('prometheus_engine_query_duration_seconds_count{slice="result_sort"} 1\n')
  })

  test('a running query shows', async () => {
    const metrics = new Registry()
    const controller = new AbortController()
    const answer = failure(engine({ metrics, querier: () => silent }).range(range('up'), controller.signal))
    expect(metrics.text()).toContain('prometheus_engine_queries 1\n')
    controller.abort()
    await answer
    expect(metrics.text()).toContain('prometheus_engine_queries 0\n')
  })
})

/** A store whose disk hangs. */
const silent: Querier = {
  select: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }),
  labelSets: () => Promise.resolve([]),
  labelNames: () => Promise.resolve([]),
  labelValues: () => Promise.resolve([]),
}

async function* failing(): AsyncGenerator<SeriesBatch> {
  yield {
    count: 0,
    labels: () => [],
    columns: () => ({
      count: 0,
      t: new Float64Array(),
      v: new Float64Array(),
      stale: null,
      histograms: null,
    }),
  }
  throw new Error('checksum mismatch')
}

/** Every look at the clock takes 15 ms. */
class SlowHost extends FakeHost {
  yields = 0
  onYield: (times: number) => void = () => undefined
  private clock = 0

  override monotonic(): number {
    return (this.clock += 15)
  }

  override async yield(): Promise<void> {
    this.onYield(++this.yields)
  }
}
