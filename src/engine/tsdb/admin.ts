import { stagingSuffix } from '../disk/disk.ts'
import type { Host } from '../model/host.ts'
import type { Matcher } from '../model/matcher.ts'
import type { SnapshotInfo } from '../model/storage.ts'
import type { Querier, TimeRange } from '../model/store.ts'
import { openBlock, type Block } from './block/block.ts'
import { saveTombstones } from './block/deletion.ts'
import { Pace } from './block/pace.ts'
import type { Tombstones } from './block/tombstones.ts'
import { newUlid } from './block/ulid.ts'
import { writeBlock } from './block/writer.ts'
import type { Blocks } from './blocks.ts'
import { clean } from './compact/compactor.ts'
import type { Head } from './head/head.ts'
import { recoded } from './recode.ts'
import { Snapshots } from './snapshots.ts'
import type { Upkeep } from './upkeep.ts'
import { encodeTombstones } from './wal/records.ts'
import type { Wal } from './wal/wal.ts'

export interface AdminParts {
  readonly host: Host
  readonly blocks: Blocks
  readonly head: Head
  readonly wal: Wal
  readonly upkeep: Upkeep
  /** Of what is in no block yet. */
  readonly headQuerier: () => Querier
  /** Times of the first and the last sample that is in no block yet; null when there is none. */
  readonly headSpan: () => TimeRange | null
}

/** What upstream's admin API does to a store. None of it runs while blocks are made or merged. */
export class Admin {
  readonly snapshots: Snapshots
  private readonly parts: AdminParts

  constructor(parts: AdminParts) {
    this.parts = parts
    this.snapshots = new Snapshots(parts.blocks.shelf.disk, parts.host)
  }

  /** Deletes the samples in the range, both ends included, of the series that one of the selectors matches (upstream
   *  `DB.Delete`). No query that begins later sees them; their bytes go when their block is written anew. What came out of
   *  order becomes blocks before, since it lies where the head's own times do not reach.
   *  @throws what the disk throws; then some of it may be deleted */
  deleteSeries(selectors: readonly (readonly Matcher[])[], range: TimeRange): Promise<void> {
    const { upkeep, blocks } = this.parts
    return upkeep.exclusive(async signal => {
      await upkeep.blocksOfLate(signal)
      for (const matchers of selectors) await this.deleteInHead(matchers, range)
      for (const { ulid, minT, maxT } of blocks.infos()) {
        if (minT <= range.maxT && maxT > range.minT) await this.deleteInBlock(ulid, selectors, range, signal)
      }
    })
  }

  /** Writes every block anew of which something was deleted, also a pinned one (upstream `DB.CleanTombstones`).
   *  @throws what the disk throws; the blocks that are done stay so */
  cleanTombstones(): Promise<void> {
    const { upkeep, blocks } = this.parts
    return upkeep.exclusive(async signal => {
      for (const { ulid } of blocks.infos()) {
        signal.throwIfAborted()
        const held = blocks.hold([ulid])
        const [block] = held?.blocks ?? []
        if (held && block && block.tombstones > 0) {
          await this.rewrite(block, signal).finally(held.release)
          await blocks.remove(ulid)
        } else held?.release()
      }
    })
  }

  /** Puts the blocks aside, and what is in no block yet as one more (upstream `DB.Snapshot`).
   *  @throws DiskFullError; Error when there is nothing in the store */
  snapshot(skipHead: boolean): Promise<SnapshotInfo> {
    const { upkeep, blocks } = this.parts
    return upkeep.exclusive(async signal => {
      const held = blocks.holdAll()
      try {
        return await this.withHead(skipHead, signal, head =>
          this.snapshots.take(head ? [...held.blocks, head] : held.blocks, signal),
        )
      } finally {
        held.release()
      }
    })
  }

  private async deleteInHead(matchers: readonly Matcher[], range: TimeRange): Promise<void> {
    const { head, wal } = this.parts
    const stones = head.delete(matchers, range)
    if (stones.length === 0) return
    await wal.log([encodeTombstones(stones)])
    head.applyTombstones(stones)
  }

  private async deleteInBlock(
    ulid: string,
    selectors: readonly (readonly Matcher[])[],
    range: TimeRange,
    signal: AbortSignal,
  ): Promise<void> {
    const { host, blocks } = this.parts
    const held = blocks.hold([ulid])
    if (!held) return
    try {
      let block = held.blocks[0] as Block
      let stones: Tombstones | null = null
      for (const matchers of selectors) {
        const more = await block.deletion(matchers, range, new Pace(host, signal))
        if (!more) continue
        stones = more
        block = block.with(more)
      }
      if (stones) await this.save(block, stones, signal)
    } finally {
      held.release()
    }
  }

  /** Makes the deletions of a block durable: beside it, or by writing it anew when they are too many for that. */
  private async save(block: Block, stones: Tombstones, signal: AbortSignal): Promise<void> {
    const { blocks } = this.parts
    const { ulid } = block.meta
    if (await saveTombstones(blocks.shelf.disk, block.meta, stones)) return blocks.open(ulid)
    await this.rewrite(block, signal)
    // Not awaited: its files go once nobody reads them, and this is one who does.
    void blocks.remove(ulid).catch((error: unknown) => {
      this.parts.host.log('error', 'a block could not be removed', { ulid, error: String(error) })
    })
  }

  /** Publishes what is left of a block under a new name; pinned, if the block is. */
  private async rewrite(block: Block, signal: AbortSignal): Promise<void> {
    const { host, blocks } = this.parts
    const ulid = newUlid(host)
    const meta = await clean(blocks.shelf, host, block, ulid, signal)
    if (!meta) return
    // First pinned: published and not pinned, a crash would leave it to retention.
    if (blocks.pins.has(block.meta.ulid)) await blocks.pins.set([ulid], true)
    await blocks.publish([{ ulid, empty: false }])
  }

  /** Writes what is in no block yet as a block into a staging folder for as long as it is used. */
  private async withHead<T>(
    skip: boolean,
    signal: AbortSignal,
    use: (head: Block | null) => Promise<T>,
  ): Promise<T> {
    const { host, blocks, head, headQuerier, headSpan } = this.parts
    const span = skip ? null : headSpan()
    if (!span) return use(null)
    const { shelf } = blocks
    const ulid = newUlid(host)
    const folder = `${ulid}${stagingSuffix}`
    const spec = { ulid, minT: span.minT, maxT: span.maxT + 1 }
    const querier = headQuerier()
    try {
      const series = recoded(querier, span, head.chunkRangeMs)
      const { stats } = await writeBlock(shelf.disk, spec, series, new Pace(host, signal))
      return await use(stats.numSamples > 0 ? await openBlock(shelf, folder) : null)
    } finally {
      querier.close?.()
      await shelf.disk.removeFolder(folder)
    }
  }
}
