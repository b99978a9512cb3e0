// Finished files in the origin private file system: few and large. A name says nothing but `<epoch>.<n>`, because a
// folder there cannot be moved: what a file is called and whether it exists is for the catalogue to say.
import { crc32c } from '../engine/bytes/crc32c.ts'
import { DiskFullError } from '../engine/disk/disk.ts'
import type { Sink } from './staging.ts'

/** What the catalogue knows of a finished file. */
export interface FinishedRow {
  readonly kind: 'finished'
  /** Name of its bytes in the folder of the store. */
  readonly place: string
  /** Bytes. */
  readonly size: number
  /** CRC-32C of all of them: closing a file does not sync it. */
  readonly crc: number
  /** Of the engine that wrote it. */
  readonly epoch: number
}

/** The folder of a store; null where the browser has none, or none that a worker of its own can write to.
 *  Safari before 26 cannot, and a private window may not. */
export async function openOpfs(scope: string): Promise<OpfsFolder | null> {
  try {
    if (!('createWritable' in FileSystemFileHandle.prototype)) return null
    const root = await navigator.storage.getDirectory()
    return new OpfsFolder(await root.getDirectoryHandle(encodeURIComponent(scope), { create: true }))
  } catch {
    return null
  }
}

export class OpfsFolder {
  private readonly folder: FileSystemDirectoryHandle
  private created = 0

  constructor(folder: FileSystemDirectoryHandle) {
    this.folder = folder
  }

  /** Starts a file. @param path what it is to be called, for errors
   *  @throws DiskFullError */
  async create(path: string, epoch: number): Promise<Sink<FinishedFile>> {
    const place = `${epoch}.${this.created++}`
    return translated(path, async () => {
      const handle = await this.folder.getFileHandle(place, { create: true })
      try {
        return new OpfsSink(this, { path, place, epoch }, await handle.createWritable())
      } catch (error) {
        await this.remove(place)
        throw error
      }
    })
  }

  async file(place: string): Promise<File> {
    return (await this.folder.getFileHandle(place)).getFile()
  }

  /** Removes a file, if it is there. What another engine still writes stays until the next sweep. */
  async remove(place: string): Promise<void> {
    try {
      await this.folder.removeEntry(place)
    } catch (error) {
      if (!named(error, 'NotFoundError', 'NoModificationAllowedError')) throw error
    }
  }

  /** Removes every file whose name is not known. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    const stray: string[] = []
    for await (const place of this.folder.keys()) if (!known.has(place)) stray.push(place)
    await Promise.all(stray.map(place => this.remove(place)))
  }
}

class OpfsSink implements Sink<FinishedFile> {
  private readonly folder: OpfsFolder
  private readonly name: { readonly path: string; readonly place: string; readonly epoch: number }
  private readonly stream: FileSystemWritableFileStream
  private size = 0
  private crc = 0

  constructor(
    folder: OpfsFolder,
    name: { path: string; place: string; epoch: number },
    stream: FileSystemWritableFileStream,
  ) {
    this.folder = folder
    this.name = name
    this.stream = stream
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.crc = crc32c(bytes, this.crc)
    this.size += bytes.length
    // No file of ours is in shared memory, which a stream would not take.
    await translated(this.name.path, () => this.stream.write(bytes as Uint8Array<ArrayBuffer>))
  }

  async close(): Promise<FinishedFile> {
    const { path, place, epoch } = this.name
    await translated(path, () => this.stream.close())
    const { size, crc } = this
    return new FinishedFile(this.folder, path, { kind: 'finished', place, size, crc, epoch })
  }

  async abort(): Promise<void> {
    // A stream that has failed is gone already, and says so.
    await this.stream.abort().catch(() => undefined)
    await this.folder.remove(this.name.place)
  }
}

/** A file that never changes. Nothing is looked at before the first read. */
export class FinishedFile {
  readonly row: FinishedRow
  private readonly folder: OpfsFolder | null
  private readonly path: string
  /** Asking for it takes as long as reading a part of it. */
  private file: Promise<File> | null = null

  /** @param folder null when the browser does not let anyone in today */
  constructor(folder: OpfsFolder | null, path: string, row: FinishedRow) {
    this.folder = folder
    this.path = path
    this.row = row
  }

  /** The same bytes under another name. */
  named(path: string): FinishedFile {
    return new FinishedFile(this.folder, path, this.row)
  }

  get size(): number {
    return this.row.size
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const file = await this.opened()
    const end = Math.max(from, Math.min(to, this.size))
    const bytes = await this.told(async () => new Uint8Array(await file.slice(from, end).arrayBuffer()))
    if (bytes.length === this.size) this.check(bytes)
    return bytes
  }

  async drop(): Promise<void> {
    await this.folder?.remove(this.row.place)
  }

  close(): void {
    this.file = null
  }

  private async opened(): Promise<File> {
    const { folder } = this
    if (!folder) throw new Error(`read ${this.path}: the browser has no origin private file system any more`)
    this.file ??= this.told(() => folder.file(this.row.place))
    try {
      const file = await this.file
      if (file.size === this.size) return file
      throw new Error(`read ${this.path}: want ${this.size} bytes, have ${file.size} in ${this.row.place}`)
    } catch (error) {
      // Not for ever: what failed once may pass.
      this.file = null
      throw error
    }
  }

  private check(bytes: Uint8Array): void {
    const found = crc32c(bytes)
    if (found === this.row.crc) return
    throw new Error(`read ${this.path}: want checksum ${hex(this.row.crc)}, have ${hex(found)}`)
  }

  /** Adds the path to an error of the platform, which names nothing. */
  private async told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new Error(`read ${this.path}: ${this.row.place} of ${this.size} bytes: ${String(error)}`, {
        cause: error,
      })
    }
  }
}

async function translated<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw named(error, 'QuotaExceededError') ? new DiskFullError(path, { cause: error }) : error
  }
}

function named(error: unknown, ...names: string[]): boolean {
  return error instanceof DOMException && names.includes(error.name)
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`
}
