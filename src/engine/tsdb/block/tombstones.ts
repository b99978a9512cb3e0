// Tombstones: what was deleted of a block's series (upstream `tsdb/tombstones/tombstones.go`).
//   ┌────────────────────┬────────────┬──────────────────────────────────────────┬───────────┐
//   │ magic u32 0130BA30 │ version u8 │ then each: ref uvarint, minT, maxT varint │ CRC32 u32 │
//   └────────────────────┴────────────┴──────────────────────────────────────────┴───────────┘
// The checksum covers the entries alone. Their order is any.

import { crc32c } from '../../bytes/crc32c.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import type { TimeRange } from '../../model/store.ts'
import { checkSum, damage, within } from './damage.ts'

const magic = 0x0130ba30
const headerBytes = 5
const sumBytes = 4

/** More is not read: of a million series that are deleted, 18 MB are. */
export const maxTombstoneBytes = 32 * 1024 * 1024

/** Deleted intervals by series, both ends deleted, ascending and apart. Numbers in columns: an object for each would take
 *  fifty times the bytes that a file needs to have it made. */
export class Tombstones {
  /** Of all intervals, ascending. */
  private readonly refs: Float64Array
  private readonly minTs: Float64Array
  private readonly maxTs: Float64Array

  private constructor(refs: Float64Array, minTs: Float64Array, maxTs: Float64Array) {
    this.refs = refs
    this.minTs = minTs
    this.maxTs = maxTs
  }

  /** Any intervals, in any order. */
  static of(all: Iterable<readonly [ref: number, intervals: readonly TimeRange[]]>): Tombstones {
    const rows = new Rows()
    for (const [ref, intervals] of all) for (const { minT, maxT } of intervals) rows.add(ref, minT, maxT)
    return Tombstones.from(rows)
  }

  /** The same milliseconds in intervals that do not touch. */
  static from(rows: Rows): Tombstones {
    const { refs, minTs, maxTs } = rows
    const joined = new Rows(rows.count)
    for (const i of rows.order()) joined.join(refs[i] as number, minTs[i] as number, maxTs[i] as number)
    const { count } = joined
    return new Tombstones(
      joined.refs.subarray(0, count),
      joined.minTs.subarray(0, count),
      joined.maxTs.subarray(0, count),
    )
  }

  /** How many intervals there are, of all series (upstream `NumTombstones`). */
  get count(): number {
    return this.refs.length
  }

  get(ref: number): readonly TimeRange[] {
    const { refs, minTs, maxTs } = this
    const found: TimeRange[] = []
    for (let i = this.firstOf(ref); refs[i] === ref; i++)
      found.push({ minT: minTs[i] as number, maxT: maxTs[i] as number })
    return found
  }

  /** All intervals, by series. */
  *each(): Generator<{ readonly ref: number } & TimeRange> {
    const { refs, minTs, maxTs } = this
    for (let i = 0; i < refs.length; i++)
      yield { ref: refs[i] as number, minT: minTs[i] as number, maxT: maxTs[i] as number }
  }

  private firstOf(ref: number): number {
    let low = 0
    let high = this.refs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.refs[middle] as number) < ref) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Intervals that are being collected. */
class Rows {
  count = 0
  refs: Float64Array
  minTs: Float64Array
  maxTs: Float64Array

  constructor(capacity = 16) {
    this.refs = new Float64Array(capacity)
    this.minTs = new Float64Array(capacity)
    this.maxTs = new Float64Array(capacity)
  }

  add(ref: number, minT: number, maxT: number): void {
    if (maxT < minT) return
    if (this.count === this.refs.length) this.grow()
    const i = this.count++
    this.refs[i] = ref
    this.minTs[i] = minT
    this.maxTs[i] = maxT
  }

  /** Adds an interval that begins no earlier than the last one of its series; they become one where they touch. */
  join(ref: number, minT: number, maxT: number): void {
    const last = this.count - 1
    if (last < 0 || this.refs[last] !== ref || minT > (this.maxTs[last] as number) + 1)
      return this.add(ref, minT, maxT)
    this.maxTs[last] = Math.max(this.maxTs[last] as number, maxT)
  }

  /** Places of the intervals by series and beginning. */
  order(): Uint32Array {
    const { refs, minTs, count } = this
    const compare = (a: number, b: number) =>
      (refs[a] as number) - (refs[b] as number) || (minTs[a] as number) - (minTs[b] as number)
    const order = Uint32Array.from({ length: count }, (_, i) => i)
    for (let i = 1; i < count; i++) if (compare(i - 1, i) > 0) return order.sort(compare)
    return order
  }

  private grow(): void {
    const larger = new Rows(Math.max(16, this.count * 2))
    larger.refs.set(this.refs)
    larger.minTs.set(this.minTs)
    larger.maxTs.set(this.maxTs)
    this.refs = larger.refs
    this.minTs = larger.minTs
    this.maxTs = larger.maxTs
  }
}

/** @throws CorruptionError */
export function parseTombstones(path: string, bytes: Uint8Array): Tombstones {
  if (bytes.length < headerBytes + sumBytes) {
    throw damage(path, 0, `${headerBytes + sumBytes} bytes`, String(bytes.length))
  }
  const header = new ByteReader(bytes)
  const found = header.be32()
  if (found !== magic) throw damage(path, 0, 'magic number 0130ba30', found.toString(16).padStart(8, '0'))
  const version = header.u8()
  if (version !== 1) throw damage(path, 4, 'version 1', String(version))
  const body = header.slice(header.left - sumBytes)
  checkSum(path, headerBytes, body, header.be32())
  return within(path, headerBytes, () => parseEntries(new ByteReader(body)))
}

function parseEntries(r: ByteReader): Tombstones {
  const rows = new Rows()
  while (r.left > 0) rows.add(r.uvarint(), r.varint(), r.varint())
  return Tombstones.from(rows)
}

export function formatTombstones(stones: Tombstones): Uint8Array {
  const w = new ByteWriter()
  w.be32(magic)
  w.u8(1)
  for (const { ref, minT, maxT } of stones.each()) {
    w.uvarint(ref)
    w.varint(minT)
    w.varint(maxT)
  }
  w.be32(crc32c(w.written().subarray(headerBytes)))
  return w.copy()
}
