import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../src/engine/bytes/corruption.ts'
import { decodeFloatHistograms } from '../../../src/engine/chunks/floathistogram.ts'
import { decodeHistograms } from '../../../src/engine/chunks/histogram.ts'
import { HistogramChunk } from '../../../src/engine/chunks/histogramchunk.ts'
import { histogramCount } from '../../../src/engine/chunks/histogramlayout.ts'
import { encodeHistograms } from '../../../src/engine/chunks/histogramseries.ts'
import { emptyLayout, maxCount, staleHistogram, type Histogram } from '../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { isReset } from '../../../src/engine/model/histogram/reset.ts'
import { spansOf } from '../../../src/engine/model/histogram/spans.ts'
import { columnsOf, contentOf, type UpstreamSample } from '../histogramsamples.ts'

/** Samples that were appended one after the other to Prometheus 3.14's own chunks, and what it made of them. */
interface Scenario {
  readonly name: string
  readonly float: boolean
  readonly samples: readonly UpstreamSample[]
  readonly chunks: readonly { readonly hex: string; readonly samples: number }[]
  /** Upstream's `DetectReset` of each sample but the first against the one before it. */
  readonly resets: readonly boolean[]
}

const scenarios = readFileSync(new URL('histograms.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Scenario)

describe.each(scenarios)('$name, as Prometheus 3.14 wrote it', ({ float, samples, chunks, resets }) => {
  test('gives the same chunks, byte for byte', () => {
    const written = chunksOf(samples, float)
    expect(written.map(chunk => ({ hex: hexOf(chunk.encoded()), samples: chunk.count }))).toEqual(chunks)
  })

  test('is decoded to the samples that went in', () => {
    const decoded = new HistogramColumns()
    for (const { hex } of chunks) decode(Buffer.from(hex, 'hex'), float, decoded)
    expect(contents(decoded)).toEqual(contents(columnsOf(samples, float)))
  })

  test('has its resets where upstream finds them', () => {
    const columns = columnsOf(samples, true)
    const stale = (i: number) => columns.stale[i] === 1
    const found = samples
      .slice(1)
      .map((_, i) => !stale(i) && !stale(i + 1) && isReset(columns, i + 1, columns, i))
    expect(found).toEqual(resets)
  })
})

describe('what is appended is decoded', () => {
  const zeroThreshold = fc.constantFrom(
    0,
    2 ** -243,
    2 ** -244,
    2 ** -128,
    0.3,
    1,
    1024,
    2048,
    5e-324,
    Infinity,
  )
  const edges = [3, 4, 5, 31, 32, 33, 255, 256, 257, 2047, 2048, 2049, 131_071, 131_072, 131_073]
  const count = fc.oneof(
    { weight: 3, arbitrary: fc.nat(20) },
    fc.constantFrom(...edges, 16_777_216, 16_777_217, 2 ** 32, 2 ** 40, maxCount),
    fc.integer({ min: 0, max: maxCount }),
  )
  const indices = fc.uniqueArray(fc.integer({ min: -300, max: 300 }), { maxLength: 6 })
  const row = fc.record({
    step: fc.oneof(fc.constant(15_000), fc.integer({ min: 1, max: 2 ** 41 })),
    stale: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
    schema: fc.oneof({ weight: 20, arbitrary: fc.constant(2) }, fc.integer({ min: -4, max: 8 })),
    positive: indices,
    negative: indices,
    counts: fc.array(count, { minLength: 14, maxLength: 14 }),
    fraction: fc.double({ noNaN: true, min: 0, max: 1e300 }),
    sum: fc.double(),
    hint: fc.constantFrom(0, 0, 0, 1, 2, 3),
  })
  const series = fc.tuple(zeroThreshold, fc.boolean(), fc.array(row, { minLength: 1, maxLength: 40 }))

  test('whatever the buckets and counts do, in as many chunks as it takes', () => {
    fc.assert(
      fc.property(series, ([threshold, float, rows]) => {
        const columns = new HistogramColumns()
        let t = -1_000_000
        for (const { step, stale, schema, positive, negative, counts, fraction, sum, hint } of rows) {
          t += step
          const side = (of: readonly number[], from: number) =>
            Float64Array.from(of, (_, k) => counts[from + k]! * (float ? fraction : 1))
          const layout = {
            schema,
            zeroThreshold: threshold,
            positiveSpans: spansOf(positive.toSorted((a, b) => a - b)),
            negativeSpans: spansOf(negative.toSorted((a, b) => a - b)),
            bounds: new Float64Array(0),
          }
          columns.push(t, {
            ...{ layout, float, stale, sum, hint: hint },
            ...{ count: counts[12]!, zeroCount: counts[13]! },
            ...{ positive: side(positive, 0), negative: side(negative, 6) },
          })
        }
        const decoded = new HistogramColumns()
        for (const { bytes } of encodeHistograms(columns)) decode(bytes, float, decoded)
        expect(contents(decoded)).toEqual(contents(columns))
      }),
      { numRuns: 150 },
    )
  })

  test('in a new chunk after 120 samples, and where integers become floats', () => {
    const columns = new HistogramColumns()
    for (let t = 0; t < 300; t++) columns.push(t, sample({ float: t >= 200 }))
    const chunks = encodeHistograms(columns)
    expect(chunks.map(({ minT, maxT, encoding, samples }) => [minT, maxT, encoding, samples])).toEqual([
      [0, 119, 2, 120],
      [120, 199, 2, 80],
      [200, 299, 3, 100],
    ])
    expect(encodeHistograms(new HistogramColumns())).toEqual([])
  })

  test('up to where a reader stands, whatever is appended meanwhile', () => {
    const columns = new HistogramColumns()
    columns.push(1, sample({}))
    columns.push(2, sample({}))
    columns.push(3, sample({ index: 9 }))
    const chunk = HistogramChunk.begin(columns, 0, null)
    chunk.append(columns, 1)
    const { bytes } = chunk
    const copy = bytes.slice()
    expect(chunk.append(columns, 2)).not.toBe(chunk)
    expect(bytes).toEqual(copy)
  })
})

describe('a chunk of a schema that we do not know yet', () => {
  test('is read at the highest resolution that we know', () => {
    const columns = new HistogramColumns()
    columns.push(1, sample({ schema: 10, index: 9 }))
    columns.push(2, staleHistogram(false))
    const decoded = new HistogramColumns()
    decode(HistogramChunk.begin(columns, 0, null).append(columns, 1).encoded(), false, decoded)
    expect(decoded.layoutOf(0)).toMatchObject({ schema: 8, positiveSpans: Int32Array.of(3, 1) })
    expect([decoded.count, decoded.stale[1]]).toEqual([2, 1])
  })

  test('is refused where nothing says what it means', () => {
    const columns = new HistogramColumns()
    columns.push(1, sample({ schema: 53 }))
    const chunk = HistogramChunk.begin(columns, 0, null).encoded()
    expect(() => decode(chunk, false, new HistogramColumns())).toThrow(
      'want a schema between -9 and 52, or -53, have 53 at byte 3',
    )
  })
})

describe('damaged chunks', () => {
  test('are refused when they are cut short, wherever that is', () => {
    for (const { float, chunks } of scenarios) {
      for (const { hex } of chunks.slice(0, 3)) {
        const chunk = Buffer.from(hex, 'hex')
        for (let length = 0; length < chunk.length - 1; length++) {
          const short = () => decode(chunk.subarray(0, length), float, new HistogramColumns())
          expect(short).toThrow(CorruptionError)
        }
      }
    }
  })

  test('give samples or a CorruptionError, and no more memory than they have room for', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 3, maxLength: 300 }),
      fc
        .tuple(fc.constantFrom(...scenarios.flatMap(({ chunks }) => chunks)), fc.nat(), fc.nat(255))
        .map(([{ hex }, at, value]) => {
          const chunk = Buffer.from(hex, 'hex')
          chunk[at % chunk.length] = value
          return chunk
        }),
    )
    fc.assert(
      fc.property(bytes, fc.boolean(), (chunk, float) => {
        const columns = new HistogramColumns()
        try {
          decode(chunk, float, columns)
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptionError)
        }
        expect(columns.buckets.length).toBeLessThan(chunk.length * 32)
        expect(columns.t.length).toBeLessThan(chunk.length * 8)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['spans', 'ffff 00 00 7f0000ffffffffffff00', /want \d+ spans in a chunk/],
    ['samples', 'ffff 00 00 00 0000', 'want 65535 samples in a chunk'],
  ])('that say they have endless %s are refused before anything is made for them', (_, hex, message) => {
    const chunk = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decodeHistograms(chunk, 65_535, new HistogramColumns())).toThrow(message)
  })
})

/** Five observations in one bucket. */
function sample({ float = false, schema = 0, index = 1 }): Histogram {
  const layout = { ...emptyLayout, schema, positiveSpans: Int32Array.of(index, 1) }
  return { ...staleHistogram(float), stale: false, layout, count: 5, sum: 7.5, positive: Float64Array.of(5) }
}

function chunksOf(samples: readonly UpstreamSample[], float: boolean): HistogramChunk[] {
  const columns = columnsOf(samples, float)
  let open = HistogramChunk.begin(columns, 0, null)
  const chunks = [open]
  for (let i = 1; i < samples.length; i++) {
    const next = samples[i]!.cut ? HistogramChunk.begin(columns, i, open) : open.append(columns, i)
    if (next !== open) chunks.push(next)
    open = next
  }
  return chunks
}

function decode(chunk: Uint8Array, float: boolean, out: HistogramColumns): void {
  if (float) decodeFloatHistograms(chunk, histogramCount(chunk), out)
  else decodeHistograms(chunk, histogramCount(chunk), out)
}

function contents(columns: HistogramColumns): object[] {
  return Array.from({ length: columns.count }, (_, i) => contentOf(columns.t[i]!, columns.at(i)))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
