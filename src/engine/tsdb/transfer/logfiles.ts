import type { Disk } from '../../disk/disk.ts'
import { fileNumbers, filePath } from '../headchunks/files.ts'
import { checkpointNames, segmentNumbers, segmentPath } from '../wal/names.ts'

/** Files of a folder that is being written. */
export interface GrowingFiles {
  /** Ends the file that is being written; resolves once all of it is on the disk. */
  cut(): Promise<unknown>
}

/** What is in the folders `wal`, `wbl` and `chunks_head`; null where there is nothing. */
export interface GrowingFolders {
  readonly wal: GrowingFiles
  readonly wbl: GrowingFiles | null
  readonly chunks: GrowingFiles | null
}

/** A file, of which only its first bytes count. */
export interface FileSpan {
  readonly path: string
  readonly size: number
}

/** The logs and the chunks of the head as they are at one moment: every sample that was acknowledged before is in there,
 *  and no record or chunk is torn. What is written meanwhile is in there or not. Nothing of it may be removed before the
 *  files have been read.
 *  @throws what the disk throws */
export async function logFiles(disk: Disk, { wal, wbl, chunks }: GrowingFolders): Promise<FileSpan[]> {
  // The log last: the others speak of series that are in it.
  const finished = chunks ? await finishedChunks(disk, 'chunks_head', chunks) : []
  const late = wbl ? await finishedSegments(disk, 'wbl', wbl) : []
  return [...(await finishedSegments(disk, 'wal', wal)), ...late, ...finished]
}

async function finishedChunks(disk: Disk, folder: string, chunks: GrowingFiles): Promise<FileSpan[]> {
  const numbers = fileNumbers(await disk.list(folder))
  // Now each of those is finished, and one that has been begun since is not among them.
  await chunks.cut()
  return spans(
    disk,
    numbers.map(number => filePath(folder, number)),
  )
}

/** The newest checkpoint and the segments behind it. */
async function finishedSegments(disk: Disk, folder: string, log: GrowingFiles): Promise<FileSpan[]> {
  const names = await disk.list(folder)
  await log.cut()
  const checkpoint = checkpointNames(names).at(-1)
  const inside = checkpoint ? `${folder}/${checkpoint.name}` : null
  const before = inside === null ? [] : segmentNumbers(await disk.list(inside))
  const behind = segmentNumbers(names).filter(number => number > (checkpoint?.number ?? -1))
  return spans(disk, [
    ...before.map(number => segmentPath(inside ?? folder, number)),
    ...behind.map(number => segmentPath(folder, number)),
  ])
}

async function spans(disk: Disk, paths: readonly string[]): Promise<FileSpan[]> {
  const found: FileSpan[] = []
  for (const path of paths) found.push({ path, size: await disk.size(path) })
  return found
}
