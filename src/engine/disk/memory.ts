import {
  DiskFullError,
  NotFoundError,
  type Disk,
  type Durability,
  type FileWriter,
  type Move,
} from './disk.ts'
import {
  checkMoves,
  checkPath,
  checkSmall,
  checkStaged,
  checkUnstaged,
  stagingFolderOf,
  inside,
} from './paths.ts'

export interface MemoryDiskOptions {
  /** Bytes that fit on the disk; a write beyond rejects with `DiskFullError`. Unlimited by default. */
  readonly capacity?: number
}

/** A disk in memory, for tests and for an engine that keeps nothing. It keeps the promises of `Disk` and not one
 *  more: `crash` takes away what the interface allows to be taken. */
export class MemoryDisk implements Disk {
  /** May be changed at any time. */
  capacity: number
  /** Writes wait for it before they touch anything: a slow disk that a test holds in its hand. */
  gate: Promise<void> | null = null

  private files = new Map<string, MemoryFile>()
  /** What a power cut can bring back: files removed since the last strict write, as they were then. */
  private graves = new Map<string, MemoryFile>()
  /** Files in staging folders, open ones too. A crash takes them all. */
  private readonly staged = new Map<string, MemoryFile>()
  /** Paths of staged files that are still being written. */
  private readonly open = new Set<string>()
  private readonly running = new Set<Running>()
  private failure: Error | null = null

  constructor(options: MemoryDiskOptions = {}) {
    this.capacity = options.capacity ?? Infinity
  }

  /** Bytes in use. */
  get used(): number {
    let used = 0
    for (const file of this.files.values()) used += file.size
    for (const file of this.staged.values()) used += file.size
    return used
  }

  /** The next `append` rejects with this error and writes nothing. */
  failNextAppend(error: Error): void {
    this.failure = error
  }

  /** The disk that is found after a crash; this one is dead from then on for whoever still writes to it.
   *  `process`: everything acknowledged. `power`: everything up to the last strict write, and of what came later
   *  any prefix of each file. A write that was running is there as a whole or not at all (`process`); of a running
   *  `publish` or `removeFolder` each folder is there as a whole or not at all (both). */
  crash(kind: 'process' | 'power', random: () => number = () => 0): MemoryDisk {
    const after = new MemoryDisk({ capacity: this.capacity })
    for (const [path, file] of this.files) {
      const size = kind === 'process' ? file.size - this.unacknowledged(file, random) : tornSize(file, random)
      // A file that never became durable may not even have a name yet; a published one has.
      if (
        size > 0 ||
        file.finished ||
        (kind === 'process' ? file.size === 0 : file.durable === 0 && random() < 0.5)
      ) {
        after.files.set(path, file.cut(size))
      }
    }
    if (kind === 'power') {
      for (const [path, file] of this.graves) {
        if (!after.files.has(path) && random() < 0.5) {
          after.files.set(path, file.cut(file.durable))
        }
      }
    }
    for (const { written } of this.running) {
      if (written?.kind === 'folders') for (const change of written.changes) after.undo(change, random)
    }
    return after
  }

  async list(folder: string): Promise<string[]> {
    if (folder !== '') checkPath(folder)
    const prefix = folder === '' ? '' : `${folder}/`
    const names = new Set<string>()
    // Of a staging folder its own paths show what is in it, and only they.
    const paths = stagingFolderOf(folder) === null ? this.files.keys() : this.closed()
    for (const path of paths) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/', 1)[0] as string)
    }
    return [...names].sort()
  }

  async size(path: string): Promise<number> {
    return this.file(path).size
  }

  async read(path: string, from = 0, to = Infinity): Promise<Uint8Array> {
    const file = this.file(path)
    return file.bytes.slice(from, Math.min(to, file.size))
  }

  async append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    checkUnstaged(path)
    await this.enter(() => {
      this.failIfAsked()
      const size = this.files.get(path)?.size ?? 0
      if (at !== size) throw new Error(`append to ${path} at byte ${at}, but it has ${size} bytes`)
      this.reserve(path, bytes.length)
      const file = this.files.get(path) ?? new MemoryFile(new Uint8Array(0), 0)
      file.checkGrowing(path)
      this.files.set(path, file)
      file.append(bytes)
      if (durability === 'strict') this.sync()
      return { kind: 'bytes', file, length: bytes.length }
    })
  }

  async truncate(path: string, size: number): Promise<void> {
    checkUnstaged(path)
    await this.enter(() => {
      const file = this.file(path)
      file.checkGrowing(path)
      file.truncate(size)
      this.sync()
      return null
    })
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    checkUnstaged(path)
    checkSmall(path, bytes)
    await this.enter(() => {
      this.reserve(path, bytes.length - (this.files.get(path)?.size ?? 0))
      this.files.set(path, new MemoryFile(bytes.slice()))
      this.sync()
      return null
    })
  }

  async remove(path: string): Promise<void> {
    checkUnstaged(path)
    await this.enter(() => {
      const file = this.files.get(path)
      if (!file) return null
      this.files.delete(path)
      if (file.durable > 0 && !this.graves.has(path)) this.graves.set(path, file)
      return null
    })
  }

  async create(path: string): Promise<FileWriter> {
    checkStaged(path)
    const file = new MemoryFile(new Uint8Array(0), 0)
    await this.enter(() => {
      if (this.staged.has(path)) throw new Error(`create ${path}, which is there already`)
      this.staged.set(path, file)
      this.open.add(path)
      return null
    })
    return this.writer(path, file)
  }

  async publish(moves: readonly Move[]): Promise<void> {
    checkMoves(moves)
    await this.enter(() => {
      for (const move of moves) this.checkPublishable(move)
      for (const { from, to } of moves) this.move(from, to)
      this.sync()
      return { kind: 'folders', changes: moves.map(({ to }) => ({ folder: to, files: new Map() })) }
    })
  }

  async removeFolder(folder: string): Promise<void> {
    checkPath(folder)
    await this.enter(() => {
      this.checkClosed(folder)
      for (const path of this.staged.keys()) if (inside(path, folder)) this.staged.delete(path)
      const files = new Map([...this.files].filter(([path]) => inside(path, folder)))
      if (files.size === 0) return null
      for (const path of files.keys()) this.files.delete(path)
      this.sync()
      return { kind: 'folders', changes: [{ folder, files }] }
    })
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.running].map(running => running.done))
  }

  /** Runs a write. It takes effect at once or when the gate opens, and is acknowledged in a later turn, so that
   *  a crash can fall between the two. */
  private async enter(change: () => Written | null): Promise<void> {
    const running: Running = { written: null, done: Promise.resolve() }
    running.done = (async () => {
      if (this.gate) await this.gate
      running.written = change()
      await Promise.resolve()
    })()
    this.running.add(running)
    try {
      await running.done
    } finally {
      this.running.delete(running)
    }
  }

  private writer(path: string, file: MemoryFile): FileWriter {
    const checkOpen = () => {
      if (!this.open.has(path) || this.staged.get(path) !== file) {
        throw new Error(`BUG: write to ${path}, which is closed`)
      }
    }
    return {
      write: bytes =>
        this.enter(() => {
          checkOpen()
          this.reserve(path, bytes.length)
          file.append(bytes)
          return null
        }),
      close: () =>
        this.enter(() => {
          checkOpen()
          this.open.delete(path)
          file.finished = true
          return null
        }),
      abort: () =>
        this.enter(() => {
          if (!this.open.has(path) || this.staged.get(path) !== file) return null
          this.open.delete(path)
          this.staged.delete(path)
          return null
        }),
    }
  }

  private checkPublishable({ from, to }: Move): void {
    this.checkClosed(from)
    if (![...this.staged.keys()].some(path => inside(path, from))) throw new NotFoundError(from)
    const taken = [...this.files.keys()].find(path => path === to || inside(path, to) || inside(to, path))
    if (taken !== undefined) throw new Error(`publish ${from} as ${to}, but there is ${taken}`)
  }

  private checkClosed(folder: string): void {
    const open = [...this.open].find(path => inside(path, folder))
    if (open !== undefined) throw new Error(`BUG: ${folder} has ${open}, which is still being written`)
  }

  private move(from: string, to: string): void {
    for (const [path, file] of this.staged) {
      if (!inside(path, from)) continue
      this.staged.delete(path)
      this.files.set(to + path.slice(from.length), file)
    }
  }

  /** By a coin, lets a change to a folder not have happened. */
  private undo({ folder, files }: FolderChange, random: () => number): void {
    if (random() >= 0.5) return
    for (const path of this.files.keys()) if (inside(path, folder)) this.files.delete(path)
    for (const [path, file] of files) this.files.set(path, file.cut(file.size))
  }

  private *closed(): Iterable<string> {
    for (const path of this.staged.keys()) if (!this.open.has(path)) yield path
  }

  private file(path: string): MemoryFile {
    checkPath(path)
    const file = this.files.get(path) ?? (this.open.has(path) ? undefined : this.staged.get(path))
    if (!file) throw new NotFoundError(path)
    return file
  }

  private reserve(path: string, more: number): void {
    if (this.used + more > this.capacity) throw new DiskFullError(path)
  }

  private failIfAsked(): void {
    const failure = this.failure
    this.failure = null
    if (failure) throw failure
  }

  /** A strict write takes everything before it along. */
  private sync(): void {
    for (const file of this.files.values()) file.durable = file.size
    this.graves.clear()
  }

  /** Bytes at the end of a file whose write is not acknowledged and, by a coin, did not happen. */
  private unacknowledged(file: MemoryFile, random: () => number): number {
    let lost = 0
    for (const { written } of this.running) {
      if (written?.kind === 'bytes' && written.file === file && random() < 0.5) lost += written.length
    }
    return lost
  }
}

type Written =
  | { readonly kind: 'bytes'; readonly file: MemoryFile; readonly length: number }
  | { readonly kind: 'folders'; readonly changes: readonly FolderChange[] }

interface FolderChange {
  readonly folder: string
  /** What was in it before. */
  readonly files: ReadonlyMap<string, MemoryFile>
}

interface Running {
  written: Written | null
  done: Promise<void>
}

class MemoryFile {
  /** Longer than `size`; zeros behind it. */
  bytes: Uint8Array
  size: number
  /** Bytes that a power cut cannot take. */
  durable: number
  /** Whether it was created as a whole, and so never grows or shrinks. */
  finished = false

  constructor(bytes: Uint8Array, durable = bytes.length) {
    this.bytes = bytes
    this.size = bytes.length
    this.durable = durable
  }

  checkGrowing(path: string): void {
    if (this.finished) throw new Error(`${path} is finished: it neither grows nor shrinks`)
  }

  /** A copy of its first bytes. */
  cut(size: number): MemoryFile {
    const copy = new MemoryFile(this.bytes.slice(0, size))
    copy.finished = this.finished
    return copy
  }

  append(more: Uint8Array): void {
    const size = this.size + more.length
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.bytes.length * 2))
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.set(more, this.size)
    this.size = size
  }

  truncate(size: number): void {
    if (size >= this.size) return
    this.bytes = this.bytes.slice(0, size)
    this.size = size
  }
}

function tornSize(file: MemoryFile, random: () => number): number {
  const loose = Math.max(0, file.size - file.durable)
  return Math.min(file.durable, file.size) + Math.floor(random() * (loose + 1))
}
