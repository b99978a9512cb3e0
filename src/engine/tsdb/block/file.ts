import { ByteReader } from '../../bytes/reader.ts'
import type { Disk } from '../../disk/disk.ts'
import { sliceBytes, type ChunkCache } from './cache.ts'
import { damage, within } from './damage.ts'

/** What all opened blocks share. */
export interface BlockShelf {
  readonly disk: Disk
  readonly cache: ChunkCache
}

/** Records are read together up to this size … */
const extentBytes = 1024 * 1024
/** … and when no more than this lies between them. */
const gapBytes = 16 * 1024
/** The length in front of a record has no more bytes. */
export const headBytes = 10
/** Guess at the size of a record whose end is not known. */
const recordBytes = 4096

/** Records of one kind in a file. */
export interface Records {
  readonly count: number
  /** Offsets should ascend: neighbours are read together. */
  offset(i: number): number
  /** Size of the record that the reader stands at, with everything that belongs to it. */
  size(r: ByteReader): number
  /** Where the section ends that they lie in. */
  readonly end: number
}

/** A finished file of a block, read in slices through the cache. */
export class BlockFile {
  readonly path: string
  readonly size: number
  private readonly shelf: BlockShelf
  private readonly number: number

  constructor(shelf: BlockShelf, path: string, size: number) {
    this.shelf = shelf
    this.path = path
    this.size = size
    this.number = shelf.cache.register()
  }

  /** The same file for a reader that has a cache of its own. */
  through(cache: ChunkCache): BlockFile {
    return new BlockFile({ disk: this.shelf.disk, cache }, this.path, this.size)
  }

  /** The bytes [from, to), past the cache. The caller owns them.
   *  @throws CorruptionError when the file has fewer */
  async readDirect(from: number, to: number): Promise<Uint8Array> {
    this.checkRange(from, to)
    const bytes = await this.shelf.disk.read(this.path, from, to)
    if (bytes.length !== to - from) {
      throw damage(this.path, from, `${to - from} bytes`, String(bytes.length))
    }
    return bytes
  }

  /** Tells records one after the other until `visit` answers false; answers whether all were told. The reader stands
   *  at the record, which is known to be there as a whole; what it gives is lent until `visit` returns.
   *  @throws CorruptionError where one does not lie in the section */
  async each(records: Records, visit: (i: number, r: ByteReader) => boolean): Promise<boolean> {
    for (let i = 0; i < records.count;) {
      const from = records.offset(i)
      const next = extentEnd(records, i)
      const end = Math.min(records.end, records.offset(next - 1) + recordBytes)
      if (!(from < end)) throw damage(this.path, from, `a record before byte ${records.end}`, 'none')
      const window = await this.read(from, end)
      for (; i < next; i++) {
        const at = records.offset(i)
        const size = this.sizeOf(records, at, window.reader(at, Math.min(at + headBytes, window.end)))
        const whole = at + size <= window.end ? window : await this.read(at, at + size)
        if (!visit(i, whole.reader(at, at + size))) return false
      }
    }
    return true
  }

  private sizeOf(records: Records, at: number, r: ByteReader): number {
    const size = within(this.path, at - r.pos, () => records.size(r))
    const left = records.end - at
    if (size > left) throw damage(this.path, at, `a record of ${size} bytes`, `${left} bytes left`)
    return size
  }

  private async read(from: number, to: number): Promise<Window> {
    this.checkRange(from, to)
    const first = Math.floor(from / sliceBytes)
    const slices = await Promise.all(this.slices(first, Math.floor((to - 1) / sliceBytes)))
    return new Window(first * sliceBytes, slices)
  }

  /** Slices `first` … `last`; those that are missing are read in runs. */
  private slices(first: number, last: number): Promise<Uint8Array>[] {
    const slices: Promise<Uint8Array>[] = []
    for (let slice = first; slice <= last;) {
      const known = this.shelf.cache.find(this.number, slice)
      if (known) slices.push(known)
      else slices.push(...this.load(slice, this.runEnd(slice, last)))
      slice = first + slices.length
    }
    return slices
  }

  /** The slice behind a run of missing ones. */
  private runEnd(slice: number, last: number): number {
    let end = slice + 1
    while (end <= last && !this.shelf.cache.find(this.number, end)) end++
    return end
  }

  private load(first: number, end: number): Promise<Uint8Array>[] {
    const from = first * sliceBytes
    const run = this.readDirect(from, Math.min(end * sliceBytes, this.size))
    return Array.from({ length: end - first }, (_, k) => {
      const size = Math.min(sliceBytes, this.size - from - k * sliceBytes)
      // A slice of its own: a view would keep the whole run in memory.
      const slice = run.then(bytes =>
        bytes.length === size ? bytes : bytes.slice(k * sliceBytes, k * sliceBytes + size),
      )
      this.shelf.cache.keep(this.number, first + k, slice, size)
      return slice
    })
  }

  private checkRange(from: number, to: number): void {
    if (to > this.size)
      throw damage(this.path, from, `${to - from} bytes`, String(Math.max(0, this.size - from)))
  }
}

/** Neighbouring slices of a file. */
class Window {
  /** Where the last one ends. */
  readonly end: number
  private readonly base: number
  private readonly slices: readonly Uint8Array[]
  private readonly readers: ByteReader[] = []

  constructor(base: number, slices: readonly Uint8Array[]) {
    this.base = base
    this.slices = slices
    this.end = slices.reduce((end, slice) => end + slice.length, base)
  }

  /** A reader that stands at `from` and has all up to `to`, lent until the next call. Only what lies across slices is
   *  copied. */
  reader(from: number, to: number): ByteReader {
    const first = Math.floor((from - this.base) / sliceBytes)
    const last = Math.floor((to - 1 - this.base) / sliceBytes)
    if (first < last) return new ByteReader(this.joined(from, to, first))
    const reader = (this.readers[first] ??= new ByteReader(this.slices[first] as Uint8Array))
    reader.pos = from - this.base - first * sliceBytes
    return reader
  }

  private joined(from: number, to: number, first: number): Uint8Array {
    const joined = new Uint8Array(to - from)
    let at = 0
    for (let i = first; at < joined.length; i++) {
      const start = from + at - this.base - i * sliceBytes
      const part = (this.slices[i] as Uint8Array).subarray(start, start + joined.length - at)
      joined.set(part, at)
      at += part.length
    }
    return joined
  }
}

/** The record behind those that are read together with record `i`. */
function extentEnd(records: Records, i: number): number {
  const from = records.offset(i)
  let last = from
  let next = i + 1
  for (; next < records.count; next++) {
    const offset = records.offset(next)
    if (offset < last || offset > last + gapBytes || offset > from + extentBytes) break
    // What lies outside is told when its turn comes.
    if (offset >= records.end) break
    last = offset
  }
  return next
}
