import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import type { SeriesRef } from '../../model/store.ts'
import { EntryCursor, EntryWriter, hasTimes, readAnyVarint, skipLabels } from './entries.ts'
import { recordType } from './records.ts'

/** A record of metadata is filled up to here. */
const metadataRecordBytes = 1024 * 1024

/** What a checkpoint takes over (upstream `wlog/checkpoint.go`): series that are kept, what has a time from `minT` on,
 *  tombstones of kept series that reach `minT`, and of each kept series the latest metadata. Entries are passed on as
 *  they are, so that nothing is lost of kinds that only other readers understand. */
export class CheckpointFilter {
  /** Records of types that nobody knows, by type. They are not taken over: when they could go, nobody could tell. */
  readonly unknown = new Map<number, number>()
  private readonly minT: number
  private readonly keep: (ref: SeriesRef) => boolean
  private readonly latest = new Map<SeriesRef, Uint8Array>()

  constructor(minT: number, keep: (ref: SeriesRef) => boolean) {
    this.minT = minT
    this.keep = keep
  }

  /** What is left of a record; null when that is nothing. It may be the record itself.
   *  @throws CorruptionError with an offset in the record */
  filter(record: Uint8Array): Uint8Array | null {
    const r = new ByteReader(record)
    const type = r.left > 0 ? r.u8() : 0
    if (hasTimes(type)) return this.timed(r, type, record)
    if (type === recordType.series) return this.series(r, record)
    if (type === recordType.tombstones) return this.tombstones(r, record)
    if (type === recordType.metadata) this.collectMetadata(r, record)
    else this.unknown.set(type, (this.unknown.get(type) ?? 0) + 1)
    return null
  }

  /** The latest metadata of each series, to be written when all records have been seen. */
  *metadata(): Generator<Uint8Array> {
    const out = new ByteWriter(4096)
    for (const entry of this.latest.values()) {
      if (out.length === 0) out.u8(recordType.metadata)
      out.raw(entry)
      if (out.length < metadataRecordBytes) continue
      yield out.copy()
      out.reset()
    }
    if (out.length > 0) yield out.copy()
  }

  private timed(r: ByteReader, type: number, record: Uint8Array): Uint8Array | null {
    const from = r.pos
    const all = new EntryCursor(r, type)
    let kept = 0
    let dropped = 0
    while (all.next()) {
      if (all.t >= this.minT) kept++
      else dropped++
    }
    // Mostly a record is one scrape, all of one time: few have to be written anew.
    if (kept === 0) return null
    if (dropped === 0) return record
    r.pos = from
    const entry = new EntryCursor(r, type)
    const out = new EntryWriter(type)
    while (entry.next()) if (entry.t >= this.minT) out.add(entry, record)
    return out.finish()
  }

  private series(r: ByteReader, record: Uint8Array): Uint8Array | null {
    return filterEntries(r, record, () => {
      const ref = r.be64()
      skipLabels(r)
      return this.keep(ref)
    })
  }

  private tombstones(r: ByteReader, record: Uint8Array): Uint8Array | null {
    return filterEntries(r, record, () => {
      const ref = r.be64()
      readAnyVarint(r)
      const maxT = readAnyVarint(r)
      return maxT >= this.minT && this.keep(ref)
    })
  }

  private collectMetadata(r: ByteReader, record: Uint8Array): void {
    while (r.left > 0) {
      const from = r.pos
      const ref = r.uvarint()
      r.skip(1)
      skipLabels(r)
      // A copy: the record lies in memory that is lent.
      if (this.keep(ref)) this.latest.set(ref, record.slice(from, r.pos))
    }
  }
}

/** The record with those of its entries for which `keepNext`, which reads one, answers true. */
function filterEntries(r: ByteReader, record: Uint8Array, keepNext: () => boolean): Uint8Array | null {
  const out = new ByteWriter(4096)
  out.raw(record.subarray(0, r.pos))
  const empty = out.length
  while (r.left > 0) {
    const from = r.pos
    if (keepNext()) out.raw(record.subarray(from, r.pos))
  }
  return out.length > empty ? out.copy() : null
}
