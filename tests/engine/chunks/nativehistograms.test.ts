import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeFloatHistograms } from '../../../src/engine/chunks/floathistogram.ts'
import { decodeHistograms } from '../../../src/engine/chunks/histogram.ts'
import { HistogramChunk, histogramEncoding } from '../../../src/engine/chunks/histogramchunk.ts'
import { histogramCount, resetHeader, resetHeaderOf } from '../../../src/engine/chunks/histogramlayout.ts'
import { valueOf } from '../../../src/engine/model/labels.ts'
import { resetHint, staleHistogram, type Histogram } from '../../../src/engine/model/histogram.ts'
import { upperBound } from '../../../src/engine/model/histogram/bounds.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { compacted } from '../../../src/engine/model/histogram/compact.ts'
import { bucketIndices, spansOf } from '../../../src/engine/model/histogram/spans.ts'
import { startNativeExporter, type NativeFamily } from '../../nativeexporter.ts'
import { peer, startPrometheus } from '../../peers.ts'
import { onlyBlock, openFiles } from '../tsdb/block/blockdisk.ts'
import { contentOf } from '../histogramsamples.ts'

// Native histograms in the chunks of a real Prometheus.

const prometheus = peer('prometheus')

interface StoredChunk {
  readonly encoding: number
  readonly data: Uint8Array
}

/** What the API answers for a range of steps. */
interface ApiSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly histograms: readonly (readonly [number, ApiHistogram])[]
}

type Answers = ReadonlyMap<string, ApiSeries['histograms']>

interface ApiHistogram {
  readonly count: string
  readonly sum: string
  readonly buckets?: readonly (readonly [number, string, string, string])[]
}

describe.skipIf(prometheus.missing)(`histograms that ${prometheus.name} scraped`, () => {
  let written: Map<string, Timed[]>
  let stored: Map<string, StoredChunk[]>
  let answered: Answers

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-histograms-'))
    // Not older than what Prometheus takes, nor newer than its clock.
    written = samplesFrom(Math.floor(Date.now() / 1000 - 3000) * 1000)
    // What is scraped again is a duplicate. Prometheus commits integers before floats: an end that came in the same body
    // could be in front of what it closes.
    let closed = false
    const exporter = await startNativeExporter(() => (closed ? endsOf(written) : familiesOf(written)))
    const config = `scrape_configs: [{job_name: n, scrape_interval: 2s, scrape_timeout: 2s, static_configs: [{targets: ['${exporter.address}']}]}]`
    const flags = ['--enable-feature=native-histograms', '--web.enable-admin-api']
    const running = await startPrometheus({ dataDir: folder, config, flags })
    const start = [...written.values()][0]![0]!.t
    try {
      // A range of samples would be the plain question, but Prometheus 2.42 mixes up histograms at its end.
      const ask = () => answersOf(running.url, start + 5000, start + 2_000_000)
      do {
        await sleep(100)
        answered = await ask()
      } while (answered.size < written.size)
      closed = true
      while ((await endsAt(running.url, start + 2_200_000)) < written.size) await sleep(100)
      const made = await fetch(`${running.url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' })
      expect(await made.json()).toMatchObject({ status: 'success' })
      const [snapshot = ''] = readdirSync(join(folder, 'snapshots'))
      stored = await chunksIn(join(folder, 'snapshots', snapshot))
    } finally {
      await running.stop()
      await exporter.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 180_000)

  test('are all there, in chunks of both encodings and every reset header', () => {
    expect([...stored.keys()].sort()).toEqual([...written.keys()].sort())
    const chunks = [...stored.values()].flat()
    expect(new Set(chunks.map(({ encoding }) => encoding))).toEqual(new Set([2, 3]))
    expect(new Set(chunks.map(({ data }) => resetHeaderOf(data)))).toEqual(
      new Set(Object.values(resetHeader)),
    )
    expect(chunks.length).toBeGreaterThan(2 * stored.size)
  })

  test('are decoded to what was scraped', () => {
    for (const [kind, samples] of written) {
      const columns = new HistogramColumns()
      for (const chunk of stored.get(kind)!) decode(chunk, columns)
      expect(contents(columns), kind).toEqual(samples.map(({ t, h }) => contentOf(t, h)))
    }
  })

  test('are decoded to what its API answers', () => {
    let compared = 0
    for (const [kind, chunks] of stored) {
      const columns = new HistogramColumns()
      for (const chunk of chunks) decode(chunk, columns)
      for (const [seconds, theirs] of answered.get(kind)!) {
        const i = columns.t.subarray(0, columns.count).findLastIndex(t => t <= seconds * 1000)
        expect(columns.stale[i]).toBe(0)
        expect(apiForm(columns.at(i)), `${kind} at ${seconds}`).toEqual(inNumbers(theirs))
        compared++
      }
    }
    expect(compared).toBeGreaterThan(1500)
  })

  test('are encoded to the same chunks, byte for byte, from the decoded samples', () => {
    for (const [kind, chunks] of stored) {
      for (const chunk of chunks) {
        const columns = new HistogramColumns()
        decode(chunk, columns)
        columns.hint[0] = hintFor(chunk)
        expect(hexOf(encode(columns, 0, columns.count, null).encoded()), kind).toBe(
          hexOf(withoutNotReset(chunk)),
        )
      }
    }
  })

  test('are encoded to the same chunks, byte for byte, from what was scraped', () => {
    for (const [kind, chunks] of stored) {
      const columns = new HistogramColumns()
      for (const { t, h } of written.get(kind)!) columns.push(t, h)
      let start = 0
      let open: HistogramChunk | null = null
      for (const { data } of chunks) {
        const end = start + histogramCount(data)
        open = encode(columns, start, end, open)
        expect(hexOf(open.encoded()), `${kind} from sample ${start} on`).toBe(hexOf(data))
        start = end
      }
      expect(start).toBe(columns.count)
    }
  })
})

/** Samples [from, to) in one chunk behind another, which is cut there unless it ended by itself. */
function encode(
  columns: HistogramColumns,
  from: number,
  to: number,
  previous: HistogramChunk | null,
): HistogramChunk {
  let chunk = HistogramChunk.begin(columns, from, null)
  if (previous && previous.encoding === chunk.encoding) {
    // A sample that does not fit opens a chunk whose header differs from that of one that was cut.
    const cut = HistogramChunk.begin(columns, from, previous)
    const next = previous.append(columns, from)
    chunk = next === previous ? cut : next
  }
  for (let i = from + 1; i < to; i++) {
    const next = chunk.append(columns, i)
    expect(next, `sample ${i} fits behind ${from}`).toBe(chunk)
  }
  return chunk
}

/** A chunk's first sample by itself says less than its header. */
function hintFor({ data }: StoredChunk): number {
  const header = resetHeaderOf(data)
  if (header === resetHeader.gauge) return resetHint.gauge
  return header === resetHeader.reset ? resetHint.reset : resetHint.unknown
}

/** The chunk as if nothing were known of what is before it, where that is all its header adds. */
function withoutNotReset({ data }: StoredChunk): Uint8Array {
  const chunk = data.slice()
  if (resetHeaderOf(chunk) === resetHeader.notReset) chunk[2] = resetHeader.unknown
  return chunk
}

function decode({ encoding, data }: StoredChunk, out: HistogramColumns): void {
  if (encoding === histogramEncoding.float) decodeFloatHistograms(data, histogramCount(data), out)
  else decodeHistograms(data, histogramCount(data), out)
}

function contents(columns: HistogramColumns): object[] {
  return Array.from({ length: columns.count }, (_, i) => contentOf(columns.t[i]!, columns.at(i)))
}

async function chunksIn(folder: string): Promise<Map<string, StoredChunk[]>> {
  const { ulid, files } = onlyBlock(folder)
  const block = await openFiles(ulid, files)
  const found = new Map<string, StoredChunk[]>()
  for await (const batch of block.series()) {
    for (const { labels, chunks } of batch) {
      if (valueOf(labels, '__name__').startsWith('native'))
        found.set(
          valueOf(labels, 'kind'),
          chunks.slice(0, -1).map(({ encoding, data }) => ({ encoding, data: data.slice() })),
        )
    }
  }
  return found
}

/** What each series is every ten seconds from `start` to `end`. */
async function answersOf(url: string, start: number, end: number): Promise<Answers> {
  const range = `start=${start / 1000}&end=${end / 1000}&step=10`
  const query = encodeURIComponent('{__name__=~"native.*"}')
  const answer = (await (await fetch(`${url}/api/v1/query_range?query=${query}&${range}`)).json()) as {
    data: { result: readonly ApiSeries[] }
  }
  return new Map(answer.data.result.map(({ metric, histograms }) => [metric.kind!, histograms]))
}

/** How many series have ended: with one observation. */
async function endsAt(url: string, t: number): Promise<number> {
  const query = encodeURIComponent('count(histogram_count({__name__=~"native.*"}) == 1)')
  const answer = (await (await fetch(`${url}/api/v1/query?query=${query}&time=${t / 1000}`)).json()) as {
    data: { result: readonly { value: readonly [number, string] }[] }
  }
  return Number(answer.data.result[0]?.value[1] ?? 0)
}

function inNumbers({ count, sum, buckets = [] }: ApiHistogram): object {
  return { count: Number(count), sum: Number(sum), buckets: buckets.map(bucket => bucket.map(Number)) }
}

/** As the API shows it: populated buckets from the lowest to the highest, with 0 for (a, b], 1 for [a, b) and 3 for
 *  [a, b] in front. What lies inside the zero bucket is cut off. */
function apiForm({ layout, positive, negative, count, sum, zeroCount }: Histogram): object {
  const { zeroThreshold } = layout
  const side = (spans: Int32Array, counts: Float64Array) =>
    Array.from(bucketIndices(spans), (index, i) => ({
      near: Math.max(upperBound(index - 1, layout), zeroThreshold),
      far: upperBound(index, layout),
      count: counts[i]!,
    }))
  const buckets = [
    ...side(layout.negativeSpans, negative)
      .reverse()
      .map(bucket => [1, -bucket.far, -bucket.near, bucket.count]),
    [3, -zeroThreshold, zeroThreshold, zeroCount],
    ...side(layout.positiveSpans, positive).map(bucket => [0, bucket.near, bucket.far, bucket.count]),
  ]
  return { count, sum, buckets: buckets.filter(bucket => bucket[3] !== 0) }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

interface Timed {
  readonly t: number
  readonly h: Histogram
}

function familiesOf(samples: ReadonlyMap<string, readonly Timed[]>): NativeFamily[] {
  return Array.from(samples, ([kind, rows], i) => ({
    name: `native_${i}`,
    metrics: rows.map(({ t, h }) => ({ labels: { kind }, t, value: h })),
  }))
}

/** A sample of the other encoding behind each series. It closes the chunk before it: an open chunk is encoded anew when
 *  Prometheus 2.42 writes it to a block, losing its header, which fails for gauges. */
function endsOf(samples: ReadonlyMap<string, readonly Timed[]>): NativeFamily[] {
  const last = Array.from(samples, ([kind, rows]) => [kind, [endOf(rows)]] as const)
  return familiesOf(new Map(last))
}

function endOf(rows: readonly Timed[]): Timed {
  const { t, h } = rows.at(-1)!
  const layout = { ...staleHistogram(false).layout, zeroThreshold: 1 }
  return {
    t: t + 1000,
    h: { ...staleHistogram(!h.float), layout, stale: false, sum: 0, zeroCount: 1, count: 1, hint: h.hint },
  }
}

/** What moves in a series, besides the observations. */
interface Kind {
  readonly float: boolean
  readonly gauge?: boolean
  readonly schema: number
  readonly zeroThreshold: number
  /** Chances a sample. */
  readonly reset?: number
  readonly rescale?: number
  readonly stale?: number
  readonly largest?: number
}

const kinds: Readonly<Record<string, Kind>> = {
  'a counter': { float: false, schema: 3, zeroThreshold: 2 ** -128 },
  'a counter with resets': { float: false, schema: 0, zeroThreshold: 0.001, reset: 0.05 },
  'a counter that changes its schema': { float: false, schema: 8, zeroThreshold: 1, rescale: 0.08 },
  'a counter that ends and comes again': { float: false, schema: -4, zeroThreshold: 1024, stale: 0.08 },
  'a counter of large numbers': { float: false, schema: 1, zeroThreshold: 4096, largest: 2 ** 40 },
  'a gauge': { float: false, gauge: true, schema: 2, zeroThreshold: 0.5 },
  'a gauge that ends and changes': {
    float: false,
    gauge: true,
    schema: 5,
    zeroThreshold: 2,
    stale: 0.05,
    rescale: 0.05,
  },
  'a float counter': { float: true, schema: 4, zeroThreshold: 2 ** -128 },
  'a float counter with resets': { float: true, schema: 0, zeroThreshold: 0.25, reset: 0.05, stale: 0.05 },
  'a float gauge': { float: true, gauge: true, schema: -1, zeroThreshold: 1, rescale: 0.04 },
}

/** Two hundred samples of each kind, which grow new buckets now and then. */
function samplesFrom(start: number): Map<string, Timed[]> {
  const random = chance(53)
  const found = new Map<string, Timed[]>()
  for (const [name, kind] of Object.entries(kinds)) {
    const walk = new Walk(kind, random)
    let t = start
    const rows: Timed[] = []
    for (let i = 0; i < 200; i++) {
      t += random() < 0.8 ? 10_000 : 10_000 + Math.floor(random() * 3000)
      // Prometheus takes a family for native by its first sample.
      rows.push({ t, h: walk.next(i > 0) })
    }
    found.set(name, rows)
  }
  return found
}

class Walk {
  private readonly kind: Kind
  private readonly random: () => number
  private schema: number
  private zeroThreshold: number
  private zeroCount = 0
  private sum = 0
  private positive = new Map<number, number>()
  private negative = new Map<number, number>()

  constructor(kind: Kind, random: () => number) {
    this.kind = kind
    this.random = random
    this.schema = kind.schema
    this.zeroThreshold = kind.zeroThreshold
  }

  next(mayEnd: boolean): Histogram {
    const { float, gauge, reset = 0, rescale = 0, stale = 0 } = this.kind
    const { random } = this
    if (mayEnd && random() < stale) return { ...staleHistogram(float), hint: gauge ? resetHint.gauge : 0 }
    if (random() < reset) this.clear()
    if (random() < rescale) this.rescale()
    for (let i = 0; i < 3; i++) this.observe(random() < 0.3 ? this.negative : this.positive)
    if (gauge) for (const side of [this.positive, this.negative]) this.forget(side)
    if (random() < 0.4) this.zeroCount += this.amount()
    this.sum += (random() - 0.4) * 100
    return this.histogram()
  }

  private observe(side: Map<number, number>): void {
    const index = Math.floor((this.random() + this.random() + this.random()) * 6) - 9
    side.set(index, (side.get(index) ?? 0) + this.amount())
  }

  private amount(): number {
    const { float, largest = 20 } = this.kind
    const amount = 1 + this.random() * largest
    return float ? amount : Math.floor(amount)
  }

  private forget(side: Map<number, number>): void {
    for (const index of [...side.keys()]) if (this.random() < 0.1) side.delete(index)
  }

  private clear(): void {
    this.positive = new Map()
    this.negative = new Map()
    this.zeroCount = 0
  }

  private rescale(): void {
    if (this.random() < 0.5)
      this.schema = this.schema === this.kind.schema ? this.schema - 1 : this.kind.schema
    else this.zeroThreshold *= 2
  }

  private histogram(): Histogram {
    const { float, gauge } = this.kind
    const [positive, negative] = [this.side(this.positive), this.side(this.negative)]
    const counts = [...positive.counts, ...negative.counts]
    return compacted({
      layout: {
        schema: this.schema,
        zeroThreshold: this.zeroThreshold,
        positiveSpans: positive.spans,
        negativeSpans: negative.spans,
        bounds: new Float64Array(0),
      },
      float,
      hint: gauge ? resetHint.gauge : resetHint.unknown,
      count: counts.reduce((sum, count) => sum + count, this.zeroCount),
      zeroCount: this.zeroCount,
      sum: this.sum,
      positive: positive.counts,
      negative: negative.counts,
      stale: false,
    })
  }

  private side(counts: ReadonlyMap<number, number>): { spans: Int32Array; counts: Float64Array } {
    const indices = [...counts.keys()].sort((a, b) => a - b)
    return { spans: spansOf(indices), counts: Float64Array.from(indices, index => counts.get(index)!) }
  }
}

/** Numbers in [0, 1) that are the same in every run. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
