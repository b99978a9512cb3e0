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

/** A chunk that is finished; both times belong to it. Its bytes lie in a page among those of others: chunks that end at the
 *  same time go at the same time, and with a buffer for each of them a replay spent a sixth of its time on collecting
 *  garbage. */
export class ClosedChunk implements EncodedChunk {
  readonly minT: number
  readonly maxT: number
  readonly encoding: number
  private readonly page: Uint8Array
  private readonly from: number
  private readonly length: number

  /** @param place of its bytes, which are there or will be before anybody asks */
  constructor(minT: number, maxT: number, encoding: number, { page, from, length }: Place) {
    this.minT = minT
    this.maxT = maxT
    this.encoding = encoding
    this.page = page
    this.from = from
    this.length = length
  }

  get bytes(): Uint8Array {
    return this.page.subarray(this.from, this.from + this.length)
  }

  /** Every encoding begins with it. */
  get samples(): number {
    return ((this.page[this.from] as number) << 8) | (this.page[this.from + 1] as number)
  }
}

interface Place {
  readonly page: Uint8Array
  readonly from: number
  readonly length: number
}

const pageBytes = 64 * 1024
let lastPage = new Uint8Array(0)
let pageUsed = 0

/** A place for bytes that stay. */
function placeFor(length: number): Place {
  if (pageUsed + length > lastPage.length) {
    lastPage = new Uint8Array(Math.max(pageBytes, length))
    pageUsed = 0
  }
  const from = pageUsed
  pageUsed += length
  return { page: lastPage, from, length }
}

/** A chunk with a copy of the bytes. */
export function closedChunk(minT: number, maxT: number, encoding: number, bytes: Uint8Array): ClosedChunk {
  const place = placeFor(bytes.length)
  place.page.set(bytes, place.from)
  return new ClosedChunk(minT, maxT, encoding, place)
}

/** A chunk that takes samples. */
export type OpenChunk = XorChunk | OpenHistograms

/** The open chunk as it is now, to be kept. */
export function finished(open: OpenChunk): ClosedChunk {
  if (!(open instanceof XorChunk)) return closedChunk(open.minT, open.t, open.encoding, open.encoded())
  const place = placeFor(open.byteLength)
  open.encodeInto(place.page, place.from)
  return new ClosedChunk(open.minT, open.t, chunkEncoding.xor, place)
}

/** The same for a while. */
export function finishedForNow(open: OpenChunk): ClosedChunk {
  const page = open.encoded()
  return new ClosedChunk(open.minT, open.t, encodingOf(open), { page, from: 0, length: page.length })
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
  /** A sample from this time on may start another. */
  nextAt = Infinity

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

/** Sets anew when the chunk ends, where a quarter of it shows when it will be full. */
export function xorForesee(chunk: XorChunk): void {
  if (chunk.count === samplesPerChunk / 4) chunk.nextAt = chunkEnd(chunk.minT, chunk.t, chunk.nextAt, 4)
}

/** How many floats can be added before `xorForesee` or `xorFull` may say something else. At least one, if it is not full. */
export function xorUnwatched(chunk: XorChunk): number {
  const { count } = chunk
  if (count < samplesPerChunk / 4) return samplesPerChunk / 4 - count
  const bytes = Math.floor((maxXorBytes - chunk.byteLength) / maxSampleBytes) + 1
  return Math.min(bytes, samplesPerChunk * 2 - count)
}

/** Whether floats go to the next chunk, whatever the time. */
export function xorFull(chunk: XorChunk): boolean {
  return chunk.byteLength > maxXorBytes || chunk.count >= samplesPerChunk * 2
}

/** As `xorForesee`, once in a chunk's life. */
export function histogramsForesee(open: OpenHistograms): void {
  const { byteLength } = open.chunk
  if (open.foreseen || byteLength < histogramBytes / 4) return
  open.foreseen = true
  open.nextAt = chunkEnd(open.minT, open.t, open.nextAt, histogramBytes / byteLength)
}

/** Whether a histogram of time `t` goes to the next chunk. */
export function histogramsEnd(open: OpenHistograms, t: number, chunkRangeMs: number): boolean {
  if (t < open.nextAt && open.chunk.byteLength < histogramBytes * 2) return false
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
