import { DiskFullError, type Disk } from '../disk/disk.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Host } from '../model/host.ts'
import type { Labels } from '../model/labels.ts'
import type { Appender, Querier, SeriesRef, TimeRange } from '../model/store.ts'
import { openBlocks, type Blocks } from './blocks.ts'
import { ranges } from './compact/plan.ts'
import { readCut } from './lastcut.ts'
import { HeadAppender, type CommitSteps, type CommittedSamples } from './head/appender.ts'
import { Head } from './head/head.ts'
import { MergedQuerier } from './merge.ts'
import { HeadQuerier } from './querier.ts'
import { Readers } from './readers.ts'
import { Transfers } from './transfers.ts'
import { Upkeep } from './upkeep.ts'
import type { RecordVisitor } from './wal/records.ts'
import { openWal, type Wal } from './wal/wal.ts'

export type { CommittedSamples }

export interface DbOptions {
  /** Size of the log's segments; a multiple of 32 KiB. */
  readonly segmentBytes?: number
  /** Length of the time ranges at whose borders chunks end, and of the blocks that are cut from the head, as
   *  upstream's `MinBlockDuration`: two hours. */
  readonly chunkRangeMs?: number
  /** How much older than the newest block others may be; 15 days, as upstream. Null keeps all. */
  readonly retentionMs?: number | null
  /** Bytes of blocks and log together, beyond which the oldest blocks go. No limit by default. */
  readonly maxBytes?: number | null
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
    'disk-full' | 'wal-repaired' | 'disk-error' | 'block-broken' | 'pins-damaged' | 'upkeep-failed'
  readonly detail: string
}

const walFolder = 'wal'
// Smaller than upstream's 128 MiB: in the browser a segment is a database, and the oldest one goes as a whole.
const defaultSegmentBytes = 16 * 1024 * 1024
const defaultChunkRangeMs = 2 * 3600 * 1000
const defaultRetentionMs = 15 * 24 * 3600 * 1000

/** Opens the store: replays its log, repairs it if need be, and is ready to append and to answer.
 *  @throws what the disk throws */
export async function openDb(
  disk: Disk,
  host: Host,
  metrics: Registry,
  options: DbOptions = {},
): Promise<Db> {
  const start = host.monotonic()
  const { chunkRangeMs = defaultChunkRangeMs, retentionMs = defaultRetentionMs, maxBytes = null } = options
  const blocks = await openBlocks(disk, metrics)
  const head = new Head(host, metrics, chunkRangeMs, await headStart(disk, blocks))
  const replay = new Replay(head, metrics)
  const segmentBytes = options.segmentBytes ?? defaultSegmentBytes
  const wal = await openWal({ disk, host, metrics, folder: walFolder, segmentBytes }, replay)
  head.restored()
  metrics
    .gauge('prometheus_tsdb_data_replay_duration_seconds', 'Time taken to replay the data on disk.')
    .set((host.monotonic() - start) / 1000)
  for (const damage of wal.damages) host.log('warn', 'WAL repaired', { damage })
  if (replay.skippedRecords > 0) {
    host.log('warn', 'WAL records of kinds that are not kept were skipped', {
      records: replay.skippedRecords,
    })
  }
  for (const { ulid, error } of blocks.broken()) host.log('error', 'block cannot be opened', { ulid, error })
  const readers = new Readers()
  const upkeep = new Upkeep({
    ...{ host, metrics, head, wal, blocks, readers, retentionMs, maxBytes },
    ranges: ranges({ minBlockMs: chunkRangeMs, retentionMs }),
    keepLog: replay.skippedRecords > 0,
  })
  upkeep.start()
  return new Db({ host, head, wal, blocks, readers, upkeep })
}

/** Where the head begins: what is older is in blocks. A block that was lost in a power cut is still in the log. */
async function headStart(disk: Disk, blocks: Blocks): Promise<number> {
  const cut = await readCut(disk)
  if (!cut) return -Infinity
  return blocks.broken().some(({ ulid }) => ulid === cut.block) ? cut.before : cut.t
}

interface DbParts {
  readonly host: Host
  readonly head: Head
  readonly wal: Wal
  readonly blocks: Blocks
  readonly readers: Readers
  readonly upkeep: Upkeep
}

/** The time series database: the head with the log that makes it durable, and the blocks. */
export class Db {
  readonly blocks: Blocks
  /** Blocks in and out. */
  readonly transfers: Transfers
  /** Cuts blocks from the head, merges them and lets old ones go, by itself. */
  readonly upkeep: Upkeep
  private readonly host: Host
  private readonly head: Head
  private readonly wal: Wal
  private readonly readers: Readers
  private readonly steps: CommitSteps
  private readonly listeners = new Set<(batch: CommittedSamples) => void>()
  private diskNotice: DbNotice | null = null
  private closed = false

  constructor({ host, head, wal, blocks, readers, upkeep }: DbParts) {
    this.blocks = blocks
    this.readers = readers
    this.upkeep = upkeep
    this.transfers = new Transfers({
      host,
      blocks,
      chunkRangeMs: head.chunkRangeMs,
      querier: () => this.querier(),
      span: () => this.span(),
    })
    this.host = host
    this.head = head
    this.wal = wal
    this.steps = {
      log: records => this.log(records),
      applied: batch => this.announce(batch),
    }
  }

  appender(): Appender {
    return new HeadAppender(this.head, this.steps)
  }

  /** Of blocks and head together. Where two have a sample at the same time, the block's counts. Until it is closed
   *  the blocks that are there now stay on the disk, and what becomes a block meanwhile stays in the head. */
  querier(): Querier {
    const { blocks, release } = this.blocks.holdAll()
    const leave = this.readers.enter()
    const sources = [...blocks.map(block => block.querier()), new HeadQuerier(this.head)]
    return new MergedQuerier(sources, () => {
      leave()
      release()
    })
  }

  /** Of one block, which stays on the disk until it is closed. Null when there is no such block. */
  blockQuerier(ulid: string): Querier | null {
    const held = this.blocks.hold([ulid])
    return (
      held &&
      new MergedQuerier(
        held.blocks.map(block => block.querier()),
        held.release,
      )
    )
  }

  stats(): DbStats {
    const { seriesCount, chunkCount, minT, maxT } = this.head
    const times = seriesCount > 0 ? { minT, maxT } : { minT: null, maxT: null }
    return { head: { series: seriesCount, chunks: chunkCount, ...times }, wal: this.wal.stats() }
  }

  notices(): DbNotice[] {
    const { damages } = this.wal
    const { blocks } = this
    const { damage } = blocks.pins
    const { failure } = this.upkeep
    return [
      ...(this.diskNotice ? [this.diskNotice] : []),
      ...(failure ? [{ kind: 'upkeep-failed' as const, detail: failure.message }] : []),
      ...(damages.length > 0 ? [{ kind: 'wal-repaired' as const, detail: damages.join('; ') }] : []),
      ...(damage === null ? [] : [{ kind: 'pins-damaged' as const, detail: damage }]),
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
  sync(): Promise<void> {
    return this.wal.sync()
  }

  /** Waits for commits that are under way and makes everything durable. No commit succeeds after that. */
  async close(): Promise<void> {
    this.closed = true
    await Promise.all([this.transfers.stop(), this.upkeep.stop()])
    try {
      await this.wal.sync()
    } catch (error) {
      // Counted by the log. What was acknowledged is there; only a power cut could still take of it.
      this.host.log('warn', 'the log could not be synced', { error: String(error) })
    }
  }

  private span(): TimeRange | null {
    const { minT, maxT } = this.head
    const blocks = this.blocks.infos()
    // A block covers [minT, maxT).
    const first = Math.min(minT, ...blocks.map(block => block.minT))
    const last = Math.max(maxT, ...blocks.map(block => block.maxT - 1))
    return first <= last ? { minT: first, maxT: last } : null
  }

  private async log(records: readonly Uint8Array[]): Promise<void> {
    if (this.closed) throw new Error('the store is closed')
    try {
      await this.wal.log(records)
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
        this.host.log('error', 'a listener failed', { error: String(error) })
      }
    }
  }
}

/** Fills the head from the log by the rule by which commits are applied: a sample counts if it is later than the
 *  series' last. The log also holds samples that were refused then. */
class Replay implements RecordVisitor {
  skippedRecords = 0
  private readonly head: Head
  private readonly unknownRefs: (kind: string) => void

  constructor(head: Head, metrics: Registry) {
    this.head = head
    const unknown = metrics.counter(
      'prometheus_tsdb_wal_replay_unknown_refs_total',
      'Total number of unknown series references encountered during WAL replay.',
      ['type'],
    )
    this.unknownRefs = kind => unknown.with(kind).inc()
  }

  series(ref: SeriesRef, labels: Labels): void {
    this.head.restoreSeries(ref, labels)
  }

  sample(ref: SeriesRef, t: number, high: number, low: number): void {
    if (!this.head.restoreSample(ref, t, high, low)) this.unknownRefs('samples')
  }

  skipped(): void {
    this.skippedRecords++
  }
}
