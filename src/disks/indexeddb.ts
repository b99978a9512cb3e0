// Files in IndexedDB, for the browser's write-ahead log and small files.
//
//   database `<scope>#files`              files  path → { kind: 'growing', database } | { kind: 'small', bytes }
//                                         owner  'epoch' → number
//   database `<scope>#<path>@<epoch>.<n>` rows   offset of its first byte → at most 60 KiB
//   (one for each growing file)           owner  'epoch' → number
//
// A growing file has a database of its own, because only deleting a database gives its space back at once; clearing
// a store does so when the browser compacts it, some day. `files` says what exists: a database that it does not
// name is the trace of a creation or a removal that was cut short, and is swept when the disk is opened.
//
// Opening takes the next epoch and writes it into every database. A write looks at it in its own transaction, so an
// engine that was given up for dead and wakes cannot write any more.
import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { DiskFullError, NotFoundError, StolenError, type Disk, type Durability } from '../engine/disk/disk.ts'

/** Chromium stores values over 64 KiB as files of their own, which makes them three times as slow. */
const rowBytes = 60 * 1024
const smallFileBytes = 1024 * 1024
/** Rows fetched at once while reading: at most 15 MiB. */
const rowsAtOnce = 256

interface OwnerSchema extends DBSchema {
  owner: { key: string; value: number }
}
interface CatalogueSchema extends OwnerSchema {
  files: { key: string; value: FileRow }
}
interface GrowingSchema extends OwnerSchema {
  rows: { key: number; value: Uint8Array }
}
type FileRow = { kind: 'growing'; database: string } | { kind: 'small'; bytes: Uint8Array }

/** Opens the store and takes it over: what another engine has opened before cannot be written by it any more.
 *  @param scope names the store; it must not contain `#`, which no path of a URL does */
export async function openIndexedDb({ scope }: { scope: string }): Promise<Disk> {
  const catalogue = await openDB<CatalogueSchema>(`${scope}#files`, 1, {
    upgrade(db) {
      db.createObjectStore('files')
      db.createObjectStore('owner')
    },
  })
  const epoch = await takeOver(catalogue)
  const growing = new Map<string, GrowingFile>()
  const adopt = async (path: string, row: FileRow) => {
    if (row.kind === 'growing') growing.set(path, await GrowingFile.open(path, row.database, epoch))
  }
  const paths = await catalogue.getAllKeys('files')
  const rows = await catalogue.getAll('files')
  await Promise.all(paths.map((path, i) => adopt(path, rows[i] as FileRow)))
  await sweep(scope, new Set([...growing.values()].map(file => file.database)))
  return new IndexedDbDisk(scope, epoch, catalogue, growing)
}

async function takeOver(catalogue: IDBPDatabase<CatalogueSchema>): Promise<number> {
  const tx = catalogue.transaction('owner', 'readwrite', { durability: 'strict' })
  const epoch = ((await tx.store.get('epoch')) ?? 0) + 1
  await tx.store.put(epoch, 'epoch')
  await tx.done
  return epoch
}

async function sweep(scope: string, known: ReadonlySet<string>): Promise<void> {
  const all = (await indexedDB.databases()).map(({ name = '' }) => name)
  const ours = all.filter(name => name.startsWith(`${scope}#`) && name !== `${scope}#files`)
  await Promise.all(ours.filter(name => !known.has(name)).map(drop))
}

/** Deletes a database; when a connection of a hung engine holds it, the browser does so once that one is gone. */
function drop(database: string): Promise<void> {
  return new Promise((resolve, reject) => {
    deleteDB(database, { blocked: () => resolve() }).then(resolve, reject)
  })
}

class IndexedDbDisk implements Disk {
  private readonly scope: string
  private readonly epoch: number
  private readonly catalogue: IDBPDatabase<CatalogueSchema>
  private readonly growing: Map<string, GrowingFile>
  /** The last write to each path: the next one waits for it. */
  private readonly writes = new Map<string, Promise<void>>()
  private created = 0

  constructor(
    scope: string,
    epoch: number,
    catalogue: IDBPDatabase<CatalogueSchema>,
    growing: Map<string, GrowingFile>,
  ) {
    this.scope = scope
    this.epoch = epoch
    this.catalogue = catalogue
    this.growing = growing
  }

  async list(folder: string): Promise<string[]> {
    // '0' comes right after '/': the range holds every path in the folder.
    const range = folder === '' ? null : IDBKeyRange.bound(`${folder}/`, `${folder}0`, false, true)
    const skip = folder === '' ? 0 : folder.length + 1
    const names = new Set<string>()
    for (const path of await this.catalogue.getAllKeys('files', range)) {
      names.add(path.slice(skip).split('/', 1)[0] as string)
    }
    return [...names].sort()
  }

  async size(path: string): Promise<number> {
    return this.growing.get(path)?.size ?? (await this.small(path)).length
  }

  async read(path: string, from = 0, to = Infinity): Promise<Uint8Array> {
    const file = this.growing.get(path)
    return file ? file.read(from, to) : (await this.small(path)).slice(from, Math.max(from, to))
  }

  append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    // Cut now: the caller may use its buffer again while the write waits for the one before.
    const rows = rowsOf(bytes, at)
    return this.inOrder(path, async () => {
      const file = this.growing.get(path)
      const size = file?.size ?? (await this.sizeOfSmall(path))
      if (at !== size) throw new Error(`append to ${path} at ${at}, but it has ${size} bytes`)
      if (durability === 'strict') await this.syncOthers(file)
      if (file) return file.append(rows, durability)
      if (size > 0) throw new Error(`append to ${path}, which was written as a whole`)
      return this.create(path, rows, durability)
    })
  }

  truncate(path: string, size: number): Promise<void> {
    return this.inOrder(path, async () => {
      const file = this.growing.get(path)
      if (!file) {
        const bytes = await this.small(path)
        return this.commit(path, { kind: 'small', bytes: bytes.slice(0, checkCut(path, size, bytes.length)) })
      }
      checkCut(path, size, file.size)
      await this.syncOthers(file)
      return file.truncate(size)
    })
  }

  write(path: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > smallFileBytes) {
      throw new Error(`write ${path} as a whole: want at most ${smallFileBytes} bytes, have ${bytes.length}`)
    }
    const row: FileRow = { kind: 'small', bytes: bytes.slice() }
    return this.inOrder(path, async () => {
      await this.syncOthers()
      await this.commit(path, row)
      await this.forget(path)
    })
  }

  remove(path: string): Promise<void> {
    return this.inOrder(path, async () => {
      await this.commit(path, null)
      await this.forget(path)
    })
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.writes.values())
    for (const file of this.growing.values()) file.close()
    this.catalogue.close()
  }

  private inOrder(path: string, task: () => Promise<void>): Promise<void> {
    checkPath(path)
    const before = this.writes.get(path) ?? Promise.resolve()
    const done = before.catch(() => undefined).then(task)
    this.writes.set(path, done)
    const forget = () => {
      if (this.writes.get(path) === done) this.writes.delete(path)
    }
    done.then(forget, forget)
    return done
  }

  /** The bytes first, then the name: a file that cannot be filled never existed. */
  private async create(path: string, rows: readonly Row[], durability: Durability): Promise<void> {
    const database = `${this.scope}#${path}@${this.epoch}.${this.created++}`
    const file = await GrowingFile.open(path, database, this.epoch)
    try {
      await file.append(rows, durability)
      await this.commit(path, { kind: 'growing', database })
    } catch (error) {
      file.close()
      await drop(database)
      throw error
    }
    this.growing.set(path, file)
  }

  private async forget(path: string): Promise<void> {
    const file = this.growing.get(path)
    if (!file) return
    this.growing.delete(path)
    file.close()
    await drop(file.database)
  }

  private commit(path: string, row: FileRow | null): Promise<void> {
    const tx = this.catalogue.transaction(['files', 'owner'], 'readwrite', { durability: 'strict' })
    const owner = tx.objectStore('owner').get('epoch')
    const files = tx.objectStore('files')
    const request: Promise<unknown> = row ? files.put(row, path) : files.delete(path)
    return finish(tx, owner, [request], { path, epoch: this.epoch })
  }

  /** A strict write promises that all earlier ones are safe, too. Chromium keeps the databases of an origin in one
   *  log, where that holds by itself; Firefox keeps each in a file. */
  private async syncOthers(except?: GrowingFile): Promise<void> {
    const others = [...this.growing.values()].filter(file => file !== except && file.unsynced)
    await Promise.all(others.map(file => file.append([], 'strict')))
  }

  private async small(path: string): Promise<Uint8Array> {
    const row = await this.catalogue.get('files', path)
    if (row?.kind !== 'small') throw new NotFoundError(path)
    return row.bytes
  }

  private async sizeOfSmall(path: string): Promise<number> {
    const row = await this.catalogue.get('files', path)
    return row?.kind === 'small' ? row.bytes.length : 0
  }
}

interface Row {
  readonly at: number
  readonly bytes: Uint8Array
}

/** Copies, since cloning a part of a buffer would clone the whole buffer. */
function rowsOf(bytes: Uint8Array, at: number): Row[] {
  return Array.from({ length: Math.ceil(bytes.length / rowBytes) }, (_, i) => ({
    at: at + i * rowBytes,
    bytes: bytes.slice(i * rowBytes, (i + 1) * rowBytes),
  }))
}

class GrowingFile {
  readonly database: string
  /** Whether bytes were written that a power cut could take back. */
  unsynced = false
  size: number
  readonly path: string
  readonly epoch: number
  private readonly db: IDBPDatabase<GrowingSchema>

  constructor(path: string, epoch: number, db: IDBPDatabase<GrowingSchema>, size: number) {
    this.database = db.name
    this.path = path
    this.epoch = epoch
    this.db = db
    this.size = size
  }

  static async open(path: string, database: string, epoch: number): Promise<GrowingFile> {
    const db = await translated(path, openGrowing(database))
    const tx = db.transaction(['rows', 'owner'], 'readwrite', { durability: 'relaxed' })
    const [last] = await translated(
      path,
      Promise.all([
        tx.objectStore('rows').openCursor(null, 'prev'),
        tx.objectStore('owner').put(epoch, 'epoch'),
        tx.done,
      ]),
    )
    return new GrowingFile(path, epoch, db, last ? last.key + last.value.length : 0)
  }

  async append(rows: readonly Row[], durability: Durability): Promise<void> {
    const tx = this.db.transaction(['rows', 'owner'], 'readwrite', { durability })
    const owner = tx.objectStore('owner').get('epoch')
    const requests: Promise<unknown>[] = rows.map(({ at, bytes }) => tx.objectStore('rows').put(bytes, at))
    // A transaction that changes nothing is not synced either.
    if (rows.length === 0) requests.push(tx.objectStore('owner').put(this.epoch, 'epoch'))
    await finish(tx, owner, requests, this)
    this.size += rows.reduce((sum, { bytes }) => sum + bytes.length, 0)
    this.unsynced = durability === 'relaxed'
  }

  async truncate(size: number): Promise<void> {
    const start = await this.startOfRow(size)
    const cut = await this.read(start, size)
    const tx = this.db.transaction(['rows', 'owner'], 'readwrite', { durability: 'strict' })
    const owner = tx.objectStore('owner').get('epoch')
    const rows = tx.objectStore('rows')
    const requests: Promise<unknown>[] = [rows.delete(IDBKeyRange.lowerBound(start))]
    if (cut.length > 0) requests.push(rows.put(cut, start))
    await finish(tx, owner, requests, this)
    this.size = size
    this.unsynced = false
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const end = Math.min(to, this.size)
    const bytes = new Uint8Array(Math.max(0, end - from))
    if (bytes.length === 0) return bytes
    let at = await this.startOfRow(from)
    while (at < end) {
      const rows = await this.db.getAll('rows', IDBKeyRange.bound(at, end, false, true), rowsAtOnce)
      if (rows.length === 0) throw new Error(`${this.path} has no bytes at ${at}, but ${this.size} in all`)
      for (const row of rows) {
        bytes.set(row.subarray(Math.max(0, from - at), end - at), Math.max(0, at - from))
        at += row.length
      }
    }
    return bytes
  }

  close(): void {
    this.db.close()
  }

  /** Offset of the row with the byte at `offset`; `offset` itself at the end. */
  private async startOfRow(offset: number): Promise<number> {
    if (offset >= this.size) return offset
    const cursor = await this.db
      .transaction('rows')
      .store.openKeyCursor(IDBKeyRange.upperBound(offset), 'prev')
    return cursor?.key ?? offset
  }
}

function openGrowing(database: string): Promise<IDBPDatabase<GrowingSchema>> {
  return openDB<GrowingSchema>(database, 1, {
    upgrade(db) {
      db.createObjectStore('rows')
      db.createObjectStore('owner')
    },
    // Another engine has taken over and removes the file.
    blocking(_current, _blocked, event) {
      ;(event.target as IDBDatabase).close()
    },
  })
}

interface Transaction {
  abort(): void
  readonly done: Promise<void>
}

/** Ends a write: all of it, or nothing when something failed or the epoch that it met is not the writer's. */
async function finish(
  tx: Transaction,
  owner: Promise<number | undefined>,
  requests: readonly Promise<unknown>[],
  { path, epoch }: { path: string; epoch: number },
): Promise<void> {
  const ours = owner.then(found => {
    if (found !== epoch) tx.abort()
    return found === epoch
  })
  // Whatever fails says only that the transaction was aborted; the transaction itself says why.
  const [checked] = await Promise.allSettled([ours, Promise.allSettled(requests), tx.done])
  if (checked.status === 'fulfilled' && !checked.value) throw new StolenError(path)
  await translated(path, tx.done)
}

async function translated<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const full = error instanceof DOMException && error.name === 'QuotaExceededError'
    throw full ? new DiskFullError(path, { cause: error }) : error
  }
}

function checkPath(path: string): void {
  if (path.split('/').some(name => name === '' || name === '.' || name === '..')) {
    throw new Error(`want a relative path without . and .., have '${path}'`)
  }
}

function checkCut(path: string, size: number, found: number): number {
  if (size > found) throw new Error(`truncate ${path} to ${size} bytes, but it has ${found}`)
  return size
}
