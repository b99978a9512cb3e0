import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../src/engine/bytes/corruption.ts'
import { ByteReader } from '../../../src/engine/bytes/reader.ts'
import { ByteWriter, putUvarint } from '../../../src/engine/bytes/writer.ts'

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], byte => parseInt(byte, 16))
const reader = (hex: string) => new ByteReader(bytes(hex))

describe('reads', () => {
  test.each([
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ac02', 300],
    ['ffffffffffffff0f', 2 ** 53 - 1],
    // Longer than need be, as Go accepts it.
    ['808000', 0],
  ])('uvarint %s as %i', (hex, value) => {
    expect(reader(hex).uvarint()).toBe(value)
  })

  test.each([
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['03', -2],
    ['feffffffffffff0f', 2 ** 52 - 1],
    ['fdffffffffffff0f', -(2 ** 52) + 1],
  ])('varint %s as %i', (hex, value) => {
    expect(reader(hex).varint()).toBe(value)
  })

  test.each([
    ['0000000000000001', 1, 1],
    ['0000000100000000', 2 ** 32, 2 ** 32],
    ['001fffffffffffff', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['ffffffffffffffff', null, -1],
    ['ffffffff00000000', null, -(2 ** 32)],
    ['ffe0000000000001', null, Number.MIN_SAFE_INTEGER],
    ['0020000000000000', null, null],
    ['ffe0000000000000', null, null],
    ['8000000000000000', null, null],
  ])('the 64 bits %s unsigned as %s and signed as %s', (hex, unsigned, signed) => {
    expect(orNull(() => reader(hex).be64())).toBe(unsigned)
    expect(orNull(() => reader(hex).be64Signed())).toBe(signed)
  })

  test('fixed integers big-endian, from a slice of a larger buffer', () => {
    const r = new ByteReader(bytes('ff0102030405060708ff').subarray(1, 9))
    expect(r.u8()).toBe(1)
    expect(r.be16()).toBe(0x0203)
    expect(r.be32()).toBe(0x04050607)
    expect(r.left).toBe(1)
  })

  test('strings as UTF-8, a byte order mark included', () => {
    expect(reader('04f09f94a5').string()).toBe('🔥')
    expect(reader('03efbbbf').string()).toBe('\ufeff')
  })
})

describe('refuses', () => {
  test.each<[string, string, (r: ByteReader) => unknown]>([
    ['a byte behind the end', '', r => r.u8()],
    ['a half integer', '000000', r => r.be32()],
    ['a uvarint that does not end', 'ffff', r => r.uvarint()],
    ['a uvarint of eleven bytes', '8080808080808080808001', r => r.uvarint()],
    ['a uvarint beyond 2^53', '8080808080808010', r => r.uvarint()],
    ['a string longer than the rest', '0561', r => r.string()],
    ['a string whose length is absurd', 'ffffffffffffff0f61', r => r.string()],
  ])('%s', (_, hex, read) => {
    expect(() => read(reader(hex))).toThrow(CorruptionError)
  })

  test('saying where', () => {
    const r = reader('0102')
    r.u8()
    expect(() => r.be32()).toThrow('want 4 bytes, have 1 at byte 1')
  })
})

test('what a writer wrote reads back the same', () => {
  const integer = fc.maxSafeInteger()
  const half = fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 })
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(fc.array(fc.tuple(integer, half, text)), rows => {
      const w = new ByteWriter(1)
      for (const [a, b, c] of rows) {
        w.be64(a)
        w.uvarint(Math.abs(a))
        w.varint(b)
        w.string(c)
        w.zeros(2)
        w.be32(a >>> 0)
      }
      const r = new ByteReader(w.copy())
      for (const [a, b, c] of rows) {
        expect(r.be64Signed()).toBe(a)
        expect(r.uvarint()).toBe(Math.abs(a))
        expect(Object.is(r.varint(), b === 0 ? 0 : b)).toBe(true)
        expect(r.string()).toBe(c)
        expect(r.be16()).toBe(0)
        expect(r.be32()).toBe(a >>> 0)
      }
      expect(r.left).toBe(0)
    }),
  )
})

test('a writer that is reset writes over what it had, zeros included', () => {
  const w = new ByteWriter(4)
  w.raw(bytes('ffffffffff'))
  w.reset()
  w.zeros(3)
  expect(w.written()).toEqual(bytes('000000'))
  expect(putUvarint(w.written(), 0, 300)).toBe(2)
  expect(w.copy()).toEqual(bytes('ac0200'))
})

function orNull(read: () => number): number | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof CorruptionError) return null
    throw error
  }
}
