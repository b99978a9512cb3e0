import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { crc32c } from '../../../../src/engine/bytes/crc32c.ts'
import { ByteWriter } from '../../../../src/engine/bytes/writer.ts'
import {
  endOfRecord,
  packRecord,
  pageBytes,
  RecordReader,
  TornError,
  writeRecord,
} from '../../../../src/engine/tsdb/wal/segment.ts'

/** Bytes that do not compress, different for each `seed`. */
function noise(length: number, seed = 1): Uint8Array {
  let x = seed
  return Uint8Array.from({ length }, () => (x = Math.imul(x, 1_103_515_245) + 12_345) >>> 16)
}

function segmentOf(records: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter()
  for (const record of records) writeRecord(packRecord(record), out.length, out)
  return out.copy()
}

/** Reads a segment in pieces of so many pages. */
function read(segment: Uint8Array, pages = 1000): { records: Uint8Array[]; goodEnd: number; error: unknown } {
  const reader = new RecordReader()
  const records: Uint8Array[] = []
  let goodEnd = 0
  try {
    for (let at = 0; at < segment.length; at += pages * pageBytes) {
      for (const { data, end } of reader.records(segment.subarray(at, at + pages * pageBytes))) {
        records.push(data)
        goodEnd = end
      }
    }
    reader.end()
    return { records, goodEnd, error: null }
  } catch (error) {
    return { records, goodEnd, error }
  }
}

/** The records as strings: `toEqual` takes seconds for large arrays. */
function texts(records: readonly Uint8Array[]): string[] {
  return records.map(record => Buffer.from(record).toString('latin1'))
}

describe('records', () => {
  const lengths = [0, 1, 100, pageBytes - 8, pageBytes - 7, pageBytes - 6, pageBytes, 3 * pageBytes]
  // What is left of a page before the record: headers fit from seven bytes on.
  const lefts = [pageBytes, 100, 14, 8, 7, 6, 1]

  test.each(lefts.flatMap(left => lengths.map(length => [left, length])))(
    'with %i bytes left in the page, one of %i bytes comes back',
    (left, length) => {
      const first = noise(pageBytes - left - 7)
      const records = left === pageBytes ? [noise(length, 2)] : [first, noise(length, 2), noise(5, 3)]
      const segment = segmentOf(records)
      expect(read(segment).error).toBeNull()
      expect(texts(read(segment).records)).toEqual(texts(records))
      expect(texts(read(segment, 1).records)).toEqual(texts(records))
    },
  )

  test('of any lengths come back, in any pieces, and end where they were expected to', () => {
    const record = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(70_000).map(length => noise(length, length)),
      fc.nat(70_000).map(length => new Uint8Array(length).fill(7)),
    )
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), (records, pages) => {
        const segment = segmentOf(records)
        const found = read(segment, pages)
        expect(found.error).toBeNull()
        expect(texts(found.records)).toEqual(texts(records))
        expect(records.reduce((end, one) => endOfRecord(end, packRecord(one).data.length), 0)).toBe(
          segment.length,
        )
        expect(found.goodEnd).toBe(segment.length)
      }),
      { numRuns: 40 },
    )
  })

  test('are compressed only when that makes them smaller', () => {
    expect(segmentOf([new Uint8Array(1000)])[0]).toBe(1 | 8)
    expect(segmentOf([noise(20)])[0]).toBe(1)
    expect(segmentOf([new Uint8Array(0)])).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0, 0))
  })

  test('with exactly a header left, begin with a fragment of length 0, as upstream writes it', () => {
    const segment = segmentOf([noise(pageBytes - 14), noise(10, 2)])
    expect([...segment.subarray(pageBytes - 7, pageBytes)]).toEqual([2, 0, 0, 0, 0, 0, 0])
    expect(segment[pageBytes]).toBe(4)
  })

  test('follow zeros that a writer left to the end of its page', () => {
    const segment = new Uint8Array(2 * pageBytes)
    segment.set(segmentOf([noise(50)]))
    segment.set(segmentOf([noise(60, 2)]), pageBytes)
    expect(read(segment).records).toEqual([noise(50), noise(60, 2)])
  })

  test('that are compressed with zstd are read', () => {
    const text = 'up{job="a"} 1\n'.repeat(50)
    const frame = Buffer.from(
      '28b52ffd60bc01ad00007075707b6a6f623d2261227d20310a0100aba29a4a', // zstd --no-check
      'hex',
    )
    const out = new ByteWriter()
    writeRecord({ data: new Uint8Array(frame), compressed: false }, 0, out)
    const segment = out.copy()
    segment[0] = 1 | 16
    expect(texts(read(segment).records)).toEqual([text])
  })
})

describe('a torn segment', () => {
  const records = [noise(300), new Uint8Array(500).fill(65), noise(40_000, 3)]
  const ends = records.map((_, i) => segmentOf(records.slice(0, i + 1)).length)
  const segment = segmentOf(records)

  test('keeps all records before the tear, wherever it is', () => {
    for (let length = 0; length <= segment.length; length += length < 400 ? 1 : 97) {
      const whole = ends.filter(end => end <= length).length
      const { records: found, goodEnd, error } = read(segment.subarray(0, length))
      expect(found, `${length} bytes`).toHaveLength(whole)
      expect(goodEnd).toBe(whole === 0 ? 0 : ends[whole - 1])
      expect(error instanceof TornError, `${length} bytes`).toBe(length !== 0 && !ends.includes(length))
    }
  })

  test('is damaged instead when good fragments follow a length that only looks like a tear', () => {
    const small = segmentOf([noise(300), noise(200, 2), noise(20, 3)])
    small.set([0x7f, 0xff], 1)
    const { error } = read(small)
    expect(error).toBeInstanceOf(CorruptionError)
    expect(error).not.toBeInstanceOf(TornError)
  })
})

describe('damage is found', () => {
  const records = [noise(300), noise(40_000, 2), noise(20, 3)]
  const good = segmentOf(records)
  const second = segmentOf(records.slice(0, 1)).length
  const third = segmentOf(records.slice(0, 2)).length

  test.each<[string, (segment: Uint8Array) => void, number]>([
    ['a changed byte', s => s.fill(s[50]! ^ 1, 50, 51), 0],
    ['a changed checksum', s => s.fill(s[second + 4]! ^ 1, second + 4, second + 5), 1],
    ['a length beyond the page', s => s.set([0xff, 0xff], second + 1), 1],
    ['a length beyond the segment', s => s.set([0, 200], third + 1), 2],
    ['an unknown fragment type', s => s.fill(5, second, second + 1), 1],
    ['a middle fragment without a first', s => s.fill(3, 0, 1), 0],
    ['a last fragment without a first', s => s.fill(4, third, third + 1), 2],
    ['a whole record within another', s => s.fill(1, pageBytes, pageBytes + 1), 1],
    ['a first fragment within a record', s => s.fill(2, pageBytes, pageBytes + 1), 1],
    ['padding that is not zero', s => s.fill(0, second, second + 1), 1],
    ['a snappy flag on bytes that are not', s => s.fill(9, third, third + 1), 2],
    ['a zstd flag on bytes that are not', s => s.fill(17, third, third + 1), 2],
  ])('%s, and what came before is kept', (_, damage, kept) => {
    const segment = good.slice()
    damage(segment)
    const { records: found, error, goodEnd } = read(segment)
    expect(error).toBeInstanceOf(CorruptionError)
    expect(texts(found)).toEqual(texts(records.slice(0, kept)))
    expect(goodEnd).toBe([0, second, third][kept])
  })

  test('at any byte: what is read is a prefix of what was written', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const segment = good.slice()
        segment[at] = segment[at]! ^ change
        const { records: found, error } = read(segment)
        expect(texts(found)).toEqual(texts(records.slice(0, found.length)))
        expect(error instanceof CorruptionError || reservedBit(at, change)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  /** The three highest bits of a fragment's type mean nothing, and of the others but the last fragment's, neither do
   *  those of the compression. */
  function reservedBit(at: number, change: number): boolean {
    return [0, second, pageBytes, third].includes(at) && (change & (at === second ? 0x07 : 0x1f)) === 0
  }

  test('a record that declares to be huge', () => {
    const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 0, 65)
    const out = new ByteWriter()
    writeRecord({ data: bomb, compressed: true }, 0, out)
    expect(out.copy()[0]).toBe(9)
    expect(crc32c(bomb)).toBe(new DataView(out.copy().buffer).getUint32(3))
    expect(read(out.copy()).error).toBeInstanceOf(CorruptionError)
  })
})

describe('reading from a later page on', () => {
  const records = [noise(300), noise(80_000, 2), noise(20, 3), noise(30, 4)]
  const segment = segmentOf(records)

  test.each([
    [1, 2],
    [2, 2],
    [3, 4],
  ])('from page %i begins with the first record that begins there', (page, first) => {
    const reader = new RecordReader(page * pageBytes)
    const found = [...reader.records(segment.subarray(page * pageBytes))]
    reader.end()
    expect(texts(found.map(({ data }) => data))).toEqual(texts(records.slice(first)))
    expect(found.at(-1)?.end ?? segment.length).toBe(segment.length)
  })
})
