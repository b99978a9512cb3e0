// Chunks of integer histograms (encoding 2; upstream `tsdb/chunkenc/histogram.go`). Behind the layout, a sample is:
//   time, count, zero count   varbit: the first as they are, then the change of the difference to the one before
//   sum                       the first as float64, then as in an XOR chunk
//   buckets                   varbit: each bucket's difference to the one before it; of that, the first as it is, then the
//                             change of the difference to the sample before
// A stale marker has no buckets; its counts are written as if they went on as before.

import { CorruptionError } from '../bytes/corruption.ts'
import { maxCount, schemas } from '../model/histogram.ts'
import { HistogramColumns } from '../model/histogram/columns.ts'
import { reduceResolution } from '../model/histogram/compact.ts'
import { bucketsIn } from '../model/histogram/spans.ts'
import { assert } from '../model/errors.ts'
import { BitReader, type BitWriter } from './bits.ts'
import { staleBits } from './columns.ts'
import { histogramCount, readLayout } from './histogramlayout.ts'
import { hintAt } from './resethint.ts'
import { noWindow, XorValues } from './xorvalues.ts'

/** Writes the samples of a chunk whose header is there. */
export class IntegerSamples {
  private readonly positives: number
  private t = 0
  private delta = 0
  private count = 0
  private countDelta = 0
  private zeroCount = 0
  private zeroDelta = 0
  private readonly sum = new XorValues(1, noWindow)
  /** Of each bucket, the difference to the bucket before it, and how that changed in the last sample. */
  private readonly values: Float64Array
  private readonly deltas: Float64Array

  /** @param positives how many of the buckets are positive */
  constructor(positives: number, buckets: number) {
    this.positives = positives
    this.values = new Float64Array(buckets)
    this.deltas = new Float64Array(buckets)
  }

  /** Writes sample i. `counts` are its buckets in the chunk's layout, none for a stale marker. */
  write(bits: BitWriter, from: HistogramColumns, i: number, counts: Float64Array, first: boolean): void {
    const t = from.t[i] as number
    if (first) this.writeFirst(bits, from, i, t)
    else this.writeNext(bits, from, i, t)
    if (from.stale[i]) return
    for (let k = 0, before = 0; k < counts.length; k++) {
      if (k === this.positives) before = 0
      const count = counts[k] as number
      assert(count <= maxCount, `bucket of ${count} observations`)
      const value = count - before
      before = count
      const delta = value - (this.values[k] as number)
      bits.varbit(first ? value : delta - (this.deltas[k] as number))
      this.values[k] = value
      if (!first) this.deltas[k] = delta
    }
  }

  private writeFirst(bits: BitWriter, from: HistogramColumns, i: number, t: number): void {
    const stale = from.stale[i] === 1
    this.t = t
    this.count = stale ? 0 : (from.observations[i] as number)
    this.zeroCount = stale ? 0 : (from.zeroCount[i] as number)
    bits.varbit(t)
    bits.uvarbit(this.count)
    bits.uvarbit(this.zeroCount)
    this.sum.start(bits, 0, sumHigh(from, i), sumLow(from, i))
  }

  private writeNext(bits: BitWriter, from: HistogramColumns, i: number, t: number): void {
    const delta = t - this.t
    bits.varbit(delta - this.delta)
    this.t = t
    this.delta = delta
    if (from.stale[i]) bits.write(0, 2)
    else {
      const countDelta = (from.observations[i] as number) - this.count
      const zeroDelta = (from.zeroCount[i] as number) - this.zeroCount
      bits.varbit(countDelta - this.countDelta)
      bits.varbit(zeroDelta - this.zeroDelta)
      this.count += countDelta
      this.zeroCount += zeroDelta
      this.countDelta = countDelta
      this.zeroDelta = zeroDelta
    }
    this.sum.write(bits, 0, sumHigh(from, i), sumLow(from, i))
  }
}

export function sumHigh(from: HistogramColumns, i: number): number {
  return from.stale[i] ? staleBits.high : (from.sumBits[2 * i + 1] as number)
}

export function sumLow(from: HistogramColumns, i: number): number {
  return from.stale[i] ? staleBits.low : (from.sumBits[2 * i] as number)
}

/** Decodes the first `count` samples of a chunk behind those that `out` has. Those of a schema above the highest that we
 *  know come at the resolution of that one.
 *  @throws CorruptionError when the chunk ends before, or counts exceed 2^53 */
export function decodeHistograms(chunk: Uint8Array, count: number, out: HistogramColumns): void {
  decodeSamples(chunk, count, out, readSamples)
}

/** Reads `count` samples behind a layout. */
export type SampleReader = (
  bits: BitReader,
  count: number,
  out: HistogramColumns,
  layout: { readonly id: number; readonly positives: number; readonly buckets: number },
) => void

/** What chunks of both kinds have in common.
 *  @throws CorruptionError */
export function decodeSamples(
  chunk: Uint8Array,
  count: number,
  out: HistogramColumns,
  read: SampleReader,
): void {
  if (count === 0) return
  const written = histogramCount(chunk)
  if (count > written) throw new CorruptionError(`want ${count} samples in a chunk, have ${written}`, 0)
  const bits = new BitReader(chunk)
  const layout = readLayout(bits)
  // Each sample takes four bits or more: no memory for what cannot be there.
  if (count * 4 > bits.left) throw new CorruptionError(`want ${count} samples in a chunk`, 0)
  const into = layout.schema > schemas.max ? new HistogramColumns() : out
  const start = into.count
  into.reserve(count)
  const positives = bucketsIn(layout.positiveSpans)
  const buckets = positives + bucketsIn(layout.negativeSpans)
  read(bits, count, into, { id: into.intern(layout), positives, buckets })
  for (let i = start; i < into.count; i++) into.hint[i] = hintAt(chunk, i - start)
  if (into === out) return
  for (let i = 0; i < into.count; i++) {
    const h = into.at(i)
    out.push(into.t[i] as number, h.stale ? h : reduceResolution(h, schemas.max))
  }
}

const readSamples: SampleReader = (bits, count, out, layout) => {
  const sum = new XorValues(1, 0)
  const values = new Float64Array(layout.buckets)
  const deltas = new Float64Array(layout.buckets)
  let t = bits.varbit()
  let observations = bits.uvarbit()
  let zeroCount = bits.uvarbit()
  sum.readFirst(bits, 0)
  let [delta, countDelta, zeroDelta] = [0, 0, 0]
  for (let n = 0; n < count; n++) {
    if (n > 0) {
      delta += bits.varbit()
      countDelta += bits.varbit()
      zeroDelta += bits.varbit()
      t += delta
      observations += countDelta
      zeroCount += zeroDelta
      sum.read(bits, 0)
    }
    const stale = sum.high[0] === staleBits.high && sum.low[0] === staleBits.low
    const i = addSample(out, t, layout.id, stale)
    if (stale) {
      if (n === 0 && layout.buckets > 0)
        throw new CorruptionError('want no buckets beside a stale marker, have some', bits.pos >>> 3)
      continue
    }
    check(bits, observations)
    check(bits, zeroCount)
    out.observations[i] = observations
    out.zeroCount[i] = zeroCount
    out.sumBits[2 * i] = sum.low[0] as number
    out.sumBits[2 * i + 1] = sum.high[0] as number
    readBuckets(bits, n === 0, values, deltas, layout.positives, out.buckets, out.offset[i] as number)
  }
}

/** Adds a sample's row.
 *  @throws CorruptionError when its time is beyond 2^53 */
export function addSample(out: HistogramColumns, t: number, layout: number, stale: boolean): number {
  if (!Number.isSafeInteger(t)) throw new CorruptionError('want times within 2^53, have larger ones', 0)
  return out.add(t, layout, stale ? 1 : 0)
}

function readBuckets(
  bits: BitReader,
  first: boolean,
  values: Float64Array,
  deltas: Float64Array,
  positives: number,
  out: Float64Array,
  offset: number,
): void {
  const size = values.length
  let count = 0
  let zeros = 0
  for (let k = 0; k < size; k++) {
    if (k === positives) count = 0
    // Most buckets go on as before: one 0 bit each, counted in runs.
    if (zeros === 0) zeros = bits.zeros(size - k)
    if (zeros > 0) zeros--
    else if (first) values[k] = bits.varbit()
    else deltas[k] = (deltas[k] as number) + bits.varbit()
    if (!first) values[k] = (values[k] as number) + (deltas[k] as number)
    count += values[k] as number
    // The counts alone do not show that a difference was not exact.
    if (Math.abs(count) + Math.abs(deltas[k] as number) > Number.MAX_SAFE_INTEGER) check(bits, Infinity)
    out[offset + k] = count
  }
}

function check(bits: BitReader, count: number): void {
  if (count >= 0 && count <= Number.MAX_SAFE_INTEGER) return
  throw new CorruptionError(`want counts from 0 to 2^53, have ${count}`, bits.pos >>> 3)
}
