import { DiskFullError, NotFoundError, type Disk, type Durability } from './disk.ts'

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
  private readonly running = new Set<Running>()
  private failure: Error | null = null

  constructor(options: MemoryDiskOptions = {}) {
    this.capacity = options.capacity ?? Infinity
  }

  /** Bytes in use. */
  get used(): number {
    let used = 0
    for (const file of this.files.values()) used += file.size
    return used
  }

  /** The next `append` rejects with this error and writes nothing. */
  failNextAppend(error: Error): void {
    this.failure = error
  }

  /** The disk that is found after a crash; this one is dead from then on for whoever still writes to it.
   *  `process`: everything acknowledged. `power`: everything up to the last strict write, and of what came later
   *  any prefix of each file. A write that was running is there as a whole or not at all (`process`). */
  crash(kind: 'process' | 'power', random: () => number = () => 0): MemoryDisk {
    const after = new MemoryDisk({ capacity: this.capacity })
    for (const [path, file] of this.files) {
      const size = kind === 'process' ? file.size - this.unacknowledged(file, random) : tornSize(file, random)
      // A file that never became durable may not even have a name yet.
      if (size > 0 || (kind === 'process' ? file.size === 0 : file.durable === 0 && random() < 0.5)) {
        after.files.set(path, new MemoryFile(file.bytes.slice(0, size)))
      }
    }
    if (kind === 'power') {
      for (const [path, file] of this.graves) {
        if (!after.files.has(path) && random() < 0.5) {
          after.files.set(path, new MemoryFile(file.bytes.slice(0, file.durable)))
        }
      }
    }
    return after
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const names = new Set<string>()
    for (const path of this.files.keys()) {
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
    await this.enter(path, () => {
      this.failIfAsked()
      const size = this.files.get(path)?.size ?? 0
      if (at !== size) throw new Error(`append to ${path} at byte ${at}, but it has ${size} bytes`)
      this.reserve(path, bytes.length)
      const file = this.files.get(path) ?? new MemoryFile(new Uint8Array(0), 0)
      this.files.set(path, file)
      file.append(bytes)
      if (durability === 'strict') this.sync()
      return { file, length: bytes.length }
    })
  }

  async truncate(path: string, size: number): Promise<void> {
    await this.enter(path, () => {
      this.file(path).truncate(size)
      this.sync()
      return null
    })
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await this.enter(path, () => {
      this.reserve(path, bytes.length - (this.files.get(path)?.size ?? 0))
      this.files.set(path, new MemoryFile(bytes.slice()))
      this.sync()
      return null
    })
  }

  async remove(path: string): Promise<void> {
    await this.enter(path, () => {
      const file = this.files.get(path)
      if (!file) return null
      this.files.delete(path)
      if (file.durable > 0 && !this.graves.has(path)) this.graves.set(path, file)
      return null
    })
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.running].map(running => running.done))
  }

  /** Runs a write. It takes effect at once or when the gate opens, and is acknowledged in a later turn, so that
   *  a crash can fall between the two. */
  private async enter(path: string, change: () => Written | null): Promise<void> {
    checkPath(path)
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

  private file(path: string): MemoryFile {
    const file = this.files.get(path)
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
      if (written?.file === file && random() < 0.5) lost += written.length
    }
    return lost
  }
}

interface Written {
  readonly file: MemoryFile
  readonly length: number
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

  constructor(bytes: Uint8Array, durable = bytes.length) {
    this.bytes = bytes
    this.size = bytes.length
    this.durable = durable
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

function checkPath(path: string): void {
  const wrong = path.split('/').some(part => part === '' || part === '.' || part === '..')
  if (wrong) throw new Error(`BUG: ${path} is not a relative path`)
}
