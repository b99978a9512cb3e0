import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../src/engine/bytes/corruption.ts'
import { compress, uncompress } from '../../../src/engine/bytes/snappy.ts'

const limit = 1 << 20

test.each([0, 1, 2, 65_535, 65_536, 65_537, 300_000])('%i bytes come back', length => {
  for (const variety of [1, 3, 256]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 24) % variety)
    expect(Buffer.compare(uncompress(compress(bytes), limit), bytes)).toBe(0)
  }
})

test('any bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), bytes => {
      expect(uncompress(compress(bytes), limit)).toEqual(bytes)
    }),
  )
})

test.each([
  ['a literal whose length takes a byte', [3, 60 << 2, 2, 1, 2, 3], [1, 2, 3]],
  ['a literal whose length takes two', [2, 61 << 2, 1, 0, 1, 2], [1, 2]],
  ['a literal whose length takes three', [2, 62 << 2, 1, 0, 0, 1, 2], [1, 2]],
  ['a literal whose length takes four', [2, 63 << 2, 1, 0, 0, 0, 1, 2], [1, 2]],
  ['a copy with an offset of eleven bits', [6, 1 << 2, 1, 2, 1, 2], [1, 2, 1, 2, 1, 2]],
  ['a copy with an offset of sixteen bits', [5, 1 << 2, 1, 2, (2 << 2) | 2, 2, 0], [1, 2, 1, 2, 1]],
  ['a copy with an offset of 32 bits', [5, 1 << 2, 1, 2, (2 << 2) | 3, 2, 0, 0, 0], [1, 2, 1, 2, 1]],
])('reads %s', (_, block, bytes) => {
  expect([...uncompress(Uint8Array.from(block), limit)]).toEqual(bytes)
})

test('large blocks do not keep their memory', () => {
  const large = compress(new Uint8Array(3_000_000))
  expect(uncompress(large, 3_000_000)).toHaveLength(3_000_000)
  expect(uncompress(compress(new Uint8Array(10)), limit).buffer.byteLength).toBeLessThan(100_000)
})

describe('refuses', () => {
  test.each([
    ['nothing', []],
    ['a length that does not end', [0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a length beyond what the block could make', [0x80, 0x80, 0x04, 0, 65]],
    ['a copy from before the start', [5, 0, 65, (3 << 2) | 2, 100, 0]],
    ['fewer bytes than declared', [50, 0, 65]],
    ['more bytes than declared', [1, 4, 65, 66]],
    ['a literal that is cut off', [10, 9 << 2, 65]],
    ['a literal whose length is cut off', [10, 63 << 2, 1, 0]],
    ['a copy whose offset is cut off', [10, 0, 65, (3 << 2) | 2, 1]],
    ['a copy from nowhere', [5, 0, 65, (3 << 2) | 2, 0, 0]],
  ])('%s', (_, bytes) => {
    expect(() => uncompress(Uint8Array.from(bytes), limit)).toThrow(CorruptionError)
  })

  test('a block that is larger than the limit, before it takes memory', () => {
    const block = compress(new Uint8Array(5000))
    expect(uncompress(block, 5000)).toHaveLength(5000)
    expect(() => uncompress(block, 4999)).toThrow('declares 5000')
  })

  test('every truncation', () => {
    const block = compress(Uint8Array.from({ length: 1000 }, (_, i) => (i * i) >> 3))
    for (let length = 0; length < block.length; length++) {
      expect(() => uncompress(block.subarray(0, length), limit)).toThrow(CorruptionError)
    }
  })
})

test('damage gives an error or other bytes, never anything else, and the next block is fine', () => {
  const good = compress(new TextEncoder().encode('a label, a label, another label'))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      try {
        expect(uncompress(bytes, limit).length).toBeLessThanOrEqual(limit)
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
      expect(uncompress(good, limit)).toHaveLength(31)
    }),
  )
})
