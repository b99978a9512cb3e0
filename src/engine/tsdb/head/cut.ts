import { SampleColumns } from '../../chunks/columns.ts'
import { decodeChunk } from '../../chunks/decode.ts'
import { encodeSeries, mostSamples, type EncodedChunk } from '../../chunks/encode.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { TimeRange } from '../../model/store.ts'
import type { ClosedChunk } from './chunks.ts'
import { chunksOf, type SeriesParts } from './snapshot.ts'

/** A series with chunks for a block. */
export interface HeadSeries {
  readonly labels: Labels
  readonly chunks: readonly EncodedChunk[]
}

/** The series that have samples in [minT, maxT), with their chunks cut to it and to what was not deleted. */
export async function* cutSeries(
  all: readonly SeriesParts[],
  minT: number,
  maxT: number,
): AsyncGenerator<HeadSeries> {
  for (const parts of all) {
    const chunks = chunksOf(parts, minT, maxT).flatMap(chunk => cutChunk(chunk, minT, maxT, parts.deleted))
    if (chunks.length > 0) yield { labels: parts.labels, chunks }
  }
}

/** The part of a chunk that lies in [minT, maxT) and was not deleted: the chunk itself where that is all of it. */
function cutChunk(
  chunk: ClosedChunk,
  minT: number,
  maxT: number,
  deleted: readonly TimeRange[],
): readonly EncodedChunk[] {
  const gone = deleted.filter(range => range.minT <= chunk.maxT && range.maxT >= chunk.minT)
  if (gone.length === 0 && chunk.minT >= minT && chunk.maxT < maxT) return [chunk]
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  decodeChunk(chunk.encoding, chunk.bytes, floats, histograms)
  for (const columns of [floats, histograms]) {
    columns.clip(minT, maxT - 1)
    for (const range of gone) columns.cut(range.minT, range.maxT)
  }
  return encodeSeries(floats, histograms, { samples: mostSamples, rangeMs: Infinity })
}
