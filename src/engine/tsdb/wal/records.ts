// WAL records (upstream `tsdb/record/record.go`). The first byte is the type; strings and labels have their length in
// front as uvarint. What is read is in `visit.ts`, what a checkpoint takes along undecoded in `entries.ts`.
//   1 series      { ref u64, labels: count uvarint, { name, value }* }*
//   2 samples     ref u64, t i64, { Δref varint, Δt varint, value f64 }*     both differences to the ref and t in front,
//                                                                            which are those of the first sample
//   3 tombstones  { ref u64, minT varint, maxT varint }*                     both ends are deleted
//   4 exemplars   as samples, and behind each value its labels
//   5 markers     { ref u64, ref of a chunk u64 }*                             in a log of out-of-order samples only
//   6 metadata    { ref uvarint, type u8, fields: count uvarint, { name, value }* }*     fields UNIT and HELP
//   7 histograms, 8 float histograms, 9 and 10 the same with custom buckets: as samples, with a histogram for the value
//   11 samples, 12 histograms, 13 float histograms, each with a start time:
//                 ref varint, t varint, st varint, value,
//                 { Δref varint to the one before, Δt varint to the first, st, value }*
//                 st: 0 none │ 1 that of the one before │ 2 and varint: difference to the first
// All but 11 to 13 are written, too; histograms by `histograms.ts`.

import { ByteWriter } from '../../bytes/writer.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import { metricTypes, type Metadata } from '../../model/metadata.ts'
import type { SeriesRef } from '../../model/store.ts'

// On disk; never renumber.
export const recordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  markers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customHistograms: 9,
  customFloatHistograms: 10,
  samplesWithStart: 11,
  histogramsWithStart: 12,
  floatHistogramsWithStart: 13,
} as const

/** Fields of metadata, by their names on disk. */
export const metadataField = { unit: 'UNIT', help: 'HELP' } as const

/** What the records of a log hold is told to this, in order. Only samples may change places with those of other series that
 *  are next to them in the log. */
export interface RecordVisitor {
  series(ref: SeriesRef, labels: Labels): void
  /** `high` and `low` are the bits of the value. */
  sample(ref: SeriesRef, t: number, high: number, low: number): void
  /** Samples [from, to) of one series, in columns that are lent until this returns. Who has no such method is told them one
   *  by one. */
  samples?(ref: SeriesRef, of: SampleColumns, from: number, to: number): void
  /** The series' samples in [minT, maxT] were deleted. The ends may be infinite: so upstream removes a series that has
   *  gone stale from the head. */
  tombstone?(ref: SeriesRef, minT: number, maxT: number): void
  exemplar?(ref: SeriesRef, t: number, v: number, labels: Labels): void
  /** Replaces what was told of the series before. */
  metadata?(ref: SeriesRef, metadata: Metadata): void
  /** Row `i` of columns that are lent until this returns; its time is in there. */
  histogram?(ref: SeriesRef, from: HistogramColumns, i: number): void
  /** In a log of out-of-order samples: those told so far of this series are in chunks on disk, up to the one at
   *  `chunkRef`. */
  marker?(ref: SeriesRef, chunkRef: number): void
  /** A record of a type that nobody knows, which upstream skips, too, or of which the visitor does not want to hear; or a
   *  histogram in it that is not kept (see `readHistogram`). */
  skipped(type: number): void
}

export function encodeSeries(
  all: Iterable<{ readonly ref: SeriesRef; readonly labels: Labels }>,
): Uint8Array {
  const out = new ByteWriter(4096)
  out.u8(recordType.series)
  for (const { ref, labels } of all) {
    out.be64(ref)
    writeLabels(out, labels)
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

/** A deletion of the samples of a series in [minT, maxT]; the ends may be infinite. */
export interface Tombstone {
  readonly ref: SeriesRef
  readonly minT: number
  readonly maxT: number
}

export function encodeTombstones(all: Iterable<Tombstone>): Uint8Array {
  const out = new ByteWriter()
  out.u8(recordType.tombstones)
  for (const { ref, minT, maxT } of all) {
    out.be64(ref)
    writeTime(out, minT)
    writeTime(out, maxT)
  }
  return out.copy()
}

export interface SeriesExemplar {
  readonly ref: SeriesRef
  readonly t: number
  readonly v: number
  readonly labels: Labels
}

/** @param all at least one */
export function encodeExemplars(all: readonly SeriesExemplar[]): Uint8Array {
  const { ref: baseRef, t: baseT } = all[0] as SeriesExemplar
  const value = new DataView(new ArrayBuffer(8))
  const out = new ByteWriter(1024)
  out.u8(recordType.exemplars)
  out.be64(baseRef)
  out.be64(baseT)
  for (const { ref, t, v, labels } of all) {
    out.varint(ref - baseRef)
    out.varint(t - baseT)
    value.setFloat64(0, v)
    out.raw(new Uint8Array(value.buffer))
    writeLabels(out, labels)
  }
  return out.copy()
}

export function encodeMetadata(
  all: Iterable<{ readonly ref: SeriesRef; readonly metadata: Metadata }>,
): Uint8Array {
  const out = new ByteWriter(4096)
  out.u8(recordType.metadata)
  for (const { ref, metadata } of all) {
    out.uvarint(ref)
    out.u8(metricTypes.indexOf(metadata.type))
    out.uvarint(2)
    for (const text of [metadataField.unit, metadata.unit, metadataField.help, metadata.help])
      out.string(text)
  }
  return out.copy()
}

/** @param all series with the newest of their chunks on disk that takes samples of this log */
export function encodeMarkers(
  all: Iterable<{ readonly ref: SeriesRef; readonly chunkRef: number }>,
): Uint8Array {
  const out = new ByteWriter(4096)
  out.u8(recordType.markers)
  for (const { ref, chunkRef } of all) {
    out.be64(ref)
    out.be64(chunkRef)
  }
  return out.copy()
}

function writeLabels(out: ByteWriter, labels: Labels): void {
  out.uvarint(labels.length / 2)
  for (const text of labels) out.string(text)
}

// As varints: math.MinInt64 and math.MaxInt64, upstream's ends of time.
const beginOfTime = Uint8Array.of(...Array<number>(9).fill(0xff), 1)
const endOfTime = Uint8Array.of(0xfe, ...Array<number>(8).fill(0xff), 1)

function writeTime(out: ByteWriter, t: number): void {
  if (Number.isFinite(t)) out.varint(t)
  else out.raw(t < 0 ? beginOfTime : endOfTime)
}
