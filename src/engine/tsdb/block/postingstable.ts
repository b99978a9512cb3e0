import { CorruptionError } from '../../bytes/corruption.ts'
import { ByteReader } from '../../bytes/reader.ts'
import type { Choice } from '../../model/postings.ts'
import { compareRaw } from './symbols.ts'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Entries [from, to) of one name. */
interface Span {
  readonly from: number
  readonly to: number
}

/** The postings offset table of an index: for each label the place of its list. The table's bytes are kept and
 *  looked up in; the values of a label become strings when they are asked for. */
export class PostingsTable {
  private readonly reader: ByteReader
  /** Where each entry's value stands (its length), in the order of names and values. */
  private readonly entries: Uint32Array
  private readonly spans = new Map<string, Span>()
  private readonly decoded = new Map<string, readonly string[]>()

  /** @param bytes the section between its length and its checksum
   *  @param sorted whether the entries must be in order; those of version 1 need not
   *  @throws CorruptionError with an offset in `bytes` */
  constructor(bytes: Uint8Array, sorted: boolean) {
    const r = new ByteReader(bytes)
    this.reader = r
    const count = r.be32()
    if (count * 4 > r.left) throw new CorruptionError(`want ${count} entries in ${r.left} bytes`, 0)
    this.entries = new Uint32Array(count)
    const places = new Map<string, number[]>()
    let last = new Uint8Array(0)
    let ofName: number[] = []
    for (let i = 0; i < count; i++) {
      const { name, valueAt } = readEntry(r)
      if (i === 0 || compareRaw(last, name) !== 0) {
        const text = utf8.decode(name)
        const known = places.get(text)
        if (sorted && (known || (i > 0 && compareRaw(last, name) > 0))) {
          throw new CorruptionError(`want names in order, have ${JSON.stringify(text)}`, valueAt)
        }
        ofName = known ?? []
        places.set(text, ofName)
        last = name as Uint8Array<ArrayBuffer>
      }
      ofName.push(valueAt)
    }
    this.fill(places, sorted)
  }

  /** All lists in the order of names and values: the label, and where its list begins. */
  *lists(): Generator<{ readonly name: string; readonly value: string; readonly offset: number }> {
    for (const [name, { from, to }] of this.spans) {
      for (let i = from; i < to; i++) {
        yield { name, value: utf8.decode(this.rawValue(i)), offset: this.offsetOf(i) }
      }
    }
  }

  /** Sorted label names. */
  names(): string[] {
    return [...this.spans.keys()].filter(name => name !== '')
  }

  /** Sorted values of a label. Lent: not to be changed. */
  values(name: string): readonly string[] {
    const known = this.decoded.get(name)
    if (known) return known
    const { from, to } = this.spans.get(name) ?? { from: 0, to: 0 }
    const values = Array.from({ length: to - from }, (_, i) => utf8.decode(this.rawValue(from + i)))
    this.decoded.set(name, values)
    return values
  }

  /** Where the lists of the chosen values begin, ascending. */
  placesOf({ name, literals, chosen }: Choice): number[] {
    const span = this.spans.get(name)
    if (!span) return []
    const places: number[] = []
    if (literals) {
      for (const value of new Set(literals)) {
        const entry = this.find(span, value)
        if (entry >= 0) places.push(this.offsetOf(entry))
      }
    } else {
      for (const [i, value] of this.values(name).entries()) {
        if (chosen(value)) places.push(this.offsetOf(span.from + i))
      }
    }
    return places.sort((a, b) => a - b)
  }

  private fill(places: ReadonlyMap<string, readonly number[]>, sorted: boolean): void {
    const names = sorted
      ? [...places.keys()]
      : [...places.keys()].sort((a, b) => compareRaw(encoder.encode(a), encoder.encode(b)))
    let from = 0
    for (const name of names) {
      const ofName = places.get(name) as readonly number[]
      this.entries.set(sorted ? ofName : this.byValue(ofName), from)
      const to = from + ofName.length
      this.checkOrder(from, to)
      this.spans.set(name, { from, to })
      from = to
    }
  }

  private byValue(places: readonly number[]): number[] {
    return places.toSorted((a, b) => compareRaw(this.valueAt(a), this.valueAt(b)))
  }

  private checkOrder(from: number, to: number): void {
    let last = this.rawValue(from)
    for (let i = from + 1; i < to; i++) {
      const value = this.rawValue(i)
      if (compareRaw(last, value) >= 0) {
        const text = JSON.stringify(utf8.decode(value))
        throw new CorruptionError(`want values in order, have ${text}`, this.entries[i] as number)
      }
      last = value
    }
  }

  private find({ from, to }: Span, value: string): number {
    const wanted = encoder.encode(value)
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareRaw(this.rawValue(middle), wanted) < 0) low = middle + 1
      else high = middle
    }
    return low < to && compareRaw(this.rawValue(low), wanted) === 0 ? low : -1
  }

  private rawValue(entry: number): Uint8Array {
    return this.valueAt(this.entries[entry] as number)
  }

  private valueAt(place: number): Uint8Array {
    this.reader.pos = place
    return this.reader.slice(this.reader.uvarint())
  }

  private offsetOf(entry: number): number {
    const { reader } = this
    reader.pos = this.entries[entry] as number
    reader.skip(reader.uvarint())
    return reader.uvarint()
  }
}

function readEntry(r: ByteReader): { name: Uint8Array; valueAt: number } {
  const start = r.pos
  const keys = r.uvarint()
  if (keys !== 2) throw new CorruptionError(`want 2 keys in an entry, have ${keys}`, start)
  const name = r.slice(r.uvarint())
  const valueAt = r.pos
  r.skip(r.uvarint())
  r.uvarint()
  return { name, valueAt }
}
