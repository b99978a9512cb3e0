// A plain folder that a real Prometheus can open: a path is a path in it.
//
// A relaxed append is a write: the kernel has it, and no end of the process takes it back. A strict one syncs
// everything that was written before. What is incomplete has a name that ends in `.tmp-for-creation` or
// `.tmp-for-deletion`, as upstream's has, and is swept when the disk is opened.
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  NotFoundError,
  stagingSuffix,
  type Disk,
  type Durability,
  type FileWriter,
  type Move,
} from '../engine/disk/disk.ts'
import {
  checkMoves,
  checkPath,
  checkSmall,
  checkStaged,
  checkUnstaged,
  inside,
  stagingFolderOf,
} from '../engine/disk/paths.ts'
import { lockDir, lockName, type DirLock } from './node/dirlock.ts'
import {
  FileSink,
  found,
  GrowingFile,
  only,
  Readers,
  syncFolder,
  translated,
  writeSynced,
} from './node/files.ts'
import { WriteOrder } from './order.ts'
import { StagedFile, type Sink } from './staging.ts'

/** Ends the name of a folder that is being removed (upstream `tsdb/db.go`, `tmpForDeletionBlockDirSuffix`). */
const deletionSuffix = '.tmp-for-deletion'
/** Deep enough for `wal/checkpoint.N` and `<ULID>/chunks`, and not for a home folder. */
const sweepDepth = 3

/** Opens a folder, creating it when it is not there.
 *  @throws Error when another process holds it, such as a running Prometheus */
export async function openNodeFs(folder: string): Promise<Disk> {
  const root = resolve(folder)
  await mkdir(root, { recursive: true })
  const lock = await lockDir(root)
  try {
    await sweep(root, sweepDepth)
    return new NodeDisk(root, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function sweep(folder: string, depth: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(only([], 'EACCES', 'EPERM'))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (isIncomplete(entry.name)) await rm(path, { recursive: true, force: true })
    else if (entry.isDirectory() && depth > 1) await sweep(path, depth - 1)
  }
}

function isIncomplete(name: string): boolean {
  return name.endsWith(stagingSuffix) || name.endsWith(deletionSuffix)
}

class NodeDisk implements Disk {
  private readonly root: string
  private readonly lock: DirLock
  private readonly growing = new Map<string, GrowingFile>()
  /** Folders in which a name has changed that a power cut could change back. */
  private readonly unsynced = new Set<string>()
  private readonly staged = new Map<string, StagedFile<true>>()
  private readonly readers = new Readers()
  private readonly order = new WriteOrder()
  /** One change at a time to which folders there are. */
  private readonly folders = new WriteOrder()
  private syncing = Promise.resolve()

  constructor(root: string, lock: DirLock) {
    this.root = root
    this.lock = lock
  }

  async list(folder: string): Promise<string[]> {
    if (folder !== '') checkPath(folder)
    const names = await readdir(this.place(folder)).catch(only([], 'ENOENT', 'ENOTDIR'))
    const path = (name: string) => (folder === '' ? name : `${folder}/${name}`)
    return names.filter(name => !isIncomplete(name) && this.isListed(path(name))).sort()
  }

  async size(path: string): Promise<number> {
    this.checkReadable(path)
    const file = await found(path, () => stat(this.place(path)))
    if (!file.isFile()) throw new NotFoundError(path)
    return file.size
  }

  async read(path: string, from = 0, to = Infinity): Promise<Uint8Array> {
    this.checkReadable(path)
    return found(path, () => this.readers.read(this.place(path), from, to))
  }

  async append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    checkWritable(path)
    const copy = bytes.slice()
    return this.order.run(path, async () => {
      const file = await this.opened(path, at)
      if (at !== file.size) throw new Error(`append to ${path} at ${at}, but it has ${file.size} bytes`)
      try {
        await translated(path, () => file.append(copy))
        if (durability === 'strict') await translated(path, () => this.sync())
      } catch (error) {
        await this.undo(path, file, at)
        throw error
      }
      file.fresh = false
    })
  }

  async truncate(path: string, size: number): Promise<void> {
    checkWritable(path)
    return this.order.run(path, async () => {
      const file = this.growing.get(path) ?? (await found(path, () => this.adopt(path, 'r+')))
      if (size > file.size) throw new Error(`truncate ${path} to ${size} bytes, but it has ${file.size}`)
      await file.truncate(size)
      await this.sync()
    })
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    checkWritable(path)
    checkSmall(path, bytes)
    const copy = bytes.slice()
    return this.order.run(path, () => translated(path, () => this.replace(path, copy)))
  }

  async remove(path: string): Promise<void> {
    checkWritable(path)
    return this.order.run(path, async () => {
      const gone = await unlink(this.place(path)).then(() => true, only(false, 'ENOENT', 'ENOTDIR'))
      if (!gone) return
      await this.forget(path)
      await this.removeEmpty(dirname(this.place(path)))
    })
  }

  async create(path: string): Promise<FileWriter> {
    checkStaged(path)
    if (this.staged.has(path)) throw new Error(`create ${path}, which is there already`)
    const staged = new StagedFile<true>(path, this.sink(path), () => this.staged.delete(path))
    this.staged.set(path, staged)
    await staged.opened()
    return staged
  }

  async publish(moves: readonly Move[]): Promise<void> {
    checkMoves(moves)
    for (const { from, to } of moves) {
      checkWritable(to)
      this.checkClosed(from)
      if (this.stagedIn(from).length === 0) throw new NotFoundError(from)
      const taken = await stat(this.place(to)).then(() => true, only(false, 'ENOENT'))
      if (taken) throw new Error(`publish ${from} as ${to}, which is there already`)
    }
    await this.sync()
    for (const move of moves) await this.move(move)
  }

  async removeFolder(folder: string): Promise<void> {
    checkPath(folder)
    this.checkClosed(folder)
    const place = this.place(folder)
    if (stagingFolderOf(folder) !== null) {
      this.unstage(folder)
      return rm(place, { recursive: true, force: true })
    }
    checkWritable(folder)
    const isFolder = await stat(place).then(found => found.isDirectory(), only(false, 'ENOENT', 'ENOTDIR'))
    if (isFolder) await this.removePublished(folder)
  }

  async close(): Promise<void> {
    await this.order.settled()
    await Promise.allSettled([...this.staged.values()].map(file => file.abort()))
    try {
      await this.sync()
    } finally {
      await Promise.all([...this.growing.keys()].map(path => this.forget(path)))
      this.readers.forget(this.root)
      await this.lock.release()
    }
  }

  private place(path: string): string {
    return join(this.root, path)
  }

  private isListed(path: string): boolean {
    return path !== lockName && this.isComplete(path)
  }

  private isComplete(path: string): boolean {
    const staged = this.staged.get(path)
    return !staged || staged.file !== null
  }

  private checkReadable(path: string): void {
    checkPath(path)
    if (!this.isComplete(path)) throw new NotFoundError(path)
  }

  /** The file for an append at a place; created when that is its start. */
  private async opened(path: string, at: number): Promise<GrowingFile> {
    const known = this.growing.get(path)
    if (known) return known
    const stored = await this.adopt(path, 'r+').catch(only(null, 'ENOENT', 'ENOTDIR'))
    if (stored) return stored
    if (at !== 0) throw new Error(`append to ${path} at ${at}, but there is no such file`)
    return translated(path, () => this.inFolder(this.place(path), () => this.adopt(path, 'wx+')))
  }

  private async adopt(path: string, flags: 'r+' | 'wx+'): Promise<GrowingFile> {
    const file = await GrowingFile.open(this.place(path), flags)
    this.growing.set(path, file)
    return file
  }

  /** Takes a failed append back. Should that fail, too, the next one finds out by the file's size. */
  private async undo(path: string, file: GrowingFile, size: number): Promise<void> {
    await file.truncate(size).catch(() => undefined)
    await this.forget(path)
    if (file.fresh) await unlink(this.place(path)).catch(() => undefined)
  }

  private async replace(path: string, bytes: Uint8Array): Promise<void> {
    const place = this.place(path)
    const fresh = place + stagingSuffix
    try {
      await this.inFolder(fresh, () => writeSynced(fresh, bytes))
      // Nothing of what was written before may be less durable than what replaces it.
      await this.sync()
      await rename(fresh, place)
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    }
    await this.forget(path)
    await this.sync()
  }

  private async sink(path: string): Promise<Sink<true>> {
    const place = this.place(path)
    const remove = () => rm(place, { force: true })
    return translated(path, () =>
      this.inFolder(place, async () => new FileSink(path, await open(place, 'wx'), remove)),
    )
  }

  private async move({ from, to }: Move): Promise<void> {
    const [staging, place] = [this.place(from), this.place(to)]
    await translated(to, () => this.inFolder(place, () => rename(staging, place)))
    this.unstage(from)
    this.unsynced.add(dirname(staging))
    await this.sync()
  }

  /** The name goes in one step; then there is time for the bytes. */
  private async removePublished(folder: string): Promise<void> {
    await this.order.settled(folder)
    const place = this.place(folder)
    const going = place + deletionSuffix
    await rm(going, { recursive: true, force: true })
    await rename(place, going)
    const growing = [...this.growing.keys()].filter(path => inside(path, folder))
    await Promise.all(growing.map(path => this.forget(path)))
    this.unstage(folder)
    this.readers.forget(place)
    this.unsynced.add(dirname(place))
    await this.sync()
    await rm(going, { recursive: true, force: true })
    await this.removeEmpty(dirname(place))
  }

  private unstage(folder: string): void {
    for (const path of this.stagedIn(folder)) this.staged.delete(path)
    this.readers.forget(this.place(folder))
  }

  private stagedIn(folder: string): string[] {
    return [...this.staged.keys()].filter(path => inside(path, folder))
  }

  private checkClosed(folder: string): void {
    const open = this.stagedIn(folder).find(path => !this.isComplete(path))
    if (open !== undefined) throw new Error(`BUG: ${folder} has ${open}, which is still being written`)
  }

  /** Lets go of a file whose name has got another meaning. */
  private async forget(path: string): Promise<void> {
    const file = this.growing.get(path)
    this.growing.delete(path)
    this.readers.forget(this.place(path))
    await file?.close()
  }

  /** A strict write takes everything before it along. One at a time: what another is syncing is not synced yet. */
  private sync(): Promise<void> {
    this.syncing = this.syncing.catch(() => undefined).then(() => this.syncNow())
    return this.syncing
  }

  private async syncNow(): Promise<void> {
    const folders = [...this.unsynced]
    this.unsynced.clear()
    try {
      await Promise.all([...this.growing.values()].map(file => file.sync()))
      await Promise.all(folders.map(syncFolder))
    } catch (error) {
      for (const folder of folders) this.unsynced.add(folder)
      throw error
    }
  }

  /** Makes a name in a folder, which is made, too, and does not go in between. */
  private inFolder<T>(place: string, make: () => Promise<T>): Promise<T> {
    return this.folders.run(this.root, async () => {
      await this.makeFolder(dirname(place))
      return make()
    })
  }

  /** Makes a folder and those above it, in which a name is about to change. */
  private async makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true })
    this.unsynced.add(folder)
    if (first === undefined) return
    for (let made = folder; made.length >= first.length; made = dirname(made))
      this.unsynced.add(dirname(made))
  }

  /** Removes a folder in which a name is gone if it was the last: a folder exists by what is in it. */
  private removeEmpty(folder: string): Promise<void> {
    return this.folders.run(this.root, async () => {
      for (let place = folder, gone = true; gone; place = dirname(place)) {
        this.unsynced.add(place)
        if (place === this.root) return
        gone = await rmdir(place).then(() => true, only(false, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'))
      }
    })
  }
}

/** @throws Error when the path is not one for files that are there at once */
function checkWritable(path: string): void {
  checkUnstaged(path)
  const reserved = path === lockName || path.split('/').some(name => name.endsWith(deletionSuffix))
  if (reserved) throw new Error(`write ${path}: the name has a meaning of its own`)
}
