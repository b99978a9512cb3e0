import { decompress } from 'fzstd'
import { CorruptionError } from './corruption.ts'

// Zstandard, one frame (RFC 8878 §3.1.1); skippable frames and dictionaries are refused, the checksum is passed over:
//   magic u32 │ descriptor u8 │ window u8, unless single segment │ content size, 0 to 8 bytes │ block… │ checksum u32?
//   block: u24 { last: 1, type: 2, size: 21 }, all little-endian; then the bytes. An RLE block has one, for `size`.

const magic = 0xfd2fb528
const blockType = { raw: 0, rle: 1, compressed: 2 } as const
const maxBlockBytes = 128 * 1024
/** What every decoder has to accept (RFC 8878 §3.1.1.1.2), and no writer of small frames goes beyond. */
const maxWindowBytes = 8 * 1024 * 1024

/** Uncompresses a frame.
 *  @param limit the most bytes that the result may have; what a frame declares is not to be trusted
 *  @throws CorruptionError */
export function uncompress(bytes: Uint8Array, limit: number): Uint8Array {
  checkFrame(bytes, limit)
  try {
    return decompress(bytes)
  } catch (cause) {
    throw new CorruptionError('not a zstd frame', 0, { cause })
  }
}

/** Walks over the blocks without decoding them, so that no memory is taken for what cannot be there. */
function checkFrame(bytes: Uint8Array, limit: number): void {
  const { content, windowBytes, blocks, checksum } = readHeader(bytes)
  const blockBytes = Math.min(maxBlockBytes, windowBytes)
  let at = blocks
  let most = 0
  for (let last = false; !last;) {
    const word = little(bytes, at, 3)
    const type = (word >> 1) & 3
    const size = word >> 3
    last = (word & 1) === 1
    if (size > blockBytes) throw new CorruptionError(`zstd block of ${size} bytes, want ≤ ${blockBytes}`, at)
    most += type === blockType.compressed ? blockBytes : size
    at += 3 + (type === blockType.rle ? 1 : size)
  }
  const end = at + (checksum ? 4 : 0)
  if (end !== bytes.length)
    throw new CorruptionError(`zstd frame ends at ${end}, have ${bytes.length} bytes`, at)
  if ((content ?? most) > Math.min(limit, most)) {
    throw new CorruptionError(`zstd frame of ${bytes.length} bytes declares ${content ?? `up to ${most}`}`, 0)
  }
}

interface FrameHeader {
  /** Bytes that the frame declares to hold. */
  readonly content: number | null
  readonly windowBytes: number
  /** Offset of the first block. */
  readonly blocks: number
  readonly checksum: boolean
}

function readHeader(bytes: Uint8Array): FrameHeader {
  if (little(bytes, 0, 4) !== magic) throw new CorruptionError('zstd frame has no magic number', 0)
  const descriptor = little(bytes, 4, 1)
  const single = (descriptor & 0x20) !== 0
  if ((descriptor & 0x0b) !== 0) throw new CorruptionError('zstd frame wants a dictionary', 4)
  const windowAt = 5
  const contentAt = windowAt + (single ? 0 : 1)
  const contentLength = descriptor >> 6 === 0 ? (single ? 1 : 0) : 1 << (descriptor >> 6)
  const declared = little(bytes, contentAt, contentLength) + (contentLength === 2 ? 256 : 0)
  const content = contentLength === 0 ? null : declared
  const windowBytes = single ? declared : windowOf(little(bytes, windowAt, 1))
  if (content === null && windowBytes > maxWindowBytes) {
    throw new CorruptionError(`zstd window of ${windowBytes} bytes, want ≤ ${maxWindowBytes}`, windowAt)
  }
  const checksum = (descriptor & 4) !== 0
  return { content, windowBytes, blocks: contentAt + contentLength, checksum }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** An unsigned integer, the lowest byte first. */
function little(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw new CorruptionError('zstd frame is cut off', at)
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number)
  return value
}
