import { expect, test } from 'vitest'
import fc from 'fast-check'
import { crc32c } from '../../../src/engine/bytes/crc32c.ts'

// RFC 3720, B.4, and the check value of the algorithm's catalogue.
test.each([
  ['nothing', new Uint8Array(0), 0],
  ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 rising bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 falling bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
])('%s has the checksum of the specification', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected)
})

test('equals the definition, bit by bit, at every length and offset', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(9), (bytes, offset) => {
      expect(crc32c(bytes.subarray(offset))).toBe(bitwise(bytes.subarray(offset)))
    }),
  )
})

test('goes on from the checksum of what was before', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), (bytes, cut) => {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes))
    }),
  )
})

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
