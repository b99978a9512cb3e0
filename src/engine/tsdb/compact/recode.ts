import { SampleColumns } from '../../chunks/columns.ts'
import { isDecodable } from '../../chunks/decode.ts'
import { encodeSeries, mostSamples } from '../../chunks/encode.ts'
import { mergedSamples } from '../../chunks/histogramseries.ts'
import { xorCount } from '../../chunks/xor.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { TimeRange } from '../../model/store.ts'
import type { StoredSeriesChunk } from '../block/block.ts'
import { damage, within } from '../block/damage.ts'
import { decodeStored } from '../block/samples.ts'
import type { SeriesChunks } from '../block/writer.ts'
import { interleaved, type Samples } from './interleave.ts'

export type NewChunk = SeriesChunks['chunks'][number]

/** The chunk as it is. Every encoding begins with the number of samples, as XOR does.
 *  @throws CorruptionError when it has none */
export function passedOn({ minT, maxT, encoding, data, path, offset }: StoredSeriesChunk): NewChunk {
  const samples = within(path, offset, () => xorCount(data))
  return { minT, maxT, encoding, samples, bytes: data }
}

/** The chunk without what was deleted of it: one chunk, as it had no reset within; none when nothing is left.
 *  @throws CorruptionError, or Error when it cannot be decoded */
export function cutChunk(chunk: StoredSeriesChunk, deleted: readonly TimeRange[]): StoredSeriesChunk[] {
  const { floats, histograms } = decoded([chunk])
  for (const { minT, maxT } of deleted) {
    floats.cut(minT, maxT)
    histograms.cut(minT, maxT)
  }
  const left = encodeSeries(floats, histograms, { samples: mostSamples, rangeMs: Infinity })
  return left.map(({ bytes, ...rest }) => ({ ...chunk, ...rest, data: bytes }))
}

/** Chunks that overlap as one row of samples, encoded anew. Of samples at the same time that of the chunk counts
 *  which comes first here: upstream takes any. Here it is the one that queries gave before.
 *  @throws CorruptionError, or Error when one cannot be decoded */
export function mergedChunks(chunks: readonly StoredSeriesChunk[]): NewChunk[] {
  const { floats, histograms } = interleaved(lanesOf(chunks).map(decoded))
  return encodeSeries(floats, histograms, { samples: mergedSamples, rangeMs: Infinity })
}

/** As few rows of chunks that follow each other as can be: a few long rows are merged faster than many short ones. */
function lanesOf(chunks: readonly StoredSeriesChunk[]): StoredSeriesChunk[][] {
  const lanes: StoredSeriesChunk[][] = []
  for (const chunk of chunks) {
    const lane = lanes.at(-1)
    if (lane && chunk.minT > (lane.at(-1) as StoredSeriesChunk).maxT) lane.push(chunk)
    else lanes.push([chunk])
  }
  return lanes
}

function decoded(lane: readonly StoredSeriesChunk[]): Samples {
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  let last = -Infinity
  for (const chunk of lane) {
    checkDecodable(chunk)
    const [float, histogram] = [floats.count, histograms.count]
    last = decodeStored(chunk, floats, histograms, last)
    const first = floats.count > float ? floats.t[float] : histograms.t[histogram]
    checkWithin(chunk, first ?? chunk.minT, Math.max(last, chunk.minT))
  }
  return { floats, histograms }
}

function checkDecodable({ encoding, path, offset }: StoredSeriesChunk): void {
  if (isDecodable(encoding)) return
  throw new Error(
    `${path}: want encodings 1–4 where chunks overlap or are deleted in part, have ${encoding} at byte ${offset}`,
  )
}

/** The index has a chunk's times, and what is merged relies on them. */
function checkWithin({ minT, maxT, path, offset }: StoredSeriesChunk, first: number, last: number): void {
  if (first >= minT && last <= maxT) return
  throw damage(path, offset, `samples within ${minT} … ${maxT}`, `${first} … ${last}`)
}
