// The browser's disk: what grows and what is small lies in IndexedDB, what is finished in the origin private file
// system, and one table in IndexedDB says what exists. A file that is being created has no row; `publish` adds the
// rows of all files at once. Whatever has no row is swept when the disk is opened.
import { NotFoundError, type Disk, type Durability, type FileWriter, type Move } from '../engine/disk/disk.ts'
import {
  checkMoves,
  checkPath,
  checkSmall,
  checkStaged,
  checkUnstaged,
  stagingFolderOf,
  inside,
} from '../engine/disk/paths.ts'
import {
  Catalogue,
  GrowingFile,
  GrowingSink,
  rowsOf,
  sweepDatabases,
  type Change,
  type FileRow,
  type Row,
} from './indexeddb.ts'
import { FinishedFile, openOpfs, type OpfsFolder } from './opfs.ts'
import { WriteOrder } from './order.ts'
import { StagedFile } from './staging.ts'

/** A file that is more than its row. */
type StoredFile = GrowingFile | FinishedFile

export interface MountOptions {
  /** Names the store; it must not contain `#`, which no path of a URL does. */
  readonly scope: string
  /** Where new finished files go: by default into the origin private file system, or into IndexedDB where the
   *  browser has none that can be written. Those that are there are read from where they are. */
  readonly finished?: 'opfs' | 'indexeddb'
}

/** Opens the store and takes it over: what another engine has opened before cannot be written by it any more. */
export async function openMounted({ scope, finished = 'opfs' }: MountOptions): Promise<Disk> {
  const catalogue = await Catalogue.open(scope)
  const opened: GrowingFile[] = []
  try {
    const folder = await openOpfs(scope)
    const files = new Map<string, StoredFile>()
    const adopt = async (path: string, row: FileRow) => {
      if (row.kind === 'small') return
      if (row.kind === 'finished') return void files.set(path, new FinishedFile(folder, path, row))
      const file = await GrowingFile.open(path, row.database, catalogue.epoch)
      opened.push(file)
      files.set(path, file)
    }
    await Promise.all(Array.from(await catalogue.rows(), ([path, row]) => adopt(path, row)))
    await sweep(scope, folder, [...files.values()])
    return new MountedDisk(catalogue, finished === 'opfs' ? folder : null, files)
  } catch (error) {
    for (const file of opened) file.close()
    catalogue.close()
    throw error
  }
}

async function sweep(scope: string, folder: OpfsFolder | null, files: readonly StoredFile[]): Promise<void> {
  const databases = files.flatMap(file => (file instanceof GrowingFile ? [file.database] : []))
  const places = files.flatMap(file => (file instanceof FinishedFile ? [file.row.place] : []))
  await Promise.all([sweepDatabases(scope, new Set(databases)), folder?.sweep(new Set(places))])
}

class MountedDisk implements Disk {
  private readonly catalogue: Catalogue
  private readonly folder: OpfsFolder | null
  private readonly files: Map<string, StoredFile>
  private readonly staged = new Map<string, StagedFile<StoredFile>>()
  private readonly order = new WriteOrder()
  private created = 0

  constructor(catalogue: Catalogue, folder: OpfsFolder | null, files: Map<string, StoredFile>) {
    this.catalogue = catalogue
    this.folder = folder
    this.files = files
  }

  async list(folder: string): Promise<string[]> {
    if (folder !== '') checkPath(folder)
    const skip = folder === '' ? 0 : folder.length + 1
    const paths =
      stagingFolderOf(folder) === null ? await this.catalogue.paths(folder) : this.stagedIn(folder)
    return [...new Set(paths.map(path => path.slice(skip).split('/', 1)[0] as string))].sort()
  }

  async size(path: string): Promise<number> {
    checkPath(path)
    return this.stored(path)?.size ?? (await this.small(path)).length
  }

  async read(path: string, from = 0, to = Infinity): Promise<Uint8Array> {
    checkPath(path)
    const file = this.stored(path)
    return file ? file.read(from, to) : (await this.small(path)).slice(from, Math.max(from, to))
  }

  async append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    checkUnstaged(path)
    // Cut now: the caller may use its buffer again while the write waits for the one before.
    const rows = rowsOf(bytes, at)
    return this.order.run(path, async () => {
      const file = this.growing(path)
      const size = file?.size ?? (await this.sizeOfSmall(path))
      if (at !== size) throw new Error(`append to ${path} at ${at}, but it has ${size} bytes`)
      if (durability === 'strict') await this.syncOthers(file)
      if (file) return file.append(rows, durability)
      if (size > 0) throw new Error(`append to ${path}, which was written as a whole`)
      return this.begin(path, rows, durability)
    })
  }

  async truncate(path: string, size: number): Promise<void> {
    checkUnstaged(path)
    return this.order.run(path, async () => {
      const file = this.growing(path)
      if (!file) {
        const bytes = await this.small(path)
        checkCut(path, size, bytes.length)
        return this.catalogue.commit([{ path, row: { kind: 'small', bytes: bytes.slice(0, size) } }])
      }
      checkCut(path, size, file.size)
      await this.syncOthers(file)
      return file.truncate(size)
    })
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    checkUnstaged(path)
    checkSmall(path, bytes)
    const row: FileRow = { kind: 'small', bytes: bytes.slice() }
    return this.order.run(path, async () => {
      await this.syncOthers()
      await this.catalogue.commit([{ path, row }])
      await this.forget(path)
    })
  }

  async remove(path: string): Promise<void> {
    checkUnstaged(path)
    return this.order.run(path, async () => {
      await this.catalogue.commit([{ path, row: null }])
      await this.forget(path)
    })
  }

  async create(path: string): Promise<FileWriter> {
    checkStaged(path)
    if (this.staged.has(path)) throw new Error(`create ${path}, which is there already`)
    const { epoch } = this.catalogue
    const sink = this.folder
      ? this.folder.create(path, epoch)
      : GrowingFile.open(path, this.database(path), epoch).then(file => new GrowingSink(file))
    const staged = new StagedFile<StoredFile>(path, sink, () => this.staged.delete(path))
    this.staged.set(path, staged)
    await staged.opened()
    return staged
  }

  async publish(moves: readonly Move[]): Promise<void> {
    checkMoves(moves)
    const files = new Map(moves.flatMap(move => this.moved(move)))
    await sync([...this.files.values(), ...files.values()])
    const changes = Array.from(files, ([path, { row }]): Change => ({ path, row }))
    await this.catalogue.commitFolders(
      moves.map(({ to }) => to),
      changes,
    )
    for (const { from } of moves) for (const path of this.stagedIn(from)) this.staged.delete(path)
    for (const [path, file] of files) this.files.set(path, file)
  }

  async removeFolder(folder: string): Promise<void> {
    checkPath(folder)
    this.checkClosed(folder)
    await this.unstage(folder)
    if (stagingFolderOf(folder) !== null) return
    await this.order.settled(folder)
    await this.syncOthers()
    const paths = await this.catalogue.removeFolder(folder)
    await Promise.all(paths.map(path => this.forget(path)))
  }

  async close(): Promise<void> {
    await this.order.settled()
    await Promise.allSettled([...this.staged.values()].map(file => file.abort()))
    for (const file of this.staged.values()) file.file?.close()
    for (const file of this.files.values()) file.close()
    this.catalogue.close()
  }

  /** The bytes first, then the name: a file that cannot be filled never existed. */
  private async begin(path: string, rows: readonly Row[], durability: Durability): Promise<void> {
    const file = await GrowingFile.open(path, this.database(path), this.catalogue.epoch)
    try {
      await file.append(rows, durability)
      await this.catalogue.commit([{ path, row: file.row }])
    } catch (error) {
      await file.drop()
      throw error
    }
    this.files.set(path, file)
  }

  private database(path: string): string {
    return `${this.catalogue.scope}#${path}@${this.catalogue.epoch}.${this.created++}`
  }

  /** The files of a staging folder under the names that they are to have. */
  private moved({ from, to }: Move): [string, StoredFile][] {
    this.checkClosed(from)
    const paths = this.stagedIn(from)
    if (paths.length === 0) throw new NotFoundError(from)
    return paths.map(path => {
      const name = to + path.slice(from.length)
      return [name, (this.staged.get(path)?.file as StoredFile).named(name)]
    })
  }

  /** Paths of the closed files in a staging folder, or of all in a folder around it. */
  private stagedIn(folder: string): string[] {
    return Array.from(this.staged)
      .filter(([path, staged]) => staged.file !== null && inside(path, folder))
      .map(([path]) => path)
  }

  private checkClosed(folder: string): void {
    for (const [path, { file }] of this.staged) {
      if (file === null && inside(path, folder)) {
        throw new Error(`BUG: ${folder} has ${path}, which is still being written`)
      }
    }
  }

  private async unstage(folder: string): Promise<void> {
    const files = this.stagedIn(folder).map(path => {
      const file = this.staged.get(path)?.file
      this.staged.delete(path)
      return file
    })
    await Promise.all(files.map(async file => file?.drop()))
  }

  /** Drops the bytes of a file whose row is gone. */
  private async forget(path: string): Promise<void> {
    const file = this.files.get(path)
    this.files.delete(path)
    await file?.drop()
  }

  /** A strict write promises that all earlier ones are safe, too. Chromium keeps the databases of an origin in one
   *  log, where that holds by itself; Firefox keeps each in a file. */
  private async syncOthers(except?: GrowingFile): Promise<void> {
    await sync([...this.files.values()].filter(file => file !== except))
  }

  private stored(path: string): StoredFile | null {
    return this.files.get(path) ?? this.staged.get(path)?.file ?? null
  }

  private growing(path: string): GrowingFile | undefined {
    const file = this.files.get(path)
    if (file instanceof FinishedFile) throw new Error(`${path} is finished: it neither grows nor shrinks`)
    return file
  }

  private async small(path: string): Promise<Uint8Array> {
    const row = await this.catalogue.row(path)
    if (row?.kind !== 'small') throw new NotFoundError(path)
    return row.bytes
  }

  private async sizeOfSmall(path: string): Promise<number> {
    const row = await this.catalogue.row(path)
    return row?.kind === 'small' ? row.bytes.length : 0
  }
}

async function sync(files: readonly StoredFile[]): Promise<void> {
  const unsynced = files.filter(file => file instanceof GrowingFile).filter(file => file.unsynced)
  await Promise.all(unsynced.map(file => file.append([], 'strict')))
}

function checkCut(path: string, size: number, found: number): void {
  if (size > found) throw new Error(`truncate ${path} to ${size} bytes, but it has ${found}`)
}
