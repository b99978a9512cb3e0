// WAL records (upstream `tsdb/record/record.go`). The first byte is the type:
//   1 series   { ref u64, labels: count uvarint, { name, value }* }*     strings: length uvarint, UTF-8
//   2 samples  ref u64, t i64, { Δref varint, Δt varint, value f64 }*    both differences to the ref and t in front,
//                                                                        which are those of the first sample
// Types 3 to 13 are tombstones, exemplars, m-map markers, metadata and histograms, which nobody here keeps yet.

import { CorruptionError } from '../../bytes/corruption.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import { compareBytes, labelsFrom, pairsOf, type Labels } from '../../model/labels.ts'
import type { SeriesRef } from '../../model/store.ts'

// On disk; never renumber.
const recordType = { series: 1, samples: 2 } as const

export function encodeSeries(
  all: Iterable<{ readonly ref: SeriesRef; readonly labels: Labels }>,
): Uint8Array {
  const out = new ByteWriter(4096)
  out.u8(recordType.series)
  for (const { ref, labels } of all) {
    out.be64(ref)
    out.uvarint(labels.length / 2)
    for (const text of labels) out.string(text)
  }
  return out.copy()
}

/** @param refs the series of each sample
 *  @param samples at least one */
export function encodeSamples(refs: Float64Array, samples: SampleColumns): Uint8Array {
  const { t, bits, count } = samples
  const baseRef = refs[0] as number
  const baseT = t[0] as number
  const out = new ByteWriter(32 + count * 12)
  out.u8(recordType.samples)
  out.be64(baseRef)
  out.be64(baseT)
  for (let i = 0; i < count; i++) {
    out.varint((refs[i] as number) - baseRef)
    out.varint((t[i] as number) - baseT)
    out.be32(bits[2 * i + 1] as number)
    out.be32(bits[2 * i] as number)
  }
  return out.copy()
}

/** What a record holds is told to this, in order. */
export interface RecordVisitor {
  series(ref: SeriesRef, labels: Labels): void
  /** `high` and `low` are the bits of the value. */
  sample(ref: SeriesRef, t: number, high: number, low: number): void
  /** A record that is not read; upstream, too, skips types it does not know. */
  skipped(type: number): void
}

/** @throws CorruptionError with an offset in the record; what came before it has been told */
export function visitRecord(record: Uint8Array, visitor: RecordVisitor): void {
  const r = new ByteReader(record)
  const type = r.left > 0 ? r.u8() : 0
  if (type === recordType.series) visitSeries(r, visitor)
  else if (type === recordType.samples) visitSamples(r, visitor)
  else visitor.skipped(type)
}

function visitSeries(r: ByteReader, visitor: RecordVisitor): void {
  while (r.left > 0) visitor.series(r.be64(), readLabels(r))
}

function readLabels(r: ByteReader): Labels {
  const count = r.uvarint()
  // A label takes two bytes or more: no array for what cannot be there.
  if (count * 2 > r.left) throw new CorruptionError(`want ${count} labels in ${r.left} bytes`, r.pos)
  const labels = Array.from({ length: count * 2 }, () => r.string())
  return inOrder(labels) ? labels : labelsFrom(pairsOf(labels))
}

function inOrder(labels: Labels): boolean {
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i + 1] === '') return false
    if (i > 0 && compareBytes(labels[i - 2] as string, labels[i] as string) >= 0) return false
  }
  return true
}

function visitSamples(r: ByteReader, visitor: RecordVisitor): void {
  // Upstream, too, accepts a record without samples.
  if (r.left === 0) return
  const baseRef = r.be64()
  const baseT = r.be64Signed()
  while (r.left > 0) {
    const ref = baseRef + r.varint()
    const t = baseT + r.varint()
    const high = r.word()
    visitor.sample(ref, t, high, r.word())
  }
}
