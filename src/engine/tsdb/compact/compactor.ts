import { stagingSuffix, type Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import { compareLabels, formatLabels, type Labels } from '../../model/labels.ts'
import type { Block, BlockShelf, StoredSeries } from '../block/block.ts'
import { damage } from '../block/damage.ts'
import type { BlockMeta } from '../block/meta.ts'
import { writeBlock, type SeriesChunks } from '../block/writer.ts'
import { joinedChunks } from './chunks.ts'
import { byPrecedence, merged, rewritten } from './meta.ts'
import { Pace } from '../block/pace.ts'

/** Writes one block that has everything that is left of these into a staging folder, which the caller publishes;
 *  upstream's `LeveledCompactor.Compact`. Memory is needed for a few chunks of each block and for the new index. Lets
 *  others run every few milliseconds. Nothing is left when it rejects.
 *  @param blocks none of them goes away meanwhile; order is of no importance
 *  @returns null when nothing is left, and nothing was written: the blocks are to be deleted
 *  @throws CorruptionError where one of the blocks is damaged; Error where chunks of an unknown encoding overlap or are
 *  deleted in part; DiskFullError, or the signal's reason */
export function compact(
  shelf: BlockShelf,
  host: Host,
  blocks: readonly Block[],
  ulid: string,
  signal?: AbortSignal,
): Promise<BlockMeta | null> {
  // Of samples at the same time the first block's counts, here as in queries.
  const sorted = blocks.toSorted((a, b) => byPrecedence(a.meta, b.meta))
  return write(
    shelf.disk,
    sorted,
    { ulid, ...merged(sorted.map(({ meta }) => meta)) },
    new Pace(host, signal),
  )
}

/** Writes a block anew without what was deleted of it, else like `compact`; upstream's `Block.CleanTombstones`, for blocks
 *  that have any tombstones, however few. The new block counts as one that was never compacted. */
export function clean(
  shelf: BlockShelf,
  host: Host,
  block: Block,
  ulid: string,
  signal?: AbortSignal,
): Promise<BlockMeta | null> {
  return write(shelf.disk, [block], { ulid, ...rewritten(block.meta, ulid) }, new Pace(host, signal))
}

async function write(
  disk: Disk,
  blocks: readonly Block[],
  { ulid, minTime, maxTime, compaction }: Pick<BlockMeta, 'ulid' | 'minTime' | 'maxTime' | 'compaction'>,
  pace: Pace,
): Promise<BlockMeta | null> {
  const spec = { ulid, minT: minTime, maxT: maxTime, compaction }
  const written = await writeBlock(disk, spec, mergedSeries(blocks, pace, spec), pace)
  if (written.stats.numSamples > 0) return written
  await disk.removeFolder(`${ulid}${stagingSuffix}`)
  return null
}

async function* mergedSeries(
  blocks: readonly Block[],
  pace: Pace,
  { minT, maxT }: { minT: number; maxT: number },
): AsyncGenerator<SeriesChunks> {
  const cursors = blocks.map(block => new Cursor(block))
  // A block covers [minT, maxT), its chunks have both their ends.
  const range = { minT, maxT: maxT - 1 }
  for (;;) {
    for (const cursor of cursors) {
      if (cursor.empty) await cursor.fill()
      if (pace.due) await pace.pause()
    }
    const parts = takeLeast(cursors)
    const [first] = parts
    if (!first) return
    yield { labels: first.labels, chunks: joinedChunks(parts, range) }
  }
}

/** The series that comes next, out of every block that has it. */
function takeLeast(cursors: readonly Cursor[]): StoredSeries[] {
  let least: Labels | null = null
  for (const { labels } of cursors) {
    if (labels && (least === null || compareLabels(labels, least) < 0)) least = labels
  }
  const parts: StoredSeries[] = []
  if (least === null) return parts
  for (const cursor of cursors) {
    if (cursor.labels && compareLabels(cursor.labels, least) === 0) parts.push(cursor.take())
  }
  return parts
}

/** Goes through the series of a block. */
class Cursor {
  /** Whether `fill` is to be called. */
  empty = true
  private readonly block: Block
  private readonly batches: AsyncIterator<readonly StoredSeries[]>
  private batch: readonly StoredSeries[] = []
  private at = 0

  constructor(block: Block) {
    this.block = block
    this.batches = block.series()
  }

  /** Of the series that it stands at; null behind the last. */
  get labels(): Labels | null {
    return this.batch[this.at]?.labels ?? null
  }

  take(): StoredSeries {
    const taken = this.batch[this.at++] as StoredSeries
    if (this.at === this.batch.length) this.empty = true
    else this.checkOrder(taken.labels)
    return taken
  }

  async fill(): Promise<void> {
    const last = this.batch.at(-1)
    const next = await this.batches.next()
    this.empty = false
    this.batch = next.done === true ? [] : next.value
    this.at = 0
    if (last) this.checkOrder(last.labels)
  }

  private checkOrder(last: Labels): void {
    const { labels } = this
    if (labels === null || compareLabels(last, labels) < 0) return
    throw damage(
      `${this.block.folder}/index`,
      0,
      `a series behind ${formatLabels(last)}`,
      formatLabels(labels),
    )
  }
}
