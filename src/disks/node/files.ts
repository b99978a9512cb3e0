// Open files of a plain folder, and what the operating system says of them in the words of a disk.
import { open, type FileHandle } from 'node:fs/promises'
import { sep } from 'node:path'
import { DiskFullError, NotFoundError } from '../../engine/disk/disk.ts'
import type { Sink } from '../staging.ts'

/** Files kept open for reading: opening one costs as much as reading 256 KiB. */
const readersAtMost = 64
/** More than one call of the system may read. */
const readAtOnceBytes = 1 << 30

/** A file that grows at its end. */
export class GrowingFile {
  size: number
  /** Whether nothing of it has been acknowledged yet. */
  fresh: boolean
  private readonly handle: FileHandle
  private unsynced = false

  private constructor(handle: FileHandle, size: number, fresh: boolean) {
    this.handle = handle
    this.size = size
    this.fresh = fresh
  }

  /** Creates it with `wx+`, opens one that is there with `r+`. */
  static async open(place: string, flags: 'r+' | 'wx+'): Promise<GrowingFile> {
    const handle = await open(place, flags)
    const { size } = await handle.stat()
    return new GrowingFile(handle, size, flags === 'wx+')
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.unsynced = true
    await writeAll(this.handle, bytes, this.size)
    this.size += bytes.length
  }

  async truncate(size: number): Promise<void> {
    this.unsynced = true
    await this.handle.truncate(size)
    this.size = size
  }

  async sync(): Promise<void> {
    if (!this.unsynced) return
    this.unsynced = false
    try {
      await this.handle.datasync()
    } catch (error) {
      this.unsynced = true
      throw error
    }
  }

  async close(): Promise<void> {
    await this.handle.close()
  }
}

/** The bytes of a file that is being created; on the device once it is closed. */
export class FileSink implements Sink<true> {
  private readonly path: string
  private readonly handle: FileHandle
  private readonly remove: () => Promise<void>
  private size = 0

  /** @param path what errors call it */
  constructor(path: string, handle: FileHandle, remove: () => Promise<void>) {
    this.path = path
    this.handle = handle
    this.remove = remove
  }

  async write(bytes: Uint8Array): Promise<void> {
    await translated(this.path, () => writeAll(this.handle, bytes, this.size))
    this.size += bytes.length
  }

  async close(): Promise<true> {
    await translated(this.path, () => this.handle.sync())
    await this.handle.close()
    return true
  }

  async abort(): Promise<void> {
    await this.handle.close()
    await this.remove()
  }
}

/** Files that are open for reading: those read last. */
export class Readers {
  private readonly readers = new Map<string, Reader>()

  /** The bytes [from, to) that are there. */
  async read(place: string, from: number, to: number): Promise<Uint8Array> {
    const reader = this.take(place)
    try {
      return await reader.read(from, to)
    } catch (error) {
      if (this.readers.get(place) === reader) this.retire(reader)
      throw error
    } finally {
      reader.leave()
    }
  }

  /** Lets go of a file or of all in a folder, because the name gets another meaning. */
  forget(place: string): void {
    for (const reader of this.readers.values()) {
      if (reader.place === place || reader.place.startsWith(place + sep)) this.retire(reader)
    }
  }

  private take(place: string): Reader {
    const reader = this.readers.get(place) ?? new Reader(place)
    // The map is in the order of use.
    this.readers.delete(place)
    this.readers.set(place, reader)
    reader.enter()
    const [oldest] = this.readers.values()
    if (oldest && this.readers.size > readersAtMost) this.retire(oldest)
    return reader
  }

  private retire(reader: Reader): void {
    this.readers.delete(reader.place)
    reader.retire()
  }
}

/** An open file, closed when it is retired and nobody reads it any more. */
class Reader {
  readonly place: string
  private readonly handle: Promise<FileHandle>
  private size = 0
  private users = 0
  private retired = false

  constructor(place: string) {
    this.place = place
    this.handle = open(place, 'r')
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const handle = await this.handle
    if (to > this.size) this.size = (await handle.stat()).size
    const bytes = new Uint8Array(Math.max(0, Math.min(to, this.size) - from))
    let at = 0
    while (at < bytes.length) {
      const length = Math.min(bytes.length - at, readAtOnceBytes)
      const { bytesRead } = await handle.read(bytes, at, length, from + at)
      if (bytesRead === 0) return bytes.slice(0, at)
      at += bytesRead
    }
    return bytes
  }

  enter(): void {
    this.users++
  }

  leave(): void {
    this.users--
    this.closeIfDone()
  }

  retire(): void {
    this.retired = true
    this.closeIfDone()
  }

  private closeIfDone(): void {
    if (!this.retired || this.users > 0) return
    // What could not be opened need not be closed.
    void this.handle.then(handle => handle.close()).catch(() => undefined)
  }
}

/** Writes a whole file and waits until the device has it. */
export async function writeSynced(place: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(place, 'w')
  try {
    await writeAll(handle, bytes, 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the names in a folder durable; one that is gone has none, and some systems cannot. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(only(null, 'ENOENT', 'EPERM', 'EISDIR'))
  if (!handle) return
  try {
    await handle.sync().catch(only(undefined, 'EPERM', 'EINVAL'))
  } finally {
    await handle.close()
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

/** Names the file in an error that says that the device, or the user's share of it, is full. */
export async function translated<T>(path: string, work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw isCode(error, 'ENOSPC', 'EDQUOT') ? new DiskFullError(path, { cause: error }) : error
  })
}

/** @throws NotFoundError when there is no such file */
export async function found<T>(path: string, work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw isCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR') ? new NotFoundError(path) : error
  })
}

/** For `catch`: what to have instead when the system says one of these, and nothing else. */
export function only<T>(instead: T, ...codes: string[]): (error: unknown) => T {
  return error => {
    if (isCode(error, ...codes)) return instead
    throw error
  }
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
