import { CorruptionError } from '../../bytes/corruption.ts'
import { stagingSuffix } from '../../disk/disk.ts'
import type { BlockJob, ImportSource } from '../../model/blocks.ts'
import { ImportError } from '../../model/errors.ts'
import type { Host } from '../../model/host.ts'
import type { BlockShelf } from '../block/block.ts'
import type { BlockMeta } from '../block/meta.ts'
import { backfill } from '../backfill/backfill.ts'
import { Pace } from '../block/pace.ts'
import { newUlid } from '../block/ulid.ts'
import { parseBlockPath, parseLogPath } from './blockpath.ts'
import { bytesOf, filesOf, type FileSource } from './incoming.ts'
import { makeBlocks } from './logblocks.ts'
import { IncomingLogs } from './logs.ts'
import type { Pins } from './pins.ts'
import { restoreLog } from './restoredlog.ts'
import { StagedFiles } from './stagedfiles.ts'
import { Staging } from './staging.ts'

/** What an import needs of the store. */
export interface ImportTarget {
  readonly shelf: BlockShelf
  readonly host: Host
  readonly pins: Pins
  /** Length of the blocks that logs become, in milliseconds. */
  readonly chunkRangeMs: number
  /** Meta of the block that the store has under this name. */
  existing(ulid: string): BlockMeta | null
}

export type ImportProgress = (phase: BlockJob['phase'], done: number, total: number) => void

/** ULIDs, which are also the names of the blocks' folders. */
export interface Imported {
  /** Published and pinned; to be opened by the caller. */
  readonly published: readonly string[]
  /** In the store already, with the same meta.json. */
  readonly known: readonly string[]
  /** What could not be taken in whole, or was left out, and why: a sentence each. */
  readonly remarks: readonly string[]
}

/** Takes in a source. Of an archive or folder everything, wherever in it it lies: blocks, `…/<ULID>/{meta.json,index,
 *  chunks/000001,tombstones}`, and what data directories have beside them, `wal`, `wbl` and `chunks_head`, which becomes
 *  blocks, too. Each block is written into a staging folder, read whole, and published together with all others; or, when
 *  anything is wrong with a block, nothing is left of any. Of a damaged log what can be read is taken. Blocks may overlap
 *  with others. All other files are ignored. Text becomes blocks, too, those that `promtool` would make of it. One import at a time: two of the same block would meet in its staging folder.
 *  @throws ImportError that names archive, file, what was wanted and what was found; DiskFullError; the signal's
 *  reason, unless publishing has begun */
export async function importSource(
  target: ImportTarget,
  source: ImportSource,
  progress: ImportProgress,
  signal?: AbortSignal,
): Promise<Imported> {
  const intake = new Intake(target, progress, signal)
  try {
    if (source.kind === 'text') await intake.readText(source.bytes)
    else await intake.readFiles(source)
    await intake.convertLogs()
    await intake.check()
    await intake.publish()
    return intake.report()
  } catch (error) {
    await intake.discard()
    throw named(source, error)
  }
}

/** One import, step by step. */
class Intake {
  private readonly target: ImportTarget
  private readonly progress: ImportProgress
  private readonly signal: AbortSignal | undefined
  private readonly files: StagedFiles
  private readonly staging: Staging
  private readonly logs: IncomingLogs
  private readonly remarks: string[] = []

  constructor(target: ImportTarget, progress: ImportProgress, signal: AbortSignal | undefined) {
    const { shelf, host } = target
    this.target = target
    this.progress = progress
    this.signal = signal
    this.files = new StagedFiles(shelf.disk)
    this.staging = new Staging(shelf, this.files, ulid => target.existing(ulid))
    this.logs = new IncomingLogs(this.files, `brazier/${newUlid(host)}${stagingSuffix}`)
  }

  async readText(text: Blob): Promise<void> {
    const { shelf, host } = this.target
    const progress = (done: number) => this.progress('reading', done, text.size)
    const options = { progress, ...(this.signal && { signal: this.signal }) }
    const ulids = await backfill({ disk: shelf.disk, host }, text, options)
    if (ulids.length === 0) throw new ImportError('want samples, have none')
    await this.staging.adopt(ulids)
  }

  /** Writes everything that belongs to the store into staging folders. */
  async readFiles(source: FileSource): Promise<void> {
    const { staging, logs, signal } = this
    const total = bytesOf(source)
    const progress = (done: number) => this.progress('reading', done, total)
    for await (const entry of filesOf(source, { signal, progress })) {
      const block = parseBlockPath(entry.path)
      const log = block ? null : parseLogPath(entry.path)
      if (block) await staging.take(entry, block, signal)
      if (!log) continue
      await staging.noteDirectory(log.directory)
      await logs.take(entry, log, signal)
    }
    staging.checkComplete()
    if (staging.empty && logs.all.length === 0) {
      throw new ImportError(
        'want blocks, folders <ULID> with meta.json, index and chunks, or a log, have none',
      )
    }
  }

  /** Makes blocks of the logs, one after the other: what a log has is in memory meanwhile. */
  async convertLogs(): Promise<void> {
    const { staging, signal } = this
    const { shelf, host, chunkRangeMs } = this.target
    const { disk } = shelf
    const all = this.logs.all
    const total = all.reduce((sum, { bytes }) => sum + bytes, 0)
    let done = 0
    for (const log of all) {
      this.progress('writing', done, total)
      const minValidT = endOfCutBlocks(staging.metasIn(log.directory))
      const restored = await restoreLog({ disk, host, chunkRangeMs, minValidT }, log, signal)
      await makeBlocks({ disk, staging, pace: new Pace(host, signal) }, log, restored)
      this.remarks.push(...restored.remarks)
      this.progress('writing', (done += log.bytes), total)
    }
    if (all.length > 0) await disk.removeFolder(this.logs.folder)
    for (const folder of staging.snapshots) {
      this.remarks.push(
        `${folder} was left out, because it repeats what is beside it; alone it can be imported`,
      )
    }
  }

  async check(): Promise<void> {
    await this.staging.check((done, total) => this.progress('checking', done, total), this.signal)
    this.signal?.throwIfAborted()
  }

  async publish(): Promise<void> {
    const { fresh } = this.staging
    this.progress('publishing', 1, 1)
    // First pinned: published and not pinned, a crash would leave old blocks to retention.
    await this.target.pins.set(fresh, true)
    await this.staging.publish()
  }

  report(): Imported {
    const { fresh, known } = this.staging
    return { published: fresh, known, remarks: this.remarks }
  }

  async discard(): Promise<void> {
    const { staging, logs, files, target } = this
    const folders = logs.all.length > 0 ? [...staging.folders, logs.folder] : staging.folders
    const clean = await files.discard(folders)
    // A pin of no block is forgotten at the next start; a block without its pin would not be.
    if (clean) await target.pins.set(staging.fresh, false).catch(() => undefined)
  }
}

/** Where the blocks end that were cut from a head (upstream `inOrderBlocksMaxTime`); -Infinity when there is none. */
export function endOfCutBlocks(metas: readonly BlockMeta[]): number {
  const cut = metas.filter(({ compaction }) => !compaction.hints?.includes('from-out-of-order'))
  return Math.max(-Infinity, ...cut.map(({ maxTime }) => maxTime))
}

/** What the user's files are to blame for, with the name that the user gave them. */
function named({ name }: ImportSource, error: unknown): unknown {
  if (!(error instanceof ImportError || error instanceof CorruptionError)) return error
  return new ImportError(`${name}: ${error.message.replaceAll(stagingSuffix, '')}`, { cause: error })
}
