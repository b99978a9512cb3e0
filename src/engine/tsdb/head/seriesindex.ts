import type { Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { PostingList } from '../../model/postings.ts'
import type { SeriesRef } from '../../model/store.ts'
import { LabelOrder } from './order.ts'
import { Postings } from './postings.ts'
import { MemSeries } from './series.ts'
import { SymbolTable } from './symbols.ts'
import { SeriesTable } from './table.ts'

/** The ordinal of a series whose labels the postings have let go, and with them strings that were only theirs. */
const hidden = -2

/** The series of the head: found by number or by labels from the moment they are made, by matchers while they are shown. */
export class SeriesIndex {
  private readonly table: SeriesTable
  private readonly symbols: SymbolTable
  /** The series that are shown, by ordinal. */
  private readonly visible: MemSeries[] = []
  private readonly postings = new Postings()
  private readonly order = new LabelOrder()

  /** @param chance answers numbers in [0, 1) that nobody outside knows */
  constructor(chance: () => number) {
    this.symbols = new SymbolTable(chance())
    this.table = new SeriesTable(Math.floor(chance() * 2 ** 32))
  }

  /** Lent: in no particular order. */
  get all(): readonly MemSeries[] {
    return this.table.series
  }

  /** Lent: those that are shown, in no particular order. */
  get shown(): readonly MemSeries[] {
    return this.visible
  }

  find(ref: SeriesRef): MemSeries | undefined {
    return this.table.find(ref)
  }

  findLabels(labels: Labels): MemSeries | undefined {
    return this.table.findLabels(labels, this.symbols.hash(labels))
  }

  /** A new series.
   *  @param labels that no other series has */
  create(ref: SeriesRef, labels: Labels): MemSeries {
    const own = this.symbols.own(labels)
    const hash = this.symbols.hash(own)
    // Owning the strings can change them, if they are not valid UTF-16; then this may be a known series.
    const known = this.table.findLabels(own, hash)
    if (known) return known
    const series = new MemSeries(ref, own)
    this.table.add(series, hash)
    return series
  }

  /** Lets matchers find the series. Answers false when they do already. */
  show(series: MemSeries): boolean {
    if (series.ordinal >= 0) return false
    series.ordinal = this.postings.add(series.labels)
    this.visible.push(series)
    return true
  }

  /** The series that match, in the order of their labels. */
  sorted(matchers: readonly Matcher[]): MemSeries[] {
    return this.at(this.order.sort(this.postings.select(matchers), this.visible))
  }

  /** The same in no particular order. */
  matching(matchers: readonly Matcher[]): MemSeries[] {
    return this.at(this.postings.select(matchers))
  }

  names(): readonly string[] {
    return this.postings.names()
  }

  values(name: string): readonly string[] {
    return this.postings.values(name)
  }

  /** Takes series out of what matchers find, and closes the gaps that they leave. Answers how many they are. */
  hide(gone: (series: MemSeries) => boolean): number {
    const { visible } = this
    const moved = new Int32Array(visible.length)
    let left = 0
    for (let ordinal = 0; ordinal < moved.length; ordinal++) {
      const series = visible[ordinal] as MemSeries
      const hides = gone(series)
      moved[ordinal] = hides ? -1 : left
      series.ordinal = hides ? hidden : left
      if (!hides) visible[left++] = series
    }
    const count = moved.length - left
    if (count === 0) return 0
    visible.length = left
    this.postings.renumber(moved, text => this.symbols.free(text))
    this.order.renumber(moved)
    return count
  }

  /** Forgets series that are not shown.
   *  @param gone whether one goes */
  forget(gone: (series: MemSeries) => boolean): void {
    this.table.retain(series => {
      if (!gone(series)) return true
      if (series.ordinal !== hidden) this.freeSymbols(series.labels)
      return false
    })
  }

  private at(ordinals: PostingList): MemSeries[] {
    const found: MemSeries[] = []
    for (let i = 0; i < ordinals.length; i++) found.push(this.visible[ordinals[i] as number] as MemSeries)
    return found
  }

  /** Of a series that nobody has seen. */
  private freeSymbols(labels: Labels): void {
    for (let i = 0; i < labels.length; i += 2) {
      const [name, value] = [labels[i] as string, labels[i + 1] as string]
      if (!this.postings.has(name, value)) this.symbols.free(value)
      if (!this.postings.hasName(name)) this.symbols.free(name)
    }
  }
}
