import { CorruptionError } from '../../bytes/corruption.ts'
import type { Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import {
  checkFileHeader,
  chunkRef,
  endOfChunk,
  fileHeaderBytes,
  isUnwritten,
  maxMetaBytes,
  readChunk,
  type HeadChunk,
} from './format.ts'

/** Takes a chunk, whose bytes are a view into all that was read with them: whoever keeps them for long copies them. A
 *  `CorruptionError` means that the chunk is damaged. */
export type ChunkVisitor = (chunk: HeadChunk, chunkRef: number) => void

/** A file that is on the disk. */
export interface ChunkFile {
  readonly number: number
  bytes: number
  /** The latest time of a chunk that came in order. */
  maxT: number
}

/** What is wrong with a file. */
export interface Damage {
  readonly message: string
  /** Up to here reading was good; 0 when even the header is not. */
  readonly goodEnd: number
  /** The file ends within its header or a chunk, and nothing else is wrong. */
  readonly torn: boolean
}

const pieceBytes = 1024 * 1024
/** How long reading goes on before other tasks get their turn. */
const sliceMs = 20

export function filePath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(6, '0')}`
}

/** Numbers of the files among names, in order. */
export function fileNumbers(names: readonly string[]): number[] {
  return names
    .filter(name => /^\d{6,7}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

export function emptyFile(number: number): ChunkFile {
  return { number, bytes: 0, maxT: -Infinity }
}

export function noteChunk(file: ChunkFile, { outOfOrder, maxT }: HeadChunk): void {
  if (!outOfOrder) file.maxT = Math.max(file.maxT, maxT)
}

/** Reads files in pieces and tells their chunks, with pauses for others. */
export class ChunkFileReader {
  private readonly disk: Disk
  private readonly host: Host
  private readonly folder: string
  private readonly visit: ChunkVisitor
  private pausedAt: number

  constructor(disk: Disk, host: Host, folder: string, visit: ChunkVisitor) {
    this.disk = disk
    this.host = host
    this.folder = folder
    this.visit = visit
    this.pausedAt = host.monotonic()
  }

  /** Reads a file up to the end of its chunks or the first damage.
   *  @throws what the disk and the visitor throw */
  async read(number: number): Promise<{ file: ChunkFile; damage: Damage | null }> {
    const path = filePath(this.folder, number)
    const file = emptyFile(number)
    file.bytes = await this.disk.size(path)
    let piece = new Piece(file, await this.disk.read(path, 0, pieceBytes), 0)
    let damage = piece.tell(this.visit)
    while (piece.wanted > 0) {
      if (this.host.monotonic() - this.pausedAt > sliceMs) await this.pause()
      const bytes = await this.disk.read(path, piece.end, piece.end + Math.max(pieceBytes, piece.wanted))
      piece = new Piece(file, bytes, piece.end)
      damage = piece.tell(this.visit)
    }
    return { file, damage }
  }

  private async pause(): Promise<void> {
    await this.host.yield()
    this.pausedAt = this.host.monotonic()
  }
}

class TornError extends CorruptionError {}

/** A part of a file that begins with its header or with a chunk. */
class Piece {
  /** Up to here the file was told. */
  end: number
  /** Bytes behind `end` that have to be read to go on; 0 when there is nothing more to tell. */
  wanted = 0
  private readonly file: ChunkFile
  private readonly bytes: Uint8Array
  private readonly start: number

  /** @param bytes at least as many as the piece before wanted, or all that the file has */
  constructor(file: ChunkFile, bytes: Uint8Array, start: number) {
    this.file = file
    this.bytes = bytes
    this.start = start
    this.end = start
  }

  /** Tells chunks up to the end of the piece or the first damage, which it answers. */
  tell(visit: ChunkVisitor): Damage | null {
    try {
      if (this.start === 0) this.readHeader()
      while (this.next(visit)) continue
      return null
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      const torn = error instanceof TornError
      const message = torn || this.end === 0 ? error.message : `chunk at byte ${this.end}: ${error.message}`
      return { message, goodEnd: this.end, torn }
    }
  }

  private readHeader(): void {
    if (isUnwritten(this.bytes)) throw new TornError('file without a header, which ends', this.bytes.length)
    checkFileHeader(this.bytes)
    this.end = fileHeaderBytes
  }

  private next(visit: ChunkVisitor): boolean {
    const { bytes, file, start } = this
    const at = this.end - start
    const more = start + bytes.length < file.bytes
    if (more && bytes.length - at < maxMetaBytes) this.wanted = maxMetaBytes
    if (this.wanted > 0 || at === bytes.length) return false
    const end = endOfChunk(bytes, at)
    if (end === null) return false
    if (start + end > file.bytes)
      throw new TornError(`file ends within a chunk of ${end - at} bytes that begins`, this.end)
    if (end > bytes.length) {
      this.wanted = end - at
      return false
    }
    const chunk = readChunk(bytes, at, end)
    const ref = chunkRef(file.number, this.end)
    visit(chunk, ref)
    noteChunk(file, chunk)
    this.end = start + end
    return true
  }
}
