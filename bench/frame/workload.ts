import { labelsFrom, metricName, type Labels } from '../../src/engine/model/labels.ts'
import { seriesKey, type Checksum } from './checksum.ts'

// What services and machines expose, the same on every machine and in every engine: counters that are reset, histograms,
// seconds with two digits, bytes, gauges that walk and gauges that never move. A hundred series a shard.

export interface WorkloadOptions {
  readonly targets: number
  /** Hundreds of series of each target. */
  readonly shards: number
  /** Time of the first slot, milliseconds. */
  readonly startT: number
  readonly intervalMs: number
}

type Kind =
  | 'requests'
  | 'bucket'
  | 'count'
  | 'sum'
  | 'seconds'
  | 'bytes'
  | 'constant'
  | 'few'
  | 'cents'
  | 'pages'
  | 'real'

interface Spec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly (readonly [string, string])[]
  readonly kind: Kind
  /** What it grows by in a slot, or stands around. */
  readonly rate: number
}

const longestValue = 32
/** Twice a day at a slot each 15 s. */
const restartChance = 2 / 5760
const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1.0', '2.5', '5.0', '10.0', '+Inf']
/** Of the observations below each bound. */
const bucketShares = [0.02, 0.08, 0.25, 0.45, 0.65, 0.82, 0.91, 0.96, 0.985, 0.995, 0.999, 1]

const specs = specsOf()

/** One slot after the other. Values of a target lie side by side in the order of its exposition. */
export class Workload {
  readonly seriesPerTarget: number
  readonly values: Float64Array
  private readonly options: WorkloadOptions
  private readonly lines: readonly Uint8Array[]
  private readonly offsets: readonly number[]
  private readonly late: Float64Array
  private slot = -1
  private state = 1
  private readonly buffer: Uint8Array

  constructor(options: WorkloadOptions) {
    const { targets, shards, intervalMs } = options
    this.options = options
    this.seriesPerTarget = specs.length * shards
    this.values = new Float64Array(targets * this.seriesPerTarget)
    this.lines = linesOf(shards)
    this.offsets = Array.from({ length: targets }, () => Math.floor(this.random() * intervalMs))
    this.late = new Float64Array(targets)
    this.buffer = new Uint8Array(this.lines.reduce((sum, line) => sum + line.length + longestValue, 0))
  }

  /** Goes to the next slot; the first call to the first. */
  step(): void {
    this.slot++
    const { targets, shards } = this.options
    for (let target = 0; target < targets; target++) {
      this.late[target] = this.random() < 0.04 ? 1 + Math.floor(this.random() * 30) : 0
      if (this.random() < restartChance) this.restart(target)
      for (let shard = 0; shard < shards; shard++) this.advance(target, shard)
    }
  }

  /** Time of a target's samples in this slot: on its grid, or now and then a few milliseconds late. */
  t(target: number): number {
    const { startT, intervalMs } = this.options
    return startT + this.slot * intervalMs + (this.offsets[target] as number) + (this.late[target] as number)
  }

  /** What the target is called in the configuration: its `instance` and its `job`. */
  targetLabels(target: number): Labels {
    const job = ['api', 'web', 'db', 'cache', 'node'][target % 5] as string
    return labelsFrom([
      ['instance', `10.0.${target >> 8}.${target & 255}:9100`],
      ['job', job],
    ])
  }

  /** Labels of a target's series as they are stored. */
  labels(target: number): Labels[] {
    const own = this.targetLabels(target)
    const pairs = [
      ['instance', own[1] as string],
      ['job', own[3] as string],
    ] as const
    return exposedLabels(this.options.shards).map(exposed => labelsFrom([...exposed, ...pairs]))
  }

  /** The target's exposition in text format 0.0.4, in an array of its own. */
  body(target: number): Uint8Array {
    const { lines, buffer, values, seriesPerTarget } = this
    let at = 0
    for (let i = 0; i < seriesPerTarget; i++) {
      const line = lines[i] as Uint8Array
      buffer.set(line, at)
      at += line.length
      const text = String(values[target * seriesPerTarget + i])
      for (let c = 0; c < text.length; c++) buffer[at++] = text.charCodeAt(c)
      buffer[at++] = 10
    }
    return buffer.slice(0, at)
  }

  /** Adds the samples of this slot. @param keys of all series, from `keys` */
  addTo(checksum: Checksum, keys: Int32Array): void {
    const { targets } = this.options
    for (let target = 0, k = 0; target < targets; target++) {
      const t = this.t(target)
      for (let i = 0; i < this.seriesPerTarget; i++, k++) {
        checksum.add(keys[k] as number, t, this.values[k] as number)
      }
    }
  }

  /** The keys by which a checksum tells series apart. */
  keys(): Int32Array {
    const { targets } = this.options
    return Int32Array.from(
      Array.from({ length: targets }, (_, target) => this.labels(target).map(seriesKey)).flat(),
    )
  }

  private restart(target: number): void {
    const { shards } = this.options
    for (const [s, { type }] of specs.entries()) {
      if (type === 'gauge') continue
      const from = target * this.seriesPerTarget + s * shards
      this.values.fill(0, from, from + shards)
    }
  }

  private advance(target: number, shard: number): void {
    const { values } = this
    const { shards } = this.options
    let observed = 0
    let chance = 0
    for (let s = 0; s < specs.length; s++) {
      const { kind, rate } = specs[s] as Spec
      const at = target * this.seriesPerTarget + s * shards + shard
      const v = values[at] as number
      if (kind === 'bucket') {
        // The first bucket of a histogram decides how much all of them see.
        if (rate === bucketShares[0]) {
          observed = Math.floor(this.random() * 60)
          chance = this.random()
        }
        values[at] = v + Math.floor(observed * rate + chance)
      } else if (kind === 'count') values[at] = v + Math.floor(observed + chance)
      else if (kind === 'sum') values[at] = v + observed * (0.05 + this.random() / 10)
      else values[at] = this.next(kind, rate, v)
    }
  }

  private next(kind: Kind, rate: number, v: number): number {
    const r = this.random()
    switch (kind) {
      case 'requests':
        return v + Math.floor(r * r * rate + (rate < 1 ? this.random() : 0))
      case 'seconds':
        return Math.round(v * 100 + rate * 100 * (0.8 + 0.4 * r)) / 100
      case 'bytes':
        return v + Math.round(rate * (0.5 + r))
      case 'few':
        return Math.max(0, (v || rate) + (this.random() < 0.3 ? 0 : Math.round((r - 0.5) * 6)))
      case 'cents':
        return Math.round(((v || rate) + (r - 0.5) / 10) * 100) / 100
      case 'pages':
        return (v || rate * 4096) + (this.random() < 0.3 ? 0 : Math.round((r - 0.5) * 100) * 4096)
      case 'real':
        return (v || rate) + (r - 0.5) / 3
      default:
        return rate
    }
  }

  /** mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

function specsOf(): Spec[] {
  const made: Spec[] = []
  const add = (
    name: string,
    type: Spec['type'],
    labels: Readonly<Record<string, string>>,
    kind: Kind,
    rate: number,
  ) => made.push({ name, type, labels: Object.entries(labels), kind, rate })
  const handlers = ['/api/v1/query', '/api/v1/items/:id']
  for (const handler of handlers) {
    for (const [method, often] of Object.entries({ GET: 200, POST: 50, PUT: 10, DELETE: 2 })) {
      for (const [status, share] of Object.entries({ 200: 1, 404: 0.02, 500: 0.004 }))
        add('http_requests_total', 'counter', { handler, method, status }, 'requests', often * share)
    }
  }
  const duration = 'http_request_duration_seconds'
  for (const handler of handlers) {
    for (const [b, le] of bounds.entries())
      add(`${duration}_bucket`, 'histogram', { handler, le }, 'bucket', bucketShares[b] as number)
    add(`${duration}_sum`, 'histogram', { handler }, 'sum', 0)
    add(`${duration}_count`, 'histogram', { handler }, 'count', 0)
  }
  for (const cpu of ['0', '1', '2', '3']) {
    for (const [mode, rate] of Object.entries({ user: 3, system: 0.75, idle: 10, iowait: 0.3, irq: 0 }))
      add('node_cpu_seconds_total', 'counter', { cpu, mode }, 'seconds', rate)
  }
  for (const direction of ['receive', 'transmit']) {
    for (const [device, rate] of Object.entries({ eth0: 2e7, eth1: 8e5, lo: 1e5, docker0: 0 }))
      add(`node_network_${direction}_bytes_total`, 'counter', { device }, 'bytes', rate)
  }
  const gauge = (name: string, kind: Kind, rate: number, labels = {}) =>
    add(name, 'gauge', labels, kind, rate)
  for (const minutes of [1, 5, 15]) gauge(`node_load${minutes}`, 'cents', 1.5)
  gauge('node_hwmon_temp_celsius', 'real', 50, { sensor: 'temp1' })
  gauge('process_resident_memory_bytes', 'pages', 5e4)
  gauge('node_memory_MemAvailable_bytes', 'pages', 2e6)
  gauge('node_memory_MemTotal_bytes', 'constant', 16_777_216_000)
  gauge('go_goroutines', 'few', 120)
  gauge('go_threads', 'constant', 14)
  gauge('process_open_fds', 'few', 80)
  gauge('app_queue_depth', 'few', 10)
  for (const mountpoint of ['/', '/var', '/home', '/boot'])
    gauge('node_filesystem_avail_bytes', mountpoint === '/boot' ? 'constant' : 'pages', 4e6, { mountpoint })
  gauge('app_build_info', 'constant', 1, { branch: 'main', version: '1.7.0' })
  gauge('app_info', 'constant', 1, { team: 'core', zone: 'eu-a' })
  gauge('node_time_zone_offset_seconds', 'constant', 3600, { time_zone: 'CET' })
  add('process_cpu_seconds_total', 'counter', {}, 'seconds', 4)
  add('go_gc_cycles_total', 'counter', {}, 'requests', 0.5)
  return made
}

/** Families stand together, as formats want it: all shards of a spec behind each other. */
function exposedLabels(shards: number): [string, string][][] {
  return specs.flatMap(({ name, labels }) =>
    Array.from({ length: shards }, (_, shard): [string, string][] => [
      [metricName, name],
      ...labels.map(([label, value]): [string, string] => [label, value]),
      ...(shards > 1 ? shardLabels(shard) : []),
    ]),
  )
}

/** They make a line about a hundred bytes long, as those of services are. */
function shardLabels(shard: number): [string, string][] {
  return [
    ['shard', String(shard)],
    ['region', 'eu-central-1'],
  ]
}

/** Each series up to its value; the metadata of a family stands in front of its first. */
function linesOf(shards: number): Uint8Array[] {
  const utf8 = new TextEncoder()
  let last = ''
  return exposedLabels(shards).map(([[, name] = ['', ''], ...labels], i) => {
    const { type } = specs[Math.floor(i / shards)] as Spec
    const family = type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name
    const metadata = family === last ? '' : `# HELP ${family} Made up.\n# TYPE ${family} ${type}\n`
    last = family
    const inner = labels.map(([label, value]) => `${label}="${value}"`).join(',')
    return utf8.encode(`${metadata}${name}${inner && `{${inner}}`} `)
  })
}
