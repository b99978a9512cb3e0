import type { HistogramColumns } from '../model/histogram/columns.ts'
import { HistogramChunk } from './histogramchunk.ts'

/** Samples of a chunk that is made when others are merged or cut (upstream `seriesToChunkEncoderSplit`). It has no limit of
 *  bytes. */
export const mergedSamples = 120

/** A finished chunk; both times belong to it. */
interface EncodedHistograms {
  readonly minT: number
  readonly maxT: number
  readonly encoding: 2 | 3
  readonly samples: number
  readonly bytes: Uint8Array
}

/** The rows [start, end) of one series as chunks, as upstream makes them of merged ones (`storage.NewSeriesToChunkEncoder`):
 *  a new chunk after `most` samples, and where the rules of chunks want one. Nothing is said of resets in front of a chunk
 *  unless a hint does. Times ascend. */
export function encodeHistograms(
  from: HistogramColumns,
  start = 0,
  end = from.count,
  most = mergedSamples,
): EncodedHistograms[] {
  const encoded: EncodedHistograms[] = []
  let open: HistogramChunk | null = null
  let first = start
  for (let i = start; i < end; i++) {
    const cut = open === null || open.count >= most || from.float[i] !== from.float[first]
    const next: HistogramChunk =
      open === null || cut ? HistogramChunk.begin(from, i, null) : open.append(from, i)
    if (next === open) continue
    if (open) encoded.push(finished(open, from, first, i - 1))
    open = next
    first = i
  }
  if (open) encoded.push(finished(open, from, first, end - 1))
  return encoded
}

function finished(
  chunk: HistogramChunk,
  from: HistogramColumns,
  first: number,
  last: number,
): EncodedHistograms {
  return {
    minT: from.t[first] as number,
    maxT: from.t[last] as number,
    encoding: chunk.encoding,
    samples: chunk.count,
    bytes: chunk.encoded(),
  }
}
