import { DiskFullError } from '../disk/disk.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Block } from './block/block.ts'
import type { BlockMeta } from './block/meta.ts'
import { newUlid } from './block/ulid.ts'
import type { Budget } from './budget.ts'
import { compact } from './compact/compactor.ts'
import { markFailed } from './compact/meta.ts'
import { CompactionMetrics } from './compact/metrics.ts'
import { plan } from './compact/plan.ts'
import { outdated } from './compact/retention.ts'
import { HeadKeeper, type HeadParts } from './headkeep.ts'

/** How often it is looked whether there is something to do, as upstream does. */
const everyMs = 60_000

export interface UpkeepOptions extends HeadParts {
  readonly metrics: Registry
  readonly budget: Budget
  /** Lengths of the ranges that blocks are merged into, ascending; the first is the head's. */
  readonly ranges: readonly number[]
  /** Blocks go whose samples are older than the newest block's by so much; null keeps them. */
  readonly retentionMs: number | null
  /** Of blocks, logs and head together; beyond it the oldest blocks go; null is no limit. */
  readonly maxBytes: number | null
  /** The same in percent of the budget, when `maxBytes` is null. */
  readonly maxPercentage: number | null
  /** Whether the log has records of types that nobody knows: nothing of such a log is dropped. */
  readonly keepLog: boolean
}

/** What keeps the store from growing for ever: the head's older part becomes blocks, blocks are merged, old ones go.
 *  Pinned blocks are left alone. One thing after the other; what fails is counted, logged and tried again a minute
 *  later. */
export class Upkeep {
  /** Why the last round did not get to its end; null when it did. */
  failure: Error | null = null
  /** What is under way, or waits for its turn. */
  private waiting = 0
  private readonly options: UpkeepOptions
  private readonly metrics: CompactionMetrics
  private readonly keeper: HeadKeeper
  private readonly stopping = new AbortController()
  private last: Promise<unknown> = Promise.resolve()
  private cancel: () => void = () => undefined

  constructor(options: UpkeepOptions) {
    this.options = options
    this.metrics = new CompactionMetrics(options.metrics)
    this.keeper = new HeadKeeper(options, this.metrics, options.keepLog)
  }

  /** Whether the store is being rewritten. */
  get busy(): boolean {
    return this.waiting > 0
  }

  start(): void {
    if (this.stopping.signal.aborted) return
    this.cancel = this.options.host.after(everyMs, () => {
      void this.run().then(() => this.start())
    })
  }

  /** One round, after what was asked for before. */
  run(): Promise<void> {
    return this.inTurn(() => this.round())
  }

  /** Does something while nothing is compacted, merged or let go.
   *  @throws what `work` throws, and Error once the store is closing: the signal tells */
  exclusive<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.stopping
    return this.inTurn(() => {
      signal.throwIfAborted()
      return work(signal)
    })
  }

  /** The same until the function that it answers is called. */
  hold(): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const held = () => new Promise<void>(release => resolve(release))
      this.exclusive(held).catch(reject)
    })
  }

  /** Makes blocks of what came out of order; within `exclusive`. */
  blocksOfLate(signal: AbortSignal): Promise<void> {
    return this.keeper.blocksOfLate(signal)
  }

  /** Gives up what is under way: nothing of it is left. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the store is closing'))
    this.cancel()
    await this.last
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.waiting++
    const mine = this.last.then(work).finally(() => this.waiting--)
    this.last = mine.catch(() => undefined)
    return mine
  }

  /** What fails does not keep the rest from being done: on a full disk, old blocks must go. */
  private async round(): Promise<void> {
    const { signal } = this.stopping
    const failures: Error[] = []
    this.metrics.triggered.inc()
    for (const step of [
      () => this.keeper.saveChunks(),
      () => this.keeper.shorten(signal),
      () => this.mergeAll(),
      () => this.dropOld(),
    ]) {
      if (signal.aborted) return
      await step().catch((error: unknown) => failures.push(this.failed(error)))
    }
    if (signal.aborted) return
    this.failure = failures[0] ?? null
    if (this.failure) this.metrics.failed.inc()
  }

  private failed(error: unknown): Error {
    if (!this.stopping.signal.aborted)
      this.options.host.log('error', 'upkeep of the store failed', { error: String(error) })
    return error instanceof Error ? error : new Error(String(error))
  }

  private async mergeAll(): Promise<void> {
    while (!this.stopping.signal.aborted && (await this.mergeBlocks()));
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
      const meta = await this.merged(held.blocks, ulid)
      if (meta) await blocks.publish([{ ulid, empty: false }])
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
    const { blocks, budget, retentionMs, maxBytes, maxPercentage } = this.options
    const bytes = new Map(blocks.infos().map(info => [info.ulid, info.bytes]))
    const found = outdated(this.own(), {
      retentionMs,
      maxBytes,
      maxPercentage: maxBytes === null ? maxPercentage : null,
      budgetBytes: budget.limit,
      bytesOf: ulid => bytes.get(ulid) ?? 0,
      headBytes: this.headBytes(),
    })
    this.metrics.beyondLimits(found)
    const gone = new Set([...found.replaced, ...found.byTime, ...found.bySize])
    for (const ulid of gone) await blocks.remove(ulid)
  }

  private headBytes(): number {
    const { wal, wbl, headChunks } = this.options
    return wal.stats().bytes + wbl.stats().bytes + headChunks.stats().bytes
  }

  /** Metas of the blocks that are not pinned, by time. */
  private own(): BlockMeta[] {
    const { blocks } = this.options
    const infos = blocks.infos().filter(({ pinned }) => !pinned)
    return infos.flatMap(({ ulid }) => blocks.metaOf(ulid) ?? [])
  }
}
