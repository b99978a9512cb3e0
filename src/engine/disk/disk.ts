/** How long what was written lasts once the promise resolves: `relaxed` survives the death of the tab, the worker
 *  or the browser; `strict` also a power cut, together with everything written before it. */
export type Durability = 'relaxed' | 'strict'

/** The one door to stored bytes. Paths are relative, `/` between folders, no `.` and no `..`; folders exist by
 *  being part of a path. Every method may reject with an `Error` of the platform; writes with `DiskFullError`
 *  or `StolenError`, and then nothing of them has been written. */
export interface Disk {
  /** Names in a folder, files and folders alike, sorted; empty when there is no such folder. */
  list(folder: string): Promise<string[]>
  /** Size in bytes.
   *  @throws NotFoundError */
  size(path: string): Promise<number>
  /** The bytes [from, to) of a file, by default all; shorter where the file ends. The caller owns them.
   *  @throws NotFoundError */
  read(path: string, from?: number, to?: number): Promise<Uint8Array>
  /** Appends to a growing file at its end, all or nothing, creating the file when `at` is 0. `at` must be its
   *  size, so that a writer with a wrong idea of the file is found out. */
  append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void>
  /** Cuts a growing file to `size` bytes, strictly durable. */
  truncate(path: string, size: number): Promise<void>
  /** Replaces a small file (≤ 1 MiB) as a whole, strictly durable: a reader sees the old one or the new one. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Removes a file; does nothing when there is none. */
  remove(path: string): Promise<void>

  /** Starts a finished file: written once from the front, of any size, never changed. It must lie in a staging
   *  folder, one whose name ends in `stagingSuffix`; what is in there exists for nobody until it is published, and
   *  is gone the next time the disk is opened. */
  create(path: string): Promise<FileWriter>
  /** Makes everything in each staging folder `from` appear as the folder `to`, strictly durable. All writers in it
   *  must be closed, and `to` must not exist. A crash leaves each folder published whole or not at all; a rejection
   *  leaves those not published yet as they were. In a browser all folders appear together. */
  publish(moves: readonly Move[]): Promise<void>
  /** Makes a published folder disappear in one step, strictly durable, and then its bytes; does nothing when there
   *  is none. A staging folder goes, too, whose writers are closed or aborted. */
  removeFolder(folder: string): Promise<void>

  /** Waits for running writes and lets go of everything. */
  close(): Promise<void>
}

/** Ends the name of a folder whose files are still being written. Upstream writes blocks into such folders and
 *  removes them at its start (`tsdb/db.go`, `tmpForCreationBlockDirSuffix`). */
export const stagingSuffix = '.tmp-for-creation'

/** A finished file on its way. One call at a time. */
export interface FileWriter {
  /** Adds bytes at the end. They may be used again once the promise resolves.
   *  @throws DiskFullError */
  write(bytes: Uint8Array): Promise<void>
  /** Completes the file. Only a published one survives the end of the process.
   *  @throws DiskFullError */
  close(): Promise<void>
  /** Gives the file up and removes it. */
  abort(): Promise<void>
}

/** Staging folder and its name to be. */
export interface Move {
  readonly from: string
  readonly to: string
}

export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
  constructor(path: string) {
    super(`no file ${path}`)
  }
}

/** The quota or the device is used up. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError'
  constructor(path: string, options?: ErrorOptions) {
    super(`no space left to write ${path}`, options)
  }
}

/** Another engine has taken the store over; this one must not write any more. */
export class StolenError extends Error {
  override readonly name = 'StolenError'
  constructor(path: string) {
    super(`another engine has taken over; ${path} was not written`)
  }
}
