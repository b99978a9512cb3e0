import type { Labels } from '../../model/labels.ts'
import type { TimeRange } from '../../model/store.ts'
import { ChunkCache, sliceBytes } from './cache.ts'
import { damage } from './damage.ts'
import type { ChunkMeta, SeriesEntry } from './indexreader.ts'
import { Kept, type BlockParts } from './querier.ts'
import type { Segments, StoredChunk } from './segments.ts'

/** Series that are read from the index at once. */
const seriesAtOnce = 300
/** A batch ends with the series that brings its chunks to this size. */
const batchBytes = 512 * 1024
/** Chunks that are asked for at once: about a batch. */
const chunksAtOnce = 2048
/** What lies next to each other is read once; nothing is read twice. */
const ownCacheBytes = 8 * sliceBytes

/** A series as it lies in a block. */
export interface StoredSeries {
  readonly labels: Labels
  /** In the order of the index, which is that of their times. Those that were deleted as a whole are left out. */
  readonly chunks: readonly StoredSeriesChunk[]
  /** What was deleted of it, ascending and apart. */
  readonly deleted: readonly TimeRange[]
}

/** Its times are those that the index has. */
export type StoredSeriesChunk = Omit<ChunkMeta, 'ref'> & StoredChunk

/** All series that have chunks, in label order, a few at a time; the caller owns them. Goes past the cache that the
 *  opened blocks share: what is read once must not take the place of what is read again.
 *  @throws CorruptionError */
export async function* storedSeries(parts: BlockParts): AsyncGenerator<StoredSeries[]> {
  const cache = new ChunkCache(ownCacheBytes)
  const index = parts.index.through(cache)
  const reader = new ChunkReader(parts.segments.through(cache))
  const refs = await index.all()
  for (let i = 0; i < refs.length; i += seriesAtOnce) {
    const entries = await index.series(refs.subarray(i, i + seriesAtOnce))
    const left = entries
      .map(entry => withoutDeleted(entry, parts.tombstones.get(entry.ref)))
      .filter(({ chunks }) => chunks.length > 0)
    for (let k = 0; k < left.length;) {
      const batch = await reader.read(left, k)
      k += batch.length
      yield batch
    }
  }
}

interface Wanted {
  readonly labels: Labels
  readonly chunks: readonly ChunkMeta[]
  readonly deleted: readonly TimeRange[]
}

function withoutDeleted({ labels, chunks }: SeriesEntry, deleted: readonly TimeRange[]): Wanted {
  const gone = (chunk: ChunkMeta) => deleted.some(d => d.minT <= chunk.minT && chunk.maxT <= d.maxT)
  return { labels, deleted, chunks: deleted.length > 0 ? chunks.filter(chunk => !gone(chunk)) : chunks }
}

class ChunkReader {
  private readonly segments: Segments
  private bytes = 0

  constructor(segments: Segments) {
    this.segments = segments
  }

  /** Reads the chunks of the series from `from` on, one at least, until they are a batch. */
  async read(wanted: readonly Wanted[], from: number): Promise<StoredSeries[]> {
    const batch: StoredSeries[] = []
    const kept = new Kept()
    let bytes = 0
    let chunks: StoredSeriesChunk[] = []
    await this.segments.read(chunkRefs(wanted, from), (_, chunk) => {
      this.count(chunk)
      const series = wanted[from + batch.length] as Wanted
      const { minT, maxT } = series.chunks[chunks.length] as ChunkMeta
      chunks.push({ minT, maxT, ...chunk, data: kept.keep(chunk.data) })
      bytes += chunk.data.length
      if (chunks.length < series.chunks.length) return true
      batch.push({ labels: series.labels, chunks, deleted: series.deleted })
      chunks = []
      return bytes < batchBytes
    })
    return batch
  }

  /** Chunks lie apart from each other; damage must not make one count a million times. */
  private count({ data, path, offset }: StoredChunk): void {
    this.bytes += data.length
    if (this.bytes <= this.segments.bytes) return
    throw damage(path, offset, 'chunks apart from each other', 'the same bytes again')
  }
}

/** The chunks of whole series from `from` on. */
function chunkRefs(wanted: readonly Wanted[], from: number): number[] {
  const refs: number[] = []
  for (let i = from; i < wanted.length && refs.length < chunksAtOnce; i++) {
    for (const { ref } of (wanted[i] as Wanted).chunks) refs.push(ref)
  }
  return refs
}
