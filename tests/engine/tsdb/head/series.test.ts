import { describe, expect, test } from 'vitest'
import { SampleColumns, staleBits } from '../../../../src/engine/chunks/columns.ts'
import type { Histogram } from '../../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import type { ClosedChunk } from '../../../../src/engine/tsdb/head/chunks.ts'
import { fit } from '../../../../src/engine/tsdb/head/fit.ts'
import { MemSeries } from '../../../../src/engine/tsdb/head/series.ts'
import { chunksOf } from '../../../../src/engine/tsdb/head/snapshot.ts'
import { histogram } from './text.ts'

const hour = 3600_000
const range = 2 * hour

/** Appends samples at the times and answers the lengths of the chunks, in samples. The value decides how many
 *  bytes a sample takes. */
function chunkLengths(
  times: Iterable<number>,
  bits: (i: number) => [number, number] = () => [0, 0],
): number[] {
  const series = new MemSeries(1, [])
  const lengths: number[] = []
  let i = 0
  for (const t of times) {
    const [high, low] = bits(i++)
    if (series.append(t, high, low, range)) lengths.push(0)
    lengths[lengths.length - 1]!++
  }
  return lengths
}

function* every(ms: number, count: number, start = 0): Generator<number> {
  for (let i = 0; i < count; i++) yield start + i * ms
}

// Bits that differ wherever they can: each sample takes its nine bytes or so.
const noise = (i: number): [number, number] => [Math.imul(i, 0x9e3779b1), Math.imul(i, 0x85ebca6b)]

describe('a chunk ends', () => {
  test.each<[string, number[], number[]]>([
    // 480 samples in the range of two hours: four chunks of equal length.
    ['at 120 samples of 15 s', [...every(15_000, 480)], [120, 120, 120, 120]],
    // 240 samples in the range: two chunks, as equal as they can be.
    ['at half the range for 30 s', [...every(30_000, 300)], [120, 120, 60]],
    // 30 samples take half an hour; (2 h - 0) / (29 min × 4) is one chunk.
    ['with its range for 60 s', [...every(60_000, 250)], [120, 120, 10]],
    ['with its range, wherever it began', [...every(60_000, 130, hour)], [60, 70]],
    ['with its range before 1970, which Go divides toward zero', [...every(60_000, 130, -hour)], [130]],
    ['after a gap into another range', [0, 1000, 5 * hour, 5 * hour + 1000], [2, 2]],
  ])('%s', (_, times, expected) => {
    expect(chunkLengths(times)).toEqual(expected)
  })

  test('at 240 samples when they come faster than foreseen', () => {
    const times = [...every(60_000, 31), ...every(10, 500, 31 * 60_000)]
    expect(chunkLengths(times)[0]).toBe(240)
  })

  test('before it is larger than a kilobyte', () => {
    const uneven = Array.from(every(15_000, 400), (t, i) => t + (i % 2))
    const lengths = chunkLengths(uneven, noise)
    expect(Math.max(...lengths)).toBeLessThan(119)
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThan(90)
  })
})

/** Appends histograms and answers how many samples each chunk has, and whether they are integers (2) or floats (3). */
function histogramChunks(samples: Iterable<readonly [number, Histogram]>): [number, number][] {
  const series = new MemSeries(1, [])
  const columns = new HistogramColumns()
  for (const [t, h] of samples) {
    columns.push(t, h)
    series.appendHistogram(columns, columns.count - 1, range)
  }
  return chunksIn(series).map(({ samples, encoding }) => [samples, encoding])
}

function chunksIn(series: MemSeries): ClosedChunk[] {
  return chunksOf(series.parts(), -Infinity, Infinity)
}

/** Histograms that grow by a number of observations, spread over some buckets. */
function* growing(times: Iterable<number>, buckets: number, float = false): Generator<[number, Histogram]> {
  const counts: Record<number, number> = {}
  let i = 0
  for (const t of times) {
    for (let k = 0; k < buckets; k++)
      counts[k] = (counts[k] ?? 0) + ((Math.imul(++i, 0x9e3779b1) >>> 0) % 1000)
    yield [t, histogram(counts, { float })]
  }
}

describe('a chunk of histograms ends', () => {
  test.each<[string, Iterable<[number, Histogram]>, number[]]>([
    ['with its range', growing(every(60_000, 250), 1), [120, 120, 10]],
    ['with its range, although it has fewer than ten', growing([...every(900_000, 12)], 1), [8, 4]],
    ['after ten, however large they are', growing(every(15_000, 25), 150), [10, 10, 5]],
  ])('%s', (_, samples, expected) => {
    expect(histogramChunks(samples)).toEqual(expected.map(length => [length, 2]))
  })

  test('so that those of a range become equally long and about a kilobyte', () => {
    const lengths = histogramChunks(growing(every(15_000, 480), 8)).map(([length]) => length)
    expect(lengths.length).toBeGreaterThan(4)
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(12)
    expect(lengths.reduce((a, b) => a + b)).toBe(480)
  })

  test('where something fell, where integers become floats, and where a gauge begins', () => {
    const chunks = histogramChunks([
      [1, histogram({ 1: 5 })],
      [2, histogram({ 1: 5, 3: 1 })],
      [3, histogram({ 1: 4, 3: 1 })],
      [4, histogram({ 1: 9, 3: 1 }, { float: true })],
      [5, histogram({ 1: 9, 3: 1 }, { float: true, hint: 3 })],
      [6, histogram({ 1: 1 }, { float: true, hint: 3 })],
    ])
    expect(chunks).toEqual([
      [2, 2],
      [1, 2],
      [1, 3],
      [2, 3],
    ])
  })
})

describe('a series that changes between floats and histograms', () => {
  test('begins a chunk each time', () => {
    const series = new MemSeries(1, [])
    const columns = new HistogramColumns()
    columns.push(2, histogram({ 1: 1 }))
    columns.push(3, histogram({ 1: 2 }))
    const started = [
      series.append(1, 0, 0, range),
      series.appendHistogram(columns, 0, range),
      series.appendHistogram(columns, 1, range),
      series.append(4, 0, 0, range),
      series.append(5, 0, 0, range),
    ]
    expect(started).toEqual([true, true, false, true, false])
    expect(chunksIn(series).map(({ encoding, samples }) => [encoding, samples])).toEqual([
      [1, 1],
      [2, 2],
      [1, 2],
    ])
    expect(series.lastHistogram).toBe(null)
  })
})

describe('where a sample goes', () => {
  const window = { minValidT: 100, windowMs: 300, maxT: 350 }
  const none = { ...window, windowMs: 0 }

  test.each([
    [101, 100, 'later', 'later'],
    [100, -Infinity, 'later', 'later'],
    [200, 200, 'same', 'same'],
    [199, 200, 'outOfOrder', 'late'],
    [100, 200, 'outOfOrder', 'late'],
    [99, 200, 'outOfBounds', 'late'],
    [99, 98, 'outOfBounds', 'late'],
    [99, 99, 'outOfBounds', 'late'],
    [50, -Infinity, 'outOfBounds', 'late'],
    [49, -Infinity, 'outOfBounds', 'tooOld'],
  ])('one of time %d behind %d: %s, with a window %s', (t, last, without, within) => {
    expect([fit(t, last, none), fit(t, last, window)]).toEqual([without, within])
  })
})

describe('the last sample', () => {
  const ended = (...samples: (readonly [number, number] | Histogram)[]) => {
    const series = new MemSeries(1, [])
    const columns = new HistogramColumns()
    for (const [i, sample] of samples.entries()) {
      if ('layout' in sample) {
        columns.push(i, sample)
        series.appendHistogram(columns, columns.count - 1, range)
      } else series.append(i, ...sample, range)
    }
    const again = new MemSeries(1, [])
    again.restore(chunksIn(series))
    return [series, again]
  }
  const row = (h: Histogram) => {
    const columns = new HistogramColumns()
    columns.push(0, h)
    return columns
  }
  const stale: Histogram = { ...histogram({}), stale: true, layout: { ...histogram({}).layout, schema: 0 } }

  test('of floats is known by all its bits, in open chunks and in those from the disk', () => {
    for (const series of ended([1, 2], [5, 6])) {
      expect(series.endsWith(5, 6)).toBe(true)
      for (const [high, low] of [
        [5, 7],
        [4, 6],
        [1, 2],
      ] as const)
        expect(series.endsWith(high, low)).toBe(false)
      expect(series.endsWithHistogram(row(histogram({ 1: 1 })), 0)).toBe(false)
    }
  })

  test('of histograms is known by its buckets, whatever its hint', () => {
    for (const series of ended(histogram({ 1: 1 }), histogram({ 1: 2, 4: 1 }))) {
      expect(series.endsWithHistogram(row(histogram({ 1: 2, 4: 1 }, { hint: 2 })), 0)).toBe(true)
      expect(series.endsWithHistogram(row(histogram({ 1: 3 })), 0)).toBe(false)
      expect(series.endsWithHistogram(row(histogram({ 1: 2, 4: 1 }, { float: true })), 0)).toBe(false)
      expect(series.endsWith(5, 6)).toBe(false)
      expect(series.endsWith(staleBits.high, staleBits.low)).toBe(false)
    }
  })

  test('that ends a series of histograms is the marker that would end it', () => {
    for (const series of ended(histogram({ 1: 1 }), stale)) {
      expect(series.endsWith(staleBits.high, staleBits.low)).toBe(true)
      expect(series.lastHistogram).toBe('integer')
    }
  })

  test('there is none in an empty series', () => {
    const series = new MemSeries(1, [])
    expect([series.endsWith(0, 0), series.lastHistogram, series.empty]).toEqual([false, null, true])
  })
})

describe('a snapshot', () => {
  const series = new MemSeries(1, ['a', 'b'])
  for (const t of every(15_000, 300)) series.append(t, 0, t, range)

  test.each([
    [-Infinity, Infinity, 300],
    [0, 0, 120],
    [-5, -1, 0],
    [119 * 15_000, 120 * 15_000, 240],
    [119 * 15_000 + 1, 120 * 15_000 - 1, 0],
    [290 * 15_000, 1e9, 60],
    [299 * 15_000 + 1, 1e9, 0],
  ])('of [%d, %d] has the chunks that overlap it', (minT, maxT, count) => {
    const out = new SampleColumns()
    const snapshot = series.snapshot(minT, maxT)
    snapshot.decode(out, new HistogramColumns())
    expect(out.count).toBe(count)
    expect(snapshot.empty).toBe(count === 0)
    expect(snapshot.labels).toEqual(['a', 'b'])
  })

  test('stays as it was while samples are appended and chunks are cut', () => {
    const growing = new MemSeries(1, [])
    const snapshots = []
    for (const t of every(15_000, 400)) {
      growing.append(t, ...noise(t), range)
      snapshots.push(growing.snapshot(-Infinity, Infinity))
    }
    for (const [i, snapshot] of snapshots.entries()) {
      if (i % 7 !== 0) continue
      const out = new SampleColumns()
      snapshot.decode(out, new HistogramColumns())
      expect([...out.t.subarray(0, out.count)]).toEqual([...every(15_000, i + 1)])
      expect(out.bits[2 * i]).toBe(noise(i * 15_000)[1])
    }
  })
})

describe('what was taken of a series', () => {
  test.each([3, 40])('stays as it is with %i chunks, while it grows and is truncated', chunks => {
    const series = new MemSeries(1, [])
    const append = (i: number) => series.append(i * range, 0, i, range)
    for (let i = 0; i < chunks; i++) append(i)
    const parts = series.parts()
    const all = chunksOf(parts, -Infinity, Infinity)
    expect(all.map(({ minT }) => minT)).toEqual(Array.from({ length: chunks }, (_, i) => i * range))
    for (let i = chunks; i < 2 * chunks; i++) append(i)
    expect(chunksOf(parts, -Infinity, Infinity)).toEqual(all)
    expect(series.truncate(chunks * range)).toBe(chunks)
    expect([series.minT, series.maxT]).toEqual([chunks * range, (2 * chunks - 1) * range])
    expect(chunksOf(parts, -Infinity, Infinity)).toEqual(all)
    expect(chunksOf(parts, range, 2 * range)).toEqual([all[1]])
  })
})
