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
  /** Waits for running writes and lets go of everything. */
  close(): Promise<void>
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
