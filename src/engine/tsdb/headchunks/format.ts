// File of chunks of the head (upstream `tsdb/chunks/head_chunks.go`, `tsdb/docs/format/head_chunks.md`):
//   ┌───────────────────┬────────────┬───────────┬───────┬───────┬───┬───────┐
//   │ magic 0130BC91 u32│ version u8 │ 3 zeros   │ chunk │ chunk │ … │ zeros │     zeros where room was taken in advance
//   └───────────────────┴────────────┴───────────┴───────┴───────┴───┴───────┘
//   ┌────────────┬──────────┬──────────┬─────────────┬────────────────┬──────┬────────────┐
//   │ series u64 │ minT i64 │ maxT i64 │ encoding u8 │ length uvarint │ data │ CRC-32C u32│     the CRC is over all
//   └────────────┴──────────┴──────────┴─────────────┴────────────────┴──────┴────────────┘     that is in front of it
// Both times are of samples in the chunk. The top bit of the encoding says that they came out of order. Data begins with
// the number of samples, u16. The number of a chunk is that of its file times 2^32, plus where it begins.

import { CorruptionError } from '../../bytes/corruption.ts'
import { crc32c } from '../../bytes/crc32c.ts'
import { ByteReader } from '../../bytes/reader.ts'
import type { ByteWriter } from '../../bytes/writer.ts'
import type { SeriesRef } from '../../model/store.ts'

/** A chunk of the head that is finished, or of which out-of-order samples were put aside. */
export interface HeadChunk {
  readonly ref: SeriesRef
  /** Milliseconds of the first sample and of the last one. */
  readonly minT: number
  readonly maxT: number
  /** As in blocks: 1 XOR, 2 histograms, 3 float histograms … Of one that is read it may be any up to 127. */
  readonly encoding: number
  readonly outOfOrder: boolean
  readonly samples: number
  /** As encoded in blocks, the number of samples in front. */
  readonly bytes: Uint8Array
}

export const fileHeaderBytes = 8
/** The longest that can be around the data of a chunk; upstream, too, wants a file to have as much left for each. */
export const maxMetaBytes = 34

const magic = 0x0130bc91
const version = 1
const outOfOrderBit = 0x80
const frontBytes = 25
const checksumBytes = 4

export function chunkRef(file: number, offset: number): number {
  return file * 2 ** 32 + offset
}

export function writeFileHeader(out: ByteWriter): void {
  out.be32(magic)
  out.u8(version)
  out.zeros(3)
}

/** @param bytes the front of a file
 *  @throws CorruptionError */
export function checkFileHeader(bytes: Uint8Array): void {
  const r = new ByteReader(bytes)
  const foundMagic = r.be32()
  if (foundMagic !== magic)
    throw new CorruptionError(`want magic number ${hex(magic)}, have ${hex(foundMagic)}`, 0)
  const foundVersion = r.u8()
  if (foundVersion !== version) throw new CorruptionError(`want version ${version}, have ${foundVersion}`, 4)
  r.skip(3)
}

/** The most bytes that a chunk takes in a file. */
export function roomFor({ bytes }: HeadChunk): number {
  return maxMetaBytes + bytes.length
}

export function writeChunk(out: ByteWriter, chunk: HeadChunk): void {
  const start = out.length
  out.be64(chunk.ref)
  out.be64(chunk.minT)
  out.be64(chunk.maxT)
  out.u8(chunk.encoding | (chunk.outOfOrder ? outOfOrderBit : 0))
  out.uvarint(chunk.bytes.length)
  out.raw(chunk.bytes)
  out.be32(crc32c(out.written().subarray(start)))
}

/** Whether this is the front of a file in which nothing was written, though room for it may have been taken. */
export function isUnwritten(front: Uint8Array): boolean {
  return front.length < fileHeaderBytes || isZeros(front.subarray(0, 4))
}

/** Where the chunk at `at` ends, which may be beyond the bytes; null where chunks end, because only zeros follow.
 *  @param bytes from there on `maxMetaBytes` or more, fewer only at the end of the file
 *  @throws CorruptionError with an offset in the chunk */
export function endOfChunk(bytes: Uint8Array, at: number): number | null {
  const rest = bytes.subarray(at, at + maxMetaBytes)
  if (isZeros(rest.length < maxMetaBytes ? rest : rest.subarray(0, frontBytes - 1))) return null
  if (rest.length < maxMetaBytes) return at + maxMetaBytes
  const r = new ByteReader(rest)
  r.skip(frontBytes)
  const length = r.uvarint()
  if (r.pos > frontBytes + 5) throw new CorruptionError('want a chunk length of 5 bytes or less', frontBytes)
  return at + r.pos + length + checksumBytes
}

/** Reads a chunk, whose bytes are lent.
 *  @param end from `endOfChunk`, within the bytes
 *  @throws CorruptionError with an offset in the chunk */
export function readChunk(bytes: Uint8Array, at: number, end: number): HeadChunk {
  const checked = bytes.subarray(at, end - checksumBytes)
  const wanted = new ByteReader(bytes.subarray(end - checksumBytes, end)).be32()
  const found = crc32c(checked)
  if (found !== wanted)
    throw new CorruptionError(`want checksum ${hex(wanted)}, have ${hex(found)}`, checked.length)
  const r = new ByteReader(checked)
  const ref = r.be64()
  const minT = r.be64Signed()
  const maxT = r.be64Signed()
  const encoding = r.u8()
  const data = r.slice(r.uvarint())
  if (data.length < 2)
    throw new CorruptionError(`want a chunk of 2 bytes or more, have ${data.length}`, r.pos)
  return {
    ...{ ref, minT, maxT },
    encoding: encoding & ~outOfOrderBit,
    outOfOrder: (encoding & outOfOrderBit) !== 0,
    samples: ((data[0] as number) << 8) | (data[1] as number),
    bytes: data,
  }
}

function isZeros(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
