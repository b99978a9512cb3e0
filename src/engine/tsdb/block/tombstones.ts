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

/** Deleted intervals by series, both ends deleted, ascending and apart. */
export type Tombstones = ReadonlyMap<number, readonly TimeRange[]>

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
  const stones = new Map<number, TimeRange[]>()
  while (r.left > 0) {
    const ref = r.uvarint()
    const interval = { minT: r.varint(), maxT: r.varint() }
    const known = stones.get(ref)
    if (known) known.push(interval)
    else stones.set(ref, [interval])
  }
  for (const [ref, intervals] of stones) stones.set(ref, joined(intervals))
  return stones
}

/** The same milliseconds in ascending intervals that do not touch. */
function joined(intervals: readonly TimeRange[]): TimeRange[] {
  const apart: { minT: number; maxT: number }[] = []
  for (const { minT, maxT } of intervals.toSorted((a, b) => a.minT - b.minT)) {
    const last = apart.at(-1)
    if (maxT < minT) continue
    if (last && minT <= last.maxT + 1) last.maxT = Math.max(last.maxT, maxT)
    else apart.push({ minT, maxT })
  }
  return apart
}

export function formatTombstones(stones: Tombstones): Uint8Array {
  const w = new ByteWriter()
  w.be32(magic)
  w.u8(1)
  for (const [ref, intervals] of stones) {
    for (const { minT, maxT } of intervals) {
      w.uvarint(ref)
      w.varint(minT)
      w.varint(maxT)
    }
  }
  w.be32(crc32c(w.written().subarray(headerBytes)))
  return w.copy()
}
