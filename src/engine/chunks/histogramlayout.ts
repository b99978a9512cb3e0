// What stands at the front of a chunk of histograms (encodings 2 and 3; upstream `tsdb/chunkenc/histogram_meta.go`):
//   ┌───────────┬──────────┬────────────────┬───────────────┬────────────────┬────────────────┬────────┐
//   │ count u16 │ flags u8 │ zero threshold │ schema varbit │ positive spans │ negative spans │ bounds │
//   └───────────┴──────────┴────────────────┴───────────────┴────────────────┴────────────────┴────────┘
// The flags' top two bits are the reset header. The threshold is a byte: 0, or 244 + its logarithm for powers of two from
// 2^-243 to 2^10, or 255 with a float64 behind it. Spans and bounds have their number in front, as uvarbit; a span is a
// uvarbit length and a varbit offset. Bounds are there with schema -53 only: a uvarbit of 1 + 1000 times the bound where
// that is a whole number of up to 25 bits, else a 0 bit and a float64.

import { CorruptionError } from '../bytes/corruption.ts'
import { isKnownSchema, schemas, type HistogramLayout } from '../model/histogram.ts'
import { BitReader, type BitWriter } from './bits.ts'

/** Whether the counter was reset in front of the chunk. On disk; never renumber (upstream `CounterResetHeader`). */
export const resetHeader = { unknown: 0, notReset: 0x40, reset: 0x80, gauge: 0xc0 } as const

export type ResetHeader = (typeof resetHeader)[keyof typeof resetHeader]

const resetMask = 0xc0
const headerBytes = 3
/** Where the flags are. */
const flagsByte = 2

/** Upstream's own limit of a bound in whole thousandths: 25 bits. */
const maxThousandths = 33_554_430

/** Number of samples of a finished chunk of histograms.
 *  @throws CorruptionError */
export function histogramCount(chunk: Uint8Array): number {
  if (chunk.length < headerBytes)
    throw new CorruptionError(`want ${headerBytes} bytes, have ${chunk.length}`, 0)
  return ((chunk[0] as number) << 8) | (chunk[1] as number)
}

/** @throws CorruptionError */
export function resetHeaderOf(chunk: Uint8Array): ResetHeader {
  if (chunk.length < headerBytes)
    throw new CorruptionError(`want ${headerBytes} bytes, have ${chunk.length}`, 0)
  return ((chunk[flagsByte] as number) & resetMask) as ResetHeader
}

/** Begins a chunk; its count is filled in when it is finished. */
export function writeHeader(bits: BitWriter, header: ResetHeader, layout: HistogramLayout): void {
  bits.write(0, 16)
  bits.write(header, 8)
  writeZeroThreshold(bits, layout.zeroThreshold)
  bits.varbit(layout.schema)
  writeSpans(bits, layout.positiveSpans)
  writeSpans(bits, layout.negativeSpans)
  if (layout.schema !== schemas.custom) return
  bits.uvarbit(layout.bounds.length)
  for (const bound of layout.bounds) writeBound(bits, bound)
}

/** Reads a layout and leaves the reader at the first sample.
 *  @throws CorruptionError */
export function readLayout(bits: BitReader): HistogramLayout {
  bits.pos = headerBytes * 8
  const zeroThreshold = readZeroThreshold(bits)
  const schema = bits.varbit()
  if (!isKnownSchema(schema)) {
    const known = `between ${schemas.minReserved} and ${schemas.maxReserved}, or ${schemas.custom}`
    throw new CorruptionError(`want a schema ${known}, have ${schema}`, headerBytes)
  }
  const positiveSpans = readSpans(bits)
  const negativeSpans = readSpans(bits)
  const bounds = schema === schemas.custom ? readBounds(bits) : new Float64Array(0)
  if (schema === schemas.custom) checkCustom(positiveSpans, negativeSpans, bounds)
  return { schema, zeroThreshold, positiveSpans, negativeSpans, bounds }
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

function writeFloat(bits: BitWriter, value: number): void {
  float[0] = value
  bits.write(words[1] as number, 32)
  bits.write(words[0] as number, 32)
}

function readFloat(bits: BitReader): number {
  words[1] = bits.word()
  words[0] = bits.word()
  return float[0] as number
}

function writeZeroThreshold(bits: BitWriter, threshold: number): void {
  if (threshold === 0) {
    bits.write(0, 8)
    return
  }
  const power = powerOfTwo(threshold)
  if (power >= -243 && power <= 10) bits.write(power + 244, 8)
  else {
    bits.write(255, 8)
    writeFloat(bits, threshold)
  }
}

/** The logarithm of a power of two; NaN of anything else, the smallest powers among it, which have no exponent. */
function powerOfTwo(value: number): number {
  float[0] = value
  const high = words[1] as number
  return words[0] === 0 && (high & 0x800fffff) === 0 && high !== 0 ? (high >>> 20) - 1023 : NaN
}

function readZeroThreshold(bits: BitReader): number {
  const code = bits.bits(8)
  if (code === 0) return 0
  return code === 255 ? readFloat(bits) : 2 ** (code - 244)
}

function writeSpans(bits: BitWriter, spans: Int32Array): void {
  bits.uvarbit(spans.length / 2)
  for (let i = 0; i < spans.length; i += 2) {
    bits.uvarbit(spans[i + 1] as number)
    bits.varbit(spans[i] as number)
  }
}

function readSpans(bits: BitReader): Int32Array {
  const count = bits.uvarbit()
  // A length and an offset take a bit at least, and so does each bucket in the first sample.
  if (count * 2 > bits.left) throw new CorruptionError(`want ${count} spans in a chunk`, bits.pos >>> 3)
  const spans = new Int32Array(count * 2)
  let index = 0
  let buckets = 0
  for (let i = 0; i < spans.length; i += 2) {
    const length = bits.uvarbit()
    const offset = bits.varbit()
    buckets += length
    if (buckets > bits.left) throw new CorruptionError(`want ${buckets} buckets in a chunk`, bits.pos >>> 3)
    index += offset + length
    if ((i > 0 && offset < 0) || offset !== (offset | 0) || index !== (index | 0))
      throw new CorruptionError(
        `want buckets in ascending order, have a span offset of ${offset}`,
        bits.pos >>> 3,
      )
    spans[i] = offset
    spans[i + 1] = length
  }
  return spans
}

function writeBound(bits: BitWriter, bound: number): void {
  const thousandths = bound * 1000
  const whole = Math.round(thousandths)
  if (thousandths >= 0 && thousandths <= maxThousandths && whole / 1000 === bound) {
    bits.uvarbit(whole + 1)
    return
  }
  bits.write(0, 1)
  writeFloat(bits, bound)
}

function readBounds(bits: BitReader): Float64Array {
  const count = bits.uvarbit()
  if (count > bits.left) throw new CorruptionError(`want ${count} bounds in a chunk`, bits.pos >>> 3)
  const bounds = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const whole = bits.uvarbit()
    bounds[i] = whole === 0 ? readFloat(bits) : (whole - 1) / 1000
  }
  return bounds
}

/** Every bucket has a bound, the last one perhaps +Inf: whoever reads them need not look. */
function checkCustom(positive: Int32Array, negative: Int32Array, bounds: Float64Array): void {
  let end = 0
  for (const each of positive) end += each
  if ((positive[0] ?? 0) < 0 || end > bounds.length + 1)
    throw new CorruptionError(`want buckets within ${bounds.length} custom bounds, have ${end}`, headerBytes)
  if (negative.length > 0)
    throw new CorruptionError('want no negative spans with custom bounds, have some', headerBytes)
}
