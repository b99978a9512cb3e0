import { ByteWriter } from '../../bytes/writer.ts'
import { crc32c } from '../../bytes/crc32c.ts'
import type { Disk } from '../../disk/disk.ts'
import { Output } from './output.ts'
import { frameBytes, segmentHeaderBytes, segmentMagic, segmentName } from './segments.ts'

/** Upstream's `DefaultChunkSegmentSize`. */
const segmentBytes = 512 * 1024 * 1024
/** Upstream counts the longest length field (`MaxChunkLengthFieldSize`) before it decides where to cut. */
const lengthBytes = 5

export interface EncodedChunk {
  readonly encoding: number
  readonly bytes: Uint8Array
}

/** Writes chunk segments, cut where upstream's `chunks.Writer` cuts them. */
export class SegmentWriter {
  private readonly disk: Disk
  private readonly folder: string
  private readonly limit: number
  private readonly frame = new ByteWriter(2048)
  private out: Output | null = null
  private number = -1

  /** @param limit bytes of a segment; a chunk that is larger has one of its own */
  constructor(disk: Disk, folder: string, limit = segmentBytes) {
    this.disk = disk
    this.folder = folder
    this.limit = limit
  }

  /** Writes the chunks of one series; answers their references, and a promise of them only where a file is to be begun or
   *  written to. */
  add(chunks: readonly EncodedChunk[]): number[] | Promise<number[]> {
    const { out } = this
    const start = out?.size ?? segmentHeaderBytes
    const most = chunks.reduce((sum, chunk) => sum + mostBytes(chunk), 0)
    if (!out || out.full || start + most > this.limit) return this.addWaiting(chunks)
    return chunks.map(chunk => this.put(out, chunk))
  }

  private async addWaiting(chunks: readonly EncodedChunk[]): Promise<number[]> {
    const refs: number[] = []
    let start = this.out?.size ?? segmentHeaderBytes
    let estimate = 0
    for (const chunk of chunks) {
      const most = mostBytes(chunk)
      const cut = start + estimate + most > this.limit && start + estimate > segmentHeaderBytes
      if (cut) {
        start = segmentHeaderBytes
        estimate = 0
      }
      estimate += most
      const out = this.out && !cut ? this.out : await this.next()
      if (out.full) await out.flush()
      refs.push(this.put(out, chunk))
    }
    return refs
  }

  private put(out: Output, chunk: EncodedChunk): number {
    const ref = this.number * 2 ** 32 + out.size
    out.put(this.framed(chunk))
    return ref
  }

  async close(): Promise<void> {
    await this.out?.close()
    this.out = null
  }

  async abort(): Promise<void> {
    await this.out?.abort()
    this.out = null
  }

  private async next(): Promise<Output> {
    await this.close()
    this.number++
    const out = new Output(await this.disk.create(`${this.folder}/${segmentName(this.number)}`))
    this.out = out
    const header = new ByteWriter(segmentHeaderBytes)
    header.be32(segmentMagic)
    header.u8(1)
    header.zeros(3)
    out.put(header.written())
    return out
  }

  /** The chunk with its length, encoding and checksum, lent. */
  private framed({ encoding, bytes }: EncodedChunk): Uint8Array {
    const { frame } = this
    frame.reset()
    frame.uvarint(bytes.length)
    const covered = frame.length
    frame.u8(encoding)
    frame.raw(bytes)
    frame.be32(crc32c(frame.written().subarray(covered)))
    return frame.written()
  }
}

function mostBytes({ bytes }: EncodedChunk): number {
  return lengthBytes + frameBytes + bytes.length
}
