// WAL segment: records cut into fragments that fill pages of 32 KiB (upstream `tsdb/wlog`, after LevelDB's log).
//   page │ fragment │ fragment │ … │ fragment │ zeros │        zeros where no fragment header fits any more,
//        └──────────┴──────────┴───┴──────────┴───────┘        or where the writer stopped
//   ┌──────────┬────────────┬────────────┬──────┐
//   │ type u8  │ length u16 │ CRC-32C u32│ data │             the CRC is over the data
//   └──────────┴────────────┴────────────┴──────┘
//   type: 0 zeros to the end of the page · 1 whole record · 2 first · 3 middle · 4 last fragment
//         + 8 record is compressed with snappy, + 16 with zstd (each fragment says so)
// A record never crosses a segment. It is compressed as a whole, and only if that makes it smaller; zstd is read and
// not written. With exactly seven bytes left in a page a first fragment of length 0 is legal, and upstream writes it.

import { CorruptionError } from '../../bytes/corruption.ts'
import { crc32c } from '../../bytes/crc32c.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { compress, uncompress as uncompressSnappy } from '../../bytes/snappy.ts'
import type { ByteWriter } from '../../bytes/writer.ts'
import { uncompress as uncompressZstd } from '../../bytes/zstd.ts'

export const pageBytes = 32 * 1024
const headerBytes = 7
// On disk; never renumber.
const fragment = { pad: 0, full: 1, first: 2, middle: 3, last: 4 } as const
const flag = { snappy: 8, zstd: 16 } as const
/** No record that anybody wrote is larger, packed or not; one that claims to be is corrupt. */
const maxRecordBytes = 128 * 1024 * 1024

/** A record ready to be cut into fragments. */
export interface PackedRecord {
  readonly data: Uint8Array
  readonly compressed: boolean
}

export function packRecord(record: Uint8Array): PackedRecord {
  const data = compress(record)
  return data.length < record.length ? { data, compressed: true } : { data: record, compressed: false }
}

/** Where a record of this many packed bytes ends when the segment has `at` bytes before it. */
export function endOfRecord(at: number, length: number): number {
  let left = length
  let end = at
  do {
    end += padding(end)
    const part = Math.min(left, pageBytes - (end % pageBytes) - headerBytes)
    end += headerBytes + part
    left -= part
  } while (left > 0)
  return end
}

/** Writes the fragments of a record that starts at byte `at` of a segment. */
export function writeRecord({ data, compressed }: PackedRecord, at: number, out: ByteWriter): void {
  const start = out.length
  let pos = 0
  let first = true
  do {
    out.zeros(padding(at + out.length - start))
    const room = pageBytes - ((at + out.length - start) % pageBytes) - headerBytes
    const part = data.subarray(pos, pos + room)
    const type = fragmentType(first, pos + part.length === data.length)
    out.u8(type | (compressed ? flag.snappy : 0))
    out.be16(part.length)
    out.be32(crc32c(part))
    out.raw(part)
    pos += part.length
    first = false
  } while (pos < data.length)
}

/** Zeros that must follow byte `at` of a segment because no header fits into its page. */
function padding(at: number): number {
  const left = pageBytes - (at % pageBytes)
  return left < headerBytes ? left : 0
}

function fragmentType(first: boolean, last: boolean): number {
  if (first) return last ? fragment.full : fragment.first
  return last ? fragment.last : fragment.middle
}

/** A record as it was found. */
export interface FoundRecord {
  /** Lent until the next record is read. */
  readonly data: Uint8Array
  /** Bytes of the segment up to the end of this record. */
  readonly end: number
}

/** The segment ends within a record. In the last segment that is what a writer leaves that was killed. */
export class TornError extends CorruptionError {}

/** Puts records together from the pages of one segment, which may come in pieces. */
export class RecordReader {
  private parts: Uint8Array[] = []
  private partBytes = 0
  private pos: number
  /** Whether what was before the first byte is lost, so that the first fragments may have no beginning. */
  private joining: boolean

  /** @param at where in the segment reading begins; unless that is 0, with the first record that begins from there on */
  constructor(at = 0) {
    this.pos = at
    this.joining = at > 0
  }

  /** Reads on.
   *  @param pages the next bytes of the segment; every piece but the last ends at the end of a page
   *  @throws CorruptionError with an offset in the segment */
  *records(pages: Uint8Array): Generator<FoundRecord> {
    const r = new ByteReader(pages)
    const base = this.pos
    while (r.left > 0) {
      const at = base + r.pos
      const type = r.u8()
      const kind = type & 7
      if (kind === fragment.pad) {
        skipPadding(r, at)
        continue
      }
      const part = readFragment(r, at)
      if (this.joining && (kind === fragment.middle || kind === fragment.last)) continue
      this.joining = false
      this.add(part, kind, at)
      if (kind === fragment.first || kind === fragment.middle) continue
      const data = unpack(this.parts, type, at)
      this.parts = []
      this.partBytes = 0
      yield { data, end: base + r.pos }
    }
    this.pos = base + pages.length
  }

  /** The segment is over.
   *  @throws TornError when a record is not */
  end(): void {
    if (this.parts.length > 0) throw new TornError('segment ends within a record', this.pos)
  }

  private add(part: Uint8Array, kind: number, at: number): void {
    this.parts.push(part)
    this.partBytes += part.length
    checkOrder(kind, this.parts.length, at)
    if (this.partBytes > maxRecordBytes) {
      throw new CorruptionError(`record of ${this.partBytes} bytes, want ≤ ${maxRecordBytes}`, at)
    }
  }
}

/** @param at place of the zero that stands for a fragment's type */
function skipPadding(r: ByteReader, at: number): void {
  const rest = r.slice(Math.min(r.left, pageBytes - (at % pageBytes) - 1))
  const wrong = rest.findIndex(byte => byte !== 0)
  if (wrong >= 0)
    throw new CorruptionError('want zeros to the end of the page, have other bytes', at + 1 + wrong)
}

function readFragment(r: ByteReader, at: number): Uint8Array {
  const pageLeft = pageBytes - (at % pageBytes) - 1
  if (pageLeft < headerBytes - 1) throw new CorruptionError('fragment header crosses the end of its page', at)
  if (r.left < headerBytes - 1) throw endsWithin(r, 'fragment header', at)
  const length = r.be16()
  const wanted = r.be32()
  const room = pageLeft - (headerBytes - 1)
  if (length > room) throw new CorruptionError(`fragment wants ${length} bytes, its page has ${room}`, at)
  if (length > r.left) throw endsWithin(r, `fragment of ${length} bytes`, at)
  const data = r.slice(length)
  const found = crc32c(data)
  if (found === wanted) return data
  throw new CorruptionError(`want checksum ${hex(wanted)}, have ${hex(found)}`, at)
}

/** The segment ends within something: torn, or damaged in such a way that it looks like that. */
function endsWithin(r: ByteReader, what: string, at: number): CorruptionError {
  const message = `segment ends within a ${what}, of which it has ${r.left}`
  return holdsFragment(r.slice(r.left)) ? new CorruptionError(message, at) : new TornError(message, at)
}

/** Whether a good fragment begins anywhere in the bytes: then what is in front of it was written whole, and is damaged
 *  now. A wrong length alone would look like a tear. */
function holdsFragment(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + headerBytes < bytes.length; at++) {
    if (!writtenTypes.has(bytes[at] as number)) continue
    const from = at + headerBytes
    const to = from + view.getUint16(at + 1)
    if (to === from || to > bytes.length) continue
    if (crc32c(bytes.subarray(from, to)) === view.getUint32(at + 3)) return true
  }
  return false
}

/** The first bytes of fragments that writers write. */
const writtenTypes: ReadonlySet<number> = new Set(
  [fragment.full, fragment.first, fragment.middle, fragment.last].flatMap(kind => [
    kind,
    kind | flag.snappy,
    kind | flag.zstd,
  ]),
)

/** @param count fragments of the record with this one */
function checkOrder(kind: number, count: number, at: number): void {
  const starts = kind === fragment.full || kind === fragment.first
  const known = starts || kind === fragment.middle || kind === fragment.last
  if (!known) throw new CorruptionError(`want fragment type 1–4, have ${kind}`, at)
  if (starts !== (count === 1)) {
    throw new CorruptionError(
      `fragment type ${kind} ${starts ? 'inside a record' : 'without a first one'}`,
      at,
    )
  }
}

function unpack(parts: readonly Uint8Array[], type: number, at: number): Uint8Array {
  const packed = parts.length === 1 ? (parts[0] as Uint8Array) : concat(parts)
  const uncompress = type & flag.snappy ? uncompressSnappy : type & flag.zstd ? uncompressZstd : null
  try {
    return uncompress ? uncompress(packed, maxRecordBytes) : packed
  } catch (cause) {
    throw new CorruptionError('record cannot be uncompressed', at, { cause })
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}
