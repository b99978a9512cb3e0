/** Bytes that are read of a file at once. */
export const sliceBytes = 256 * 1024

/** The slices of blocks' files that were read last, up to a number of bytes; shared by all blocks. */
export class ChunkCache {
  /** Of the slices that are kept. */
  bytes = 0
  private readonly budget: number
  /** The least recently used first. */
  private readonly slices = new Map<number, Slice>()
  private files = 0

  constructor(budgetBytes: number) {
    this.budget = budgetBytes
  }

  /** A number for a file that is opened. A file that takes the name of a removed one is another file. */
  register(): number {
    return this.files++
  }

  /** The slice with this number, read or being read. */
  find(file: number, slice: number): Promise<Uint8Array> | null {
    const key = keyOf(file, slice)
    const found = this.slices.get(key)
    if (!found) return null
    this.slices.delete(key)
    this.slices.set(key, found)
    return found.bytes
  }

  /** Keeps a slice that is being read; one that cannot be read is forgotten. */
  keep(file: number, slice: number, bytes: Promise<Uint8Array>, size: number): void {
    const key = keyOf(file, slice)
    this.drop(key)
    this.slices.set(key, { bytes, size })
    this.bytes += size
    bytes.catch(() => this.drop(key, bytes))
    for (const oldest of this.slices.keys()) {
      if (this.bytes <= this.budget) break
      this.drop(oldest)
    }
  }

  private drop(key: number, only?: Promise<Uint8Array>): void {
    const slice = this.slices.get(key)
    if (!slice || (only && slice.bytes !== only)) return
    this.slices.delete(key)
    this.bytes -= slice.size
  }
}

interface Slice {
  readonly bytes: Promise<Uint8Array>
  readonly size: number
}

/** 2^24 slices are 4 TiB. */
function keyOf(file: number, slice: number): number {
  return file * 2 ** 24 + slice
}
