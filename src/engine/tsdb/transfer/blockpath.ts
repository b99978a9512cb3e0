import { isUlid } from '../block/ulid.ts'

/** Where a file of a block belongs. */
export interface BlockPath {
  readonly ulid: string
  /** The block's folder in the archive or folder that is imported. */
  readonly folder: string
  /** Within the block's folder. */
  readonly file: string
}

/** The block that a file is part of, or null: the innermost folder that has a ULID for a name counts. Other files in
 *  such a folder, as Thanos and Mimir put there, are no part of the block. */
export function parseBlockPath(path: string): BlockPath | null {
  const parts = /^(.*?)(meta\.json|index|tombstones|chunks\/\d{6,9})$/.exec(path)
  const [, before = '', file = ''] = parts ?? []
  const folder = before.replace(/\/$/, '')
  const ulid = folder.slice(folder.lastIndexOf('/') + 1)
  return before.endsWith('/') && isUlid(ulid) ? { ulid, folder, file } : null
}

/** Where a file belongs that is part of a log, or of the chunks of a head. */
export interface LogPath {
  /** The data directory in the archive or folder that is imported; '' is its root. */
  readonly directory: string
  /** Within the data directory. */
  readonly file: string
}

const logFile =
  /^(?:(.*)\/)?(wal\/\d{8,15}|wal\/checkpoint\.\d{8,15}\/\d{8,15}|wbl\/\d{8,15}|chunks_head\/\d{6,7})$/

/** The data directory that a file is part of beside the blocks, or null. A snapshot of the head (`chunk_snapshot.N.M`) is
 *  no such file: all that is in it is in the log, too, which upstream reads whole where the snapshot is damaged. */
export function parseLogPath(path: string): LogPath | null {
  const [, directory = '', file] = logFile.exec(path) ?? []
  return file === undefined ? null : { directory, file }
}

/** The folder that a block's folder lies in; '' is the root. */
export function folderAbove(folder: string): string {
  return folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
}

/** The data directory of which a folder of blocks is a snapshot, `<directory>/snapshots/<name>`, or null. */
export function snapshotOf(folder: string): string | null {
  const found = /^(?:(.*)\/)?snapshots\/[^/]+$/.exec(folder)
  return found && (found[1] ?? '')
}
