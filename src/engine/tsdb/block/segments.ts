// Chunk segments `chunks/000001`, … of a block (upstream `tsdb/chunks/chunks.go`):
//   ┌────────────────────┬────────────┬───────┐  then each chunk:
//   │ magic u32 85bd40dd │ version u8 │ 3 × 0 │  uvarint length of data │ encoding u8 │ data │ CRC32 u32
//   └────────────────────┴────────────┴───────┘
// The checksum covers encoding and data. A chunk is named by (file number - 1) · 2^32 + its offset.

import { ByteReader } from '../../bytes/reader.ts'
import type { ChunkCache } from './cache.ts'
import { checkSum, damage, hex } from './damage.ts'
import type { BlockFile } from './file.ts'

// On disk; never renumber.
export const segmentMagic = 0x85bd40dd
export const segmentHeaderBytes = 8
/** The last encoding that upstream has: those that are decodable, and histograms with start timestamps. */
const lastEncoding = 6
/** Of encoding and checksum, beside length and data. */
export const frameBytes = 5

/** A chunk out of a segment. */
export interface StoredChunk {
  readonly encoding: number
  readonly data: Uint8Array
  /** Of `data` in its file. */
  readonly path: string
  readonly offset: number
}

/** The segments of a block, by their number from 0 on. */
export class Segments {
  readonly files: ReadonlyMap<number, BlockFile>
  /** Of all segments. */
  readonly bytes: number
  private readonly folder: string
  private readonly checked = new Set<number>()

  constructor(folder: string, files: ReadonlyMap<number, BlockFile>) {
    this.folder = folder
    this.files = files
    this.bytes = [...files.values()].reduce((sum, file) => sum + file.size, 0)
  }

  /** The same segments for a reader that has a cache of its own. */
  through(cache: ChunkCache): Segments {
    const files = Array.from(this.files, ([number, file]) => [number, file.through(cache)] as const)
    return new Segments(this.folder, new Map(files))
  }

  /** Reads chunks one after the other, neighbours together, until `visit` answers false. The data is lent until
   *  it returns.
   *  @throws CorruptionError */
  async read(refs: readonly number[], visit: (i: number, chunk: StoredChunk) => boolean): Promise<void> {
    for (let from = 0; from < refs.length;) {
      const number = segmentOf(refs[from] as number)
      let to = from + 1
      while (to < refs.length && segmentOf(refs[to] as number) === number) to++
      const base = from
      const file = await this.open(number)
      const records = {
        count: to - base,
        offset: (i: number) => placeOf(file, refs[base + i] as number),
        size: chunkSize,
        end: file.size,
      }
      const all = await file.each(records, (i, r) =>
        visit(base + i, parseChunk(file.path, records.offset(i), r)),
      )
      if (!all) return
      from = to
    }
  }

  /** The segment, known to be one.
   *  @throws CorruptionError */
  async open(number: number): Promise<BlockFile> {
    const file = this.files.get(number)
    const path = `${this.folder}/${segmentName(number)}`
    if (!file) throw damage(path, 0, 'a chunk segment', 'no such file')
    if (this.checked.has(number)) return file
    checkSegmentHeader(path, await file.readDirect(0, segmentHeaderBytes))
    this.checked.add(number)
    return file
  }
}

/** @param number from 0 on */
export function segmentName(number: number): string {
  return String(number + 1).padStart(6, '0')
}

export function segmentOf(ref: number): number {
  return Math.floor(ref / 2 ** 32)
}

export function offsetOf(ref: number): number {
  return ref % 2 ** 32
}

function placeOf(file: BlockFile, ref: number): number {
  const offset = offsetOf(ref)
  if (offset >= segmentHeaderBytes) return offset
  throw damage(file.path, offset, 'a chunk behind the header', 'a reference into it')
}

function checkSegmentHeader(path: string, bytes: Uint8Array): void {
  const r = new ByteReader(bytes)
  const magic = r.be32()
  if (magic !== segmentMagic) throw damage(path, 0, `magic number ${hex(segmentMagic)}`, hex(magic))
  const version = r.u8()
  if (version !== 1) throw damage(path, 4, 'version 1', String(version))
}

/** Size of the chunk that the reader stands at, with its length, encoding and checksum. */
export function chunkSize(r: ByteReader): number {
  const front = r.pos
  const length = r.uvarint()
  return r.pos - front + length + frameBytes
}

/** @param r stands at the chunk's length; the data is lent by it
 *  @throws CorruptionError */
export function parseChunk(path: string, offset: number, r: ByteReader): StoredChunk {
  const front = r.pos
  const length = r.uvarint()
  const start = offset + r.pos - front
  const covered = r.slice(1 + length)
  checkSum(path, start, covered, r.be32())
  const kind = covered[0] as number
  if (kind < 1 || kind > lastEncoding) throw damage(path, start, `encoding 1–${lastEncoding}`, String(kind))
  return { encoding: kind, data: covered.subarray(1), path, offset: start + 1 }
}
