import { CorruptionError } from '../../bytes/corruption.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { compareBytes, labelsFrom, pairsOf, type Labels } from '../../model/labels.ts'
import { metricTypes } from '../../model/metadata.ts'
import { EntryCursor, readAnyVarint } from './entries.ts'
import { notKept, readHistogram } from './histograms.ts'
import { metadataField, recordType, type RecordVisitor } from './records.ts'

type Visit = (r: ByteReader, visitor: RecordVisitor, record: Uint8Array) => void

const visits: ReadonlyMap<number, { readonly visit: Visit; readonly told?: keyof RecordVisitor }> = new Map([
  [recordType.series, { visit: visitSeries }],
  [recordType.samples, { visit: visitSamples }],
  [recordType.samplesWithStart, { visit: visitSamplesWithStart }],
  [recordType.tombstones, { visit: visitTombstones, told: 'tombstone' }],
  [recordType.exemplars, { visit: visitExemplars, told: 'exemplar' }],
  [recordType.markers, { visit: visitMarkers, told: 'marker' }],
  [recordType.metadata, { visit: visitMetadata, told: 'metadata' }],
  [recordType.histograms, { visit: visitHistograms, told: 'histogram' }],
  [recordType.customHistograms, { visit: visitHistograms, told: 'histogram' }],
  [recordType.histogramsWithStart, { visit: visitHistograms, told: 'histogram' }],
  [recordType.floatHistograms, { visit: visitHistograms, told: 'histogram' }],
  [recordType.customFloatHistograms, { visit: visitHistograms, told: 'histogram' }],
  [recordType.floatHistogramsWithStart, { visit: visitHistograms, told: 'histogram' }],
])

/** Tells what a record holds. Records of which the visitor does not want to hear are read all the same: whether a log
 *  is damaged does not depend on its reader.
 *  @throws CorruptionError with an offset in the record; what came before it has been told */
export function visitRecord(record: Uint8Array, visitor: RecordVisitor): void {
  const r = new ByteReader(record)
  const type = r.left > 0 ? r.u8() : 0
  const known = visits.get(type)
  known?.visit(r, visitor, record)
  if (!known || (known.told && !visitor[known.told])) visitor.skipped(type)
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

// Most of a log is samples, so they do without a cursor.
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

/** When a counter began is passed over. */
function visitSamplesWithStart(r: ByteReader, visitor: RecordVisitor, record: Uint8Array): void {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const cursor = new EntryCursor(r, recordType.samplesWithStart)
  while (cursor.next()) {
    visitor.sample(cursor.ref, cursor.t, view.getInt32(cursor.from), view.getInt32(cursor.from + 4))
  }
}

function visitTombstones(r: ByteReader, visitor: RecordVisitor): void {
  while (r.left > 0) {
    const ref = r.be64()
    const minT = readAnyVarint(r)
    const maxT = readAnyVarint(r)
    visitor.tombstone?.(ref, minT, maxT)
  }
}

function visitExemplars(r: ByteReader, visitor: RecordVisitor, record: Uint8Array): void {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const cursor = new EntryCursor(r, recordType.exemplars)
  while (cursor.next()) {
    const labels = readLabels(new ByteReader(record.subarray(cursor.from + 8, cursor.to)))
    visitor.exemplar?.(cursor.ref, cursor.t, view.getFloat64(cursor.from), labels)
  }
}

function visitMetadata(r: ByteReader, visitor: RecordVisitor): void {
  while (r.left > 0) {
    const ref = r.uvarint()
    const type = metricTypes[r.u8()] ?? 'unknown'
    const texts = { unit: '', help: '' }
    for (let fields = r.uvarint(); fields > 0; fields--) {
      const name = r.string()
      const text = r.string()
      if (name === metadataField.unit) texts.unit = text
      else if (name === metadataField.help) texts.help = text
    }
    visitor.metadata?.(ref, { type, ...texts })
  }
}

function visitMarkers(r: ByteReader, visitor: RecordVisitor): void {
  while (r.left > 0) {
    const ref = r.be64()
    const chunkRef = r.be64()
    visitor.marker?.(ref, chunkRef)
  }
}

/** Lent to the visitor. Nothing stays in there from one record to the next. */
let histograms = new HistogramColumns(64)
/** The columns grow with what is put in; beyond this they are not kept. */
const maxBuckets = 1024 * 1024
/** Layouts are searched one after the other. */
const maxLayouts = 32

function visitHistograms(r: ByteReader, visitor: RecordVisitor, record: Uint8Array): void {
  const type = record[0] as number
  const float = floatCounts.has(type)
  let row = notKept
  const cursor = new EntryCursor(r, type, () => {
    row = readHistogram(r, cursor.t, float, histograms)
  })
  histograms.clear()
  while (cursor.next()) {
    if (row !== notKept) visitor.histogram?.(cursor.ref, histograms, row)
    else if (visitor.histogram) visitor.skipped(type)
    if (histograms.buckets.length > maxBuckets) histograms = new HistogramColumns(64)
    else if (histograms.count === 256 || histograms.layouts.length === maxLayouts) histograms.clear()
  }
}

const floatCounts: ReadonlySet<number> = new Set([
  recordType.floatHistograms,
  recordType.customFloatHistograms,
  recordType.floatHistogramsWithStart,
])
