import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openNodeFs } from '../../../../src/disks/nodefs.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import type { Disk } from '../../../../src/engine/disk/disk.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { formatLabels, labelsFrom } from '../../../../src/engine/model/labels.ts'
import { parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import {
  encodeExemplars,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  type RecordVisitor,
} from '../../../../src/engine/tsdb/wal/records.ts'
import { openWal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import { peer, startPrometheus } from '../../../peers.ts'
import { openStore, everything } from '../store.ts'

// Checkpoints against a real Prometheus, in both directions, on the same folder.

const prometheus = peer('prometheus')
const promtool = peer('promtool')

/** Series → its samples as "t:value", `stale` for a marker. */
type Dump = Record<string, string>

test.skipIf(prometheus.missing)(
  `a log that ${prometheus.name} checkpointed is read by us, and one that we checkpointed by it`,
  { timeout: 180_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-checkpoint-'))
    try {
      await writtenByPrometheus(folder)
      const theirs = dumpWithPromtool(folder)
      expect(Object.keys(theirs).length).toBeGreaterThan(300)

      const disk = await openNodeFs(folder)
      const { db } = await openStore(disk)
      expect(db.notices()).toEqual([])
      expect(await everything(db.querier())).toEqual(theirs)
      await db.close()

      const { before, after, expected } = await checkpointedByUs(disk, theirs)
      expect(after.exemplars).toBeGreaterThan(0)
      expect(after.floats).toBeLessThan(before.floats)
      await disk.close()
      expect(readdirSync(join(folder, 'wal')).filter(name => name.startsWith('checkpoint'))).toHaveLength(1)
      expect(dumpWithPromtool(folder)).toEqual(expected)
      await readByPrometheus(folder, expected)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

/** Scrapes with blocks so short that a checkpoint comes within seconds. */
async function writtenByPrometheus(folder: string): Promise<void> {
  const target = await startTarget()
  const config = `scrape_configs: [{job_name: t, scrape_interval: 100ms, scrape_timeout: 100ms, static_configs: [{targets: ['127.0.0.1:${target.port}']}]}]`
  const flags = [
    '--storage.tsdb.min-block-duration=1s',
    '--storage.tsdb.max-block-duration=1m',
    '--storage.tsdb.wal-segment-size=10MB',
    '--enable-feature=exemplar-storage',
  ]
  try {
    const running = await startPrometheus({ dataDir: folder, config, flags })
    try {
      while (!readdirSync(join(folder, 'wal')).some(name => /^checkpoint\.\d+$/.test(name))) await sleep(50)
      // Some more behind it.
      await sleep(300)
    } finally {
      await running.stop()
    }
  } finally {
    await target.stop()
  }
}

/** Adds to the log, segment by segment, and truncates it as after the newest block. */
async function checkpointedByUs(
  disk: Disk,
  theirs: Dump,
): Promise<{ before: Counted; after: Counted; expected: Dump }> {
  const before = new Counted()
  const options = { disk, host: new FakeHost(), folder: 'wal', segmentBytes: 1 << 20 }
  const wal = await openWal({ ...options, metrics: new Registry() }, before)
  const ref = before.lastRef + 1
  const labels = labelsFrom([['__name__', 'added']])
  await wal.log([encodeSeries([{ ref, labels }])])
  await wal.log([encodeMetadata([{ ref, metadata: { type: 'gauge', unit: 's', help: 'Added.' } }])])
  const times: number[] = []
  for (let i = 1; i <= 6; i++) {
    const t = before.maxT + i * 1000
    const columns = new SampleColumns()
    columns.add(t, 0x3ff00000, 0)
    await wal.log([
      encodeSamples(Float64Array.of(ref), columns),
      encodeExemplars([{ ref, t, v: 1, labels: ['trace_id', String(i)] }]),
    ])
    await wal.cut()
    times.push(t)
  }
  // The second one is deleted again.
  const gone = times[1] as number
  await wal.log([encodeTombstones([{ ref, minT: gone, maxT: gone }])])
  expect(await wal.truncate(await endOfBlocks(disk), () => true)).toBe(true)
  await wal.sync()

  const after = new Counted()
  const again = await openWal({ ...options, metrics: new Registry() }, after)
  expect(again.damages).toEqual([])
  const added = times.filter(t => t !== gone).map(t => `${t}:1`)
  return { before, after, expected: { ...theirs, added: added.join(' ') } }
}

async function endOfBlocks(disk: Disk): Promise<number> {
  let end = 0
  for (const name of await disk.list('')) {
    const files = await disk.list(name)
    if (files.includes('meta.json')) {
      end = Math.max(end, parseMeta(await disk.read(`${name}/meta.json`)).maxTime)
    }
  }
  return end
}

async function readByPrometheus(folder: string, expected: Dump): Promise<void> {
  const running = await startPrometheus({ dataDir: folder })
  try {
    const last = Math.max(...timesOf(Object.values(expected)))
    for (const name of ['many', 'added', 'visits_total']) {
      const series = Object.keys(expected).filter(key => key.split('{')[0] === name)
      const samples = timesOf(series.map(key => expected[key] ?? ''))
      expect(await countedBy(running.url, name, last + 1), name).toBe(samples.length)
    }
    expect(running.log()).toMatch(/WAL checkpoint loaded/)
    expect(running.log()).toMatch(/WAL replay completed/)
    expect(running.log()).not.toMatch(/repair(?!\.go)|corrupt|unknown series|level=(warn|error)/i)
  } finally {
    await running.stop()
  }
}

/** Times of all samples but stale markers. */
function timesOf(series: readonly string[]): number[] {
  const samples = series.flatMap(text => text.split(' ')).filter(text => !text.endsWith('stale'))
  return samples.map(text => Number(text.split(':')[0]))
}

async function countedBy(url: string, name: string, t: number): Promise<number> {
  const query = new URLSearchParams({ query: `sum(count_over_time(${name}[1h]))`, time: String(t / 1000) })
  const response = await fetch(`${url}/api/v1/query?${query.toString()}`)
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
  return Number(data.result[0]?.value[1])
}

/** What is in a log, roughly. */
class Counted implements RecordVisitor {
  lastRef = 0
  maxT = -Infinity
  floats = 0
  exemplars = 0
  series(ref: number): void {
    this.lastRef = Math.max(this.lastRef, ref)
  }
  sample(_: number, t: number): void {
    this.floats++
    this.maxT = Math.max(this.maxT, t)
  }
  exemplar(): void {
    this.exemplars++
  }
  skipped(): void {
    // Nothing is counted of these.
  }
}

/** Serves series that come and go, with exemplars. */
async function startTarget(): Promise<{ port: number; stop(): Promise<void> }> {
  let scrapes = 0
  const server = createServer((_, response) => {
    const n = ++scrapes
    const lines = ['# TYPE many gauge', '# TYPE visits counter']
    for (let i = 0; i < 300; i++) lines.push(`many{i="${i}"} ${Math.sin(i * n)}`)
    if (n % 7 < 3) lines.push('# TYPE comes gauge', 'comes 1')
    lines.push(`visits_total ${n} # {trace_id="${n}"} 1`, '# EOF\n')
    response.setHeader('Content-Type', 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    response.end(lines.join('\n'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, stop }
}

/** `promtool tsdb dump` prints `{a="b", …} value time` for each sample. */
function dumpWithPromtool(folder: string): Dump {
  const output = execFileSync(promtool.path(), ['tsdb', 'dump', folder], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const found = new Map<string, string[]>()
  for (const line of output.split('\n')) {
    const [, labels, value, t] = /^\{(.*)\} (\S+) (-?\d+)$/.exec(line) ?? []
    if (labels === undefined || value === undefined) continue
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
    const series = formatLabels(labelsFrom(pairs.map(([, name = '', text = '']) => [name, text])))
    // Nothing here is NaN but the stale markers.
    const samples = found.get(series) ?? []
    samples.push(`${t}:${value === 'NaN' ? 'stale' : String(Number(value))}`)
    found.set(series, samples)
  }
  return Object.fromEntries([...found].map(([series, samples]) => [series, samples.join(' ')]))
}
