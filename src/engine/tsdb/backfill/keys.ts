const none = -1

/** Series by the bytes that a text writes for them, so that a line like one before makes no label and no string. Keys lie
 *  one behind the other, found by open addressing. A text is in the order of series or of times: the key of the line
 *  before, and the one that followed it last time, are tried first, without hashing. */
export class SeriesKeys {
  /** Bytes of all keys. */
  bytes = 0
  private count = 0
  private arena = new Uint8Array(4096)
  private columns = columnsOf(64)
  /** Key + 1 by hash, 0 where free; at most half full. */
  private table = new Int32Array(128)
  private readonly seed: number
  private last = none

  /** @param seed makes the hash one that a text cannot play against */
  constructor(seed: number) {
    this.seed = seed
  }

  /** The series that `add` was told for the key [from, to), or -1.
   *  @param kind keys of different kinds are different keys */
  find(bytes: Uint8Array, from: number, to: number, kind: number): number {
    const { last, columns } = this
    if (last !== none) {
      if (this.holds(last, bytes, from, to, kind)) return columns.series[last] as number
      const guess = columns.follower[last] as number
      if (guess !== none && this.holds(guess, bytes, from, to, kind)) return this.stepTo(guess)
    }
    const key = this.lookUp(bytes, from, to, kind, this.hash(bytes, from, to))
    return key === none ? none : this.stepTo(key)
  }

  /** Adds a key that is not there yet. */
  add(bytes: Uint8Array, from: number, to: number, kind: number, series: number): void {
    if (this.count === this.columns.hash.length) this.columns = grown(this.columns)
    const key = this.count++
    const { columns } = this
    columns.hash[key] = this.hash(bytes, from, to)
    columns.from[key] = this.bytes
    columns.length[key] = to - from
    columns.kind[key] = kind
    columns.series[key] = series
    columns.follower[key] = none
    this.keep(bytes.subarray(from, to))
    if (this.count * 2 > this.table.length) this.index()
    else this.enter(key)
    this.stepTo(key)
  }

  private stepTo(key: number): number {
    const { columns, last } = this
    if (last !== none) columns.follower[last] = key
    this.last = key
    return columns.series[key] as number
  }

  private lookUp(bytes: Uint8Array, from: number, to: number, kind: number, hash: number): number {
    const { table } = this
    const mask = table.length - 1
    for (let at = hash & mask; table[at] !== 0; at = (at + 1) & mask) {
      const key = (table[at] as number) - 1
      if (this.columns.hash[key] === hash && this.holds(key, bytes, from, to, kind)) return key
    }
    return none
  }

  private holds(key: number, bytes: Uint8Array, from: number, to: number, kind: number): boolean {
    const { arena, columns } = this
    if (columns.length[key] !== to - from || columns.kind[key] !== kind) return false
    const start = columns.from[key] as number
    // Keys of a text begin alike.
    for (let i = to - from - 1; i >= 0; i--) if (arena[start + i] !== bytes[from + i]) return false
    return true
  }

  /** FNV-1a, stirred. */
  private hash(bytes: Uint8Array, from: number, to: number): number {
    let hash = this.seed | 0
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
    return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13)
  }

  private keep(key: Uint8Array): void {
    if (this.bytes + key.length > this.arena.length) {
      const arena = new Uint8Array(Math.max(this.arena.length * 2, this.bytes + key.length))
      arena.set(this.arena.subarray(0, this.bytes))
      this.arena = arena
    }
    this.arena.set(key, this.bytes)
    this.bytes += key.length
  }

  private index(): void {
    this.table = new Int32Array(this.table.length * 2)
    for (let key = 0; key < this.count; key++) this.enter(key)
  }

  private enter(key: number): void {
    const { table } = this
    const mask = table.length - 1
    let at = (this.columns.hash[key] as number) & mask
    while (table[at] !== 0) at = (at + 1) & mask
    table[at] = key + 1
  }
}

function columnsOf(size: number) {
  return {
    hash: new Int32Array(size),
    from: new Uint32Array(size),
    length: new Uint32Array(size),
    kind: new Uint8Array(size),
    series: new Int32Array(size),
    follower: new Int32Array(size),
  }
}

function grown(columns: ReturnType<typeof columnsOf>): ReturnType<typeof columnsOf> {
  const more = columnsOf(columns.hash.length * 2)
  more.hash.set(columns.hash)
  more.from.set(columns.from)
  more.length.set(columns.length)
  more.kind.set(columns.kind)
  more.series.set(columns.series)
  more.follower.set(columns.follower)
  return more
}
