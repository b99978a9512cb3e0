import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Histogram as ClientHistogram, Registry, type OpenMetricsContentType } from 'prom-client'
import { isUlid } from '../src/engine/tsdb/block/ulid.ts'
import { resetHint, type Histogram } from '../src/engine/model/histogram.ts'
import { dumpFlags, dumpFrom, exemplarsFrom, gridMs, type Dump, type ExemplarDump } from './dumps.ts'
import { startNativeExporter, type NativeFamily } from './nativeexporter.ts'
import { startPrometheus, type RunningPeer } from './peers.ts'

// A data directory as a real Prometheus leaves it, with everything in it that 2.42 can write.

export interface DataDir {
  /** Blocks, wal with a checkpoint, chunks_head, wbl. Not to be changed. */
  readonly folder: string
  /** What Prometheus answers that is started on a copy of it. */
  readonly dump: Dump
  readonly exemplars: ExemplarDump
}

let made: Promise<DataDir> | null = null

/** Takes about twenty seconds, once in a process. The folder goes away with the process. */
export function createDataDir(): Promise<DataDir> {
  made ??= make()
  return made
}

async function make(): Promise<DataDir> {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-datadir-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const targets = await Targets.start()
  try {
    await firstRun(folder, targets)
    await secondRun(folder, targets)
  } finally {
    await targets.stop()
  }
  return { folder, ...(await answersFrom(folder)) }
}

interface Answers {
  readonly dump: Dump
  readonly exemplars: ExemplarDump
  readonly log: string
}

/** What Prometheus says that is started on a data directory: on a copy, because it changes it. */
export async function answersFrom(folder: string): Promise<Answers> {
  const copy = mkdtempSync(join(tmpdir(), 'brazier-datadir-copy-'))
  try {
    cpSync(folder, copy, { recursive: true })
    const flags = [...features, ...dumpFlags]
    const running = await startPrometheus({ dataDir: copy, config: outOfOrder, flags })
    try {
      const [dump, exemplars] = [await dumpFrom(running.url), await exemplarsFrom(running.url)]
      return { dump, exemplars, log: running.log() }
    } finally {
      await running.stop()
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const features = ['--enable-feature=native-histograms,exemplar-storage', '--web.enable-admin-api']

/** Ranges of two seconds: blocks are cut and merged, the log is cut to a checkpoint. */
async function firstRun(folder: string, targets: Targets): Promise<void> {
  const flags = ['--storage.tsdb.min-block-duration=2s', '--storage.tsdb.max-block-duration=6s', ...features]
  const running = await startPrometheus({ dataDir: folder, config: configOf(targets), flags })
  try {
    await until(() => hasCheckpoint(folder) && blocksOf(folder).some(({ level }) => level > 1))
    // Of some series a part, over blocks and head, and all of another. None of those with late samples: of these 2.42
    // brings back what was deleted.
    const now = Date.now()
    await remove(running, 'walk{i="1"}', now - 5000, now - 1000)
    await remove(running, 'native_counter{kind="b"}', now - 4000, now - 2000)
    await remove(running, 'walk{i="2"}')
    await sleep(1500)
  } finally {
    await running.stop()
  }
}

/** Ranges of two hours: what is scraped now stays in the head. */
async function secondRun(folder: string, targets: Targets): Promise<void> {
  const running = await startPrometheus({ dataDir: folder, config: configOf(targets), flags: features })
  try {
    const before = targets.scrapes()
    await until(() => targets.scrapes() > before + 20)
    const now = Date.now()
    await remove(running, 'walk{i="3"}', now - 3000, now - 2000)
    await remove(running, 'native_gauge{kind="a"}', now - 2000, now - 1000)
    await sleep(1000)
  } finally {
    await running.stop()
  }
}

const outOfOrder = 'storage: {tsdb: {out_of_order_time_window: 30m}}\n'

function configOf({ addresses }: Targets): string {
  const jobs = Object.entries(addresses).map(
    ([job, address]) =>
      `  - {job_name: ${job}, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['${address}']}]}\n`,
  )
  return `${outOfOrder}scrape_configs:\n${jobs.join('')}`
}

/** What its log says is wrong with the data that it was started on. */
export function troublesIn(log: string): string[] {
  // Blocks may overlap, by out-of-order samples.
  const expected = /repair\.go|Overlapping blocks found/
  const wrong = /repair|corrupt|unknown series|level=(warn|error)/i
  return log.split('\n').filter(line => wrong.test(line) && !expected.test(line))
}

async function remove({ url }: RunningPeer, match: string, minT?: number, maxT?: number): Promise<void> {
  const query = new URLSearchParams({ 'match[]': match })
  if (minT !== undefined) query.set('start', String(minT / 1000))
  if (maxT !== undefined) query.set('end', String(maxT / 1000))
  const response = await fetch(`${url}/api/v1/admin/tsdb/delete_series?${query.toString()}`, {
    method: 'POST',
  })
  if (!response.ok) throw new Error(`delete ${match}: ${response.status} ${await response.text()}`)
}

async function until(reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 120_000
  while (!reached()) {
    if (Date.now() > deadline) throw new Error('Prometheus does not write what is waited for')
    await sleep(50)
  }
}

function hasCheckpoint(folder: string): boolean {
  return readdirSync(join(folder, 'wal')).some(name => /^checkpoint\.\d+$/.test(name))
}

interface BlockOnDisk {
  readonly ulid: string
  readonly level: number
}

/** Blocks in a folder, while Prometheus may be removing one. */
function blocksOf(folder: string): BlockOnDisk[] {
  return readdirSync(folder)
    .filter(isUlid)
    .flatMap(ulid => {
      const path = join(folder, ulid, 'meta.json')
      if (!existsSync(path)) return []
      const { compaction } = JSON.parse(readFileSync(path, 'utf8')) as { compaction: { level: number } }
      return { ulid, level: compaction.level }
    })
}

/** Programs to be scraped. */
class Targets {
  /** By job. */
  readonly addresses: Readonly<Record<string, string>>
  /** Of one of them. */
  readonly scrapes: () => number
  private readonly stops: readonly (() => Promise<void>)[]

  private constructor(
    addresses: Readonly<Record<string, string>>,
    scrapes: () => number,
    stops: readonly (() => Promise<void>)[],
  ) {
    this.addresses = addresses
    this.scrapes = scrapes
    this.stops = stops
  }

  static async start(): Promise<Targets> {
    const native = await startNativeExporter(nativeBodies())
    const [text, client] = [await startText(textBodies()), await startClient()]
    const addresses = { native: native.address, text: text.address, client: client.address }
    return new Targets(addresses, native.scrapes, [native.stop, text.stop, client.stop])
  }

  async stop(): Promise<void> {
    await Promise.all(this.stops.map(stop => stop()))
  }
}

/** Native histograms of each kind: in each body all samples since the one before, so that there are many. */
function nativeBodies(): () => NativeFamily[] {
  let n = 0
  let last = Math.floor(Date.now() / gridMs) * gridMs
  const rows: Record<string, { t: number; h: Histogram }[]> = {}
  const next = (name: string, t: number, h: Histogram) => (rows[name] ??= []).push({ t, h })
  return () => {
    for (const name of Object.keys(rows)) rows[name] = []
    // At least one: a family is native by its first sample.
    for (const now = Math.max(Date.now(), last + gridMs); last + gridMs <= now; n++) {
      last += gridMs
      next('native_counter a', last, counterAt(n, 'integer'))
      next('native_counter b', last, counterAt(n % 70, 'integer'))
      next('native_gauge a', last, gaugeAt(n))
      next('native_float a', last, counterAt(n % 90, 'float'))
    }
    return Object.entries(rows)
      .map(([key, samples]) => {
        const [name = '', kind = ''] = key.split(' ')
        return { name, metrics: samples.map(({ t, h }) => ({ labels: { kind }, t, value: h })) }
      })
      .reduce<NativeFamily[]>(joined, [])
  }
}

/** One family of all that have the same name. */
function joined(families: NativeFamily[], family: NativeFamily): NativeFamily[] {
  const same = families.find(({ name }) => name === family.name)
  if (!same) return [...families, family]
  return [
    ...families.filter(other => other !== same),
    { ...same, metrics: [...same.metrics, ...family.metrics] },
  ]
}

/** More buckets as it goes on. */
function counterAt(n: number, counts: 'integer' | 'float'): Histogram {
  const float = counts === 'float'
  const buckets = 3 + Math.floor(n / 20)
  const unit = float ? 0.5 : 1
  const positive = Float64Array.from({ length: buckets }, (_, i) => (n + 1) * (i + 1) * unit)
  const negative = Float64Array.of((n + 1) * unit)
  const count = positive.reduce((sum, each) => sum + each, 0) + (negative[0] ?? 0) + 2 * unit
  return {
    layout: {
      schema: 2,
      zeroThreshold: 0.001,
      positiveSpans: Int32Array.of(-2, 2, 3, buckets - 2),
      negativeSpans: Int32Array.of(1, 1),
      bounds: new Float64Array(0),
    },
    float,
    hint: resetHint.unknown,
    count,
    zeroCount: 2 * unit,
    sum: count * 1.5 - n / 7,
    positive,
    negative,
    stale: false,
  }
}

function gaugeAt(n: number): Histogram {
  const positive = Float64Array.from({ length: 4 }, (_, i) => (n * 7 + i * 3) % 11)
  return {
    ...counterAt(0, 'integer'),
    layout: {
      schema: n % 50 < 25 ? 1 : 0,
      zeroThreshold: 0.5,
      positiveSpans: Int32Array.of(0, 4),
      negativeSpans: new Int32Array(0),
      bounds: new Float64Array(0),
    },
    hint: resetHint.gauge,
    positive,
    negative: new Float64Array(0),
    zeroCount: n % 3,
    count: positive.reduce((sum, each) => sum + each, n % 3),
    sum: Math.sin(n) * 10,
  }
}

/** Gauges that move, some that come and go, odd values, and samples that are seconds late. */
function textBodies(): () => string {
  let n = 0
  const chance = randomOf(7)
  return () => {
    n++
    const now = Date.now()
    const lines = [`odd ${['NaN', '+Inf', '-Inf', '-1.5', '5e-324', '1.7976931348623157e+308'][n % 6]}`]
    for (let i = 0; i < 20; i++) lines.push(`walk{i="${i}"} ${Math.sin(n * (i + 1)) * 100}`)
    if (n % 10 < 6) lines.push('comes_and_goes{v="ü \\"x\\" \\\\"} 1')
    for (let i = 0; i < 3; i++) {
      // What belongs to a time is always the same: a duplicate is none.
      const late = Array.from({ length: 12 }, () => now - Math.floor(chance() * 4000))
      for (const t of [now, ...late]) lines.push(`late{i="${i}"} ${Math.cos(t * (i + 1))} ${t}`)
    }
    return lines.join('\n') + '\n'
  }
}

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Served {
  readonly address: string
  readonly stop: () => Promise<void>
}

function startText(body: () => string): Promise<Served> {
  return serve(async () => ({ type: 'text/plain; version=0.0.4', body: body() }))
}

/** A program instrumented with prom-client, with exemplars. */
function startClient(): Promise<Served> {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const registers = [registry]
  const enableExemplars = true
  const requests = new Counter<'code' | 'trace_id'>({
    name: 'app_requests_total',
    help: 'Requests served.',
    labelNames: ['code'],
    registers,
    enableExemplars,
  })
  const latency = new ClientHistogram<'trace_id'>({
    name: 'app_latency_seconds',
    help: 'Latency of requests.',
    buckets: [0.1, 0.5, 1],
    registers,
    enableExemplars,
  })
  let n = 0
  return serve(async () => {
    n++
    const exemplarLabels = { trace_id: `trace-${n}` }
    requests.inc({ labels: { code: n % 3 === 0 ? '500' : '200' }, value: 1, exemplarLabels })
    latency.observe({ labels: {}, value: (n % 7) / 5, exemplarLabels })
    return { type: registry.contentType, body: await registry.metrics() }
  })
}

interface Body {
  readonly type: string
  readonly body: string
}

async function serve(answer: () => Promise<Body>): Promise<Served> {
  const server = createServer((_, response) => {
    void answer().then(({ type, body }) => response.setHeader('Content-Type', type).end(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}
