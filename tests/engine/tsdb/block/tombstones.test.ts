import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { crc32c } from '../../../../src/engine/bytes/crc32c.ts'
import {
  formatTombstones,
  parseTombstones,
  Tombstones,
} from '../../../../src/engine/tsdb/block/tombstones.ts'

const empty = Uint8Array.of(0x01, 0x30, 0xba, 0x30, 1, 0, 0, 0, 0)

/** "ref:minT-maxT", in the order of the file. */
function parsed(text: string): string {
  const stones = text.split(' ').map(one => /^(\d+):(-?\d+)-(-?\d+)$/.exec(one)!.slice(1).map(Number))
  // What is written is joined, so one interval is written at a time.
  const body = stones.map(([ref, minT, maxT]) =>
    formatTombstones(Tombstones.of([[ref!, [{ minT: minT!, maxT: maxT! }]]])),
  )
  const joined = Buffer.concat(body.map(bytes => bytes.subarray(5, -4)))
  return formatOf(parseTombstones('t', sealed(joined)))
}

function sealed(body: Uint8Array): Uint8Array {
  return Buffer.concat([empty.subarray(0, 5), body, sumOf(body)])
}

/** Taken from a file that has this body. */
function sumOf(body: Uint8Array): Uint8Array {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32c(body))
  return sum
}

function formatOf(stones: ReturnType<typeof parseTombstones>): string {
  return [...stones.each()].map(({ ref, minT, maxT }) => `${ref}:${minT}-${maxT}`).join(' ')
}

test('a file without stones has nine bytes', () => {
  expect(formatTombstones(Tombstones.of([]))).toEqual(empty)
  expect(parseTombstones('t', empty).count).toBe(0)
})

describe('intervals', () => {
  test.each([
    ['stay apart', '7:0-5 7:7-9', '7:0-5 7:7-9'],
    ['join when they touch', '7:0-5 7:6-9', '7:0-5 7:6-9'.replace('5 7:6-', '')],
    ['join when they overlap, in any order', '7:4-9 7:0-5 7:2-3', '7:0-9'],
    ['belong to their series', '7:0-5 9:3-4 7:6-6', '7:0-6 9:3-4'],
    ['may lie before 1970', '1:-1700000000000--3', '1:-1700000000000--3'],
    ['without a moment are none', '7:5-4 9:1-1', '9:1-1'],
  ])('%s', (_, text, expected) => expect(parsed(text)).toBe(expected))

  test('are read as they were written', () => {
    const time = fc.integer({ min: -1e6, max: 1e6 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1e6), time, fc.nat(100)), { minLength: 1 }), list => {
        const once = parsed(list.map(([ref, minT, length]) => `${ref}:${minT}-${minT + length}`).join(' '))
        expect(parsed(once)).toBe(once)
      }),
    )
  })
})

test('more than a hundred thousand intervals in any order are kept by their series', () => {
  const all = Array.from({ length: 120_000 }, (_, i): [number, { minT: number; maxT: number }[]] => {
    const ref = (i * 7919) % 60_013
    return [ref, [{ minT: i, maxT: i }]]
  })
  const stones = parseTombstones('t', formatTombstones(Tombstones.of(all)))
  expect(stones.count).toBe(120_000)
  expect(stones.get(7919)).toEqual([
    { minT: 1, maxT: 1 },
    { minT: 60_014, maxT: 60_014 },
  ])
  expect(stones.get(60_013)).toEqual([])
})

describe('an error says what was wanted and where', () => {
  const other = (at: number, value: number) => empty.map((byte, i) => (i === at ? value : byte))
  test.each([
    ['a short file', empty.subarray(0, 8), 't: want 9 bytes, have 8 at byte 0'],
    ['another file', other(0, 7), 't: want magic number 0130ba30, have 0730ba30 at byte 0'],
    ['another version', other(4, 2), 't: want version 1, have 2 at byte 4'],
    ['a wrong checksum', other(8, 1), 't: want checksum 00000001, have 00000000 at byte 5'],
    ['a torn entry', sealed(Uint8Array.of(1, 2)), 't: want 1 bytes, have 0 at byte 7'],
  ])('%s', (_, bytes, message) => {
    expect(() => parseTombstones('t', bytes)).toThrow(CorruptionError)
    expect(() => parseTombstones('t', bytes)).toThrow(message)
  })
})
