// Files in IndexedDB, for the browser's write-ahead log and small files, and the table that says which files exist.
//
//   database `<scope>#files`              files  path → { kind: 'growing', database } | { kind: 'small', bytes }
//                                                     | { kind: 'finished', place, size, crc, epoch }
//                                         owner  'epoch' → number
//   database `<scope>#<path>@<epoch>.<n>` rows   offset of its first byte → at most 60 KiB
//   (one for each growing file)           owner  'epoch' → number
//
// A growing file has a database of its own, because only deleting a database gives its space back at once; clearing
// a store does so when the browser compacts it, some day. `files` says what exists: a database that it does not
// name is the trace of a creation or a removal that was cut short, and is swept when the disk is opened. So is a
// finished file, whose bytes lie elsewhere.
//
// Opening takes the next epoch and writes it into every database. A write looks at it in its own transaction, so an
// engine that was given up for dead and wakes cannot write any more.
import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { DiskFullError, StolenError, type Durability } from '../engine/disk/disk.ts'
import type { FinishedRow } from './opfs.ts'
import type { Sink } from './staging.ts'

/** Chromium stores values over 64 KiB as files of their own, which makes them three times as slow. */
const rowBytes = 60 * 1024
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
export type FileRow = GrowingRow | { kind: 'small'; bytes: Uint8Array } | FinishedRow
interface GrowingRow {
  readonly kind: 'growing'
  readonly database: string
}

/** A row of the catalogue that is to be: null takes it away. */
export interface Change {
  readonly path: string
  readonly row: FileRow | null
}

/** The table of files. A change of it is one strict transaction: all of it or nothing. */
export class Catalogue {
  readonly scope: string
  readonly epoch: number
  private readonly db: IDBPDatabase<CatalogueSchema>

  constructor(scope: string, epoch: number, db: IDBPDatabase<CatalogueSchema>) {
    this.scope = scope
    this.epoch = epoch
    this.db = db
  }

  /** Opens the table and takes it over: what another engine has opened before cannot be written by it any more. */
  static async open(scope: string): Promise<Catalogue> {
    const db = await openDB<CatalogueSchema>(`${scope}#files`, 1, {
      upgrade(db) {
        db.createObjectStore('files')
        db.createObjectStore('owner')
      },
    })
    return new Catalogue(scope, await takeOver(db), db)
  }

  async rows(): Promise<Map<string, FileRow>> {
    const { store } = this.db.transaction('files')
    const [paths, rows] = await Promise.all([store.getAllKeys(), store.getAll()])
    return new Map(paths.map((path, i) => [path, rows[i] as FileRow]))
  }

  row(path: string): Promise<FileRow | undefined> {
    return this.db.get('files', path)
  }

  /** Paths of all files that lie somewhere in a folder, sorted by code unit. */
  paths(folder: string): Promise<string[]> {
    return this.db.getAllKeys('files', folder === '' ? null : rangeOf(folder))
  }

  /** @throws DiskFullError and StolenError, naming the first path */
  async commit(changes: readonly Change[]): Promise<void> {
    const tx = this.begin()
    const requests: Promise<unknown>[] = changes.map(({ path, row }) =>
      row ? tx.files.put(row, path) : tx.files.delete(path),
    )
    await finish(tx, tx.epoch, requests, { path: changes[0]?.path ?? '', epoch: this.epoch })
  }

  /** Adds files in folders that are not there yet.
   *  @throws Error when one is, or is a file */
  async commitFolders(folders: readonly string[], changes: readonly Change[]): Promise<void> {
    const tx = this.begin()
    const names = folders.flatMap(folder => [
      ...aboveOf(folder).map(path => tx.files.getKey(path)),
      tx.files.getKey(rangeOf(folder)),
    ])
    // The transaction aborts when it is known; until then requests keep it alive.
    const taken = Promise.all(names).then(found => {
      const path = found.find(path => path !== undefined)
      if (path !== undefined) tx.abort()
      return path
    })
    const requests: Promise<unknown>[] = changes.map(({ path, row }) => tx.files.put(row as FileRow, path))
    const written = finish(tx, tx.epoch, requests, { path: folders[0] ?? '', epoch: this.epoch })
    const [path] = await Promise.all([taken.catch(() => undefined), written.catch(() => undefined)])
    if (path !== undefined) throw new Error(`publish ${folders.join(', ')}: there is ${path} already`)
    await written
  }

  /** Takes all files in a folder away.
   *  @returns their paths */
  async removeFolder(folder: string): Promise<string[]> {
    const tx = this.begin()
    const range = rangeOf(folder)
    const paths = tx.files.getAllKeys(range)
    await finish(tx, tx.epoch, [paths, tx.files.delete(range)], { path: folder, epoch: this.epoch })
    return paths
  }

  close(): void {
    this.db.close()
  }

  private begin() {
    const tx = this.db.transaction(['files', 'owner'], 'readwrite', { durability: 'strict' })
    const epoch = tx.objectStore('owner').get('epoch')
    return { files: tx.objectStore('files'), epoch, done: tx.done, abort: () => tx.abort() }
  }
}

/** Every path in a folder: '0' comes right after '/'. */
function rangeOf(folder: string): IDBKeyRange {
  return IDBKeyRange.bound(`${folder}/`, `${folder}0`, false, true)
}

/** The folder itself and those it lies in. */
function aboveOf(folder: string): string[] {
  const names = folder.split('/')
  return names.map((_, i) => names.slice(0, i + 1).join('/'))
}

async function takeOver(db: IDBPDatabase<CatalogueSchema>): Promise<number> {
  const tx = db.transaction('owner', 'readwrite', { durability: 'strict' })
  const epoch = ((await tx.store.get('epoch')) ?? 0) + 1
  await tx.store.put(epoch, 'epoch')
  await tx.done
  return epoch
}

/** Deletes the databases of a scope that are not known. */
export async function sweepDatabases(scope: string, known: ReadonlySet<string>): Promise<void> {
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

export interface Row {
  readonly at: number
  readonly bytes: Uint8Array
}

/** Copies, since cloning a part of a buffer would clone the whole buffer. */
export function rowsOf(bytes: Uint8Array, at: number): Row[] {
  return Array.from({ length: Math.ceil(bytes.length / rowBytes) }, (_, i) => ({
    at: at + i * rowBytes,
    bytes: bytes.slice(i * rowBytes, (i + 1) * rowBytes),
  }))
}

/** A file that grows at its end. */
export class GrowingFile {
  readonly database: string
  /** Whether bytes were written that a power cut could take back. */
  unsynced = false
  size: number
  readonly path: string
  readonly epoch: number
  private readonly connection: Connection

  private constructor(path: string, epoch: number, connection: Connection, size: number) {
    this.database = connection.db.name
    this.path = path
    this.epoch = epoch
    this.connection = connection
    this.size = size
  }

  static async open(path: string, database: string, epoch: number): Promise<GrowingFile> {
    const connection = await translated(path, openGrowing(database))
    const tx = connection.db.transaction(['rows', 'owner'], 'readwrite', { durability: 'relaxed' })
    const [last] = await translated(
      path,
      Promise.all([
        tx.objectStore('rows').openCursor(null, 'prev'),
        tx.objectStore('owner').put(epoch, 'epoch'),
        tx.done,
      ]),
    )
    return new GrowingFile(path, epoch, connection, last ? last.key + last.value.length : 0)
  }

  async append(rows: readonly Row[], durability: Durability): Promise<void> {
    const tx = this.begin(durability)
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
    const tx = this.begin('strict')
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
      const rows = await this.connection.db.getAll(
        'rows',
        IDBKeyRange.bound(at, end, false, true),
        rowsAtOnce,
      )
      if (rows.length === 0) throw new Error(`${this.path} has no bytes at ${at}, but ${this.size} in all`)
      for (const row of rows) {
        bytes.set(row.subarray(Math.max(0, from - at), end - at), Math.max(0, at - from))
        at += row.length
      }
    }
    return bytes
  }

  /** The same bytes under another name. */
  named(path: string): GrowingFile {
    const file = new GrowingFile(path, this.epoch, this.connection, this.size)
    file.unsynced = this.unsynced
    return file
  }

  get row(): GrowingRow {
    return { kind: 'growing', database: this.database }
  }

  async drop(): Promise<void> {
    this.close()
    await drop(this.database)
  }

  close(): void {
    this.connection.db.close()
  }

  private begin(durability: Durability) {
    if (this.connection.taken) throw new StolenError(this.path)
    return this.connection.db.transaction(['rows', 'owner'], 'readwrite', { durability })
  }

  /** Offset of the row with the byte at `offset`; `offset` itself at the end. */
  private async startOfRow(offset: number): Promise<number> {
    if (offset >= this.size) return offset
    const cursor = await this.connection.db
      .transaction('rows')
      .store.openKeyCursor(IDBKeyRange.upperBound(offset), 'prev')
    return cursor?.key ?? offset
  }
}

/** A finished file where there is no other place for one: it has the form of a file that grows. */
export class GrowingSink implements Sink<GrowingFile> {
  private readonly file: GrowingFile

  constructor(file: GrowingFile) {
    this.file = file
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.file.append(rowsOf(bytes, this.file.size), 'relaxed')
  }

  async close(): Promise<GrowingFile> {
    return this.file
  }

  async abort(): Promise<void> {
    await this.file.drop()
  }
}

interface Connection {
  readonly db: IDBPDatabase<GrowingSchema>
  /** Whether another engine removes the file. */
  readonly taken: boolean
}

async function openGrowing(database: string): Promise<Connection> {
  let taken = false
  const db = await openDB<GrowingSchema>(database, 1, {
    upgrade(db) {
      db.createObjectStore('rows')
      db.createObjectStore('owner')
    },
    // Our own connections are closed before a database is deleted.
    blocking(_current, _blocked, event) {
      taken = true
      ;(event.target as IDBDatabase).close()
    },
  })
  return {
    db,
    get taken() {
      return taken
    },
  }
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
