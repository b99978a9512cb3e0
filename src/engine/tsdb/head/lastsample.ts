// Whether a chunk ends with a sample. That is asked for when a sample comes with the time of its series' last, which is
// rare where it needs more than a look: so nothing is kept for it.

import { SampleColumns, staleBits } from '../../chunks/columns.ts'
import { decodeChunk, hasFloats } from '../../chunks/decode.ts'
import { staleHistogram } from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { sameHistogram } from '../../model/histogram/equal.ts'
import type { ClosedChunk } from './chunks.ts'

const floats = new SampleColumns()
const histograms = new HistogramColumns()

/** A stale marker is a histogram's where the chunk has histograms. */
export function endsWithFloat(chunk: ClosedChunk, high: number, low: number): boolean {
  decode(chunk)
  if (!hasFloats(chunk.encoding)) return isStale(high, low) && histograms.stale[histograms.count - 1] === 1
  const last = floats.count - 1
  return floats.bits[2 * last + 1] === high && floats.bits[2 * last] === low
}

export function endsWithHistogram(chunk: ClosedChunk, from: HistogramColumns, i: number): boolean {
  if (hasFloats(chunk.encoding)) return false
  decode(chunk)
  return sameHistogram(histograms, histograms.count - 1, from, i)
}

export function isStale(high: number, low: number): boolean {
  return high === staleBits.high && low === staleBits.low
}

/** Columns with one stale marker.
 *  @param kind of the histograms that it ends */
export function staleColumns(t: number, kind: 'integer' | 'float'): HistogramColumns {
  const columns = new HistogramColumns(1)
  columns.push(t, staleHistogram(kind === 'float'))
  return columns
}

function decode(chunk: ClosedChunk): void {
  floats.count = 0
  histograms.clear()
  decodeChunk(chunk.encoding, chunk.bytes, floats, histograms)
}
