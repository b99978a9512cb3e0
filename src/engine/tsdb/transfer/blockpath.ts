import { isUlid } from '../block/ulid.ts'

/** Where a file belongs. */
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

/** Whether it is a segment of a log: what a data directory has beside its blocks. */
export function isLogPath(path: string): boolean {
  return /(^|\/)wal\/(checkpoint\.\d+\/)?\d{8}$/.test(path)
}
