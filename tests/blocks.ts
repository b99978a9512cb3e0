import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer } from './peers.ts'

// Blocks that Prometheus itself made, of samples that are the same on every machine.

export interface SampleOptions {
  /** Of the first slot; by default the beginning of a two-hour block. */
  readonly startSeconds?: number
  readonly hours?: number
  readonly stepSeconds?: number
  /** 25 series each: 8 instances are the 200 series of the default. */
  readonly instances?: number
  readonly seed?: number
}

interface Setup {
  readonly times: readonly string[]
  readonly random: (stream: string) => () => number
}

interface Series {
  readonly suffix: string
  /** Without braces. */
  readonly labels: string
  readonly values: readonly string[]
}

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly series: Series[]
}

export const firstSlotSeconds = 1_699_920_000

/** OpenMetrics text with a sample of each series for each slot: counters with resets, gauges that walk, stand still,
 *  jump, and are NaN or infinite, a histogram, and label values from beyond ASCII. */
export function openMetrics(options: SampleOptions = {}): string {
  const { startSeconds = firstSlotSeconds, hours = 2, stepSeconds = 15, instances = 8, seed = 1 } = options
  const slots = Math.round((hours * 3600) / stepSeconds)
  const families = new Map<string, Family>()
  for (let instance = 0; instance < instances; instance++) {
    const random = (stream: string) => randomOf(`${seed} ${instance} ${stream}`)
    const times = timesOf(random('times'), startSeconds, stepSeconds, slots)
    addInstance(families, instance, { times, random })
  }
  return [...families.values()].map(textOf).join('') + '# EOF\n'

  function textOf({ name, type, series }: Family): string {
    const lines = series.flatMap(({ suffix, labels, values }) =>
      values.map(value => `${name}${suffix}{${labels}} ${value}`),
    )
    return `# HELP ${name} For tests.\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`
  }
}

/** Most samples are on the grid, some a few milliseconds late, as those of a scraper are. */
function timesOf(random: () => number, start: number, step: number, slots: number): string[] {
  const offset = Math.floor(random() * step * 1000)
  return Array.from({ length: slots }, (_, i) => {
    const late = random() < 0.04 ? 1 + Math.floor(random() * 30) : 0
    return ((start * 1000 + offset + i * step * 1000 + late) / 1000).toFixed(3)
  })
}

const zones = ['Zürich', 'São Paulo', '東京', '😀 \\"quoted\\" \\\\ \\n', '\u{ffff}', 'z']
const bounds = ['0.01', '0.05', '0.1', '0.5', '1.0', '2.5', '+Inf']

/** 25 series. */
function addInstance(families: Map<string, Family>, instance: number, { times, random }: Setup): void {
  const base = `instance="host-${instance}:9100",job="${['api', 'web', 'db'][instance % 3] as string}"`
  const add = (
    name: string,
    type: Family['type'],
    suffix: string,
    extra: string,
    values: readonly number[],
  ) => {
    const family = families.get(name) ?? { name, type, series: [] }
    families.set(name, family)
    const labels = extra ? `${base},${extra}` : base
    family.series.push({ suffix, labels, values: values.map((v, i) => `${textOf(v)} ${times[i] as string}`) })
  }
  const restarts = times.map(random('restarts')).map(chance => chance < 2 / 480)
  const count = (stream: string, step: (r: number) => number) => {
    const next = random(stream)
    let sum = 0
    return restarts.map(restart => (sum = (restart ? 0 : sum) + step(next())))
  }
  const walk = (stream: string, step: (v: number, r: number) => number, from: number) => {
    const next = random(stream)
    let v = from
    return times.map(() => (v = step(v, next())))
  }

  for (const method of ['GET', 'POST']) {
    for (const status of ['200', '404', '500']) {
      const rate = { GET: 40, POST: 8 }[method] as number
      const values = count(`requests ${method} ${status}`, r => Math.floor(r * r * rate))
      add('http_requests', 'counter', '_total', `method="${method}",status="${status}"`, values)
    }
  }
  for (const mode of ['idle', 'user']) {
    add(
      'cpu_seconds',
      'counter',
      '_total',
      `mode="${mode}"`,
      count(`cpu ${mode}`, r => Math.round(r * 1500) / 100),
    )
  }
  add(
    'sent_bytes',
    'counter',
    '_total',
    '',
    count('sent', r => Math.floor(r * 1e9)),
  )
  addHistogram()
  add(
    'up',
    'gauge',
    '',
    '',
    times.map(() => 1),
  )
  add(
    'temperature_celsius',
    'gauge',
    '',
    '',
    walk('temperature', (v, r) => v + (r - 0.5) / 3, 20),
  )
  add(
    'queue_length',
    'gauge',
    '',
    '',
    walk('queue', (v, r) => Math.max(0, v + Math.round((r - 0.5) * 6)), 5),
  )
  add(
    'memory_bytes',
    'gauge',
    '',
    '',
    walk('memory', (v, r) => (r < 0.3 ? v : v + Math.round((r - 0.6) * 1e5)), 2e9),
  )
  const strange = [NaN, Infinity, -Infinity, 0, -1.5, 5e-324, 1.7976931348623157e308]
  const pick = (_: number, r: number) => strange[Math.floor(r * strange.length)] as number
  add('strange', 'gauge', '', `zone="${zones[instance % zones.length] as string}"`, walk('strange', pick, 0))
  for (const zone of ['東京', '😀']) {
    add(
      'load',
      'gauge',
      '',
      `zone="${zone}"`,
      walk(zone, (v, r) => Math.round((v + r - 0.5) * 100) / 100, 1),
    )
  }

  function addHistogram(): void {
    const next = random('durations')
    const buckets = bounds.map(() => 0)
    const columns = bounds.map((): number[] => [])
    const sums: number[] = []
    let sum = 0
    for (const restart of restarts) {
      if (restart) {
        buckets.fill(0)
        sum = 0
      }
      for (let observed = Math.floor(next() * 20); observed > 0; observed--) {
        const duration = next() ** 4 * 4
        sum += duration
        for (const [b, bound] of bounds.entries()) {
          if (duration <= (bound === '+Inf' ? Infinity : Number(bound))) (buckets[b] as number)++
        }
      }
      for (const [b, column] of columns.entries()) column.push(buckets[b] as number)
      sums.push(sum)
    }
    for (const [b, column] of columns.entries()) {
      add('request_seconds', 'histogram', '_bucket', `le="${bounds[b] as string}"`, column)
    }
    add('request_seconds', 'histogram', '_count', '', columns.at(-1) as number[])
    add('request_seconds', 'histogram', '_sum', '', sums)
  }
}

function textOf(v: number): string {
  if (Number.isFinite(v) || Number.isNaN(v)) return String(v)
  return v > 0 ? '+Inf' : '-Inf'
}

/** Chance that a word begins: mulberry32 over its FNV-1a hash. */
function randomOf(word: string): () => number {
  let state = 0x811c9dc5
  for (const char of word) state = Math.imul(state ^ (char.codePointAt(0) as number), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const made = new Map<string, Promise<string>>()

/** A folder with the `<ULID>` folders that promtool makes of these samples: one for each two hours. The same one for
 *  everybody in this process, so it is not to be changed; it goes away with the process. */
export function createBlocks(options: SampleOptions = {}): Promise<string> {
  const key = JSON.stringify(Object.entries(options).sort())
  const known = made.get(key)
  if (known) return known
  const folder = mkdtempSync(join(tmpdir(), 'brazier-blocks-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const created = runPromtool(folder, openMetrics(options))
  made.set(key, created)
  return created
}

async function runPromtool(folder: string, text: string): Promise<string> {
  const input = join(folder, 'samples.om')
  const output = join(folder, 'blocks')
  mkdirSync(output)
  writeFileSync(input, text)
  await promisify(execFile)(peer('promtool').path(), [
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    input,
    output,
  ])
  rmSync(input)
  return output
}
