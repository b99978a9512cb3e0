import { EncodedBatch, RangeDecoder, type EncodedSeries } from '../../chunks/batch.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import { isDecodable } from '../../chunks/decode.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import { compareBytes, valueOf, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { PostingList } from '../../model/postings.ts'
import type { Querier, SeriesBatch, TimeRange } from '../../model/store.ts'
import { damage } from './damage.ts'
import type { ChunkMeta, IndexReader, SeriesEntry } from './indexreader.ts'
import type { BlockMeta } from './meta.ts'
import { decodeStored } from './samples.ts'
import type { Segments, StoredChunk } from './segments.ts'
import type { Tombstones } from './tombstones.ts'

/** A batch ends where its chunks reach this size … */
const batchBytes = 4 * 1024 * 1024
/** … or its series this number, which is also how many are read from the index at once. */
const batchSeries = 1000
/** Chunks that are asked for at once: more than a batch holds, as chunks have about 500 bytes. */
const batchChunks = 16_384

const smallestBlock = 16 * 1024
const largestBlock = 1024 * 1024

/** What a block is read from. */
export interface BlockParts {
  readonly meta: BlockMeta
  readonly index: IndexReader
  readonly segments: Segments
  readonly tombstones: Tombstones
}

/** Answers from one block. Chunks of upstream's experimental encodings 5 and 6 are passed over, and a series that has no
 *  other in the range does not show. A damaged chunk or series rejects the selections that touch it with `CorruptionError`. */
export class BlockQuerier implements Querier {
  private readonly parts: BlockParts

  constructor(parts: BlockParts) {
    this.parts = parts
  }

  async *select(matchers: readonly Matcher[], range: TimeRange): AsyncGenerator<SeriesBatch> {
    if (!this.overlaps(range)) return
    const decoder = new RangeDecoder(range)
    const batches = this.batches(matchers, range)
    // The next batch is read while this one is used.
    let next = batches.next()
    for (;;) {
      const found = await next
      if (found.done === true) return
      next = batches.next()
      next.catch(() => undefined) // Told when it is asked for.
      yield new EncodedBatch(found.value, decoder)
    }
  }

  /** As the index has them: no chunk is read. */
  async labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    const found: Labels[] = []
    if (!this.overlaps(range)) return found
    for await (const entries of this.entries(matchers)) {
      for (const { labels } of this.wanted(entries, range)) found.push(labels)
    }
    return found
  }

  async labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const { index } = this.parts
    if (!this.overlaps(range)) return []
    if (matchers.length === 0) return index.table.names()
    const names = new Set<string>()
    for await (const entries of this.entries(matchers)) {
      for (const { labels } of entries) {
        for (let i = 0; i < labels.length; i += 2) names.add(labels[i] as string)
      }
    }
    return [...names].sort(compareBytes)
  }

  async labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const { index } = this.parts
    if (!this.overlaps(range) || name === '') return []
    if (matchers.length === 0) return [...index.table.values(name)]
    const values = new Set<string>()
    for await (const entries of this.entries(matchers)) {
      for (const { labels } of entries) values.add(valueOf(labels, name))
    }
    values.delete('')
    return [...values].sort(compareBytes)
  }

  private overlaps({ minT, maxT }: TimeRange): boolean {
    return minT < this.parts.meta.maxTime && maxT >= this.parts.meta.minTime
  }

  private async *entries(matchers: readonly Matcher[]): AsyncGenerator<SeriesEntry[]> {
    const refs: PostingList = await this.parts.index.select(matchers)
    for (let i = 0; i < refs.length; i += batchSeries) {
      yield await this.parts.index.series(refs.subarray(i, i + batchSeries))
    }
  }

  /** Without the series that have no chunk left in the range. */
  private wanted(entries: readonly SeriesEntry[], range: TimeRange): Wanted[] {
    return entries
      .map(entry => wantedOf(entry, range, this.parts.tombstones.get(entry.ref)))
      .filter(({ chunks }) => chunks.length > 0)
  }

  private async *batches(
    matchers: readonly Matcher[],
    range: TimeRange,
  ): AsyncGenerator<BlockSeries[], undefined> {
    const batch = new Batch(this.parts.segments)
    for await (const entries of this.entries(matchers)) {
      const wanted = this.wanted(entries, range)
      for (let i = 0; i < wanted.length;) {
        i = await batch.fill(wanted, i)
        if (batch.full) yield batch.take()
      }
    }
    if (!batch.empty) yield batch.take()
  }
}

/** A series with the chunks that a selection needs of it. */
interface Wanted {
  readonly labels: Labels
  readonly chunks: readonly ChunkMeta[]
  readonly deleted: readonly TimeRange[]
}

function wantedOf(
  { labels, chunks }: SeriesEntry,
  { minT, maxT }: TimeRange,
  deleted: readonly TimeRange[],
): Wanted {
  const gone = (chunk: ChunkMeta) => deleted.some(d => d.minT <= chunk.minT && chunk.maxT <= d.maxT)
  return { labels, deleted, chunks: chunks.filter(c => c.maxT >= minT && c.minT <= maxT && !gone(c)) }
}

/** Series whose chunks are being read. */
class Batch {
  private series: BlockSeries[] = []
  private bytes = 0
  private kept = new Kept()
  private readonly segments: Segments

  constructor(segments: Segments) {
    this.segments = segments
  }

  get full(): boolean {
    return this.bytes >= batchBytes || this.series.length >= batchSeries
  }

  get empty(): boolean {
    return this.series.length === 0
  }

  take(): BlockSeries[] {
    const { series } = this
    this.series = []
    this.bytes = 0
    this.kept = new Kept()
    return series
  }

  /** Adds series from `from` on until it is full; answers the first that it has not added. */
  async fill(wanted: readonly Wanted[], from: number): Promise<number> {
    const refs = chunksOf(wanted, from)
    let i = from
    let chunks: StoredChunk[] = []
    let seen = 0
    let bytes = 0
    await this.segments.read(refs, (_, chunk) => {
      const series = wanted[i] as Wanted
      bytes += chunk.data.length
      // Chunks lie apart from each other; damage must not make one count a million times.
      if (bytes > this.segments.bytes) {
        throw damage(chunk.path, chunk.offset, 'chunks apart from each other', 'the same bytes again')
      }
      if (isDecodable(chunk.encoding)) chunks.push({ ...chunk, data: this.kept.keep(chunk.data) })
      if (++seen < series.chunks.length) return true
      this.add(series, chunks)
      i++
      chunks = []
      seen = 0
      return !this.full
    })
    return i
  }

  private add({ labels, deleted }: Wanted, chunks: readonly StoredChunk[]): void {
    if (chunks.length === 0) return
    this.series.push(new BlockSeries(labels, chunks, deleted))
    for (const { data } of chunks) this.bytes += data.length
  }
}

/** Copies of the chunks of one batch, in few large arrays: one array a chunk would cost more than the chunk. */
export class Kept {
  private block = new Uint8Array(0)
  private used = 0

  keep(data: Uint8Array): Uint8Array {
    if (this.used + data.length > this.block.length) {
      const size = Math.min(largestBlock, Math.max(smallestBlock, this.block.length * 2))
      this.block = new Uint8Array(Math.max(size, data.length))
      this.used = 0
    }
    const copy = this.block.subarray(this.used, this.used + data.length)
    copy.set(data)
    this.used += data.length
    return copy
  }
}

/** The chunks of the series from `from` on, enough of them to fill a batch. */
function chunksOf(wanted: readonly Wanted[], from: number): number[] {
  const refs: number[] = []
  for (let i = from; i < wanted.length && refs.length < batchChunks; i++) {
    for (const { ref } of (wanted[i] as Wanted).chunks) refs.push(ref)
  }
  return refs
}

class BlockSeries implements EncodedSeries {
  readonly labels: Labels
  private readonly chunks: readonly StoredChunk[]
  private readonly deleted: readonly TimeRange[]

  constructor(labels: Labels, chunks: readonly StoredChunk[], deleted: readonly TimeRange[]) {
    this.labels = labels
    this.chunks = chunks
    this.deleted = deleted
  }

  decode(floats: SampleColumns, histograms: HistogramColumns): void {
    let last = -Infinity
    for (const chunk of this.chunks) last = decodeStored(chunk, floats, histograms, last)
    for (const { minT, maxT } of this.deleted) {
      floats.cut(minT, maxT)
      if (histograms.count > 0) histograms.cut(minT, maxT)
    }
  }
}
