import type { TimeRange } from '../../model/store.ts'
import type { StoredSeries, StoredSeriesChunk } from '../block/block.ts'
import { cutChunk, mergedChunks, passedOn, type NewChunk } from './recode.ts'

/** The chunks of one series out of several blocks, in the order of their times and apart from each other. Those that
 *  no other overlaps and of which nothing was deleted are passed on as they are; upstream's
 *  `NewCompactingChunkSeriesMerger` over `populateWithDelChunkSeriesIterator`.
 *  @param parts of samples at the same time that of the first part counts
 *  @param range nothing outside of it is kept
 *  @throws CorruptionError, or Error where a chunk would have to be decoded that cannot be */
export function joinedChunks(parts: readonly StoredSeries[], range: TimeRange): NewChunk[] {
  const kept = parts.map(part => keptChunks(part, range))
  const inOrder = kept.flat()
  if (inOrder.every((chunk, i) => i === 0 || chunk.minT > (inOrder[i - 1] as StoredSeriesChunk).maxT)) {
    return inOrder.map(passedOn)
  }
  const placed = kept.flatMap((chunks, source) => chunks.map(chunk => ({ chunk, source })))
  placed.sort((a, b) => a.chunk.minT - b.chunk.minT || a.chunk.maxT - b.chunk.maxT)
  const joined: NewChunk[] = []
  for (let i = 0; i < placed.length;) {
    const end = overlapEnd(placed, i)
    for (const chunk of asOne(placed.slice(i, end))) joined.push(chunk)
    i = end
  }
  return joined
}

interface Placed {
  readonly chunk: StoredSeriesChunk
  readonly source: number
}

/** Without what was deleted and what is out of range. */
function keptChunks({ chunks, deleted }: StoredSeries, range: TimeRange): readonly StoredSeriesChunk[] {
  const inside = chunks.every(({ minT, maxT }) => minT >= range.minT && maxT <= range.maxT)
  if (inside && deleted.length === 0) return chunks
  const gone = [
    ...deleted,
    { minT: -Infinity, maxT: range.minT - 1 },
    { minT: range.maxT + 1, maxT: Infinity },
  ]
  return chunks.flatMap(chunk => {
    const touching = gone.filter(({ minT, maxT }) => minT <= chunk.maxT && chunk.minT <= maxT)
    return touching.length > 0 ? cutChunk(chunk, touching) : [chunk]
  })
}

/** The first chunk from `from` on that overlaps none before it. */
function overlapEnd(placed: readonly Placed[], from: number): number {
  let { maxT } = (placed[from] as Placed).chunk
  let end = from + 1
  for (; end < placed.length; end++) {
    const { chunk } = placed[end] as Placed
    if (chunk.minT > maxT) break
    maxT = Math.max(maxT, chunk.maxT)
  }
  return end
}

function asOne(overlapping: readonly Placed[]): NewChunk[] {
  const different = overlapping.filter(({ chunk }, i) => i === 0 || !same(chunk, overlapping[i - 1]?.chunk))
  const [only] = different
  if (different.length === 1 && only) return [passedOn(only.chunk)]
  const bySource = different.sort((a, b) => a.source - b.source)
  return mergedChunks(bySource.map(({ chunk }) => chunk))
}

function same(a: StoredSeriesChunk, b: StoredSeriesChunk | undefined): boolean {
  if (a.minT !== b?.minT || a.maxT !== b.maxT || a.encoding !== b.encoding) return false
  return a.data.length === b.data.length && a.data.every((byte, i) => byte === b.data[i])
}
