import type { KnownKeys } from '../exposition/cursor.ts'
import type { SeriesRef } from '../model/store.ts'

const none = -1
const nothing = new Uint8Array(0)

/** What a target has exposed: from the bytes of a series to its number in the store, so that a scrape like the
 *  last one makes no label and no string. It also knows which series have gone (upstream's `scrapeCache`).
 *
 *  Keys lie one behind the other in an arena, found by open addressing; the rest are columns by entry. A target
 *  exposes in the same order every time, so the entry that followed last time is tried first, without hashing. */
export class SeriesCache implements KnownKeys {
  private iteration = 1
  /** Entries last seen before this iteration count as absent: they were not there in a complete scrape. */
  private oldest = 0
  private count = 0
  /** Entries seen in this iteration. */
  private live = 0
  /** Entries of the last complete scrape. */
  private settled = 0

  private arena = new Uint8Array(4096)
  private arenaView = new DataView(this.arena.buffer)
  private arenaUsed = 0
  /** The exposition that was looked into last, until its scrape ends. */
  private viewed: Uint8Array = nothing
  private view: DataView = new DataView(nothing.buffer)
  private columns = columnsOf(64)
  /** Entry + 1 by hash, 0 where free; at most half full. */
  private table = new Int32Array(128)
  private readonly seed: number
  private last = none
  /** The entry that `expectedAt` found, and where. */
  private expected = none
  private expectedFrom = 0

  /** Entries whose series takes part in staleness, in the scrape before this one and in this one. */
  private before: number[] = []
  private now: number[] = []
  /** Entries whose number is new in this scrape, and those that it marks stale. */
  private fresh: number[] = []
  private gone: number[] = []

  /** @param seed makes the hash one that a target cannot play against */
  constructor(seed: number) {
    this.seed = seed
  }

  /** Number of series that are known, those that have just gone included. */
  get size(): number {
    return this.count
  }

  /** Length of the key that followed last time when it begins at `from`, else 0. A `find` of the same place does not
   *  compare it again. */
  expectedAt(bytes: Uint8Array, from: number): number {
    const guess = this.last === none ? none : (this.columns.follower[this.last] as number)
    this.expected = none
    if (guess === none) return 0
    const length = this.columns.keyLength[guess] as number
    if (from + length > bytes.length || !this.holds(guess, bytes, from)) return 0
    this.expected = guess
    this.expectedFrom = from
    return length
  }

  /** The entry of the series [from, to), or -1 when it was not there in the last complete scrape. */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (this.expected === none || this.expectedFrom !== from) this.expectedAt(bytes, from)
    const { expected } = this
    this.expected = none
    const isExpected = expected !== none && this.columns.keyLength[expected] === to - from
    const entry = isExpected ? expected : this.lookUp(bytes, from, to)
    if (entry === none) return none
    if (this.last !== none) this.columns.follower[this.last] = entry
    this.last = entry
    return (this.columns.seen[entry] as number) >= this.oldest ? entry : none
  }

  /** Keeps a series that `find` did not find, and answers its entry. */
  add(bytes: Uint8Array, from: number, to: number, ref: SeriesRef): number {
    let entry = this.lookUp(bytes, from, to)
    if (entry === none) {
      entry = this.insert(bytes, from, to, this.hash(bytes, from, to))
      if (this.last !== none) this.columns.follower[this.last] = entry
    }
    this.last = entry
    this.columns.seen[entry] = 0
    this.setRef(entry, ref)
    return entry
  }

  /** The store's number of the series; 0 when the store has to be asked for it. */
  ref(entry: number): SeriesRef {
    return this.columns.ref[entry] as number
  }

  setRef(entry: number, ref: SeriesRef): void {
    this.columns.ref[entry] = ref
    this.fresh.push(entry)
  }

  /** Notes that the series stands in this exposition; answers whether it did so before. */
  see(entry: number): boolean {
    const { seen } = this.columns
    if (seen[entry] === this.iteration) return true
    seen[entry] = this.iteration
    this.live++
    return false
  }

  /** From now on the series is one that can go stale. */
  track(entry: number): void {
    if (this.columns.tracked[entry] === this.iteration) return
    this.columns.tracked[entry] = this.iteration
    this.now.push(entry)
  }

  /** Numbers of the series that the last scrape had and this one has not, each once. */
  takeStale(): SeriesRef[] {
    const { tracked } = this.columns
    this.gone = this.before.filter(entry => tracked[entry] !== this.iteration)
    if (this.gone.length === 0) return []
    const stale = new Set(this.gone.map(entry => this.ref(entry)))
    // The same series can be written in two ways.
    for (const entry of this.now) stale.delete(this.ref(entry))
    stale.delete(0)
    return [...stale]
  }

  /** Numbers of all series that can go stale. */
  tracked(): SeriesRef[] {
    const refs = new Set(this.before.map(entry => this.ref(entry)))
    refs.delete(0)
    return [...refs]
  }

  /** Samples of this scrape that were appended so far will not be stored: numbers that are new with it may mean
   *  nothing to the store, so it will be asked again. */
  rollback(): void {
    for (const entry of this.fresh) this.columns.ref[entry] = 0
    this.fresh.length = 0
  }

  /** The scrape is stored. */
  confirm(): void {
    this.fresh.length = 0
    this.gone.length = 0
  }

  /** The scrape could not be stored: the series that it marked stale still are to be. */
  undoStored(): void {
    this.rollback()
    for (const entry of this.gone) this.now.push(entry)
    this.gone.length = 0
  }

  /** Ends the scrape, after `confirm` or `undoStored`. After a complete one, what it did not have counts as
   *  absent. */
  end(complete: boolean): void {
    if (complete) {
      this.oldest = this.iteration
      this.settled = this.live
    }
    const spare = this.before
    this.before = this.now
    this.now = spare
    this.now.length = 0
    this.last = this.expected = none
    this.viewOf(nothing)
    if (this.count > 2 * this.settled + 1000) this.rebuild()
    this.live = 0
    this.iteration++
  }

  private lookUp(bytes: Uint8Array, from: number, to: number): number {
    const { table } = this
    const mask = table.length - 1
    const hash = this.hash(bytes, from, to)
    for (let at = hash & mask; table[at] !== 0; at = (at + 1) & mask) {
      const entry = (table[at] as number) - 1
      if (this.columns.hash[entry] !== hash || this.columns.keyLength[entry] !== to - from) continue
      if (this.holds(entry, bytes, from)) return entry
    }
    return none
  }

  private insert(bytes: Uint8Array, from: number, to: number, hash: number): number {
    this.reserve(to - from)
    const entry = this.count++
    const { columns } = this
    this.arena.set(bytes.subarray(from, to), this.arenaUsed)
    columns.keyFrom[entry] = this.arenaUsed
    columns.keyLength[entry] = to - from
    columns.hash[entry] = hash
    columns.seen[entry] = 0
    columns.tracked[entry] = 0
    columns.follower[entry] = none
    this.arenaUsed += to - from
    this.place(entry, hash)
    return entry
  }

  private place(entry: number, hash: number): void {
    const { table } = this
    const mask = table.length - 1
    let at = hash & mask
    while (table[at] !== 0) at = (at + 1) & mask
    table[at] = entry + 1
  }

  private reserve(keyLength: number): void {
    if (this.arenaUsed + keyLength > this.arena.length) {
      const larger = new Uint8Array(Math.max(this.arena.length * 2, this.arenaUsed + keyLength))
      larger.set(this.arena)
      this.arena = larger
      this.arenaView = new DataView(larger.buffer)
    }
    if (this.count === this.columns.hash.length) this.columns = grown(this.columns)
    if ((this.count + 1) * 2 > this.table.length) {
      this.table = new Int32Array(this.table.length * 2)
      for (let entry = 0; entry < this.count; entry++) this.place(entry, this.columns.hash[entry] as number)
    }
  }

  /** Lets go of what the last scrapes did not have: series come and go, and so do ways to write them. */
  private rebuild(): void {
    const { columns: old, arena } = this
    const kept = new Set(this.before)
    const moved = new Map<number, number>()
    const count = this.count
    this.count = 0
    this.arenaUsed = 0
    this.arena = new Uint8Array(4096)
    this.arenaView = new DataView(this.arena.buffer)
    this.columns = columnsOf(64)
    this.table = new Int32Array(128)
    for (let entry = 0; entry < count; entry++) {
      if (old.seen[entry] !== this.iteration && !kept.has(entry)) continue
      const from = old.keyFrom[entry] as number
      const to = from + (old.keyLength[entry] as number)
      const copy = this.insert(arena, from, to, old.hash[entry] as number)
      this.columns.ref[copy] = old.ref[entry] as number
      this.columns.seen[copy] = old.seen[entry] as number
      this.columns.tracked[copy] = old.tracked[entry] as number
      moved.set(entry, copy)
    }
    this.before = this.before.flatMap(entry => moved.get(entry) ?? [])
  }

  /** Whether the bytes at `from`, of which there are enough, are the entry's key. */
  private holds(entry: number, bytes: Uint8Array, from: number): boolean {
    const { columns, arena, arenaView } = this
    const key = columns.keyFrom[entry] as number
    const length = columns.keyLength[entry] as number
    const view = this.viewOf(bytes)
    let i = 0
    for (; i + 8 <= length; i += 8) {
      const differ =
        (arenaView.getInt32(key + i, true) ^ view.getInt32(from + i, true)) |
        (arenaView.getInt32(key + i + 4, true) ^ view.getInt32(from + i + 4, true))
      if (differ !== 0) return false
    }
    for (; i < length; i++) if (arena[key + i] !== bytes[from + i]) return false
    return true
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.viewed) {
      this.viewed = bytes
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return this.view
  }

  /** FNV-1a. */
  private hash(bytes: Uint8Array, from: number, to: number): number {
    let hash = this.seed
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
    return (hash ^ (hash >>> 15)) | 0
  }
}

interface CacheColumns {
  readonly hash: Int32Array
  readonly keyFrom: Float64Array
  readonly keyLength: Int32Array
  readonly ref: Float64Array
  /** Iterations in which the series was last there, and last tracked. */
  readonly seen: Int32Array
  readonly tracked: Int32Array
  /** The entry that came next. */
  readonly follower: Int32Array
}

function columnsOf(length: number): CacheColumns {
  const words = () => new Int32Array(length)
  const floats = () => new Float64Array(length)
  const rest = { seen: words(), tracked: words(), follower: words() }
  return { hash: words(), keyFrom: floats(), keyLength: words(), ref: floats(), ...rest }
}

function grown(old: CacheColumns): CacheColumns {
  const columns = columnsOf(old.hash.length * 2)
  for (const name of Object.keys(old) as (keyof CacheColumns)[]) columns[name].set(old[name])
  return columns
}
