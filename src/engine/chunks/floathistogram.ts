// Chunks of float histograms (encoding 3; upstream `tsdb/chunkenc/float_histogram.go`). Behind the layout, a sample is its
// time as in a chunk of integer histograms, then count, zero count, sum and all buckets: the first as float64, then each
// as in an XOR chunk, with a window of its own. A stale marker's counts are 0, and it has no buckets.

import { CorruptionError } from '../bytes/corruption.ts'
import type { HistogramColumns } from '../model/histogram/columns.ts'
import type { BitReader, BitWriter } from './bits.ts'
import { staleBits } from './columns.ts'
import { addSample, decodeSamples, sumHigh, sumLow, type SampleReader } from './histogram.ts'
import { noWindow, XorValues } from './xorvalues.ts'

// Places of the floats of a sample.
const observations = 0
const zeroCount = 1
const sum = 2
const buckets = 3

/** Writes the samples of a chunk whose header is there. */
export class FloatSamples {
  private readonly floats: XorValues
  private t = 0
  private delta = 0

  constructor(size: number) {
    this.floats = new XorValues(buckets + size, noWindow)
  }

  /** Writes sample i. `counts` are its buckets in the chunk's layout, none for a stale marker. */
  write(bits: BitWriter, from: HistogramColumns, i: number, counts: Float64Array, first: boolean): void {
    const t = from.t[i] as number
    const delta = first ? 0 : t - this.t
    bits.varbit(first ? t : delta - this.delta)
    this.t = t
    this.delta = delta
    const stale = from.stale[i] === 1
    this.put(
      bits,
      observations,
      stale ? 0 : high(from.observationBits, i),
      stale ? 0 : low(from.observationBits, i),
      first,
    )
    this.put(bits, zeroCount, stale ? 0 : high(from.zeroBits, i), stale ? 0 : low(from.zeroBits, i), first)
    this.put(bits, sum, sumHigh(from, i), sumLow(from, i), first)
    const countBits = new Int32Array(counts.buffer, counts.byteOffset)
    for (let k = 0; k < counts.length; k++)
      this.put(bits, buckets + k, high(countBits, k), low(countBits, k), first)
  }

  private put(bits: BitWriter, k: number, high: number, low: number, first: boolean): void {
    if (first) this.floats.start(bits, k, high, low)
    else this.floats.write(bits, k, high, low)
  }
}

function high(bits: Int32Array, i: number): number {
  return bits[2 * i + 1] as number
}

function low(bits: Int32Array, i: number): number {
  return bits[2 * i] as number
}

/** Decodes the first `count` samples of a chunk behind those that `out` has. Those of a schema above the highest that we
 *  know come at the resolution of that one.
 *  @throws CorruptionError when the chunk ends before */
export function decodeFloatHistograms(chunk: Uint8Array, count: number, out: HistogramColumns): void {
  decodeSamples(chunk, count, out, readSamples)
}

const readSamples: SampleReader = (bits, count, out, layout) => {
  // 64 bits each in the first sample.
  if (layout.buckets * 64 > bits.left)
    throw new CorruptionError(`want ${layout.buckets} buckets in a chunk`, bits.pos >>> 3)
  const floats = new XorValues(buckets + layout.buckets, 0)
  let t = bits.varbit()
  let delta = 0
  for (let n = 0; n < count; n++) {
    if (n > 0) {
      delta += bits.varbit()
      t += delta
    }
    for (let k = 0; k < buckets; k++) readFloat(bits, floats, k, n === 0)
    const stale = floats.high[sum] === staleBits.high && floats.low[sum] === staleBits.low
    if (stale && n === 0 && layout.buckets > 0)
      throw new CorruptionError('want no buckets beside a stale marker, have some', bits.pos >>> 3)
    const i = addSample(out, t, layout.id, stale)
    out.float[i] = 1
    if (stale) continue
    put(floats, observations, out.observationBits, i)
    put(floats, zeroCount, out.zeroBits, i)
    put(floats, sum, out.sumBits, i)
    const { bucketBits } = out
    const offset = out.offset[i] as number
    for (let k = 0; k < layout.buckets; k++) {
      readFloat(bits, floats, buckets + k, n === 0)
      put(floats, buckets + k, bucketBits, offset + k)
    }
  }
}

function readFloat(bits: BitReader, floats: XorValues, k: number, first: boolean): void {
  if (first) floats.readFirst(bits, k)
  else floats.read(bits, k)
}

function put(floats: XorValues, k: number, into: Int32Array, i: number): void {
  into[2 * i] = floats.low[k] as number
  into[2 * i + 1] = floats.high[k] as number
}
