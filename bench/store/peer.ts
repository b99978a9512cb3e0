import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { labelsFrom } from '../../src/engine/model/labels.ts'
import { startTarget } from '../../tests/e2e/servers.ts'
import { startPrometheus, type RunningPeer } from '../../tests/peers.ts'
import { Checksum, seriesKey } from '../frame/checksum.ts'
import { Workload } from '../frame/workload.ts'
import { intervalMs, logRange, logWorkload, startT, type LogShape } from './shapes.ts'

/** Replays a log and cuts its two hours from the head: the same as `replayAndCut` here.
 *  @param thorough whether every sample is asked for */
export async function peerReplayAndCut(log: string, shape: LogShape, thorough: boolean) {
  const dataDir = mkdtempSync(join(tmpdir(), 'brazier-bench-'))
  cpSync(log, join(dataDir, 'wal'), { recursive: true })
  // A sample of today makes the head longer than three hours: it is cut at once.
  const target = await startTarget('one 1\n')
  const prometheus = await startPrometheus({ dataDir, config: configOf(target.url, 1) })
  try {
    const replaySeconds = await metricOf(prometheus, 'prometheus_tsdb_data_replay_duration_seconds')
    const cutSeconds = await blockWritten(prometheus)
    const found = thorough ? await checksumOf(prometheus, shape) : null
    return { replaySeconds, cutSeconds, found, samples: samplesOfBlocks(dataDir) }
  } finally {
    await prometheus.stop()
    await target.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Scrapes a body of so many hundreds of series. Answers what each scrape took but for the first, and the seconds of
 *  CPU that they took together. */
export async function peerScrapes(shards: number, scrapes: number) {
  const workload = new Workload({ targets: 1, shards, startT, intervalMs })
  const nextBody = () => {
    workload.step()
    return new TextDecoder().decode(workload.body(0))
  }
  const target = await startTarget('')
  let body = nextBody()
  target.answer(() => {
    const answer = { body }
    // Made while the answer is being read.
    setTimeout(() => (body = nextBody()), 300)
    return answer
  })
  const prometheus = await startPrometheus({ config: configOf(target.url, 2) })
  try {
    // A scrape is seen when it is stored; the first one is other work than the rest.
    const first = await scrapesSeen(prometheus, 1)
    const before = await metricOf(prometheus, 'process_cpu_seconds_total')
    const all = await scrapesSeen(prometheus, first.length + scrapes)
    const cpuSeconds = (await metricOf(prometheus, 'process_cpu_seconds_total')) - before
    const seconds = all.slice(first.length)
    return { seconds, cpuSeconds, samples: seconds.length * workload.seriesPerTarget }
  } finally {
    await prometheus.stop()
    await target.stop()
  }
}

/** Starts on a copy of a store and answers a range query. Seconds from the start of the process; the answer is polled
 *  for, so it is late by a few hundredths. */
export async function peerStart(store: string, expr: string, end: number) {
  const dataDir = mkdtempSync(join(tmpdir(), 'brazier-bench-'))
  cpSync(store, dataDir, { recursive: true })
  const start = performance.now()
  const prometheus = await startPrometheus({ dataDir })
  try {
    const [from, to] = [(end - 3600_000) / 1000, end / 1000]
    const query = new URLSearchParams({ query: expr, start: String(from), end: String(to), step: '60' })
    const { data } = (await json(prometheus, `/api/v1/query_range?${query}`)) as { data: Matrix }
    const seconds = (performance.now() - start) / 1000
    const points = data.result.flatMap(({ values }) => values)
    const sum = points.reduce((total, [, v]) => total + Number(v), 0)
    return { seconds, rows: data.result.length, points: points.length, sum }
  } finally {
    await prometheus.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function configOf(url: string, seconds: number): string {
  const { host } = new URL(url)
  return [
    `global: { scrape_interval: ${seconds}s, scrape_timeout: ${seconds}s }`,
    `scrape_configs: [{ job_name: bench, static_configs: [{ targets: ['${host}'] }] }]`,
  ].join('\n')
}

async function json(prometheus: RunningPeer, path: string): Promise<unknown> {
  const response = await fetch(`${prometheus.url}${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function metricOf(prometheus: RunningPeer, name: string): Promise<number> {
  const text = await (await fetch(`${prometheus.url}/metrics`)).text()
  const line = text.split('\n').find(one => one.startsWith(`${name} `))
  if (line === undefined) throw new Error(`Prometheus has no ${name}`)
  return Number(line.slice(name.length))
}

interface Matrix {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>
    readonly values: readonly [number, string][]
  }[]
}

async function rawSamples(prometheus: RunningPeer, selector: string, at: number): Promise<Matrix> {
  const query = new URLSearchParams({ query: selector, time: String(at) })
  return ((await json(prometheus, `/api/v1/query?${query}`)) as { data: Matrix }).data
}

/** Every sample of the log, a target at a time. */
async function checksumOf(prometheus: RunningPeer, shape: LogShape): Promise<string> {
  const workload = logWorkload(shape)
  const checksum = new Checksum()
  for (let target = 0; target < shape.targets; target++) {
    const [, instance = ''] = workload.targetLabels(target)
    const selector = `{instance="${instance}"}[2h]`
    const { result } = await rawSamples(prometheus, selector, logRange.maxT / 1000)
    for (const { metric, values } of result) {
      const key = seriesKey(labelsFrom(Object.entries(metric)))
      for (const [t, v] of values) checksum.add(key, Math.round(t * 1000), Number(v))
    }
  }
  return checksum.toString()
}

/** Durations of the scrapes so far, once there are so many. */
async function scrapesSeen(prometheus: RunningPeer, wanted: number): Promise<number[]> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const { result } = await rawSamples(prometheus, 'scrape_duration_seconds[1h]', Date.now() / 1000)
    const values = result[0]?.values.map(([, v]) => Number(v)) ?? []
    if (values.length >= wanted) return values
    if (Date.now() > deadline) throw new Error(`Prometheus scraped ${values.length} times in two minutes`)
    await sleep(200)
  }
}

async function blockWritten(prometheus: RunningPeer): Promise<number> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const written = /msg="write block".* duration=(\S+)/.exec(prometheus.log())?.[1]
    if (written !== undefined) return goSeconds(written)
    if (Date.now() > deadline) throw new Error(`Prometheus cut no block:\n${prometheus.log()}`)
    await sleep(50)
  }
}

/** `1m2.5s`, `327.1ms`, `12µs`. */
function goSeconds(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9 }
  const parts = [...text.matchAll(/([\d.]+)(ms|µs|ns|h|m|s)/g)]
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? NaN), 0)
}

function samplesOfBlocks(dataDir: string): number {
  const blocks = readdirSync(dataDir).filter(name => /^[0-9A-Z]{26}$/.test(name))
  const metas = blocks.map(
    name =>
      JSON.parse(readFileSync(join(dataDir, name, 'meta.json'), 'utf8')) as { stats: { numSamples: number } },
  )
  return metas.reduce((sum, { stats }) => sum + stats.numSamples, 0)
}
