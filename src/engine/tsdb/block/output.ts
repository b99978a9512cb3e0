import { ByteWriter } from '../../bytes/writer.ts'
import type { Disk, FileWriter } from '../../disk/disk.ts'

const bufferBytes = 1024 * 1024

/** A finished file on its way to the disk: bytes are collected and written in large pieces. */
export class Output {
  private readonly buffer = new ByteWriter(16 * 1024)
  private readonly writer: FileWriter
  private flushed = 0

  constructor(writer: FileWriter) {
    this.writer = writer
  }

  /** Bytes so far. */
  get size(): number {
    return this.flushed + this.buffer.length
  }

  /** Whether `flush` should be called before more is put in. */
  get full(): boolean {
    return this.buffer.length >= bufferBytes
  }

  put(bytes: Uint8Array): void {
    this.buffer.raw(bytes)
  }

  /** Puts zeros up to a multiple of `size`. */
  align(size: number): void {
    this.buffer.zeros((size - (this.size % size)) % size)
  }

  async flush(): Promise<void> {
    if (this.buffer.length === 0) return
    await this.writer.write(this.buffer.written())
    this.flushed += this.buffer.length
    this.buffer.reset()
  }

  async close(): Promise<void> {
    await this.flush()
    await this.writer.close()
  }

  abort(): Promise<void> {
    return this.writer.abort()
  }
}

/** Writes a finished file; none is left when `fill` rejects. */
export async function writeFile(
  disk: Disk,
  path: string,
  fill: (out: Output) => Promise<void> | void,
): Promise<void> {
  const out = new Output(await disk.create(path))
  try {
    await fill(out)
    await out.close()
  } catch (error) {
    await out.abort()
    throw error
  }
}
