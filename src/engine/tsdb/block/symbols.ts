import { CorruptionError } from '../../bytes/corruption.ts'
import { ByteReader } from '../../bytes/reader.ts'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** The strings of an index. Their bytes are kept; those that were asked for, as strings, too. */
export class Symbols {
  readonly count: number
  private readonly bytes: Uint8Array
  /** Where each symbol's length stands in `bytes`, and where the last one ends. */
  private readonly starts: Uint32Array
  private readonly strings: (string | undefined)[]
  /** Added to a reference of version 1 it is an offset in `bytes`; null where references are ordinals. */
  private readonly base: number | null

  /** @param bytes the section between its length and its checksum
   *  @param base offset of `bytes` in the file when the index has version 1, else null
   *  @throws CorruptionError with an offset in `bytes` */
  constructor(bytes: Uint8Array, base: number | null) {
    const r = new ByteReader(bytes)
    const count = r.be32()
    if (count > r.left) throw new CorruptionError(`want ${count} symbols in ${r.left} bytes`, 0)
    const starts = new Uint32Array(count + 1)
    for (let i = 0; i < count; i++) {
      starts[i] = r.pos
      r.skip(r.uvarint())
    }
    starts[count] = r.pos
    this.count = count
    this.bytes = bytes
    this.starts = starts
    this.strings = new Array<string | undefined>(count)
    this.base = base
  }

  /** The symbol that a series refers to.
   *  @throws CorruptionError with offset 0 when there is none */
  of(ref: number): string {
    const ordinal = this.base === null ? ref : this.ordinalAt(ref - this.base)
    if (ordinal < 0 || ordinal >= this.count) {
      throw new CorruptionError(`want a symbol of ${this.count}, have reference ${ref}`, 0)
    }
    return (this.strings[ordinal] ??= utf8.decode(this.raw(ordinal)))
  }

  /** The first symbol that is not above the one before it; -1 when all ascend. */
  firstUnsorted(): number {
    for (let i = 1; i < this.count; i++) if (compareRaw(this.raw(i - 1), this.raw(i)) >= 0) return i
    return -1
  }

  /** Where a symbol stands in the section. */
  startOf(ordinal: number): number {
    return this.starts[ordinal] as number
  }

  private raw(ordinal: number): Uint8Array {
    const r = new ByteReader(this.bytes.subarray(this.startOf(ordinal), this.startOf(ordinal + 1)))
    return r.slice(r.uvarint())
  }

  /** The symbol whose length stands at this place, -1 when none does. */
  private ordinalAt(place: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.startOf(middle) < place) low = middle + 1
      else high = middle
    }
    return low < this.count && this.startOf(low) === place ? low : -1
  }
}

/** Order of byte strings, the one in which an index has its symbols. */
export function compareRaw(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const order = (a[i] as number) - (b[i] as number)
    if (order !== 0) return order
  }
  return a.length - b.length
}
