// The largest values of many series, a heap for each step with the smallest of them on top. All heaps lie in one array, so
// nothing is allocated for a value. Swaps are those of Go's `container/heap`: which of several equal values goes first is
// then decided as upstream decides it.

export class Heaps {
  /** Of the value at the same place. */
  members = new Int32Array(0)
  values = new Float64Array(0)
  private readonly steps: number
  private readonly sizes: Uint32Array
  /** Places that each heap has; heap s begins at s × room. */
  private room = 0

  constructor(steps: number) {
    this.steps = steps
    this.sizes = new Uint32Array(steps)
  }

  /** Puts a value into the heap of a step, which keeps the k largest. NaN is smaller than every number; of equal values
   *  the one that came earlier stays. */
  offer(step: number, value: number, member: number, k: number): void {
    const size = this.sizes[step] as number
    if (size < k) {
      if (size === this.room) this.grow(k)
      this.sizes[step] = size + 1
      this.put(step * this.room + size, value, member)
      this.up(step * this.room, size)
      return
    }
    const top = step * this.room
    const least = this.values[top] as number
    if (least < value || (Number.isNaN(least) && !Number.isNaN(value))) {
      this.put(top, value, member)
      this.down(top, size)
    }
  }

  private put(place: number, value: number, member: number): void {
    this.values[place] = value
    this.members[place] = member
  }

  private up(top: number, from: number): void {
    let child = from
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.isLess(top + child, top + parent)) return
      this.swap(top + child, top + parent)
      child = parent
    }
  }

  private down(top: number, size: number): void {
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= size) return
      if (child + 1 < size && this.isLess(top + child + 1, top + child)) child++
      if (!this.isLess(top + child, top + parent)) return
      this.swap(top + child, top + parent)
      parent = child
    }
  }

  private isLess(a: number, b: number): boolean {
    const value = this.values[a] as number
    return Number.isNaN(value) || value < (this.values[b] as number)
  }

  private swap(a: number, b: number): void {
    const { values, members } = this
    const [value, member] = [values[a] as number, members[a] as number]
    this.put(a, values[b] as number, members[b] as number)
    this.put(b, value, member)
  }

  private grow(k: number): void {
    const { steps, room, values, members } = this
    const roomier = Math.min(k, Math.max(4, 2 * room))
    this.values = new Float64Array(steps * roomier)
    this.members = new Int32Array(steps * roomier)
    for (let s = 0; s < steps; s++) {
      this.values.set(values.subarray(s * room, (s + 1) * room), s * roomier)
      this.members.set(members.subarray(s * room, (s + 1) * room), s * roomier)
    }
    this.room = roomier
  }

  stepOf(place: number): number {
    return Math.floor(place / this.room)
  }

  /** Places of a step from the largest value down; equal values as they lie, but NaNs the other way round, as Go's
   *  insertion sort leaves them. */
  sorted(step: number): number[] {
    const places = this.placesOf(step)
    return places.sort((a, b) => {
      const [x, y] = [this.values[a] as number, this.values[b] as number]
      if (Number.isNaN(x)) return Number.isNaN(y) ? b - a : 1
      if (Number.isNaN(y)) return -1
      return y - x || 0
    })
  }

  private placesOf(step: number): number[] {
    return Array.from({ length: this.sizes[step] as number }, (_, i) => step * this.room + i)
  }

  /** All places in the order of their members and, for one member, of steps; those of member m lie before `ends[m]`. */
  byMember(count: number): { readonly ends: Uint32Array; readonly places: Uint32Array } {
    const ends = new Uint32Array(count + 1)
    this.eachPlace(place => this.count(ends, (this.members[place] as number) + 1))
    for (let m = 0; m < count; m++) ends[m + 1] = (ends[m + 1] as number) + (ends[m] as number)
    const places = new Uint32Array(ends[count] as number)
    this.eachPlace(place => {
      const member = this.members[place] as number
      places[ends[member] as number] = place
      this.count(ends, member)
    })
    return { ends, places }
  }

  private eachPlace(take: (place: number) => void): void {
    for (let s = 0; s < this.steps; s++) {
      const end = s * this.room + (this.sizes[s] as number)
      for (let place = s * this.room; place < end; place++) take(place)
    }
  }

  private count(counts: Uint32Array, at: number): void {
    counts[at] = (counts[at] as number) + 1
  }
}
