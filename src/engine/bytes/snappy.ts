import { snappyCompressor } from 'hysnappy'
import { CorruptionError } from './corruption.ts'

// Snappy's block format: the uncompressed length as uvarint, then literals and copies; no frames, no checksum.
// https://github.com/google/snappy/blob/main/format_description.txt
//   literal  length - 1: 6 bits, 00 │ bytes                         60 … 63: the length - 1 is in the next 1 … 4 bytes
//   copy     offset: 3 bits, length - 4: 3 bits, 01 │ offset: 8 bits
//            length - 1: 6 bits, 10 │ offset u16                    11 │ offset u32; both little-endian

/** An instance of the WebAssembly module, made at first use and kept: making one takes longer than a record. */
let compressor: ((bytes: Uint8Array) => Uint8Array) | null = null

export function compress(bytes: Uint8Array): Uint8Array {
  compressor ??= snappyCompressor()
  return compressor(bytes)
}

/** Kept between blocks up to this size. */
const mostKept = 1024 * 1024
let scratch = new Uint8Array(64 * 1024)
/** Up to here a loop is quicker than a call. */
const shortCopy = 32

/** Uncompresses a block. Records are small, and a log has many: WebAssembly needs as long to get the bytes in and out, into a
 *  new array each time, and a replay took a tenth longer with it.
 *  @param limit the most bytes that the result may have; what a block declares is not to be trusted
 *  @returns bytes that are lent until the next call
 *  @throws CorruptionError */
export function uncompress(bytes: Uint8Array, limit: number): Uint8Array {
  const { length, from } = readLength(bytes)
  // Nothing in the format makes more than 64 bytes of three: what declares more is lying.
  if (length > Math.min(limit, bytes.length * 22)) {
    throw new CorruptionError(`snappy block of ${bytes.length} bytes declares ${length}`, 0)
  }
  if (length > scratch.length || (scratch.length > mostKept && length <= mostKept)) {
    scratch = new Uint8Array(Math.max(length, 64 * 1024))
  }
  const out = scratch
  let o = 0
  let i = from
  while (i < bytes.length) {
    const tag = bytes[i++] as number
    const kind = tag & 3
    let size = (tag >>> 2) + 1
    if (kind === 0) {
      if (size > 60) {
        const width = size - 60
        size = little(bytes, i, width) + 1
        i += width
      }
      if (size > bytes.length - i || size > length - o) throw damage(i)
      if (size > shortCopy) out.set(bytes.subarray(i, i + size), o)
      else for (let k = 0; k < size; k++) out[o + k] = bytes[i + k] as number
      i += size
    } else {
      let offset = bytes[i] as number
      if (kind === 1) {
        offset |= (tag >>> 5) << 8
        size = ((tag >>> 2) & 7) + 4
        i++
      } else if (kind === 2) {
        offset |= (bytes[i + 1] as number) << 8
        i += 2
      } else {
        offset = little(bytes, i, 4)
        i += 4
      }
      if (i > bytes.length) throw damage(i)
      if (offset === 0 || offset > o || size > length - o) throw damage(i)
      // The bytes may overlap: then what was copied is copied again.
      for (let k = 0; k < size; k++) out[o + k] = out[o + k - offset] as number
    }
    o += size
  }
  if (o < length) throw damage(i)
  return out.subarray(0, length)
}

/** An unsigned integer in the next bytes. */
function little(bytes: Uint8Array, at: number, width: number): number {
  if (width > bytes.length - at) throw damage(at)
  let value = 0
  for (let k = 0; k < width; k++) value |= (bytes[at + k] as number) << (8 * k)
  return value >>> 0
}

function damage(at: number): CorruptionError {
  return new CorruptionError('not a snappy block', at)
}

function readLength(bytes: Uint8Array): { length: number; from: number } {
  let length = 0
  for (let i = 0, scale = 1; i < 5; i++, scale *= 128) {
    const byte = bytes[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * scale
    if (byte < 0x80) return { length, from: i + 1 }
  }
  throw new CorruptionError('snappy block has no length', 0)
}
