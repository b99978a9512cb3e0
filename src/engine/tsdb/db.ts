import { DiskFullError, type Disk } from '../disk/disk.ts'
import type { Registry } from '../metrics/registry.ts'
import type { SeriesExemplars } from '../model/exemplar.ts'
import type { Host } from '../model/host.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Metadata } from '../model/metadata.ts'
import type { StorageStatus } from '../model/storage.ts'
import type { Appender, Querier, TimeRange } from '../model/store.ts'
import { Admin } from './admin.ts'
import type { Blocks } from './blocks.ts'
import { openBudget, type Budget } from './budget.ts'
import { isLate } from './compact/meta.ts'
import { ranges } from './compact/plan.ts'
import { HeadAppender, type CommitSteps, type CommittedSamples } from './head/appender.ts'
import { MergedQuerier } from './merge.ts'
import { damagesOf, openStore, type OpenedStore } from './opening.ts'
import { HeadQuerier } from './querier.ts'
import { Readers } from './readers.ts'
import { Transfers } from './transfers.ts'
import { Upkeep } from './upkeep.ts'
import type { Wal } from './wal/wal.ts'
import { WatchedQuerier } from './watched.ts'

export type { CommittedSamples }

export interface DbOptions {
  /** Size of the logs' segments and of the files of `chunks_head`; a multiple of 32 KiB. */
  readonly segmentBytes?: number
  /** Length of the time ranges at whose borders chunks end, and of the blocks that are cut from the head, as
   *  upstream's `MinBlockDuration`: two hours. */
  readonly chunkRangeMs?: number
  /** How much older than the newest sample of the head one may be that is older than others of its series; 0, as
   *  upstream, takes none (`out_of_order_time_window`). */
  readonly outOfOrderWindowMs?: number
  /** How many exemplars are kept; 100,000, as upstream. */
  readonly maxExemplars?: number
  /** How much older than the newest block others may be; 15 days, as upstream. Null keeps all. */
  readonly retentionMs?: number | null
  /** Bytes of blocks, logs and head together, beyond which the oldest blocks go. Null, the default, leaves it to
   *  `maxPercentage`. */
  readonly maxBytes?: number | null
  /** The same in percent of the budget: 100. Null is no limit. */
  readonly maxPercentage?: number | null
}

// Files are smaller than upstream's 128 MiB: in the browser a segment is a database, and the oldest one goes as a whole.
const defaults: Required<DbOptions> = {
  segmentBytes: 16 * 1024 * 1024,
  chunkRangeMs: 2 * 3600 * 1000,
  outOfOrderWindowMs: 0,
  maxExemplars: 100_000,
  retentionMs: 15 * 24 * 3600 * 1000,
  maxBytes: null,
  maxPercentage: 100,
}

export interface DbStats {
  readonly head: {
    readonly series: number
    readonly chunks: number
    /** Milliseconds; null when the head is empty. */
    readonly minT: number | null
    readonly maxT: number | null
  }
  readonly wal: {
    readonly segments: number
    readonly bytes: number
    /** Damages found when the store was opened. */
    readonly corruptions: number
  }
}

/** Something the user has to know, for as long as it holds. */
export interface DbNotice {
  readonly kind:
    | 'disk-full'
    | 'wal-repaired'
    | 'disk-error'
    | 'block-broken'
    | 'pins-damaged'
    | 'budget-damaged'
    | 'upkeep-failed'
  readonly detail: string
}

/** Opens the store: replays its logs, repairs them if need be, and is ready to append and to answer.
 *  @throws what the disk throws */
export async function openDb(
  disk: Disk,
  host: Host,
  metrics: Registry,
  options: DbOptions = {},
): Promise<Db> {
  const start = host.monotonic()
  const chosen = { ...defaults, ...options }
  const budget = await openBudget(disk, host)
  const opened = await openStore({ disk, host, metrics, ...chosen })
  metrics
    .gauge('prometheus_tsdb_data_replay_duration_seconds', 'Time taken to replay the data on disk.')
    .set((host.monotonic() - start) / 1000)
  tell(host, opened)
  const readers = new Readers()
  const { chunkRangeMs, retentionMs } = chosen
  const upkeep = new Upkeep({
    ...{ host, metrics, readers, budget, ...opened, ...chosen },
    ranges: ranges({ minBlockMs: chunkRangeMs, retentionMs }),
    keepLog: opened.unknownRecords > 0,
  })
  upkeep.start()
  const db = new Db({ ...opened, host, readers, budget, upkeep, retentionMs })
  metrics.computed(
    'brazier_tsdb_notices',
    'Number of things that the user has to know of the store.',
    'gauge',
    () => db.notices().length,
  )
  return db
}

function tell(host: Host, opened: OpenedStore): void {
  for (const damage of damagesOf(opened)) host.log('warn', 'WAL repaired', { damage })
  for (const { ulid, error } of opened.blocks.broken())
    host.log('error', 'block cannot be opened', { ulid, error })
  const records = opened.unknownRecords
  if (records > 0) host.log('warn', 'WAL records of unknown types were skipped', { records })
}

interface DbParts extends OpenedStore {
  readonly host: Host
  readonly readers: Readers
  readonly budget: Budget
  readonly upkeep: Upkeep
  readonly retentionMs: number | null
}

/** The time series database: the head with the logs that make it durable, and the blocks. */
export class Db {
  readonly blocks: Blocks
  /** Blocks in and out. */
  readonly transfers: Transfers
  /** Cuts blocks from the head, merges them and lets old ones go, by itself. */
  readonly upkeep: Upkeep
  /** Deletes samples and takes snapshots. */
  readonly admin: Admin
  readonly budget: Budget
  private readonly parts: DbParts
  private readonly steps: CommitSteps
  private readonly listeners = new Set<(batch: CommittedSamples) => void>()
  private diskNotice: DbNotice | null = null
  private closed = false

  constructor(parts: DbParts) {
    const { host, blocks, upkeep, head, wal, wbl, headChunks } = parts
    this.parts = parts
    this.blocks = blocks
    this.upkeep = upkeep
    this.budget = parts.budget
    this.admin = new Admin({
      ...{ host, blocks, head, wal, upkeep },
      headQuerier: () => new MergedQuerier(this.headSources()),
      headSpan: () => this.headSpan(),
    })
    this.transfers = new Transfers({
      ...{ host, blocks, chunkRangeMs: head.chunkRangeMs },
      querier: () => this.querier(),
      span: () => this.span(),
      headQuerier: () => new MergedQuerier(this.headSources()),
      headSpan: () => this.headSpan(),
      snapshots: this.admin.snapshots,
      growing: {
        wal: { cut: () => cutLog(wal) },
        wbl: { cut: () => cutLog(wbl) },
        chunks: { cut: () => headChunks.cutFile() },
      },
      keepGrowing: () => upkeep.hold(),
    })
    this.steps = {
      log: records => this.log(wal, records),
      logOutOfOrder: records => this.log(wbl, records),
      applied: batch => this.announce(batch),
    }
  }

  appender(): Appender {
    return new HeadAppender(this.parts.head, this.steps)
  }

  /** Of blocks and head together. Where two have a sample at the same time, one that came in order counts, and that of a
   *  block before the head's. Until it is closed the blocks that are there now stay on the disk, and what becomes a block
   *  meanwhile stays in the head. */
  querier(): Querier {
    const { blocks, release } = this.blocks.holdAll()
    const leave = this.parts.readers.enter()
    const [late, inOrder] = partition(blocks, ({ meta }) => isLate(meta))
    const [head, ...lateHead] = this.headSources()
    const sources = [
      ...inOrder.map(block => block.querier()),
      ...(head ? [head] : []),
      ...late.map(block => block.querier()),
      ...lateHead,
    ]
    return this.watched(
      new MergedQuerier(sources, () => {
        leave()
        release()
      }),
    )
  }

  /** Of one block, which stays on the disk until it is closed. Null when there is no such block. */
  blockQuerier(ulid: string): Querier | null {
    const held = this.blocks.hold([ulid])
    if (!held) return null
    const sources = held.blocks.map(block => block.querier())
    return this.watched(new MergedQuerier(sources, held.release))
  }

  /** The exemplars in the range of the series that one of the selectors matches, in label order. */
  exemplars(selectors: readonly (readonly Matcher[])[], range: TimeRange): SeriesExemplars[] {
    return this.parts.exemplars.select(selectors, range)
  }

  /** What is said of the metrics of the head, by name. */
  metadata(): ReadonlyMap<string, readonly Metadata[]> {
    return this.parts.head.metadataByMetric()
  }

  stats(): DbStats {
    const { head, wal } = this.parts
    const { seriesCount, chunkCount, minT, maxT } = head
    const times = seriesCount > 0 && minT <= maxT ? { minT, maxT } : { minT: null, maxT: null }
    const corruptions = damagesOf(this.parts).length
    return {
      head: { series: seriesCount, chunks: chunkCount, ...times },
      wal: { ...wal.stats(), corruptions },
    }
  }

  async storage(): Promise<StorageStatus> {
    const { wal, wbl, headChunks, budget, upkeep, retentionMs } = this.parts
    return {
      budget: budget.bytes,
      budgetIsOwn: budget.own !== null,
      blocks: this.blocks.infos().reduce((sum, { bytes }) => sum + bytes, 0),
      wal: wal.stats().bytes,
      wbl: wbl.stats().bytes,
      headChunks: headChunks.stats().bytes,
      retentionMs,
      snapshots: await this.admin.snapshots.list(),
      busy: upkeep.busy,
    }
  }

  notices(): DbNotice[] {
    const damages = damagesOf(this.parts)
    const { blocks } = this
    const { damage } = blocks.pins
    const { failure } = this.upkeep
    return [
      ...(this.diskNotice ? [this.diskNotice] : []),
      ...(failure ? [{ kind: 'upkeep-failed' as const, detail: failure.message }] : []),
      ...(damages.length > 0 ? [{ kind: 'wal-repaired' as const, detail: damages.join('; ') }] : []),
      ...(damage === null ? [] : [{ kind: 'pins-damaged' as const, detail: damage }]),
      ...(this.budget.damage === null
        ? []
        : [{ kind: 'budget-damaged' as const, detail: this.budget.damage }]),
      ...blocks.broken().map(({ error }) => ({ kind: 'block-broken' as const, detail: error })),
    ]
  }

  /** Tells of every commit once its samples are in the log and visible. Answers a function that ends it. */
  onCommit(listener: (batch: CommittedSamples) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Resolves once everything committed so far survives a power cut.
   *  @throws what the disk throws */
  async sync(): Promise<void> {
    await this.parts.wal.sync()
    await this.parts.wbl.sync()
  }

  /** Waits for commits that are under way and makes everything durable. No commit succeeds after that. */
  async close(): Promise<void> {
    this.closed = true
    await Promise.all([this.transfers.stop(), this.upkeep.stop()])
    try {
      await this.sync()
      await this.parts.headChunks.sync()
    } catch (error) {
      // Counted by the log. What was acknowledged is there; only a power cut could still take of it.
      this.parts.host.log('warn', 'the log could not be synced', { error: String(error) })
    }
  }

  /** What is in no block yet; of samples at one time those that came in order count. */
  private headSources(): Querier[] {
    const { head, outOfOrder } = this.parts
    const inOrder = new HeadQuerier(head)
    return outOfOrder.empty ? [inOrder] : [inOrder, outOfOrder.querier(head)]
  }

  private watched(querier: Querier): Querier {
    return new WatchedQuerier(querier, () => this.blocks.damagedReads.inc())
  }

  private headSpan(): TimeRange | null {
    const { head, outOfOrder } = this.parts
    const minT = Math.min(head.minT, outOfOrder.minT)
    const maxT = Math.max(head.maxT, outOfOrder.maxT)
    return minT <= maxT ? { minT, maxT } : null
  }

  private span(): TimeRange | null {
    const head = this.headSpan()
    const blocks = this.blocks.infos()
    // A block covers [minT, maxT).
    const first = Math.min(head?.minT ?? Infinity, ...blocks.map(block => block.minT))
    const last = Math.max(head?.maxT ?? -Infinity, ...blocks.map(block => block.maxT - 1))
    return first <= last ? { minT: first, maxT: last } : null
  }

  private async log(wal: Wal, records: readonly Uint8Array[]): Promise<void> {
    if (this.closed) throw new Error('the store is closed')
    try {
      await wal.log(records)
      this.diskNotice = null
    } catch (error) {
      const kind = error instanceof DiskFullError ? 'disk-full' : 'disk-error'
      this.diskNotice = { kind, detail: error instanceof Error ? error.message : String(error) }
      throw error
    }
  }

  private announce(batch: CommittedSamples): void {
    for (const listener of this.listeners) {
      try {
        listener(batch)
      } catch (error) {
        // The commit stands, whatever becomes of those who hear of it.
        this.parts.host.log('error', 'a listener failed', { error: String(error) })
      }
    }
  }
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter(one => !test(one))]
}

async function cutLog(log: Wal): Promise<void> {
  await log.cut()
}
