import { expect, test } from 'vitest'
import { xxhash64 } from '../../../src/engine/bytes/xxhash64.ts'

// From github.com/cespare/xxhash, which Prometheus hashes labels with: byte i is 7i + 3.
test.each([
  [0, 0xef46db3751d8e999n],
  [1, 0x1f25c8d0bc1f4bb6n],
  [3, 0x31d2363f52e564c9n],
  [4, 0x9bb64b7d66ee9fdan],
  [7, 0x9a7b149959ce60d8n],
  [8, 0xdab99d95c6f90092n],
  [12, 0xd52e407833af5133n],
  [31, 0xa2aa5f33cc4a6119n],
  [32, 0x23c3c17ef790fd97n],
  [33, 0x50a7cfc7ba588784n],
  [63, 0x5e3e54b431c7493cn],
  [64, 0x0eb64b3ef6eeb01fn],
  [300, 0x240004dbee0ba6dcn],
])('%i bytes have the hash of the reference', (length, hash) => {
  const bytes = Uint8Array.from({ length: length + 1 }, (_, i) => 7 * (i - 1) + 3)
  expect(xxhash64(bytes.subarray(1))).toBe(hash)
})
