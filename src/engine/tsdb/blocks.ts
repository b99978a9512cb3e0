import { stagingSuffix, type Disk } from '../disk/disk.ts'
import type { Metric, Registry } from '../metrics/registry.ts'
import type { BlockInfo, BrokenBlock } from '../model/blocks.ts'
import { openBlock, type Block, type BlockShelf } from './block/block.ts'
import { ChunkCache } from './block/cache.ts'
import { damage } from './block/damage.ts'
import type { BlockMeta } from './block/meta.ts'
import { isUlid } from './block/ulid.ts'
import { openPins, type Pins } from './transfer/pins.ts'

/** Bytes of chunks that are kept in memory, over all blocks. */
const cacheBytes = 64 * 1024 * 1024

/** Opens the blocks that are in the store's folder. One that cannot be opened stays where it is and is told as broken.
 *  @throws what the disk throws when the folder itself cannot be read */
export async function openBlocks(disk: Disk, metrics: Registry): Promise<Blocks> {
  const ulids = (await disk.list('')).filter(isUlid)
  const blocks = new Blocks(disk, metrics, await openPins(disk, ulids))
  for (const ulid of ulids) await blocks.open(ulid)
  return blocks
}

/** Blocks that stay on the disk until they are released. */
export interface HeldBlocks {
  readonly blocks: readonly Block[]
  readonly release: () => void
}

/** The blocks of the store, opened. */
export class Blocks {
  readonly shelf: BlockShelf
  readonly pins: Pins
  /** Counts answers that had to be refused. */
  readonly damagedReads: Metric
  private readonly held = new Map<string, Held>()
  private readonly brokenByUlid = new Map<string, BrokenBlock>()

  constructor(disk: Disk, metrics: Registry, pins: Pins) {
    this.shelf = { disk, cache: new ChunkCache(cacheBytes) }
    this.pins = pins
    this.damagedReads = metrics.counter(
      'brazier_tsdb_block_corruptions_total',
      'Total number of selections that met a damaged block.',
    )
    const gauge = (name: string, help: string, value: () => number) =>
      metrics.computed(`prometheus_tsdb_${name}`, help, 'gauge', value)
    gauge('blocks_loaded', 'Number of currently loaded data blocks', () => this.held.size)
    metrics.computed(
      'brazier_tsdb_blocks_broken',
      'Number of blocks that cannot be opened.',
      'gauge',
      () => this.brokenByUlid.size,
    )
    gauge(
      'storage_blocks_bytes',
      'The number of bytes that are currently used for local storage by all blocks.',
      () => this.all().reduce((sum, { block }) => sum + block.bytes, 0),
    )
  }

  /** Opens a block that has just been published, or an old one again. */
  async open(ulid: string): Promise<void> {
    this.brokenByUlid.delete(ulid)
    try {
      const block = await openBlock(this.shelf, ulid)
      if (block.meta.ulid !== ulid)
        throw damage(`${ulid}/meta.json`, 0, 'the ulid of its folder', block.meta.ulid)
      this.held.set(ulid, new Held(block))
    } catch (error) {
      this.brokenByUlid.set(ulid, { ulid, error: error instanceof Error ? error.message : String(error) })
    }
  }

  /** Publishes blocks that have been written into their staging folders, all in one step where the disk can do that, and
   *  opens them. Of one that turned out to be empty nothing is left.
   *  @throws what the disk throws */
  async publish(written: readonly { readonly ulid: string; readonly empty: boolean }[]): Promise<void> {
    const { disk } = this.shelf
    const moves = written.filter(({ empty }) => !empty).map(({ ulid }) => ({ from: staging(ulid), to: ulid }))
    for (const { ulid } of written.filter(({ empty }) => empty)) await disk.removeFolder(staging(ulid))
    if (moves.length > 0) await disk.publish(moves)
    for (const { to } of moves) await this.open(to)
  }

  /** By time, then ULID. */
  infos(): BlockInfo[] {
    return this.all().map(({ block }) => infoOf(block, this.pins.has(block.meta.ulid)))
  }

  broken(): BrokenBlock[] {
    return [...this.brokenByUlid.values()]
  }

  metaOf(ulid: string): BlockMeta | null {
    return this.held.get(ulid)?.block.meta ?? null
  }

  /** All blocks, by time. */
  holdAll(): HeldBlocks {
    return hold(this.all())
  }

  /** These blocks; null when one of them is missing. */
  hold(ulids: readonly string[]): HeldBlocks | null {
    const found = ulids.flatMap(ulid => this.held.get(ulid) ?? [])
    return found.length === ulids.length ? hold(found) : null
  }

  /** Takes a block out: no query that begins later sees it, and its files go once nobody holds it any more.
   *  Answers whether there was one. */
  async remove(ulid: string): Promise<boolean> {
    const held = this.held.get(ulid)
    const known = held !== undefined || this.brokenByUlid.has(ulid)
    this.held.delete(ulid)
    this.brokenByUlid.delete(ulid)
    await held?.free()
    if (known) await this.shelf.disk.removeFolder(ulid)
    await this.pins.set([ulid], false)
    return known
  }

  private all(): Held[] {
    return [...this.held.values()].sort((a, b) => byTime(a.block.meta, b.block.meta))
  }
}

function staging(ulid: string): string {
  return `${ulid}${stagingSuffix}`
}

function byTime(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1)
}

function infoOf({ meta, bytes }: Block, pinned: boolean): BlockInfo {
  const { numSeries, numSamples, numChunks } = meta.stats
  return {
    ulid: meta.ulid,
    minT: meta.minTime,
    maxT: meta.maxTime,
    series: numSeries,
    samples: numSamples,
    chunks: numChunks,
    bytes,
    level: meta.compaction.level,
    pinned,
  }
}

function hold(all: readonly Held[]): HeldBlocks {
  for (const held of all) held.enter()
  return { blocks: all.map(({ block }) => block), release: () => all.forEach(held => held.leave()) }
}

/** An open block that counts who holds it. */
class Held {
  readonly block: Block
  private holders = 0
  private waiting: (() => void)[] = []

  constructor(block: Block) {
    this.block = block
  }

  enter(): void {
    this.holders++
  }

  leave(): void {
    if (--this.holders > 0) return
    for (const resolve of this.waiting) resolve()
    this.waiting = []
  }

  /** Resolves once nobody holds it. */
  free(): Promise<void> {
    return this.holders === 0 ? Promise.resolve() : new Promise(resolve => this.waiting.push(resolve))
  }
}
