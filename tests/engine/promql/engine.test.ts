import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import type { InstantQuery, NodeStats } from '../../../src/engine/model/answers.ts'
import { compareLabels } from '../../../src/engine/model/labels.ts'
import type { Querier, SeriesBatch } from '../../../src/engine/model/store.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { aggregators } from '../../../src/engine/promql/syntax/aggregators.ts'
import { QueryEngine, type QueryEngineOptions } from '../../../src/engine/promql/engine.ts'
import { functions } from '../../../src/engine/promql/syntax/functions.ts'
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
      message: 'query was canceled in query execution',
    })
  })

  test('a query ends when it is cancelled, even while the store does not answer', async () => {
    const controller = new AbortController()
    const answer = engine({ querier: () => silent }).range(range('up'), controller.signal)
    setTimeout(() => {
      controller.abort()
    }, 5)
    expect(await failure(answer)).toMatchObject({
      type: 'canceled',
      message: 'query was canceled in expression evaluation',
    })
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
    const controller = new AbortController()
    const cancelled = failure(over(silent, 'cancelled').range(range('up'), controller.signal))
    setTimeout(() => controller.abort(), 5)
    await cancelled
    expect(ends).toEqual(['answered', 'failed', 'cancelled'])
  })
})

describe('the queue', () => {
  /** Stores that answer when they are told to. */
  function held() {
    const opened: string[] = []
    const open = new Map<string, () => void>()
    const querier = (name = ''): Querier => {
      opened.push(name)
      const ready = new Promise<void>(resolve => open.set(name, resolve))
      return { ...silent, select: (matchers, times) => after(ready, () => store.select(matchers, times)) }
    }
    return { querier, opened, answer: (name: string) => open.get(name)?.() }
  }

  async function* after<T>(ready: Promise<void>, all: () => AsyncIterable<T>): AsyncGenerator<T> {
    await ready
    yield* all()
  }

  const turn = () => new Promise(resolve => setTimeout(resolve))

  test('lets twenty queries run at once, and the others in the order in which they came', async () => {
    const { querier, opened, answer } = held()
    const metrics = new Registry()
    const queries = engine({ querier, metrics })
    const names = Array.from({ length: 23 }, (_, i) => String(i))
    const answers = names.map(block => queries.instant({ expr: 'up', time: 0, block }))
    await turn()
    expect(opened).toEqual(names.slice(0, 20))
    expect(metrics.text()).toContain('prometheus_engine_queries 23\n')
    expect(metrics.text()).toContain('prometheus_engine_queries_concurrent_max 20\n')
    answer('7')
    await answers[7]
    await turn()
    expect(opened).toEqual(names.slice(0, 21))
    for (const name of names) {
      answer(name)
      await answers[Number(name)]
      await turn()
    }
    expect(opened).toEqual(names)
  })

  test('is left by a query that is cancelled or has no time left, and nobody loses a turn', async () => {
    const { querier, opened, answer } = held()
    const host = new FakeHost()
    const queries = engine({ querier, host, maxConcurrency: 1 })
    const ask = (block: string, signal?: AbortSignal, timeoutMs = 60_000) =>
      queries.instant({ expr: 'up', time: 0, block, timeoutMs }, signal)
    const controller = new AbortController()
    const first = ask('first')
    const cancelled = failure(ask('cancelled', controller.signal))
    const late = failure(ask('late', undefined, 1000))
    const last = ask('last')
    await turn()
    controller.abort()
    expect(await cancelled).toMatchObject({ type: 'canceled', message: 'query was canceled in query queue' })
    await host.advance(1000)
    expect(await late).toMatchObject({ type: 'timeout', message: 'query timed out in query queue' })
    answer('first')
    await first
    await turn()
    answer('last')
    expect((await last).stats.timings.queue).toBe(1)
    expect(opened).toEqual(['first', 'last'])
  })

  test('gives on the turn of a query that failed', async () => {
    const queries = engine({ maxConcurrency: 1, maxSamples: 1 })
    const answers = ['up', 'up', '1'].map(expr => queries.instant({ expr, time: 0 }))
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual([
      ...['rejected', 'rejected', 'fulfilled'],
    ])
  })
})

describe('statistics', () => {
  const stats = async (expr: string, statistics: InstantQuery['statistics'] = {}) => {
    return (await engine().range({ ...range(expr), statistics })).stats
  }

  test('cost nothing when they are not asked for', async () => {
    expect(await stats('up')).toMatchObject({ samplesPerStep: null, nodes: null })
  })

  test.each([
    ['up', [2, 2, 2]],
    ['up{job="a"} offset 1m', [0, 1, 1]],
    ['rate(up[2m])', [2, 4, 4]],
    ['up + on (job) rate(up[2m])', [4, 6, 6]],
    ['up @ 60', [2, 2, 2]],
    ['max_over_time(up[2m:1m])', [2, 4, 4]],
    ['timestamp(up)', [2, 2, 2]],
    ['info(up)', [2, 2, 2]],
    ['1', [0, 0, 0]],
  ])('%s looks at %j samples, step by step', async (expr, counts) => {
    const { samples, samplesPerStep } = await stats(expr, { perStep: true })
    expect(samplesPerStep).toEqual({ start: 0, step: minutes(1), counts: Float64Array.from(counts) })
    expect(samples).toBe(counts.reduce((sum, count) => sum + count))
  })

  test.each([
    ['1', 3],
    ['up', 6],
    ['sum(up)', 9],
    ['up + on (job) up', 18],
  ])('at its peak %s holds %i values, as the limit counts them', async (expr, peak) => {
    expect((await stats(expr)).peakSamples).toBe(peak)
    await engine({ maxSamples: peak }).range(range(expr))
    await failure(engine({ maxSamples: peak - 1 }).range(range(expr)))
  })

  /** `sum(up)=1/3[up=2/6]`: series and samples of each part. */
  function shown(expr: string, nodes: readonly NodeStats[]): string {
    return nodes
      .map(({ span, series, samples, parts }) => {
        const inner = parts.length === 0 ? '' : `[${shown(expr, parts)}]`
        return `${expr.slice(span.from, span.to)}=${series}/${samples}${inner}`
      })
      .join(' ')
  }

  test.each([
    ['sum(up)', 'sum(up)=1/3[up=2/6]'],
    ['(up) > 0', '(up) > 0=2/4[up=2/6 0=1/3]'],
    ['-up @ 60', '-up @ 60=2/2[up @ 60=2/2]'],
    ['rate(up[2m]) + 1', 'rate(up[2m]) + 1=2/4[rate(up[2m])=2/4[up[2m]=2/6] 1=1/3]'],
    [
      'last_over_time(abs(up)[1m:1m])',
      'last_over_time(abs(up)[1m:1m])=2/6[abs(up)[1m:1m]=2/6[abs(up)=2/6[up=2/6]]]',
    ],
    ['missing', 'missing=0/0'],
  ])('tell what each part of %s does', async (expr, tree) => {
    const { nodes } = await stats(expr, { perNode: true })
    expect(shown(expr, nodes ?? [])).toBe(tree)
  })

  test('time belongs to the part whose turn it is', async () => {
    const host = new SlowHost()
    const answer = await engine({ host }).range({ ...range('sum(up)'), statistics: { perNode: true } })
    const [sum] = answer.stats.nodes ?? []
    expect(sum).toMatchObject({ kind: 'aggregate', parts: [{ kind: 'vectorSelector' }] })
    const all = (sum?.seconds ?? 0) + (sum?.parts[0]?.seconds ?? 0)
    expect(sum?.parts[0]?.seconds).toBeGreaterThan(0)
    expect(all).toBeLessThanOrEqual(answer.stats.timings.evaluate)
    expect(answer.stats.seconds).toBeGreaterThanOrEqual(answer.stats.timings.evaluate)
  })

  test('of a range vector alone are those of its samples', async () => {
    const query = { expr: 'up[2m]', time: minutes(2), statistics: { perStep: true, perNode: true } }
    const { stats } = await engine().instant(query)
    expect(stats).toMatchObject({ samples: 4, samplesPerStep: { counts: Float64Array.of(4) } })
    expect(shown(query.expr, stats.nodes ?? [])).toBe('up[2m]=2/4')
  })
})

describe('long work over many series', () => {
  const lines = Array.from({ length: 1500 }, (_, i) => `m{i="${(i * 7919) % 1500}"} ${(i * 31) % 50}`)
  const many = loaded(`load 1m\n${lines.join('\n')}`)

  test.each(['sort(m)', 'sort_by_label(m, "i")', 'label_replace(m, "j", "$1", "i", "(.*)")', 'm'])(
    '%s lets others run all the time, and comes out the same',
    async expr => {
      const host = new SlowHost()
      const slow = await engine({ host, querier: () => many, timeoutMs: 1e9 }).instant({ expr, time: 0 })
      const fast = await engine({ querier: () => many }).instant({ expr, time: 0 })
      expect({ ...slow, stats: null }).toEqual({ ...fast, stats: null })
      expect(host.longest).toBeLessThan(60)
    },
  )

  test('series of a range come in order', async () => {
    const answer = await engine({ querier: () => many }).range({
      ...range('label_replace(m, "a", "$1", "i", "(.)")'),
    })
    const inOrder = [...answer.labels].sort(compareLabels)
    expect(answer.labels).toEqual(inOrder)
    expect(answer.labels).toHaveLength(1500)
  })

  test('what is equal stays in its order', async () => {
    const answer = await engine({ querier: () => many }).instant({ expr: 'sort(m)', time: 0 })
    if (answer.kind !== 'vector') throw new Error(answer.kind)
    const found = answer.labels.map((labels, i) => ({ labels, v: answer.values[i] as number }))
    const sorted = [...found].sort((a, b) => a.v - b.v || compareLabels(a.labels, b.labels))
    expect(found).toEqual(sorted)
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
      ...{ count: 0, t: new Float64Array(), v: new Float64Array() },
      ...{ stale: null, histograms: null },
    }),
  }
  throw new Error('checksum mismatch')
}

/** Every look at the clock takes 15 ms. */
class SlowHost extends FakeHost {
  yields = 0
  /** The longest time between two yields, milliseconds. */
  longest = 0
  private yielded = 0
  onYield: (times: number) => void = () => undefined
  private clock = 0

  override monotonic(): number {
    return (this.clock += 15)
  }

  override async yield(): Promise<void> {
    if (this.yields > 0) this.longest = Math.max(this.longest, this.clock - this.yielded)
    this.yielded = this.clock
    this.onYield(++this.yields)
  }
}
