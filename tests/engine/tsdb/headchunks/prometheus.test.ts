import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openNodeFs } from '../../../../src/disks/nodefs.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { decodeFloatHistograms } from '../../../../src/engine/chunks/floathistogram.ts'
import { decodeHistograms } from '../../../../src/engine/chunks/histogram.ts'
import { HistogramChunk } from '../../../../src/engine/chunks/histogramchunk.ts'
import { decodeXor, XorChunk } from '../../../../src/engine/chunks/xor.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { resetHint, staleHistogram, type Histogram } from '../../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { labelsFrom, valueOf } from '../../../../src/engine/model/labels.ts'
import { openHeadChunks, type HeadChunk } from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { encodeHistograms } from '../../../../src/engine/tsdb/wal/histograms.ts'
import { encodeMarkers, encodeSamples, encodeSeries } from '../../../../src/engine/tsdb/wal/records.ts'
import { readWal } from '../../../../src/engine/tsdb/wal/replay.ts'
import { openWal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import { startNativeExporter, type NativeFamily } from '../../../nativeexporter.ts'
import { peer, startPrometheus, type RunningPeer } from '../../../peers.ts'
import { contentOf } from '../../histogramsamples.ts'

// Chunks of the head, histograms in the log and the log of out-of-order samples, against a real Prometheus in both
// directions.

const prometheus = peer('prometheus')

const config = 'storage: {tsdb: {out_of_order_time_window: 2h}}\n'
const flags = ['--enable-feature=native-histograms']

const outOfOrderBatch = 32

type Value = number | Histogram

/** A series by its name: times with values, in the order in which they are appended. */
type Rows = readonly (readonly [t: number, value: Value])[]

/** The nth state of a counter that grows and gets new buckets now and then. */
function histogramAt(n: number, float: boolean): Histogram {
  const buckets = 3 + Math.floor(n / 70)
  const positive = Float64Array.from({ length: buckets }, (_, i) => 1 + n * (i + 1) + (float ? 0.5 : 0))
  const negative = Float64Array.of(n + 2)
  return {
    layout: {
      schema: 2,
      zeroThreshold: 0.125,
      positiveSpans: Int32Array.of(-1, 2, 3, buckets - 2),
      negativeSpans: Int32Array.of(4, 1),
      bounds: new Float64Array(0),
    },
    float,
    hint: resetHint.unknown,
    count: positive.reduce((sum, count) => sum + count, 1 + n + 2),
    zeroCount: 1,
    sum: n * 1.5,
    positive,
    negative,
    stale: false,
  }
}

function everyTenSeconds(start: number, count: number, value: (n: number) => Value): Rows {
  return Array.from({ length: count }, (_, n) => [start + n * 10_000, value(n)] as const)
}

/** What both sides get to write: one series of each kind. */
function written(start: number): Record<string, Rows> {
  const late = everyTenSeconds(start, 90, n => Math.sqrt(n))
  return {
    plain: everyTenSeconds(start, 280, n => Math.sin(n) * 2 ** (n % 60)),
    native_integers: everyTenSeconds(start, 280, n =>
      n === 200 ? staleHistogram(false) : histogramAt(n, false),
    ),
    native_floats: everyTenSeconds(start, 280, n => histogramAt(n, true)),
    // The newest first: all others come out of order.
    late: [...late.slice(-1), ...late.slice(0, -1)],
  }
}

const inTimeOrder = (rows: Rows) => [...rows].sort(([a], [b]) => a - b)

/** A sample in a form that tells a stale marker from others. */
function content([t, value]: readonly [number, Value]): unknown {
  return typeof value === 'number' ? [t, value] : contentOf(t, value)
}

interface FoundChunk extends HeadChunk {
  readonly chunkRef: number
}

/** Everything in a data directory but blocks. */
interface Found {
  readonly names: Map<number, string>
  readonly logged: Map<string, unknown[]>
  readonly late: [t: number, v: number][]
  readonly markers: [name: string, chunkRef: number][]
  readonly chunks: FoundChunk[]
  readonly damages: readonly string[]
  readonly metrics: Registry
}

async function readAll(folder: string): Promise<Found> {
  const disk = await openNodeFs(folder)
  const host = new FakeHost()
  const metrics = new Registry()
  const names = new Map<number, string>()
  const logged = new Map<string, unknown[]>()
  const late: Found['late'] = []
  const markers: Found['markers'] = []
  const chunks: FoundChunk[] = []
  const note = (ref: number, what: unknown) => {
    const name = names.get(ref)!
    logged.set(name, [...(logged.get(name) ?? []), what])
  }
  const log = await readWal(disk, host, 'wal', {
    series: (ref, labels) => names.set(ref, valueOf(labels, '__name__')),
    sample: (ref, t, high, low) => note(ref, [t, float(high, low)]),
    histogram: (ref, from, i) => note(ref, contentOf(from.t[i]!, from.at(i))),
    skipped: () => undefined,
  })
  const lateLog = await readWal(disk, host, 'wbl', {
    series: () => undefined,
    sample: (ref, t, high, low) => {
      expect(names.get(ref)).toBe('late')
      late.push([t, float(high, low)])
    },
    marker: (ref, chunkRef) => markers.push([names.get(ref)!, chunkRef]),
    skipped: () => undefined,
  })
  const options = { disk, host, metrics, folder: 'chunks_head', fileBytes: 1 << 24 }
  const headChunks = await openHeadChunks(options, (chunk, chunkRef) => chunks.push({ ...chunk, chunkRef }))
  await disk.close()
  return {
    names,
    logged,
    late,
    markers,
    chunks,
    damages: [...log, ...lateLog, ...headChunks.damages],
    metrics,
  }
}

function float(high: number, low: number): number {
  return new Float64Array(Int32Array.of(low, high).buffer)[0]!
}

function samplesIn({ encoding, samples, bytes }: HeadChunk): unknown[] {
  if (encoding === 1) {
    const columns = new SampleColumns()
    decodeXor(bytes, samples, columns)
    return Array.from({ length: columns.count }, (_, i) => [columns.t[i], columns.v[i]])
  }
  const columns = new HistogramColumns()
  if (encoding === 2) decodeHistograms(bytes, samples, columns)
  else decodeFloatHistograms(bytes, samples, columns)
  return Array.from({ length: columns.count }, (_, i) => contentOf(columns.t[i]!, columns.at(i)))
}

describe.skipIf(prometheus.missing)(`what ${prometheus.name} wrote`, () => {
  let rows: Record<string, Rows>
  let found: Found

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-headchunks-'))
    try {
      // Not older than what Prometheus takes, nor newer than its clock.
      rows = written(Math.floor(Date.now() / 1000 - 3000) * 1000)
      // The newest sample of `late` is in a body of its own, so that all others come behind it. What were scraped again
      // would come out of order, too.
      const behind = { late: rows['late']!.slice(1) }
      const bodies = [familiesOf({ ...rows, late: rows['late']!.slice(0, 1) }), familiesOf(behind)]
      const exporter = await startNativeExporter(n => bodies[n] ?? [])
      const scrape = `scrape_configs: [{job_name: n, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['${exporter.address}']}]}]`
      const running = await startPrometheus({ dataDir: folder, config: config + scrape, flags })
      try {
        while ((await countOf(running, 'late')) < rows['late']!.length) await sleep(100)
      } finally {
        await running.stop()
        await exporter.stop()
      }
      found = await readAll(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 180_000)

  test('is read without finding damage', () => {
    expect(found.damages).toEqual([])
    expect(found.metrics.text()).toMatch(/^prometheus_tsdb_mmap_chunk_corruptions_total 0$/m)
  })

  test('has every sample in the log, histograms among them', () => {
    for (const name of ['plain', 'native_integers', 'native_floats'])
      expect(found.logged.get(name), name).toEqual(rows[name]!.map(content))
  })

  test('has the samples of finished chunks in the folder of chunks, from the first on', () => {
    for (const [name, encoding] of [
      ['plain', 1],
      ['native_integers', 2],
      ['native_floats', 3],
    ] as const) {
      const chunks = found.chunks.filter(({ ref }) => found.names.get(ref) === name)
      const samples = chunks.flatMap(samplesIn)
      expect(samples.length, name).toBeGreaterThan(100)
      expect(samples, name).toEqual(rows[name]!.slice(0, samples.length).map(content))
      for (const chunk of chunks) {
        expect(chunk).toMatchObject({ encoding, outOfOrder: false })
        expect([chunk.minT, chunk.maxT]).toEqual(timesOf(samplesIn(chunk)))
      }
    }
  })

  test('has what came late in chunks of their own and in their log, with a marker for each chunk', () => {
    const behind = rows['late']!.slice(1)
    expect(found.late).toEqual(behind)
    const chunks = found.chunks.filter(({ outOfOrder }) => outOfOrder)
    expect(chunks.map(({ samples }) => samples)).toEqual([outOfOrderBatch, outOfOrderBatch])
    expect(chunks.flatMap(samplesIn)).toEqual(behind.slice(0, 2 * outOfOrderBatch))
    expect(found.markers).toEqual(chunks.map(({ chunkRef }) => ['late', chunkRef]))
  })
})

describe.skipIf(prometheus.missing)(`${prometheus.name} on what we wrote`, () => {
  const folder = prometheus.missing ? '' : mkdtempSync(join(tmpdir(), 'brazier-headchunks-'))
  const start = Math.floor(Date.now() / 1000 - 3000) * 1000
  const rows = written(start)
  let running: RunningPeer

  beforeAll(async () => {
    await writeAll(folder, rows)
    running = await startPrometheus({ dataDir: folder, config, flags })
  }, 180_000)

  afterAll(async () => {
    await running.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('finds no damage', async () => {
    expect(running.log()).toMatch(/WAL replay completed/)
    expect(running.log()).toMatch(/WBL segment loaded/)
    expect(running.log()).not.toMatch(/corrupt|repair(?!\.go)|fail|unknown|level=(warn|error)/i)
    const metrics = await (await fetch(`${running.url}/metrics`)).text()
    expect(metrics).toMatch(/^prometheus_tsdb_mmap_chunk_corruptions_total 0$/m)
    expect(metrics).toMatch(/^prometheus_tsdb_wal_corruptions_total 0$/m)
    expect(readdirSync(join(folder, 'chunks_head'))).toContain('000001')
    expect(readFileSync(join(folder, 'chunks_head', '000001')).length).toBeGreaterThan(1000)
  })

  test('answers every float, those of chunks, of the log and out of order', async () => {
    for (const name of ['plain', 'late']) {
      const wanted = inTimeOrder(rows[name]!)
      const query = `query=${name}[1h]&time=${wanted.at(-1)![0] / 1000}`
      const [series] = await answerOf<{ values: [number, string][] }>(running, `query?${query}`)
      expect(series!.values.map(([t, v]) => [t * 1000, Number(v)])).toEqual(wanted)
    }
  })

  test('answers every histogram, those of chunks and of the log', async () => {
    for (const name of ['native_integers', 'native_floats']) {
      const wanted = rows[name]!
      const range = `start=${start / 1000}&end=${wanted.at(-1)![0] / 1000}&step=10`
      const [series] = await answerOf<ApiSeries>(running, `query_range?query=${name}&${range}`)
      const found = series!.histograms.map(([t, { count, sum, buckets }]) => [
        t * 1000,
        [Number(count), Number(sum), ...buckets.map(([, , , each]) => Number(each))],
      ])
      const alive = wanted.filter(([, h]) => !(h as Histogram).stale)
      expect(found, name).toEqual(alive.map(([t, h]) => [t, apiForm(h as Histogram)]))
    }
  })
})

interface ApiSeries {
  readonly histograms: readonly (readonly [
    number,
    { readonly count: string; readonly sum: string; readonly buckets: readonly (readonly string[])[] },
  ])[]
}

/** Count, sum, and buckets from the lowest to the highest. */
function apiForm({ count, sum, zeroCount, positive, negative }: Histogram): number[] {
  return [count, sum, ...negative.toReversed(), zeroCount, ...positive]
}

/** Writes a data directory. The first part of each series is in chunks only; the log has the rest. Of what is out of order,
 *  everything is in the log, as it must be, and all that is in front of a marker in a chunk. */
async function writeAll(folder: string, rows: Record<string, Rows>): Promise<void> {
  const disk = await openNodeFs(folder)
  const host = new FakeHost()
  const shared = { disk, host, metrics: new Registry(), segmentBytes: 1 << 20 }
  const silent = { series: () => undefined, sample: () => undefined, skipped: () => undefined }
  const wal = await openWal({ ...shared, folder: 'wal' }, silent)
  const wbl = await openWal({ ...shared, folder: 'wbl', outOfOrder: true }, silent)
  const headChunks = await openHeadChunks(
    { ...shared, folder: 'chunks_head', fileBytes: 8000 },
    () => undefined,
  )
  const names = Object.keys(rows)
  await wal.log([
    encodeSeries(names.map((name, i) => ({ ref: i + 1, labels: labelsFrom([['__name__', name]]) }))),
  ])
  for (const [i, name] of names.entries()) {
    const ref = i + 1
    const all = rows[name]!
    if (name === 'late') {
      const [newest, ...behind] = all
      const aside = behind.slice(0, outOfOrderBatch)
      await wal.log([logRecord(ref, [newest!])])
      const [chunkRef = 0] = await headChunks.write([{ ...xorChunk(ref, aside), outOfOrder: true }])
      await wbl.log([logRecord(ref, aside), encodeMarkers([{ ref, chunkRef }])])
      await wbl.log([logRecord(ref, behind.slice(outOfOrderBatch))])
      continue
    }
    const chunks =
      typeof all[0]![1] === 'number' ? [xorChunk(ref, all.slice(0, 100))] : histogramChunks(ref, all)
    await headChunks.write(chunks)
    const kept = chunks.reduce((sum, { samples }) => sum + samples, 0)
    await wal.log([logRecord(ref, all.slice(kept))])
  }
  await headChunks.sync()
  await disk.close()
}

function logRecord(ref: number, rows: Rows): Uint8Array {
  const refs = new Float64Array(rows.length).fill(ref)
  if (typeof rows[0]![1] === 'number') return encodeSamples(refs, floatsOf(rows))
  return encodeHistograms(refs, histogramsOf(rows), [...rows.keys()])
}

function floatsOf(rows: Rows): SampleColumns {
  const columns = new SampleColumns()
  for (const [t, v] of rows) {
    const [low = 0, high = 0] = new Int32Array(Float64Array.of(v as number).buffer)
    columns.add(t, high, low)
  }
  return columns
}

function histogramsOf(rows: Rows): HistogramColumns {
  const columns = new HistogramColumns()
  for (const [t, h] of rows) columns.push(t, h as Histogram)
  return columns
}

function xorChunk(ref: number, rows: Rows): HeadChunk {
  const { t, bits, count } = floatsOf(rows)
  const chunk = new XorChunk()
  for (let i = 0; i < count; i++) chunk.append(t[i]!, bits[2 * i + 1]!, bits[2 * i]!)
  return {
    ...{ ref, minT: t[0]!, maxT: t[count - 1]!, encoding: 1, outOfOrder: false, samples: count },
    bytes: chunk.encoded(),
  }
}

/** The chunks of the first 150 samples but for the last, which is not finished. */
function histogramChunks(ref: number, rows: Rows): HeadChunk[] {
  const columns = histogramsOf(rows.slice(0, 150))
  const chunks: HeadChunk[] = []
  let from = 0
  for (let i = 1; i <= columns.count; i++) {
    if (i < columns.count && i % 60 !== 0) continue
    let chunk = HistogramChunk.begin(columns, from, null)
    for (let k = from + 1; k < i; k++) chunk = chunk.append(columns, k)
    const [minT, maxT] = [columns.t[from]!, columns.t[i - 1]!]
    const { encoding } = chunk
    chunks.push({ ref, minT, maxT, encoding, outOfOrder: false, samples: i - from, bytes: chunk.encoded() })
    from = i
  }
  return chunks.slice(0, -1)
}

function familiesOf(rows: Record<string, Rows>): NativeFamily[] {
  return Object.entries(rows).map(([name, all]) => ({
    name,
    metrics: all.map(([t, value]) => ({ labels: {}, t, value })),
  }))
}

async function countOf(running: RunningPeer, name: string): Promise<number> {
  const query = `query=${encodeURIComponent(`count_over_time(${name}[2h])`)}`
  const [series] = await answerOf<{ value: [number, string] }>(running, `query?${query}`)
  return Number(series?.value[1] ?? 0)
}

async function answerOf<T>({ url }: RunningPeer, path: string): Promise<T[]> {
  const response = await fetch(`${url}/api/v1/${path}`)
  const { data } = (await response.json()) as { data: { result: T[] } }
  return data.result
}

function timesOf(samples: readonly unknown[]): (number | undefined)[] {
  const time = (sample: unknown) =>
    Array.isArray(sample) ? (sample[0] as number) : (sample as { t: number }).t
  return [time(samples[0]), time(samples.at(-1))]
}
