import type { HistogramColumns } from '../model/histogram/columns.ts'
import type { SampleColumns } from './columns.ts'
import { chunkEncoding } from './decode.ts'
import { encodeHistograms } from './histogramseries.ts'
import { XorChunk } from './xor.ts'

/** A finished chunk; both times belong to it. */
export interface EncodedChunk {
  readonly minT: number
  readonly maxT: number
  readonly encoding: number
  readonly samples: number
  readonly bytes: Uint8Array
}

/** Where one chunk ends and the next begins, beside what the kinds of samples want. */
export interface ChunkLimits {
  /** Samples of a chunk; `mergedSamples` for what is merged. */
  readonly samples: number
  /** Milliseconds: no chunk crosses a multiple of it; Infinity where that does not matter. */
  readonly rangeMs: number
}

/** Samples of a chunk that may be as long as its count can tell. */
export const mostSamples = 0xffff

/** The samples of one series as chunks in the order of their times, as upstream makes them of merged ones
 *  (`storage.NewSeriesToChunkEncoder`): a chunk holds floats, integer histograms or float histograms. Times ascend in each
 *  of the columns, and no float has the time of a histogram. */
export function encodeSeries(
  floats: SampleColumns,
  histograms: HistogramColumns,
  { samples, rangeMs }: ChunkLimits,
): EncodedChunk[] {
  const encoded: EncodedChunk[] = []
  const next = { float: 0, histogram: 0 }
  for (;;) {
    const float = next.float < floats.count ? (floats.t[next.float] as number) : Infinity
    const histogram = next.histogram < histograms.count ? (histograms.t[next.histogram] as number) : Infinity
    const first = Math.min(float, histogram)
    if (first === Infinity) return encoded
    const rangeEnd = rangeMs === Infinity ? Infinity : (Math.floor(first / rangeMs) + 1) * rangeMs
    if (float < histogram) {
      const end = Math.min(histogram, rangeEnd)
      next.float = encodeFloats(floats, next.float, end, samples, encoded)
    } else {
      const from = next.histogram
      next.histogram = firstFrom(histograms, from, Math.min(float, rangeEnd))
      for (const chunk of encodeHistograms(histograms, from, next.histogram, samples)) encoded.push(chunk)
    }
  }
}

/** Floats from row `from` on and before time `end`; answers the row behind them. */
function encodeFloats(
  floats: SampleColumns,
  from: number,
  end: number,
  most: number,
  out: EncodedChunk[],
): number {
  const to = firstFrom(floats, from, end)
  for (let i = from; i < to; i += most) out.push(encodeXor(floats, i, Math.min(i + most, to)))
  return to
}

/** The first row from `from` on whose time is not before `t`. */
function firstFrom({ t: times, count }: SampleColumns | HistogramColumns, from: number, t: number): number {
  let i = from
  while (i < count && (times[i] as number) < t) i++
  return i
}

/** The rows [from, to) as an XOR chunk. */
function encodeXor({ t, bits }: SampleColumns, from: number, to: number): EncodedChunk {
  const chunk = new XorChunk()
  for (let i = from; i < to; i++)
    chunk.append(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
  return {
    minT: t[from] as number,
    maxT: t[to - 1] as number,
    encoding: chunkEncoding.xor,
    samples: to - from,
    bytes: chunk.encoded(),
  }
}
