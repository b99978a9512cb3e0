import { DiskFullError, stagingSuffix } from '../disk/disk.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Host } from '../model/host.ts'
import type { Block } from './block/block.ts'
import type { BlockMeta } from './block/meta.ts'
import { newUlid } from './block/ulid.ts'
import { writeBlock } from './block/writer.ts'
import type { Blocks } from './blocks.ts'
import { compact } from './compact/compactor.ts'
import { markFailed } from './compact/meta.ts'
import { CompactionMetrics } from './compact/metrics.ts'
import { plan } from './compact/plan.ts'
import { outdated } from './compact/retention.ts'
import { writeCut } from './lastcut.ts'
import type { Head } from './head/head.ts'
import type { Readers } from './readers.ts'
import type { Wal } from './wal/wal.ts'

/** How often it is looked whether there is something to do, as upstream does. */
const everyMs = 60_000

export interface UpkeepOptions {
  readonly host: Host
  readonly metrics: Registry
  readonly head: Head
  readonly wal: Wal
  readonly blocks: Blocks
  readonly readers: Readers
  /** Lengths of the ranges that blocks are merged into, ascending; the first is the head's. */
  readonly ranges: readonly number[]
  /** Blocks go whose samples are older than the newest block's by so much; null keeps them. */
  readonly retentionMs: number | null
  /** Of blocks and log together; beyond it the oldest blocks go; null is no limit. */
  readonly maxBytes: number | null
  /** Whether the log has samples of kinds that the head does not keep: nothing of such a log is dropped. */
  readonly keepLog: boolean
}

/** What keeps the store from growing for ever: the head's older part becomes blocks, blocks are merged, old ones go.
 *  Pinned blocks are left alone. One thing after the other; what fails is counted, logged and tried again a minute
 *  later. */
export class Upkeep {
  /** Why the last round did not get to its end; null when it did. */
  failure: Error | null = null
  private readonly options: UpkeepOptions
  private readonly metrics: CompactionMetrics
  private readonly stopping = new AbortController()
  private running: Promise<void> = Promise.resolve()
  private readonly stopped: Promise<void>
  private cancel: () => void = () => undefined

  constructor(options: UpkeepOptions) {
    this.options = options
    const { signal } = this.stopping
    this.stopped = new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.metrics = new CompactionMetrics(options.metrics)
  }

  start(): void {
    if (this.stopping.signal.aborted) return
    this.cancel = this.options.host.after(everyMs, () => {
      void this.run().then(() => this.start())
    })
  }

  /** One round, after those that were asked for before. */
  run(): Promise<void> {
    this.running = this.running.then(() => this.round())
    return this.running
  }

  /** Gives up what is under way: nothing of it is left. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the store is closing'))
    this.cancel()
    await this.running
  }

  private async round(): Promise<void> {
    const { host } = this.options
    const { signal } = this.stopping
    this.metrics.triggered.inc()
    try {
      await this.shortenHead()
      while (!signal.aborted && (await this.mergeBlocks()));
      if (!signal.aborted) await this.dropOld()
      this.failure = null
    } catch (error) {
      if (signal.aborted) return
      this.failure = error instanceof Error ? error : new Error(String(error))
      this.metrics.failed.inc()
      host.log('error', 'upkeep of the store failed', { error: String(error) })
    }
  }

  /** The log keeps the samples of the last block, should that turn out to be lost after a power cut. */
  private async shortenHead(): Promise<void> {
    const { head, wal, keepLog } = this.options
    const { signal } = this.stopping
    let before: number | null = null
    while (!signal.aborted && head.compactable()) before = await this.cutHead()
    if (before === null || keepLog) return
    const minT = before
    await wal.truncate(minT, ref => head.keepsInLog(ref, minT), signal)
  }

  /** Makes a block of the head's oldest range. The order makes a crash harmless: the block is durable before the head
   *  gives its samples up. Answers where the block begins. */
  private async cutHead(): Promise<number> {
    const { host, head, blocks, readers } = this.options
    const { signal } = this.stopping
    const { minT, maxT } = head.nextBlockRange()
    await this.unlessStopped(head.appenders.settled(maxT))
    const ulid = newUlid(host)
    const write = () =>
      writeBlock(blocks.shelf.disk, { ulid, minT, maxT }, head.seriesChunks(minT, maxT), signal)
    await this.publish(ulid, await this.metrics.measured(host, [], write))
    await writeCut(blocks.shelf.disk, { t: maxT, block: ulid, before: minT })
    // Queriers that began before the block was there would miss its samples.
    await this.unlessStopped(readers.settled())
    await head.truncateInSteps(maxT)
    return minT
  }

  private async unlessStopped(work: Promise<void>): Promise<void> {
    await Promise.race([work, this.stopped])
    this.stopping.signal.throwIfAborted()
  }

  /** Answers whether there was something to merge. */
  private async mergeBlocks(): Promise<boolean> {
    const { blocks, ranges } = this.options
    const parents = plan(this.own(), { ranges })
    const ulids = parents.map(parent => parent.ulid)
    const held = blocks.hold(ulids)
    if (parents.length === 0 || !held) return false
    const ulid = newUlid(this.options.host)
    try {
      await this.publish(ulid, await this.merged(held.blocks, ulid))
    } finally {
      held.release()
    }
    for (const parent of ulids) await blocks.remove(parent)
    return true
  }

  private async merged(parents: readonly Block[], ulid: string): Promise<BlockMeta | null> {
    const { host, blocks } = this.options
    const { signal } = this.stopping
    const metas = parents.map(({ meta }) => meta)
    try {
      const write = () => compact(blocks.shelf, host, parents, ulid, signal)
      return await this.metrics.measured(host, metas, write)
    } catch (error) {
      // They would fail again, every minute; a full disk may pass.
      if (!signal.aborted && !(error instanceof DiskFullError)) {
        await markFailed(blocks.shelf.disk, metas)
        for (const { ulid: parent } of metas) await blocks.open(parent)
      }
      throw error
    }
  }

  private async dropOld(): Promise<void> {
    const { blocks, wal, retentionMs, maxBytes } = this.options
    const bytes = new Map(blocks.infos().map(info => [info.ulid, info.bytes]))
    const bytesOf = (ulid: string) => bytes.get(ulid) ?? 0
    const found = outdated(this.own(), { retentionMs, maxBytes, bytesOf, headBytes: wal.stats().bytes })
    this.metrics.beyondLimits(found)
    const gone = new Set([...found.replaced, ...found.byTime, ...found.bySize])
    for (const ulid of gone) await blocks.remove(ulid)
  }

  /** @param meta null when there was nothing left to write */
  private async publish(ulid: string, meta: BlockMeta | null): Promise<void> {
    const { disk } = this.options.blocks.shelf
    const from = `${ulid}${stagingSuffix}`
    if (!meta) return
    if (meta.stats.numSamples === 0) return disk.removeFolder(from)
    await disk.publish([{ from, to: ulid }])
    await this.options.blocks.open(ulid)
  }

  /** Metas of the blocks that are not pinned, by time. */
  private own(): BlockMeta[] {
    const { blocks } = this.options
    const infos = blocks.infos().filter(({ pinned }) => !pinned)
    return infos.flatMap(({ ulid }) => blocks.metaOf(ulid) ?? [])
  }
}
