import { snappyCompressor, snappyUncompressor } from 'hysnappy'
import { CorruptionError } from './corruption.ts'

// Snappy's block format: the uncompressed length as uvarint, then literals and copies; no frames, no checksum.
// https://github.com/google/snappy/blob/main/format_description.txt

// Instances of the WebAssembly module, made at first use and kept: making one takes longer than a record.
let compressor: ((bytes: Uint8Array) => Uint8Array) | null = null
let uncompressor: ((bytes: Uint8Array, length: number) => Uint8Array) | null = null

export function compress(bytes: Uint8Array): Uint8Array {
  compressor ??= snappyCompressor()
  return compressor(bytes)
}

/** Uncompresses a block.
 *  @param limit the most bytes that the result may have; what a block declares is not to be trusted
 *  @throws CorruptionError */
export function uncompress(bytes: Uint8Array, limit: number): Uint8Array {
  const length = declaredLength(bytes)
  // Nothing in the format makes more than 64 bytes of three: what declares more is lying.
  if (length > Math.min(limit, bytes.length * 22)) {
    throw new CorruptionError(`snappy block of ${bytes.length} bytes declares ${length}`, 0)
  }
  if (length === 0) return new Uint8Array(0)
  uncompressor ??= snappyUncompressor()
  try {
    return uncompressor(bytes, length)
  } catch (cause) {
    // A trap may have left the instance in any state.
    uncompressor = null
    throw new CorruptionError('not a snappy block', 0, { cause })
  }
}

function declaredLength(bytes: Uint8Array): number {
  let length = 0
  for (let i = 0, scale = 1; i < 5; i++, scale *= 128) {
    const byte = bytes[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * scale
    if (byte < 0x80) return length
  }
  throw new CorruptionError('snappy block has no length', 0)
}
