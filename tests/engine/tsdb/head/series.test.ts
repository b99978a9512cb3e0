import { describe, expect, test } from 'vitest'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { chunksOf, MemSeries } from '../../../../src/engine/tsdb/head/series.ts'

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

describe('check', () => {
  const series = new MemSeries(1, [])
  series.append(1000, 5, 6, range)

  test.each([
    ['a later sample', 1001, 0, 0, 'appended'],
    ['the same sample', 1000, 5, 6, 'appended'],
    ['another value at the same time', 1000, 5, 7, 'duplicate'],
    ['another value at the same time, in the high word', 1000, 4, 6, 'duplicate'],
    ['an earlier sample', 999, 5, 6, 'outOfOrder'],
  ])('%s', (_, t, high, low, expected) => {
    expect(series.check(t, high, low)).toBe(expected)
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
    snapshot.decode(out)
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
      snapshot.decode(out)
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
