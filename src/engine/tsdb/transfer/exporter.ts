import { decodeTime } from 'ulid'
import { writeArchive, type NewEntry } from '../../archive/archive.ts'
import { pieceBytes } from '../../archive/limits.ts'
import { regroup } from '../../archive/pieces.ts'
import type { Disk } from '../../disk/disk.ts'
import type { ArchiveFormat } from '../../model/blocks.ts'
import type { Block } from '../block/block.ts'
import type { FileSpan } from './logfiles.ts'

/** A file on its way out. */
interface ExportFile {
  /** On the disk. */
  readonly from: string
  /** In the archive. */
  readonly to: string
  /** What is taken of it; it may have more. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/** What is said of an export before it begins, and how its bytes are made. */
export interface Outgoing {
  readonly fileName: string
  /** MIME type. */
  readonly type: string
  /** Bytes that are read for it; null when nobody knows before the end. */
  readonly total: number | null
  /** Pieces of at most 1 MiB that belong to the caller.
   *  @param progress is told how many bytes have been read
   *  @throws what the disk throws, or the signal's reason */
  bytes(signal: AbortSignal, progress: (done: number) => void): AsyncGenerator<Uint8Array>
}

const types: Readonly<Record<ArchiveFormat, string>> = {
  zip: 'application/zip',
  'tar.gz': 'application/gzip',
}

/** An archive of blocks, `<ULID>/{meta.json,index,chunks/000001,tombstones}`. The blocks' folders must not be removed
 *  before it has been read.
 *  @param name by default that of the only block, or their number */
export function blocksOut(
  disk: Disk,
  blocks: readonly Block[],
  format: ArchiveFormat,
  name = nameOf(blocks),
): Outgoing {
  return archiveOut(disk, `brazier-${name}`, format, filesOfBlocks(blocks, ''))
}

function nameOf(blocks: readonly Block[]): string {
  const [first] = blocks
  return blocks.length === 1 && first ? first.meta.ulid : `${blocks.length}-blocks`
}

/** An archive of a data directory, all in a folder that is named as the archive. Nothing of it must be removed before it
 *  has been read. */
export function directoryOut(
  disk: Disk,
  format: ArchiveFormat,
  { blocks, others, now }: Directory,
): Outgoing {
  const name = nameAt(now)
  const growing = others.map(({ path, size }) => ({
    from: path,
    to: `${name}/${path}`,
    size,
    modified: now,
  }))
  return archiveOut(disk, name, format, [...filesOfBlocks(blocks, `${name}/`), ...growing])
}

export interface Directory {
  readonly blocks: readonly Block[]
  /** Paths are from the root of the disk, and of the directory. */
  readonly others: readonly FileSpan[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Samples as text, from a function that makes it in pieces of any size. */
export function textOut(now: number, pieces: () => AsyncIterable<Uint8Array>): Outgoing {
  return {
    fileName: `${nameAt(now)}.txt`,
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    total: null,
    async *bytes(signal, progress) {
      let done = 0
      for await (const piece of regroup(pieces(), pieceBytes)) {
        signal.throwIfAborted()
        done += piece.length
        progress(done)
        yield piece
      }
    },
  }
}

function nameAt(now: number): string {
  return `brazier-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`
}

function filesOfBlocks(blocks: readonly Block[], prefix: string): ExportFile[] {
  return blocks.flatMap(({ folder, meta: { ulid }, files }) => {
    // A block's files are from when it was made.
    const modified = decodeTime(ulid)
    return files.map(({ path, size }) => {
      return { from: `${folder}/${path}`, to: `${prefix}${ulid}/${path}`, size, modified }
    })
  })
}

function archiveOut(disk: Disk, name: string, format: ArchiveFormat, files: readonly ExportFile[]): Outgoing {
  return {
    fileName: `${name}.${format}`,
    type: types[format],
    total: files.reduce((sum, { size }) => sum + size, 0),
    bytes: (signal, progress) => writeArchive(format, entriesOf(disk, files, signal, progress)),
  }
}

async function* entriesOf(
  disk: Disk,
  files: readonly ExportFile[],
  signal: AbortSignal,
  progress: (done: number) => void,
): AsyncGenerator<NewEntry> {
  let done = 0
  for (const { from, to, size, modified } of files) {
    yield { path: to, size, modified, bytes: readFile(from, size) }
  }

  async function* readFile(path: string, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += pieceBytes) {
      signal.throwIfAborted()
      const piece = await disk.read(path, at, Math.min(size, at + pieceBytes))
      done += piece.length
      progress(done)
      yield piece
    }
  }
}
