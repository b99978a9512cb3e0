// The chunks of a series in the head, and when one ends (upstream `tsdb/head_append.go`: `appendPreprocessor`,
// `histogramsAppendPreprocessor`).

import { chunkEncoding } from '../../chunks/decode.ts'
import type { EncodedChunk } from '../../chunks/encode.ts'
import { HistogramChunk } from '../../chunks/histogramchunk.ts'
import { maxSampleBytes, XorChunk } from '../../chunks/xor.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'

const samplesPerChunk = 120
const maxXorBytes = 1024 - maxSampleBytes
const histogramBytes = 1024
const fewestHistograms = 10

/** A chunk that is finished; both times belong to it. */
export class ClosedChunk implements EncodedChunk {
  readonly minT: number
  readonly maxT: number
  readonly encoding: number
  readonly bytes: Uint8Array

  constructor(minT: number, maxT: number, encoding: number, bytes: Uint8Array) {
    this.minT = minT
    this.maxT = maxT
    this.encoding = encoding
    this.bytes = bytes
  }

  /** Not a field: a head has hundreds of thousands of chunks, and every encoding begins with it. */
  get samples(): number {
    return ((this.bytes[0] as number) << 8) | (this.bytes[1] as number)
  }
}

/** A chunk that takes samples. */
export type OpenChunk = XorChunk | OpenHistograms

/** The open chunk as it is now. */
export function finished(open: OpenChunk): ClosedChunk {
  return new ClosedChunk(open.minT, open.t, encodingOf(open), open.encoded())
}

export function encodingOf(open: OpenChunk): number {
  return open instanceof XorChunk ? chunkEncoding.xor : open.encoding
}

/** A chunk of histograms with its times. */
export class OpenHistograms {
  readonly chunk: HistogramChunk
  /** Times of the first and the last sample. */
  readonly minT: number
  t: number
  /** Whether it was foreseen when the chunk will be full. */
  foreseen: boolean

  /** @param chunk with one sample, of time `t` */
  constructor(chunk: HistogramChunk, t: number, foreseen: boolean) {
    this.chunk = chunk
    this.minT = t
    this.t = t
    this.foreseen = foreseen
  }

  get encoding(): number {
    return this.chunk.encoding
  }

  get count(): number {
    return this.chunk.count
  }

  encoded(): Uint8Array {
    return this.chunk.encoded()
  }

  /** Adds row i behind the others.
   *  @returns the chunk that has it: this one, or the next where it does not fit */
  append(from: HistogramColumns, i: number): OpenHistograms {
    const t = from.t[i] as number
    const chunk = this.chunk.append(from, i)
    // Upstream forgets to look anew when the next chunk may be full. Its bytes would differ from ours.
    if (chunk !== this.chunk) return new OpenHistograms(chunk, t, this.foreseen)
    this.t = t
    return this
  }

  /** The chunk with row i that follows one that was cut, or something else. */
  static begin(from: HistogramColumns, i: number, previous: OpenChunk | null): OpenHistograms {
    const before = previous instanceof OpenHistograms ? previous.chunk : null
    return new OpenHistograms(HistogramChunk.begin(from, i, before), from.t[i] as number, false)
  }
}

/** When the chunk ends at the latest, looked at anew where a quarter of it shows when it will be full.
 *  @param nextAt when it was to end until now */
export function xorEnd(chunk: XorChunk, nextAt: number): number {
  return chunk.count === samplesPerChunk / 4 ? chunkEnd(chunk.minT, chunk.t, nextAt, 4) : nextAt
}

/** Whether floats go to the next chunk, whatever the time. */
export function xorFull(chunk: XorChunk): boolean {
  return chunk.byteLength > maxXorBytes || chunk.count >= samplesPerChunk * 2
}

/** As `xorEnd`, once in a chunk's life. */
export function histogramEnd(open: OpenHistograms, nextAt: number): number {
  const { byteLength } = open.chunk
  if (open.foreseen || byteLength < histogramBytes / 4) return nextAt
  open.foreseen = true
  return chunkEnd(open.minT, open.t, nextAt, histogramBytes / byteLength)
}

/** Whether a histogram of time `t` goes to the next chunk. */
export function histogramsEnd(
  open: OpenHistograms,
  t: number,
  nextAt: number,
  chunkRangeMs: number,
): boolean {
  if (t < nextAt && open.chunk.byteLength < histogramBytes * 2) return false
  return open.count >= fewestHistograms || t >= rangeEnd(open.minT, chunkRangeMs)
}

/** When a chunk should end that took from `start` to `current` for one part in `ratio`, so that chunks of equal length
 *  fill the time up to `max`. */
function chunkEnd(start: number, current: number, max: number, ratio: number): number {
  const chunks = (max - start) / ((current - start + 1) * ratio)
  return chunks <= 1 ? max : Math.trunc(start + (max - start) / Math.floor(chunks))
}

/** End of the range that `t` falls in (upstream's `rangeForTimestamp`). Divides toward 0 as Go does, so the two ranges
 *  around 0 are one. */
export function rangeEnd(t: number, rangeMs: number): number {
  return t - (t % rangeMs) + rangeMs
}
