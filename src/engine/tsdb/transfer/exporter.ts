import { decodeTime } from 'ulid'
import { writeArchive, type NewEntry } from '../../archive/archive.ts'
import { pieceBytes } from '../../archive/limits.ts'
import type { Disk } from '../../disk/disk.ts'
import type { ArchiveFormat } from '../../model/blocks.ts'
import type { Block } from '../block/block.ts'

export interface ExportOptions {
  readonly signal?: AbortSignal
  /** Told how many bytes of the blocks have been read. */
  readonly progress?: (done: number) => void
}

/** An archive of blocks, `<ULID>/{meta.json,index,chunks/000001,tombstones}`, in pieces of at most 1 MiB that belong
 *  to the caller. The blocks' folders must not be removed before it has ended.
 *  @throws what the disk throws, or the signal's reason */
export function exportBlocks(
  disk: Disk,
  blocks: readonly Block[],
  format: ArchiveFormat,
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeArchive(format, entriesOf(disk, blocks, options))
}

async function* entriesOf(
  disk: Disk,
  blocks: readonly Block[],
  { signal, progress }: ExportOptions,
): AsyncGenerator<NewEntry> {
  let done = 0
  for (const { folder, meta, files } of blocks) {
    // A block's files are from when it was made.
    const modified = decodeTime(meta.ulid)
    for (const { path, size } of files) {
      const bytes = readFile(`${folder}/${path}`, size)
      yield { path: `${meta.ulid}/${path}`, size, modified, bytes }
    }
  }

  async function* readFile(path: string, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += pieceBytes) {
      signal?.throwIfAborted()
      const piece = await disk.read(path, at, Math.min(size, at + pieceBytes))
      done += piece.length
      progress?.(done)
      yield piece
    }
  }
}
