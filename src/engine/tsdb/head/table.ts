import { assert } from '../../model/errors.ts'
import type { Labels } from '../../model/labels.ts'
import type { SeriesRef } from '../../model/store.ts'
import type { MemSeries } from './series.ts'

/** All series of the head, found by their number or by their labels. Two indices by open addressing: 40 bytes a
 *  series, where two Maps take 110, and quick to make anew when many series go. */
export class SeriesTable {
  private readonly all: MemSeries[] = []
  /** The hash of the labels of each series, in the order of `all`. */
  private hashes = new Int32Array(8)
  /** Place in `all` + 1, 0 where free. */
  private byRef = new Int32Array(16)
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
    const { byRef, all } = this
    const mask = byRef.length - 1
    for (let at = this.scatter(ref) & mask; byRef[at] !== 0; at = (at + 1) & mask) {
      const series = all[(byRef[at] as number) - 1] as MemSeries
      if (series.ref === ref) return series
    }
    return undefined
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
    if (this.all.length * 4 > this.byRef.length * 3) this.index(this.byRef.length * 2)
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
    let size = 16
    while (size * 3 < kept * 4) size *= 2
    this.hashes = hashes.slice(0, size)
    this.index(size)
  }

  /** Makes the indices anew. */
  private index(size: number): void {
    this.byRef = new Int32Array(size)
    this.byLabels = new Int32Array(size)
    for (let place = 0; place < this.all.length; place++) this.enter(place)
  }

  private enter(place: number): void {
    const { byRef, byLabels } = this
    const mask = byRef.length - 1
    let at = this.scatter((this.all[place] as MemSeries).ref) & mask
    while (byRef[at] !== 0) at = (at + 1) & mask
    byRef[at] = place + 1
    at = (this.hashes[place] as number) & mask
    while (byLabels[at] !== 0) at = (at + 1) & mask
    byLabels[at] = place + 1
  }

  /** Spreads numbers that follow each other. */
  private scatter(ref: SeriesRef): number {
    const word = Math.imul(ref ^ (ref / 2 ** 32), this.factor)
    return word ^ (word >>> 15)
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
