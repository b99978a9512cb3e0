import { CorruptionError } from '../../bytes/corruption.ts'
import { stagingSuffix } from '../../disk/disk.ts'
import type { BlockJob, ImportSource } from '../../model/blocks.ts'
import { ImportError } from '../../model/errors.ts'
import type { BlockShelf } from '../block/block.ts'
import type { BlockMeta } from '../block/meta.ts'
import { isLogPath, parseBlockPath } from './blockpath.ts'
import { bytesOf, filesOf } from './incoming.ts'
import type { Pins } from './pins.ts'
import { Staging } from './staging.ts'

/** What an import needs of the store. */
export interface ImportTarget {
  readonly shelf: BlockShelf
  readonly pins: Pins
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
  /** Path of a log that was beside the blocks: what is in no block yet was not taken in. */
  readonly log?: string
}

/** Takes in every block of an archive or folder, wherever in it they lie: `…/<ULID>/{meta.json,index,chunks/000001,
 *  tombstones}`. Each is written into a staging folder, read whole, and published together with all others; or, when
 *  anything is wrong, nothing is left of any. Blocks may overlap with others. Files that are no part of a block are
 *  ignored. One import at a time: two of the same block would meet in its staging folder.
 *  @throws ImportError that names archive, file, what was wanted and what was found; DiskFullError; the signal's
 *  reason, unless publishing has begun */
export async function importBlocks(
  target: ImportTarget,
  source: ImportSource,
  progress: ImportProgress,
  signal?: AbortSignal,
): Promise<Imported> {
  const total = bytesOf(source)
  const staging = new Staging(target.shelf, ulid => target.existing(ulid))
  try {
    const log = await stage(staging, source, done => progress('reading', done, total), signal)
    await staging.check((done, total) => progress('checking', done, total), signal)
    signal?.throwIfAborted()
    progress('publishing', total, total)
    // First pinned: published and not pinned, a crash would leave old blocks to retention.
    await target.pins.set(staging.fresh, true)
    await staging.publish()
    const { fresh, known } = staging
    return { published: fresh, known, ...(log !== null && { log }) }
  } catch (error) {
    // A pin of no block is forgotten at the next start; a block without its pin would not be.
    if (await staging.discard()) await target.pins.set(staging.fresh, false).catch(() => undefined)
    throw named(source, error)
  }
}

/** Answers the path of a log, when there is one. */
async function stage(
  staging: Staging,
  source: ImportSource,
  progress: (done: number) => void,
  signal?: AbortSignal,
): Promise<string | null> {
  let log: string | null = null
  for await (const entry of filesOf(source, { signal, progress })) {
    const place = parseBlockPath(entry.path)
    if (place) await staging.take(entry, place, signal)
    else if (isLogPath(entry.path)) log ??= entry.path
  }
  if (!staging.empty) return log
  const found = log === null ? 'none' : `only a log (${log}), which is not imported yet`
  throw new ImportError(`want blocks, folders <ULID> with meta.json, index and chunks, have ${found}`)
}

/** What the user's files are to blame for, with the name that the user gave them. */
function named({ name }: ImportSource, error: unknown): unknown {
  if (!(error instanceof ImportError || error instanceof CorruptionError)) return error
  return new ImportError(`${name}: ${error.message.replaceAll(stagingSuffix, '')}`, { cause: error })
}
