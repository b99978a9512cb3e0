import { ByteReader } from '../../bytes/reader.ts'
import { damage, within } from './damage.ts'
import { headBytes, type BlockFile } from './file.ts'

const windowBytes = 1024 * 1024

/** Goes through a file from front to back, past the cache. */
export class Scan {
  private readonly file: BlockFile
  private readonly read: (bytes: number) => void
  private reader = new ByteReader(new Uint8Array(0))
  /** The window is [base, end) of the file. */
  private base = 0
  private end = 0
  /** What was read once is not told again. */
  private furthest = 0

  /** @param read is told how many bytes were read, and may throw to end it */
  constructor(file: BlockFile, read: (bytes: number) => void) {
    this.file = file
    this.read = read
  }

  /** A reader that stands at a record which is there as a whole, lent until the next call. A promise of it only where
   *  the window ends.
   *  @param size as in `Records`
   *  @param end of the section
   *  @throws CorruptionError where it does not lie in the section */
  record(at: number, size: (r: ByteReader) => number, end: number): ByteReader | Promise<ByteReader> {
    if (at >= this.base && Math.min(at + headBytes, end) <= this.end) {
      if (at + this.sizeAt(at, size, end) <= this.end) return this.standAt(at)
    }
    return this.load(at, size, end)
  }

  private async load(at: number, size: (r: ByteReader) => number, end: number): Promise<ByteReader> {
    await this.fill(at, Math.min(at + windowBytes, end))
    const length = this.sizeAt(at, size, end)
    if (at + length > this.end) await this.fill(at, at + length)
    return this.standAt(at)
  }

  private async fill(from: number, to: number): Promise<void> {
    if (to <= from) throw damage(this.file.path, from, `a record before byte ${to}`, 'none')
    this.reader = new ByteReader(await this.file.readDirect(from, to))
    this.base = from
    this.end = to
    this.read(Math.max(0, to - Math.max(from, this.furthest)))
    this.furthest = Math.max(this.furthest, to)
  }

  private sizeAt(at: number, size: (r: ByteReader) => number, end: number): number {
    const { path } = this.file
    const length = within(path, this.base, () => size(this.standAt(at)))
    if (at + length <= end) return length
    throw damage(path, at, `a record of ${length} bytes`, `${end - at} bytes left`)
  }

  private standAt(at: number): ByteReader {
    this.reader.pos = at - this.base
    return this.reader
  }
}
