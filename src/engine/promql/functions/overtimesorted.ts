/** The values of a window in ascending order, NaN first, while the window slides. What leaves and what comes is sorted,
 *  and one pass merges it with the rest: an hour's window costs no more than its length at each step. */
export class SortedWindow {
  /** How many values there are. */
  size = 0
  private sorted = new Float64Array(64)
  private spare = new Float64Array(64)
  private leaving = new Float64Array(64)
  private coming = new Float64Array(64)
  private nans = 0
  private from = 0
  private to = 0

  /** Forgets the series before. */
  clear(): void {
    this.size = this.nans = this.from = this.to = 0
  }

  /** Value i of them, 0 ≤ i < size. */
  at(i: number): number {
    return i < this.nans ? NaN : (this.sorted[i - this.nans] as number)
  }

  get hasNaN(): boolean {
    return this.nans > 0
  }

  /** Makes it the window [from, to), which is not empty; neither end goes back. */
  slide(v: Float64Array, from: number, to: number): void {
    this.makeRoom(to - from)
    if (from >= this.to) this.refill(v, from, to)
    else if (from !== this.from || to !== this.to) this.exchange(v, from, to)
    this.size = to - from
    this.from = from
    this.to = to
  }

  private refill(v: Float64Array, from: number, to: number): void {
    const count = gather(v, from, to, this.sorted)
    this.nans = to - from - count
  }

  private exchange(v: Float64Array, from: number, to: number): void {
    const { sorted, spare, leaving, coming } = this
    const outs = gather(v, this.from, from, leaving)
    const ins = gather(v, this.to, to, coming)
    const before = this.to - this.from - this.nans
    let out = 0
    let inn = 0
    let at = 0
    for (let i = 0; i < before; i++) {
      const value = sorted[i] as number
      if (out < outs && value === leaving[out]) {
        out++
        continue
      }
      while (inn < ins && (coming[inn] as number) < value) spare[at++] = coming[inn++] as number
      spare[at++] = value
    }
    while (inn < ins) spare[at++] = coming[inn++] as number
    this.nans = to - from - at
    this.sorted = spare
    this.spare = sorted
  }

  /** All arrays can hold the window and the one before it. */
  private makeRoom(size: number): void {
    const wanted = Math.max(size, this.size)
    if (this.sorted.length >= wanted) return
    const kept = this.sorted
    this.sorted = new Float64Array(wanted * 2)
    this.sorted.set(kept)
    this.spare = new Float64Array(wanted * 2)
    this.leaving = new Float64Array(wanted * 2)
    this.coming = new Float64Array(wanted * 2)
  }
}

/** Puts the values of [from, to) that are numbers into an array, in order; answers how many there are. */
function gather(v: Float64Array, from: number, to: number, into: Float64Array): number {
  let count = 0
  for (let i = from; i < to; i++) {
    const value = v[i] as number
    if (Number.isNaN(value)) continue
    if (count < few) insert(value, into, count)
    else into[count] = value
    count++
  }
  if (count > few) into.subarray(0, count).sort()
  return count
}

/** So many are faster to sort one by one. */
const few = 16

function insert(value: number, into: Float64Array, count: number): void {
  let at = count
  while (at > 0 && (into[at - 1] as number) > value) {
    into[at] = into[at - 1] as number
    at--
  }
  into[at] = value
}
