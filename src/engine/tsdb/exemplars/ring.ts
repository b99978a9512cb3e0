import type { Exemplar } from '../../model/exemplar.ts'
import type { Labels } from '../../model/labels.ts'

/** The exemplars of one series, linked in time order: the places of the oldest and the newest, -1 when there is none. */
export interface ExemplarList {
  first: number
  last: number
}

const firstRoom = 1024

/** Exemplars in the order in which they came, in columns: a new one takes the place behind the last, in a full ring that of
 *  the oldest. Each also stands in the list of its series. */
export class ExemplarRing<List extends ExemplarList> {
  capacity: number
  count = 0
  /** The place of the one that came first. */
  oldest = 0
  private t = new Float64Array(0)
  private v = new Float64Array(0)
  private timed = new Uint8Array(0)
  /** Neighbours in the list of the series, -1 at its ends. */
  private before = new Int32Array(0)
  private behind = new Int32Array(0)
  private labels: Labels[] = []
  private lists: List[] = []

  constructor(capacity: number) {
    this.capacity = Math.max(0, capacity)
  }

  timeAt(place: number): number {
    return this.t[place] as number
  }

  at(place: number): Exemplar {
    const exemplar = {
      t: this.timeAt(place),
      v: this.v[place] as number,
      labels: this.labels[place] as Labels,
    }
    return this.timed[place] ? { ...exemplar, timed: true } : exemplar
  }

  /** Those of a list with times in [minT, maxT]. */
  *list({ first }: List, minT: number, maxT: number): Generator<Exemplar> {
    for (let place = first; place >= 0 && this.timeAt(place) <= maxT; place = this.behind[place] as number) {
      if (this.timeAt(place) >= minT) yield this.at(place)
    }
  }

  /** The place of the newest in a list that is not later than `t`, -1 when there is none. Looks from the newest on: what is
   *  late is mostly a little late. */
  placeBefore({ last }: List, t: number): number {
    let place = last
    while (place >= 0 && this.timeAt(place) > t) place = this.before[place] as number
    return place
  }

  /** Adds an exemplar, behind those of its list that are not later; there has to be room. */
  add(list: List, { t, v, labels, timed }: Exemplar): void {
    const place = this.claim()
    this.t[place] = t
    this.v[place] = v
    this.timed[place] = timed ? 1 : 0
    this.labels[place] = labels
    this.lists[place] = list
    const before = this.placeBefore(list, t)
    const behind = before < 0 ? list.first : (this.behind[before] as number)
    this.link(list, before, place)
    this.link(list, place, behind)
    this.count++
  }

  /** Takes out the one that came first; answers the list that it was in. */
  dropOldest(): List {
    const { oldest } = this
    const list = this.lists[oldest] as List
    this.link(list, this.before[oldest] as number, this.behind[oldest] as number)
    this.oldest = (oldest + 1) % this.t.length
    this.count--
    return list
  }

  /** @param capacity no less than there are
   *  @param lists all of them */
  resize(capacity: number, lists: Iterable<List>): void {
    this.capacity = Math.max(0, capacity)
    this.move(Math.min(this.capacity, Math.max(this.count, firstRoom)), lists)
  }

  /** The place for one more. While the ring has never been full it is a plain list that grows. */
  private claim(): number {
    const room = this.t.length
    if (this.count === room) this.move(Math.min(this.capacity, Math.max(firstRoom, room * 2)), [])
    return (this.oldest + this.count) % this.t.length
  }

  /** Moves everything into new columns, the oldest to the front. When `lists` are told they follow; when not, the oldest is
   *  at the front already. */
  private move(room: number, lists: Iterable<List>): void {
    const { count } = this
    const places = Int32Array.from({ length: count }, (_, i) => (this.oldest + i) % this.t.length)
    const moved = new Int32Array(this.t.length)
    for (let i = 0; i < count; i++) moved[places[i] as number] = i
    const follow = (place: number) => (place < 0 ? -1 : (moved[place] as number))
    const filled = <T extends Float64Array | Uint8Array | Int32Array>(column: T, from: T): T => {
      for (let i = 0; i < count; i++) column[i] = from[places[i] as number] as number
      return column
    }
    this.t = filled(new Float64Array(room), this.t)
    this.v = filled(new Float64Array(room), this.v)
    this.timed = filled(new Uint8Array(room), this.timed)
    this.before = filled(new Int32Array(room), this.before).map(follow)
    this.behind = filled(new Int32Array(room), this.behind).map(follow)
    this.labels = Array.from(places, place => this.labels[place] as Labels)
    this.lists = Array.from(places, place => this.lists[place] as List)
    this.oldest = 0
    for (const list of lists) {
      list.first = follow(list.first)
      list.last = follow(list.last)
    }
  }

  /** Makes two places neighbours; -1 stands for the end of the list. */
  private link(list: List, before: number, behind: number): void {
    if (before < 0) list.first = behind
    else this.behind[before] = behind
    if (behind < 0) list.last = before
    else this.before[behind] = before
  }
}
