import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SampleColumns } from '../../../src/engine/chunks/columns.ts'
import { decodeChunk, hasFloats, isDecodable } from '../../../src/engine/chunks/decode.ts'
import { encodeSeries, mostSamples, type EncodedChunk } from '../../../src/engine/chunks/encode.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { columnsOf, somePoints, textOf, textOfColumns, type Point } from '../tsdb/mixed.ts'

const whole = { samples: 120, rangeMs: Infinity }

function encoded(points: readonly Point[], limits = whole): EncodedChunk[] {
  const { floats, histograms } = columnsOf(points)
  return encodeSeries(floats, histograms, limits)
}

function decoded(chunks: readonly EncodedChunk[]): string {
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  for (const { encoding, bytes } of chunks) decodeChunk(encoding, bytes, floats, histograms)
  const stale = floats.splitStale()
  return textOfColumns({ count: floats.count, t: floats.t, v: floats.v, stale, histograms })
}

/** "encoding:minT-maxT" of each chunk. */
function outline(chunks: readonly EncodedChunk[]): string {
  return chunks.map(({ encoding, minT, maxT }) => `${encoding}:${minT}-${maxT}`).join(' ')
}

const row = (kind: Point[1], from: number, to: number): Point[] =>
  Array.from({ length: to - from }, (_, i) => [from + i, kind, from + i])

describe('a chunk ends', () => {
  test('where floats become histograms, and integers become fractions', () => {
    const points = [...row('float', 0, 3), ...row('int', 3, 5), ...row('frac', 5, 7), ...row('stale', 7, 8)]
    expect(outline(encoded(points))).toBe('1:0-2 2:3-4 3:5-6 1:7-7')
  })

  test('after as many samples as it may have', () => {
    const limits = { samples: 4, rangeMs: Infinity }
    expect(outline(encoded(row('float', 0, 9), limits))).toBe('1:0-3 1:4-7 1:8-8')
    expect(outline(encoded(row('int', 0, 9), limits))).toBe('2:0-3 2:4-7 2:8-8')
    expect(encoded(row('float', 0, 70_000), { samples: mostSamples, rangeMs: Infinity })).toHaveLength(2)
  })

  test('at the border of a range, before 1970 as well', () => {
    const limits = { samples: 120, rangeMs: 10 }
    expect(outline(encoded(row('float', -12, 12), limits))).toBe('1:-12--11 1:-10--1 1:0-9 1:10-11')
    expect(outline(encoded(row('int', 8, 21), limits))).toBe('2:8-9 2:10-19 2:20-20')
  })

  test('where a counter was reset', () => {
    const reset: Point[] = [
      [0, 'int', 10],
      [1, 'int', 15],
      [2, 'int', 5],
    ]
    expect(outline(encoded(reset))).toBe('2:0-1 2:2-2')
  })
})

test('no samples are no chunks', () => {
  expect(encoded([])).toEqual([])
})

test('any samples are decoded to themselves, in chunks that follow each other', () => {
  const limits = fc.record({
    samples: fc.integer({ min: 1, max: 9 }),
    rangeMs: fc.constantFrom(7, 50, Infinity),
  })
  fc.assert(
    fc.property(somePoints(-40, 60), limits, (points, limits) => {
      const chunks = encoded(points, limits)
      expect(decoded(chunks)).toBe(textOf(points))
      for (const [i, { minT, maxT, samples }] of chunks.entries()) {
        expect(minT).toBeGreaterThan(chunks[i - 1]?.maxT ?? -Infinity)
        expect(samples).toBeLessThanOrEqual(limits.samples)
        const rangeOf = (t: number) => (limits.rangeMs < Infinity ? Math.floor(t / limits.rangeMs) : 0)
        expect(rangeOf(minT)).toBe(rangeOf(maxT))
      }
    }),
    { numRuns: 300 },
  )
})

test('of six encodings the first four can be decoded, and two of them have floats', () => {
  const all = [0, 1, 2, 3, 4, 5, 6]
  expect(all.filter(isDecodable)).toEqual([1, 2, 3, 4])
  expect(all.filter(hasFloats)).toEqual([1, 4])
})
