import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InstantAnswer, RangeAnswer } from '../../../src/engine/model/answers.ts'
import {
  formatLabels,
  labelsFrom,
  labelsKey,
  pairsOf,
  type Labels,
} from '../../../src/engine/model/labels.ts'
import { QueryError } from '../../../src/engine/model/errors.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { parse } from '../../../src/engine/promql/parser.ts'
import { QueryEngine } from '../../../src/engine/promql/engine.ts'
import type { StoredSample } from '../../../src/promqltest/load.ts'
import { MemoryQuerier } from '../../../src/promqltest/memory.ts'
import { FakeHost } from '../../fakehost.ts'

// The same samples in a real Prometheus and in ours, the same questions, the same answers. The peer is 2.42, whose
// ranges include their left edge: times are chosen so that no sample lies on an edge of a range or of the lookback.

const start = 1_700_000_040_000
const scrapeInterval = 15_000
const scrapes = 240
const stepMs = 61_000
const steps = 60
/** Time of the first evaluation; every range and offset below is a multiple of a second. */
const firstEvaluation = start - 120_000 + 7_001

const store = new MemoryQuerier(makeSeries(), 7)

const expressions = [
  'requests_total',
  'requests_total{job="api"}',
  'requests_total{job!="api",code=~"4..|500"}',
  '{__name__=~"temp.*",instance!~"1|2"}',
  'temperature offset 5m',
  'temperature offset -3m',
  'limit',
  'rate(requests_total[1m])',
  'rate(requests_total[5m])',
  'rate(requests_total[5m] offset 10m)',
  'rate(requests_total[29s])',
  'increase(requests_total[7m])',
  'irate(requests_total[2m])',
  'delta(temperature[5m])',
  'idelta(temperature[5m])',
  'sum_over_time(temperature[3m])',
  'avg_over_time(temperature[3m])',
  'min_over_time(temperature[4m])',
  'max_over_time(temperature[4m])',
  'count_over_time(temperature[10m])',
  'last_over_time(temperature[2m])',
  'present_over_time(temperature[2m])',
  'changes(flag[10m])',
  'resets(requests_total[10m])',
  'sum(requests_total)',
  'sum by (job) (rate(requests_total[5m]))',
  'sum without (instance, code) (rate(requests_total[5m]))',
  'avg by (code) (requests_total)',
  'avg(temperature)',
  'min by (job) (temperature)',
  'max by (job) (temperature)',
  'count by (code) (requests_total)',
  'count(temperature > 20)',
  'group by (job) (temperature)',
  'stddev by (job) (temperature)',
  'stdvar(temperature)',
  'temperature * 1.8 + 32',
  '100 - temperature',
  '-temperature',
  'temperature ^ 2 % 7',
  '2 ^ -temperature',
  'temperature > 20',
  'temperature <= bool 20',
  '20 < temperature',
  'temperature == temperature',
  'temperature != temperature',
  'temperature / limit',
  'temperature > limit',
  'temperature >= bool limit',
  'temperature - on (job, instance) limit',
  'requests_total{code="200"} / ignoring (code) requests_total{code="500"}',
  'sum by (job) (rate(requests_total{code=~"5.."}[5m])) / sum by (job) (rate(requests_total[5m]))',
  'sum by (job, instance) (requests_total) * on (job, instance) limit',
  '{__name__=~"limit|flag"} * 2 + 0',
  'late_total',
  'rate(late_total[5m])',
  'max(max_over_time(temperature[5m])) - min(min_over_time(temperature[5m]))',
  '1 + 2 * 3 - 4 / 5 ^ 2',
  '3 > bool 2',
  'sum(missing) + 1',
  '(((temperature)))',
]

// Those that 2.42 and 3.14 put into the same words.
const complaints = [
  'sum(',
  'foo bar',
  'foo{a="b"',
  'foo{a}',
  'foo{a=b}',
  'foo{,}',
  'foo{a="b" c="d"}',
  'foo{a=~"["}',
  '{}',
  '{a=~".*"}',
  'foo{__name__="bar"}',
  '1 == 1',
  '1 +',
  '(1))',
  '((1)',
  '*1',
  'foo + bool bar',
  'foo == on (a) 1',
  'a - on(b) ignoring(c) d',
  'sum without(==)(foo)',
  'sum by (a,,b) (foo)',
  'sum (foo) by bar',
  'sum by (a) (foo) by (b)',
  'sum() by (a)',
  'sum(a, b)',
  'sum(foo bar)',
  'rate(foo)',
  'rate(foo[5m], 1)',
  'rate(foo[5m],)',
  'nosuchfunction(foo)',
  'foo[5m] + 1',
  '-foo[5m]',
  '1[5m]',
  '(foo + bar)[5m]',
  'foo offset 1s offset 2s',
  '1 offset 5m',
  'foo offset 5m [5m]',
  '"\\c"',
  '"abc',
  '`abc',
  'foo !~ 1',
  'foo =~ 1',
  'foo\n  + {',
  '"é" + "ü" + )',
  '0deadbeef',
  'foo $ bar',
]

const failures = [
  '{__name__=~"temperature|limit"} * 2',
  'rate({__name__=~"requests_total|late_total"}[5m]) + on (job) limit',
  'limit + on (job) temperature',
  'limit + on () temperature{job="api",instance="1"}',
]

describe.skipIf(!hasPrometheus())('the same as Prometheus', () => {
  let peer: Peer
  let stop = async () => {}

  beforeAll(async () => {
    peer = await startPrometheus()
    stop = () => peer.stop()
  }, 300_000)
  afterAll(() => stop())

  const engine = new QueryEngine({ querier: () => store, host: new FakeHost(), metrics: new Registry() })

  test.each(expressions)('over a range: %s', async expr => {
    const end = firstEvaluation + (steps - 1) * stepMs
    const ours = pointsOf(await engine.range({ expr, start: firstEvaluation, end, step: stepMs }))
    const params = { query: expr, start: seconds(firstEvaluation), end: seconds(end), step: seconds(stepMs) }
    const { data } = await peer.ask('query_range', params)
    const theirs = series(data.result, item => {
      const values = new Array<number | null>(steps).fill(null)
      for (const [t, v] of item.values)
        values[Math.round((t * 1000 - firstEvaluation) / stepMs)] = toNumber(v)
      return values
    })
    expectSame(ours, theirs)
  })

  test.each(expressions)('at an instant: %s', async expr => {
    for (const time of [firstEvaluation + 10 * stepMs, firstEvaluation + 41 * stepMs]) {
      const ours = pointsOf(await engine.instant({ expr, time }))
      const { data } = await peer.ask('query', { query: expr, time: seconds(time) })
      const items = data.resultType === 'scalar' ? [{ metric: {}, value: data.result }] : data.result
      expectSame(
        ours,
        series(items, item => [toNumber(item.value[1])]),
      )
    }
  })

  test.each(complaints)('objects to %j in the same words', async expr => {
    const answer = await peer.ask('query', { query: expr, time: '0' })
    expect(answer.status).toBe('error')
    expect(`invalid parameter "query": ${complaintOf(expr)}`).toBe(answer.error)
  })

  test.each(failures)('fails at %s in the same words', async expr => {
    const time = firstEvaluation + 20 * stepMs
    const answer = await peer.ask('query', { query: expr, time: seconds(time) })
    expect(answer.status).toBe('error')
    const error: unknown = await engine.instant({ expr, time }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(QueryError)
    expect((error as QueryError).type).toBe(answer.errorType)
    expect(ordered((error as QueryError).message)).toBe(ordered(answer.error as string))
  })
})

/** 3.x names the series that cannot be told apart in the order of their text. */
function ordered(message: string): string {
  return message.replace(
    /\[(.*), (\{.*)\]/,
    (_, ...series: string[]) => `[${series.slice(0, 2).sort().join(', ')}]`,
  )
}

function complaintOf(expr: string): string {
  try {
    parse(expr)
  } catch (error) {
    expect(error).toBeInstanceOf(QueryError)
    return (error as QueryError).message
  }
  return 'none'
}

type Answer = Record<string, any>

interface Peer {
  ask(endpoint: string, params: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

function hasPrometheus(): boolean {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' })
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function startPrometheus(): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'promql-'))
  writeFileSync(join(folder, 'samples.txt'), openMetrics())
  writeFileSync(join(folder, 'prometheus.yml'), '')
  const data = join(folder, 'data')
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'samples.txt'), data], {
    stdio: 'ignore',
  })
  const port = await freePort()
  const server = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  )
  const base = `http://127.0.0.1:${port}`
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  await ready(base, server)
  return {
    ask: async (endpoint, params) => {
      const response = await fetch(`${base}/api/v1/${endpoint}?${new URLSearchParams(params).toString()}`)
      return (await response.json()) as Answer
    },
    stop: async () => {
      server.kill()
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

async function ready(base: string, server: ChildProcess): Promise<void> {
  while (server.exitCode === null) {
    const answers = await fetch(`${base}/-/ready`).then(
      response => response.ok,
      () => false,
    )
    if (answers) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`prometheus ended with ${server.exitCode}`)
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

type Series = Map<string, { metric: string; values: (number | null)[] }>

function series(items: Answer[], valuesOf: (item: Answer) => (number | null)[]): Series {
  return new Map(
    items.map(item => {
      const labels = labelsFrom(Object.entries(item.metric as Record<string, string>))
      return [labelsKey(labels), { metric: formatLabels(labels), values: valuesOf(item) }]
    }),
  )
}

interface Points {
  readonly labels: Labels
  readonly values: readonly (number | null)[]
}

function pointsOf(answer: InstantAnswer | RangeAnswer): Points[] {
  switch (answer.kind) {
    case 'scalar':
      return [{ labels: [], values: [answer.value] }]
    case 'vector':
      return answer.labels.map((labels, i) => ({ labels, values: [answer.values[i]!] }))
    case 'matrix':
      return answer.labels.map((labels, i) => ({
        labels,
        values: Array.from({ length: answer.steps }, (_, s) => {
          const at = i * answer.steps + s
          return answer.present[at] === 1 ? answer.values[at]! : null
        }),
      }))
    default:
      throw new Error(`a ${answer.kind} has no points`)
  }
}

function expectSame(ours: readonly Points[], theirs: Series): void {
  const metrics = ours.map(({ labels }) => formatLabels(labels))
  expect(metrics.sort()).toEqual([...theirs.values()].map(({ metric }) => metric).sort())
  for (const { labels, values } of ours) {
    const peer = theirs.get(labelsKey(labels))!.values
    values.forEach((value, i) => {
      const place = `${formatLabels(labels)} at step ${i}: ${value} against ${peer[i]}`
      expect(same(value, peer[i] ?? null), place).toBe(true)
    })
  }
}

function same(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b
  if (Object.is(a, b) || a === b) return true
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

/** Counters with resets, gauges with gaps and NaN, series that begin late. Counters begin high: 2.42 finds the
 *  zero point of a counter in another order than 3.x. */
function makeSeries() {
  let seed = 7
  const random = () => (seed = (Math.imul(seed, 48_271) >>> 0) % 0x7fffffff) / 0x7fffffff
  const all: { labels: readonly string[]; samples: StoredSample[] }[] = []
  const add = (labels: Record<string, string>, value: (i: number) => number | null) => {
    const samples: StoredSample[] = []
    for (let i = 0; i < scrapes; i++) {
      const v = value(i)
      if (v !== null) samples.push({ t: start + i * scrapeInterval, v, stale: false })
    }
    all.push({ labels: labelsFrom(Object.entries(labels)), samples })
  }
  const counter = (from: number) => {
    let total = 1e6 * (1 + random())
    return (i: number) => {
      if (i > 0 && random() < 0.01) total = random() * 50
      total += random() * 30
      return i < from ? null : total
    }
  }
  for (const job of ['api', 'db']) {
    for (const instance of ['1', '2', '3']) {
      for (const code of ['200', '404', '500']) {
        add({ __name__: 'requests_total', job, instance, code }, counter(0))
      }
      const gap = Math.floor(random() * 150)
      const broken = instance === '3' ? 60 : Infinity
      add({ __name__: 'temperature', job, instance }, i => {
        if (i >= gap && i < gap + 30) return null
        return i >= broken && i < broken + 3 ? NaN : 15 + 10 * random()
      })
      add({ __name__: 'limit', job, instance }, () => 20)
      add({ __name__: 'flag', job, instance, kind: 'x' }, () => Math.floor(random() * 2))
    }
  }
  add({ __name__: 'late_total', job: 'api' }, counter(100))
  return all
}

function openMetrics(): string {
  const lines: string[] = []
  let family = ''
  for (const { labels, samples } of store.series) {
    const pairs = [...pairsOf(labels)].filter(([name]) => name !== '__name__')
    const name = labels[labels.indexOf('__name__') + 1]!
    const type = name.endsWith('_total') ? 'counter' : 'gauge'
    if (name !== family) lines.push(`# TYPE ${name.replace(/_total$/, '')} ${type}`)
    family = name
    const braces = pairs.map(([label, value]) => `${label}="${value}"`).join(',')
    for (const { t, v } of samples) lines.push(`${name}{${braces}} ${v} ${seconds(t)}`)
  }
  return `${lines.join('\n')}\n# EOF\n`
}
