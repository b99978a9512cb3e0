import { assert } from '../../model/errors.ts'
import type { Labels } from '../../model/labels.ts'
import type { SeriesRef } from '../../model/store.ts'
import type { MemSeries } from './series.ts'

/** All series of the head, found by their number or by their labels. Numbers mostly follow each other, and a scrape asks
 *  for them in order: an array takes them, which is read ahead, where a hash misses the cache for each. Numbers that are far
 *  from the others, and labels, are found by open addressing. 20 to 35 bytes a series, where two Maps take 110, and quick to
 *  make anew when many series go. */
export class SeriesTable {
  private readonly all: MemSeries[] = []
  /** The hash of the labels of each series, in the order of `all`. */
  private hashes = new Int32Array(8)
  /** Place in `all` + 1 of the numbers from `first` on, 0 where there is no series. */
  private near = new Int32Array(16)
  private first = 1
  /** The same by the hash of the other numbers, and of the labels. */
  private far = new Int32Array(16)
  private farCount = 0
  private byLabels = new Int32Array(16)
  /** Odd, so that no two numbers below 2^32 scatter to the same word. */
  private readonly factor: number

  /** @param seed 32 bits that nobody outside knows: numbers come from logs, and logs from anybody */
  constructor(seed: number) {
    this.factor = Math.imul(seed, 2) | 1
  }

  /** Lent: in no particular order, not to be changed. */
  get series(): readonly MemSeries[] {
    return this.all
  }

  find(ref: SeriesRef): MemSeries | undefined {
    const { near } = this
    const i = ref - this.first
    const place = i >= 0 && i < near.length ? (near[i] as number) : 0
    if (place !== 0) return this.all[place - 1]
    return this.farCount === 0 ? undefined : this.findFar(ref)
  }

  findLabels(labels: Labels, hash: number): MemSeries | undefined {
    const { byLabels, hashes, all } = this
    const mask = byLabels.length - 1
    for (let at = hash & mask; byLabels[at] !== 0; at = (at + 1) & mask) {
      const place = (byLabels[at] as number) - 1
      const series = all[place] as MemSeries
      if (hashes[place] === hash && sameLabels(series.labels, labels)) return series
    }
    return undefined
  }

  /** Adds a series whose number and labels are new.
   *  @param hash 32 bits, signed */
  add(series: MemSeries, hash: number): void {
    assert(Number.isSafeInteger(series.ref), `series reference ${series.ref}`)
    const place = this.all.push(series) - 1
    if (place === this.hashes.length) {
      const hashes = new Int32Array(place * 2)
      hashes.set(this.hashes)
      this.hashes = hashes
    }
    this.hashes[place] = hash
    if (!this.fits()) this.index()
    else this.enter(place)
  }

  /** Keeps the series for which `keep` answers true. */
  retain(keep: (series: MemSeries) => boolean): void {
    const { all, hashes } = this
    let kept = 0
    for (let place = 0; place < all.length; place++) {
      const series = all[place] as MemSeries
      if (!keep(series)) continue
      hashes[kept] = hashes[place] as number
      all[kept++] = series
    }
    if (kept === all.length) return
    all.length = kept
    this.hashes = hashes.slice(0, sizeFor(kept))
    this.index()
  }

  private findFar(ref: SeriesRef): MemSeries | undefined {
    const { far, all } = this
    const mask = far.length - 1
    for (let at = this.scatter(ref) & mask; far[at] !== 0; at = (at + 1) & mask) {
      const series = all[(far[at] as number) - 1] as MemSeries
      if (series.ref === ref) return series
    }
    return undefined
  }

  /** Whether the hashes have room for all series, were the last one's number far. */
  private fits(): boolean {
    return this.all.length * 4 <= this.byLabels.length * 3 && (this.farCount + 1) * 4 <= this.far.length * 3
  }

  /** Makes the indices anew. */
  private index(): void {
    const { all } = this
    let [least, most] = [Infinity, 0]
    for (const { ref } of all) {
      if (ref < least) least = ref
      if (ref > most) most = ref
    }
    // New numbers come behind the largest.
    const first = Math.max(1, most - mostNear(all.length) + 1, all.length > 0 ? least : 1)
    let far = 0
    for (const { ref } of all) if (ref < first) far++
    this.first = first
    this.near = new Int32Array(Math.max(16, most - first + 1))
    this.far = new Int32Array(sizeFor(2 * far))
    this.farCount = 0
    this.byLabels = new Int32Array(sizeFor(all.length))
    for (let place = 0; place < all.length; place++) this.enter(place)
  }

  private enter(place: number): void {
    const { byLabels } = this
    this.enterRef((this.all[place] as MemSeries).ref, place)
    const mask = byLabels.length - 1
    let at = (this.hashes[place] as number) & mask
    while (byLabels[at] !== 0) at = (at + 1) & mask
    byLabels[at] = place + 1
  }

  private enterRef(ref: SeriesRef, place: number): void {
    const i = ref - this.first
    if (i >= 0 && i < mostNear(this.all.length)) {
      if (i >= this.near.length) this.growNear(i + 1)
      this.near[i] = place + 1
      return
    }
    const { far } = this
    const mask = far.length - 1
    let at = this.scatter(ref) & mask
    while (far[at] !== 0) at = (at + 1) & mask
    far[at] = place + 1
    this.farCount++
  }

  private growNear(length: number): void {
    const near = new Int32Array(Math.max(length, this.near.length * 2))
    near.set(this.near)
    this.near = near
  }

  /** Spreads numbers that follow each other. */
  private scatter(ref: SeriesRef): number {
    const word = Math.imul(ref ^ (ref / 2 ** 32), this.factor)
    return word ^ (word >>> 15)
  }
}

/** How many numbers in a row the array takes, so that it stays small beside the series. */
function mostNear(count: number): number {
  return 4 * count + 64
}

/** Of a hash that so many fill by three quarters at most. */
function sizeFor(count: number): number {
  let size = 16
  while (size * 3 < count * 4) size *= 2
  return size
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
