// A histogram in a record, which is that of `records.ts` (upstream `EncodeHistogram`, `EncodeFloatHistogram`):
//   counter reset hint u8 │ schema varint │ zero threshold f64 │ zero count │ count │ sum f64
//   positive spans, negative spans: count uvarint, { offset varint, length uvarint }*
//   positive buckets, negative buckets: count uvarint, each bucket
//   bounds, with custom buckets only: count uvarint, f64*
// In an integer histogram the zero count and the count are uvarints, and a bucket is its difference to the one before it,
// as varint. In a float histogram all of these are floats, and a bucket is its count. A stale marker has the sum
// `value.StaleNaN`, and for the rest nothing.

import { CorruptionError } from '../../bytes/corruption.ts'
import type { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import { staleBits } from '../../chunks/columns.ts'
import {
  emptyLayout,
  isKnownSchema,
  maxCount,
  resetHint,
  schemas,
  type HistogramLayout,
} from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { reduceResolution } from '../../model/histogram/compact.ts'
import { bucketsIn } from '../../model/histogram/spans.ts'
import { readAnyUvarint, readAnyVarint, skipFloat, skipMany, skipSpan } from './entries.ts'
import { recordType } from './records.ts'

const words = new DataView(new ArrayBuffer(8))

/** @param refs the series of each row of the columns
 *  @param rows which to write, at least one: all integer or all float histograms, with exponential buckets all of them
 *  or with custom ones; stale markers go with exponential ones */
export function encodeHistograms(
  refs: Float64Array,
  from: HistogramColumns,
  rows: ArrayLike<number>,
): Uint8Array {
  const first = rows[0] as number
  const baseRef = refs[first] as number
  const baseT = from.t[first] as number
  const out = new ByteWriter(64 + rows.length * 128)
  out.u8(typeOf(from, first))
  out.be64(baseRef)
  out.be64(baseT)
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k] as number
    out.varint((refs[i] as number) - baseRef)
    out.varint((from.t[i] as number) - baseT)
    writeHistogram(out, from, i)
  }
  return out.copy()
}

function typeOf(from: HistogramColumns, i: number): number {
  const custom = !from.stale[i] && from.layoutOf(i).schema === schemas.custom
  if (from.float[i]) return custom ? recordType.customFloatHistograms : recordType.floatHistograms
  return custom ? recordType.customHistograms : recordType.histograms
}

function writeHistogram(out: ByteWriter, from: HistogramColumns, i: number): void {
  const stale = from.stale[i] === 1
  const float = from.float[i] === 1
  const layout = stale ? emptyLayout : from.layoutOf(i)
  out.u8(from.hint[i] as number)
  out.varint(layout.schema)
  writeFloat(out, layout.zeroThreshold)
  if (float) {
    writeBits(out, from.zeroBits, i, stale)
    writeBits(out, from.observationBits, i, stale)
  } else {
    out.uvarint(stale ? 0 : (from.zeroCount[i] as number))
    out.uvarint(stale ? 0 : (from.observations[i] as number))
  }
  out.be32(stale ? staleBits.high : (from.sumBits[2 * i + 1] as number))
  out.be32(stale ? staleBits.low : (from.sumBits[2 * i] as number))
  writeSpans(out, layout.positiveSpans)
  writeSpans(out, layout.negativeSpans)
  const start = from.offset[i] as number
  const middle = start + from.positives(i)
  const write = float ? writeFloats : writeDifferences
  write(out, from, start, middle)
  write(out, from, middle, start + from.size(i))
  if (layout.schema !== schemas.custom) return
  out.uvarint(layout.bounds.length)
  for (const bound of layout.bounds) writeFloat(out, bound)
}

function writeSpans(out: ByteWriter, spans: Int32Array): void {
  out.uvarint(spans.length / 2)
  for (let i = 0; i < spans.length; i += 2) {
    out.varint(spans[i] as number)
    out.uvarint((spans[i + 1] as number) >>> 0)
  }
}

/** Writes the buckets [start, end) of an integer histogram. */
function writeDifferences(out: ByteWriter, { buckets }: HistogramColumns, start: number, end: number): void {
  out.uvarint(end - start)
  let before = 0
  for (let k = start; k < end; k++) {
    const count = buckets[k] as number
    out.varint(count - before)
    before = count
  }
}

/** Writes the buckets [start, end) of a float histogram. */
function writeFloats(out: ByteWriter, { bucketBits }: HistogramColumns, start: number, end: number): void {
  out.uvarint(end - start)
  for (let k = start; k < end; k++) writeBits(out, bucketBits, k, false)
}

function writeBits(out: ByteWriter, bits: Int32Array, i: number, zero: boolean): void {
  out.be32(zero ? 0 : (bits[2 * i + 1] as number))
  out.be32(zero ? 0 : (bits[2 * i] as number))
}

function writeFloat(out: ByteWriter, value: number): void {
  words.setFloat64(0, value)
  out.be32(words.getInt32(0))
  out.be32(words.getInt32(4))
}

/** No histogram was added. */
export const notKept = -1

/** Reads a histogram of a record and adds it to the columns. One of a schema above the highest that we know comes at the
 *  resolution of that one, as upstream.
 *  @returns its row; `notKept` of a schema that nobody knows, which upstream skips, too, and of an integer histogram with
 *  a count above `maxCount`
 *  @throws CorruptionError when the buckets are not those that the spans say, or not all of them have bounds */
export function readHistogram(r: ByteReader, t: number, float: boolean, out: HistogramColumns): number {
  const hint = r.u8()
  // As upstream, which cuts what is longer.
  const schema = r.varint() | 0
  const zeroThreshold = readFloat(r)
  const counts = r.pos
  for (let i = 0; i < 2; i++) (float ? skipFloat : readAnyUvarint)(r)
  const high = r.word()
  const low = r.word()
  const stale = high === staleBits.high && low === staleBits.low
  if (stale || !isKnownSchema(schema)) {
    skipRest(r, schema, float)
    return stale ? flag(out, out.add(t, out.intern(emptyLayout), 1), float, hint) : notKept
  }
  const layout = readLayout(r, schema, zeroThreshold, float)
  const into = schema > schemas.max ? new HistogramColumns(1) : out
  const i = flag(into, into.add(t, into.intern(layout)), float, hint)
  into.sumBits[2 * i] = low
  into.sumBits[2 * i + 1] = high
  const exact = float ? readFloats(r, counts, into, i) : readIntegers(r, counts, into, i)
  if (schema === schemas.custom) skipMany(r, skipFloat)
  if (!exact) {
    into.count--
    return notKept
  }
  if (into === out) return i
  out.push(t, reduceResolution(into.at(i), schemas.max))
  return out.count - 1
}

function flag(out: HistogramColumns, i: number, float: boolean, hint: number): number {
  out.float[i] = float ? 1 : 0
  out.hint[i] = hint <= resetHint.gauge ? hint : resetHint.unknown
  return i
}

/** Passes over spans, buckets and bounds. */
function skipRest(r: ByteReader, schema: number, float: boolean): void {
  for (let i = 0; i < 2; i++) skipMany(r, skipSpan)
  skipBuckets(r, float)
  if (schema === schemas.custom) skipMany(r, skipFloat)
}

function skipBuckets(r: ByteReader, float: boolean): void {
  for (let i = 0; i < 2; i++) skipMany(r, float ? skipFloat : readAnyVarint)
}

/** Reads spans and bounds, and leaves the reader between them. */
function readLayout(r: ByteReader, schema: number, zeroThreshold: number, float: boolean): HistogramLayout {
  const positiveSpans = readSpans(r)
  const negativeSpans = readSpans(r)
  if (schema !== schemas.custom)
    return { schema, zeroThreshold, positiveSpans, negativeSpans, bounds: emptyLayout.bounds }
  const start = r.pos
  skipBuckets(r, float)
  const bounds = readBounds(r)
  r.pos = start
  checkCustom(r, positiveSpans, negativeSpans, bounds)
  return { schema, zeroThreshold, positiveSpans, negativeSpans, bounds }
}

function readSpans(r: ByteReader): Int32Array {
  const count = r.uvarint()
  if (count === 0) return emptyLayout.positiveSpans
  // An offset and a length take a byte or more, and so does each bucket.
  if (count * 2 > r.left) throw new CorruptionError(`want ${count} spans in ${r.left} bytes`, r.pos)
  const spans = new Int32Array(count * 2)
  let index = 0
  let buckets = 0
  for (let i = 0; i < spans.length; i += 2) {
    const offset = r.varint()
    const length = r.uvarint()
    buckets += length
    if (buckets > r.left) throw new CorruptionError(`want ${buckets} buckets in ${r.left} bytes`, r.pos)
    index += offset + length
    if ((i > 0 && offset < 0) || offset !== (offset | 0) || index !== (index | 0))
      throw new CorruptionError(`want buckets in ascending order, have a span offset of ${offset}`, r.pos)
    spans[i] = offset
    spans[i + 1] = length
  }
  return spans
}

function readBounds(r: ByteReader): Float64Array {
  const count = r.uvarint()
  if (count * 8 > r.left) throw new CorruptionError(`want ${count} bounds in ${r.left} bytes`, r.pos)
  const bounds = new Float64Array(count)
  for (let i = 0; i < count; i++) bounds[i] = readFloat(r)
  return bounds
}

/** Every bucket has a bound, the last one perhaps +Inf: whoever reads them need not look. */
function checkCustom(r: ByteReader, positive: Int32Array, negative: Int32Array, bounds: Float64Array): void {
  let end = 0
  for (const each of positive) end += each
  if ((positive[0] ?? 0) < 0 || end > bounds.length + 1)
    throw new CorruptionError(`want buckets within ${bounds.length} custom bounds, have ${end}`, r.pos)
  if (bucketsIn(negative) > 0)
    throw new CorruptionError('want no negative buckets with custom bounds, have some', r.pos)
}

/** Reads the counts of a row whose layout is known.
 *  @param counts where its zero count and its count are
 *  @returns whether all of them are up to `maxCount` */
function readIntegers(r: ByteReader, counts: number, out: HistogramColumns, i: number): boolean {
  const behind = r.pos
  r.pos = counts
  const zeroCount = readAnyUvarint(r)
  const observations = readAnyUvarint(r)
  r.pos = behind
  out.zeroCount[i] = zeroCount
  out.observations[i] = observations
  const start = out.offset[i] as number
  const middle = start + out.positives(i)
  const exact = readDifferences(r, out.buckets, start, middle)
  const negativeExact = readDifferences(r, out.buckets, middle, start + out.size(i))
  return exact && negativeExact && zeroCount <= maxCount && observations <= maxCount
}

function readDifferences(r: ByteReader, buckets: Float64Array, start: number, end: number): boolean {
  checkBuckets(r, end - start)
  let count = 0
  let exact = true
  for (let k = start; k < end; k++) {
    count += readAnyVarint(r)
    // Also true of NaN, which is what infinities may add up to.
    if (!(Math.abs(count) <= maxCount)) exact = false
    buckets[k] = count
  }
  return exact
}

/** As `readIntegers`; floats are bits, and these are always exact. */
function readFloats(r: ByteReader, counts: number, out: HistogramColumns, i: number): true {
  const behind = r.pos
  r.pos = counts
  readBits(r, out.zeroBits, i)
  readBits(r, out.observationBits, i)
  r.pos = behind
  const start = out.offset[i] as number
  const middle = start + out.positives(i)
  const end = start + out.size(i)
  checkBuckets(r, middle - start)
  for (let k = start; k < middle; k++) readBits(r, out.bucketBits, k)
  checkBuckets(r, end - middle)
  for (let k = middle; k < end; k++) readBits(r, out.bucketBits, k)
  return true
}

function checkBuckets(r: ByteReader, wanted: number): void {
  const found = r.uvarint()
  if (found !== wanted)
    throw new CorruptionError(`want ${wanted} buckets, as in the spans, have ${found}`, r.pos)
}

function readBits(r: ByteReader, bits: Int32Array, i: number): void {
  bits[2 * i + 1] = r.word()
  bits[2 * i] = r.word()
}

function readFloat(r: ByteReader): number {
  words.setInt32(0, r.word())
  words.setInt32(4, r.word())
  return words.getFloat64(0)
}
