import { nanBits, staleBits } from '../../../src/engine/chunks/columns.ts'
import { HistogramChunk } from '../../../src/engine/chunks/histogramchunk.ts'
import { XorChunk } from '../../../src/engine/chunks/xor.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { resetHint, type Histogram } from '../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import { compareLabels, labelsFrom, labelsKey } from '../../../src/engine/model/labels.ts'
import type { SeriesChunks } from '../../../src/engine/tsdb/block/writer.ts'
import type { StoredSample, StoredSeries } from '../../../src/promqltest/load.ts'
import { Chance } from './chance.ts'
import { copyOut, made } from '../tsdb/block/blockdisk.ts'

// What is asked about: an hour of every kind of series that Prometheus 2.42 knows, by chance that has a seed. Values are
// multiples of an eighth, so that their sums are exact in any order.

const scrapes = 240
const scrapeMs = 15_000

/** Of the first sample. No sample is at a whole second: the steps of a subquery are, and 2.42 takes in the left edge of
 *  a range. Neither do samples have the milliseconds of `firstEvaluation`. */
const firstSample = 1_700_000_040_003

/** Evaluations begin before the samples and end behind them. */
export const evaluations = { start: firstSample - 120_000 - 3 + 7_001, step: 61_000, steps: 72 } as const

/** Two times within. */
export const instants = [13, 44].map(step => evaluations.start + step * evaluations.step)

const jobs = ['api', 'db'] as const
const instances = ['1', '2', '3'] as const
const codes = ['200', '404', '500'] as const
const bounds = ['0.125', '0.5', '1', '2', '8', '+Inf'] as const

type Value = number | 'stale' | Histogram | null

/** All series, in the order of their labels. */
export const series: readonly StoredSeries[] = makeSeries()

function makeSeries(): StoredSeries[] {
  const all = new Map<string, StoredSeries>()
  const add = (labels: Record<string, string>, valueAt: (scrape: number) => Value) => {
    const sorted = labelsFrom(Object.entries(labels))
    const times = Array.from({ length: scrapes }, (_, i) => i)
    const samples = times.flatMap(i => sampleOf(firstSample + i * scrapeMs, valueAt(i)))
    all.set(labelsKey(sorted), { labels: sorted, samples })
  }
  for (const job of jobs) {
    for (const instance of instances) addTarget({ job, instance }, add)
  }
  return [...all.values()].sort((a, b) => compareLabels(a.labels, b.labels))
}

function sampleOf(t: number, value: Value): StoredSample[] {
  if (value === null) return []
  const none = { t, v: NaN, stale: false, histogram: null, start: 0 }
  if (value === 'stale') return [{ ...none, stale: true }]
  return [
    typeof value === 'number' ? { ...none, v: value } : { ...none, histogram: FloatHistogram.of(value) },
  ]
}

type Target = Record<'job' | 'instance', string>
type Add = (labels: Record<string, string>, valueAt: (scrape: number) => Value) => void

function addTarget(target: Target, add: Add): void {
  const chance = new Chance(1 + 10 * jobs.indexOf(target.job as 'api') + Number(target.instance))
  const first = target.instance === '1'
  for (const code of codes) add({ __name__: 'requests_total', ...target, code }, counter(chance))
  add({ __name__: 'temperature', ...target }, withGap(chance, gauge(chance)))
  add({ __name__: 'limit', ...target }, () => 5)
  add({ __name__: 'flag', ...target }, () => chance.below(2))
  add({ __name__: 'strange', ...target }, strange(chance))
  // Every four minutes, but for ten minutes not at all: the lookback is five.
  const place = chance.below(16)
  const sparse = gauge(chance)
  add({ __name__: 'sparse', ...target }, i => (i % 16 === place && (i < 60 || i >= 100) ? sparse(i) : null))
  const stopping = gauge(chance)
  add({ __name__: 'stopping', ...target }, i => (i % 60 < 40 ? stopping(i) : i % 60 === 40 ? 'stale' : null))
  const late = counter(chance)
  add({ __name__: 'late_total', ...target }, i => (i >= 100 && i < 190 ? late(i) : null))
  addClassic(target, chance, add)
  add({ __name__: 'latency_seconds', ...target }, native(chance, first ? 2 : 1))
  add({ __name__: 'sizes_bytes', ...target }, nativeGauge(chance))
}

function eighths(chance: Chance, below: number): number {
  return chance.below(below * 8) / 8
}

/** Begins high, and after a reset: 2.42 finds the zero point of a counter in another order than 3.x. */
function counter(chance: Chance): (scrape: number) => number {
  let total = 1e6 + eighths(chance, 1e6)
  return () => {
    if (chance.next() < 0.012) total = 5000 + eighths(chance, 500)
    return (total += eighths(chance, 30))
  }
}

function gauge(chance: Chance): (scrape: number) => number {
  let value = eighths(chance, 20) - 8
  return () => (value = Math.max(-40, Math.min(40, value + eighths(chance, 8) - 3.9375)))
}

/** Of half an hour at most. */
function withGap(chance: Chance, valueAt: (scrape: number) => number): (scrape: number) => Value {
  const gap = 30 + chance.below(90)
  return i => (i >= gap && i < gap + 15 + (gap % 50) ? null : valueAt(i))
}

function strange(chance: Chance): (scrape: number) => number {
  const rare = [NaN, Infinity, -Infinity, 0, -0, 1e-3]
  return () => (chance.next() < 0.03 ? chance.pick(rare) : eighths(chance, 100) - 50)
}

function addClassic(target: Target, chance: Chance, add: Add): void {
  const observed = Array.from({ length: scrapes }, () => bounds.map(() => chance.below(9)))
  const restart = 50 + chance.below(120)
  const counts = observed.map(() => bounds.map(() => 0))
  let sum = 0
  const sums: number[] = []
  observed.forEach((more, i) => {
    const before = i === restart ? undefined : counts[i - 1]
    let fresh = 0
    more.forEach((n, b) => (counts[i]![b] = (before?.[b] ?? 1000 * (b + 1)) + (fresh += n)))
    if (i === restart) sum = 0
    sums.push((sum += 1000 + eighths(chance, 40)))
  })
  bounds.forEach((le, b) => add({ __name__: 'request_seconds_bucket', ...target, le }, i => counts[i]![b]!))
  add({ __name__: 'request_seconds_count', ...target }, i => counts[i]!.at(-1)!)
  add({ __name__: 'request_seconds_sum', ...target }, i => sums[i]! + 5000)
}

/** A counter of integers with a reset. */
function native(chance: Chance, schema: number): (scrape: number) => Histogram {
  const buckets = 6 * schema
  const restart = 60 + chance.below(100)
  const fresh = () => ({ zero: 2000, positive: new Float64Array(buckets).fill(3000), sum: 4000 })
  let now = fresh()
  const layout = layoutOf(schema, [-2 * schema, buckets])
  return i => {
    if (i === restart) now = fresh()
    now.zero += chance.below(3)
    now.positive.forEach((count, b) => (now.positive[b] = count + chance.below(7)))
    now.sum += eighths(chance, 50)
    const counts = { zeroCount: now.zero, positive: now.positive.slice(), negative: new Float64Array(0) }
    return {
      layout,
      float: false,
      hint: resetHint.unknown,
      ...counts,
      count: total(counts),
      sum: now.sum,
      stale: false,
    }
  }
}

/** A gauge of floats, with negative observations. */
function nativeGauge(chance: Chance): (scrape: number) => Histogram {
  const layout = layoutOf(0, [-1, 4, 2, 2], [0, 3])
  return () => {
    const counts = {
      zeroCount: eighths(chance, 10),
      positive: Float64Array.from({ length: 6 }, () => 1 + eighths(chance, 20)),
      negative: Float64Array.from({ length: 3 }, () => 1 + eighths(chance, 9)),
    }
    const sum = eighths(chance, 900) - 100
    return { layout, float: true, hint: resetHint.gauge, ...counts, count: total(counts), sum, stale: false }
  }
}

function layoutOf(schema: number, positive: readonly number[], negative: readonly number[] = []) {
  const spans = { positiveSpans: Int32Array.from(positive), negativeSpans: Int32Array.from(negative) }
  return { schema, zeroThreshold: 2 ** -10, ...spans, bounds: new Float64Array(0) }
}

function total({ zeroCount, positive, negative }: Pick<Histogram, 'zeroCount' | 'positive' | 'negative'>) {
  return [zeroCount, ...positive, ...negative].reduce((sum, count) => sum + count, 0)
}

/** A block with all series, on a disk in memory. */
async function blockOnDisk(): Promise<{ disk: MemoryDisk; ulid: string }> {
  const last = firstSample + scrapes * scrapeMs
  return made(chunked(), { minT: firstSample, maxT: last })
}

/** A data directory of Prometheus with the block. */
export async function writeDataDir(folder: string): Promise<void> {
  const { disk, ulid } = await blockOnDisk()
  await copyOut(disk, ulid, folder)
}

async function* chunked(): AsyncGenerator<SeriesChunks> {
  for (const { labels, samples } of series) {
    yield { labels, chunks: samples[0]?.histogram ? histogramChunks(samples) : floatChunks(samples) }
  }
}

type Chunk = SeriesChunks['chunks'][number]

const samplesPerChunk = 120

function floatChunks(samples: readonly StoredSample[]): Chunk[] {
  const chunks: Chunk[] = []
  for (let from = 0; from < samples.length; from += samplesPerChunk) {
    const part = samples.slice(from, from + samplesPerChunk)
    const chunk = new XorChunk()
    for (const sample of part) {
      const { high, low } = bitsOf(sample)
      chunk.append(sample.t, high, low)
    }
    chunks.push({
      minT: part[0]!.t,
      maxT: part.at(-1)!.t,
      encoding: 1,
      samples: part.length,
      bytes: chunk.encoded(),
    })
  }
  return chunks
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

function bitsOf({ v, stale }: StoredSample): { high: number; low: number } {
  if (stale) return staleBits
  if (Number.isNaN(v)) return nanBits
  float[0] = v
  return { high: words[1]!, low: words[0]! }
}

function histogramChunks(samples: readonly StoredSample[]): Chunk[] {
  const columns = new HistogramColumns()
  for (const { t, histogram } of samples) if (histogram) columns.push(t, asScraped(histogram))
  const chunks: Chunk[] = []
  let open: HistogramChunk | null = null
  let first = 0
  const finish = (end: number) => {
    if (!open) return
    const { encoding, count } = open
    chunks.push({
      minT: columns.t[first]!,
      maxT: columns.t[end - 1]!,
      encoding,
      samples: count,
      bytes: open.encoded(),
    })
  }
  for (let i = 0; i < columns.count; i++) {
    const next: HistogramChunk =
      open && open.count < samplesPerChunk ? open.append(columns, i) : HistogramChunk.begin(columns, i, open)
    if (next === open) continue
    finish(i)
    open = next
    first = i
  }
  finish(columns.count)
  return chunks
}

/** Counters are of integers, gauges of floats. */
function asScraped(histogram: FloatHistogram): Histogram {
  return { ...histogram.plain(), float: histogram.hint === resetHint.gauge }
}
