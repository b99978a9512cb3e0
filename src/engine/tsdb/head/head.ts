import type { Registry } from '../../metrics/registry.ts'
import type { Host } from '../../model/host.ts'
import type { Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { SeriesRef, TimeRange } from '../../model/store.ts'
import { cutChunk } from './cut.ts'
import { headMetrics, type HeadMetrics } from './metrics.ts'
import { OpenAppenders } from './open.ts'
import { LabelOrder } from './order.ts'
import { Postings } from './postings.ts'
import {
  chunksOf,
  MemSeries,
  rangeEnd,
  type ClosedChunk,
  type SeriesParts,
  type SeriesSnapshot,
} from './series.ts'
import { SymbolTable } from './symbols.ts'
import { SeriesTable } from './table.ts'

/** Times that are kept lie in (-2^52, 2^52): then their differences are exact in a number. */
export const timeLimit = 2 ** 52

// On disk; never renumber.
const xorEncoding = 1

/** The ordinal of a series whose labels the postings have let go, and with them strings that were only theirs. */
const hidden = -2

/** A series with chunks for a block. */
export interface HeadSeries {
  readonly labels: Labels
  readonly chunks: readonly {
    /** Times of the first and the last sample. */
    readonly minT: number
    readonly maxT: number
    readonly encoding: number
    readonly samples: number
    readonly bytes: Uint8Array
  }[]
}

/** The newest part of the store, in memory: every series with its chunks and the index to find them.
 *  Everything here is synchronous; a sample is visible as soon as `append` returns. */
export class Head {
  readonly chunkRangeMs: number
  readonly metrics: HeadMetrics
  readonly appenders = new OpenAppenders()
  /** Time of the first and the last sample; Infinity and -Infinity when there is none. */
  minT = Infinity
  maxT = -Infinity
  /** Samples before this time are out of bounds: they belong to blocks (upstream's `minValidTime`). */
  minValidT: number

  private readonly host: Host
  private readonly table: SeriesTable
  /** Further numbers of series in the log that was replayed: a series that had gone and came back is one series
   *  now. */
  private readonly aliases = new Map<SeriesRef, MemSeries>()
  /** Numbers of series that have gone, and the time up to which the log may have samples of them (upstream's
   *  `walExpiries`). */
  private readonly expiries = new Map<SeriesRef, number>()
  /** The series that have samples, by ordinal. */
  private readonly visible: MemSeries[] = []
  private readonly postings = new Postings()
  private readonly order = new LabelOrder()
  private readonly symbols: SymbolTable
  private lastRef = 0
  private chunks = 0

  /** @param minValidT where the blocks end that were cut from the head; what the log has from before is not
   *  restored */
  constructor(host: Host, metrics: Registry, chunkRangeMs: number, minValidT = -Infinity) {
    this.host = host
    this.chunkRangeMs = chunkRangeMs
    this.minValidT = minValidT
    this.symbols = new SymbolTable(host.random())
    this.table = new SeriesTable(Math.floor(host.random() * 2 ** 32))
    this.metrics = headMetrics(metrics, this)
  }

  get seriesCount(): number {
    return this.visible.length
  }

  get chunkCount(): number {
    return this.chunks
  }

  /** Undefined when the head has let the series go, or never had it. */
  seriesOf(ref: SeriesRef): MemSeries | undefined {
    return (this.aliases.size > 0 ? this.aliases.get(ref) : undefined) ?? this.table.find(ref)
  }

  /** Finds the series with these labels, or creates it; it is visible from its first sample on. */
  findOrCreate(labels: Labels): MemSeries {
    return this.find(labels) ?? this.create(this.lastRef + 1, labels)
  }

  /** A series as the log has it. The same labels under another reference are the same series: the head creates a
   *  series anew after it has let it go. */
  restoreSeries(ref: SeriesRef, labels: Labels): void {
    this.lastRef = Math.max(this.lastRef, ref)
    // A number that the log gives to two series is the later one's from here on, which needs one of its own.
    const taken = this.table.find(ref) !== undefined
    const series = this.find(labels) ?? this.create(taken ? this.lastRef + 1 : ref, labels)
    if (series.ref !== ref) this.aliases.set(ref, series)
    if (series.ref === ref || !taken) series.logged = true
  }

  /** A sample as the log has it, by the rule by which commits are applied: it counts if it is later than the
   *  series' last. The log also holds samples that were refused then, and those of blocks. Answers whether the
   *  series is known. */
  restoreSample(ref: SeriesRef, t: number, high: number, low: number): boolean {
    if (t < this.minValidT) return true
    const series = this.seriesOf(ref)
    if (!series) return false
    if (t > series.maxT && Math.abs(t) < timeLimit) this.append(series, t, high, low)
    return true
  }

  /** The log has been replayed: series that have no samples any more are let go. */
  restored(): void {
    this.dropChunks(this.minValidT)
    this.dropSeries(this.minValidT)
  }

  /** Samples before this time are out of bounds for an appender that is made now: they belong to blocks, or to the
   *  range that may become one at any moment. */
  get appendableT(): number {
    return Math.max(this.minValidT, this.maxT - this.chunkRangeMs / 2)
  }

  /** Adds a sample that `series.check` lets pass and that is not there yet. */
  append(series: MemSeries, t: number, high: number, low: number): void {
    const created = series.append(t, high, low, this.chunkRangeMs)
    if (series.ordinal < 0) this.show(series)
    if (created) {
      this.chunks++
      this.metrics.chunksCreated.inc()
    }
    if (t < this.minT) this.minT = t
    if (t > this.maxT) this.maxT = t
  }

  /** What the series that match hold in the range at this moment, in the order of their labels. Later samples
   *  do not show. */
  snapshot(matchers: readonly Matcher[], { minT, maxT }: TimeRange): SeriesSnapshot[] {
    const found: SeriesSnapshot[] = []
    for (const ordinal of this.order.sort(this.postings.select(matchers), this.visible)) {
      const snapshot = this.at(ordinal).snapshot(minT, maxT)
      if (!snapshot.empty) found.push(snapshot)
    }
    return found
  }

  /** Label names, or the values of a label, of all series when the range covers the head; null when it does not
   *  and `labelsIn` has to be asked. */
  allNames(range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.postings.names() : null
  }
  allValues(name: string, range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.postings.values(name) : null
  }

  /** Labels of the series that match and may have samples in the range, in no particular order. */
  *labelsIn(matchers: readonly Matcher[], { minT, maxT }: TimeRange): Generator<Labels> {
    for (const ordinal of this.postings.select(matchers)) {
      const series = this.at(ordinal)
      if (series.maxT >= minT && series.minT <= maxT) yield series.labels
    }
  }

  /** Whether the oldest part should become a block: the head holds more than one and a half ranges, half a range
   *  being what late samples may still go to. */
  compactable(): boolean {
    return this.maxT - this.minT > 1.5 * this.chunkRangeMs
  }

  /** What the next block takes: [minT, maxT), up to the end of the chunk range in which the head begins. */
  nextBlockRange(): { minT: number; maxT: number } {
    return { minT: this.minT, maxT: rangeEnd(this.minT, this.chunkRangeMs) }
  }

  /** All series that have samples in [minT, maxT), with their chunks cut to it, in label order: those of this moment,
   *  whatever comes or goes while they are read. Wait for `appenders.settled(maxT)` before, or samples that are
   *  being committed may be missed. */
  seriesChunks(minT: number, maxT: number): AsyncIterable<HeadSeries> {
    const all: SeriesParts[] = []
    for (const ordinal of this.order.sort(this.postings.select([]), this.visible)) {
      all.push(this.at(ordinal).parts())
    }
    return cutSeries(all, minT, maxT)
  }

  /** Lets go of everything before `minT` because it is in a block: chunks that end before it, and series that have
   *  no others, which get another number when they come back. A chunk that reaches over `minT` stays, as upstream's
   *  does. From now on samples before `minT` are out of bounds. What was handed out before stays valid. */
  truncate(minT: number): void {
    if (!this.startTruncation(minT)) return
    const seconds = this.step(() => {
      this.dropChunks(minT)
      this.dropSeries(minT)
    })
    this.metrics.gcSeconds.observe(seconds)
  }

  /** The same in two steps, between which others have their turn: of 100,000 series each takes 10 to 30 ms. What
   *  readers see is done after the first. */
  async truncateInSteps(minT: number): Promise<void> {
    if (!this.startTruncation(minT)) return
    const first = this.step(() => this.dropChunks(minT))
    await this.host.yield()
    const second = this.step(() => this.dropSeries(minT))
    this.metrics.gcSeconds.observe(first + second)
  }

  /** Whether a log that is cut to samples from `minT` on needs the record of this series: the head has it, or the
   *  log may still have samples of it. */
  keepsInLog(ref: SeriesRef, minT: number): boolean {
    return this.seriesOf(ref) !== undefined || (this.expiries.get(ref) ?? -Infinity) >= minT
  }

  private within({ minT, maxT }: TimeRange): boolean {
    return minT <= this.minT && maxT >= this.maxT
  }

  private at(ordinal: number): MemSeries {
    return this.visible[ordinal] as MemSeries
  }

  private find(labels: Labels): MemSeries | undefined {
    return this.table.findLabels(labels, this.symbols.hash(labels))
  }

  private create(ref: SeriesRef, labels: Labels): MemSeries {
    const own = this.symbols.own(labels)
    const hash = this.symbols.hash(own)
    // Owning the strings can change them, if they are not valid UTF-16; then this may be a known series.
    const known = this.table.findLabels(own, hash)
    if (known) return known
    const series = new MemSeries(ref, own)
    this.table.add(series, hash)
    this.lastRef = Math.max(this.lastRef, ref)
    return series
  }

  private show(series: MemSeries): void {
    series.ordinal = this.postings.add(series.labels)
    this.visible.push(series)
    this.metrics.seriesCreated.inc()
  }

  /** Answers whether there is something to let go. */
  private startTruncation(minT: number): boolean {
    this.minValidT = Math.max(this.minValidT, minT)
    if (minT <= this.minT) return false
    this.metrics.truncations.inc()
    return true
  }

  /** Answers how many seconds it took. */
  private step(act: () => void): number {
    const start = this.host.monotonic()
    try {
      act()
    } catch (error) {
      this.metrics.truncationsFailed.inc()
      throw error
    }
    return (this.host.monotonic() - start) / 1000
  }

  /** Forgets numbers of which the log has nothing that counts: it may be cut one truncation after the head. What is
   *  known of other numbers of living series ends here: the log has samples under them up to now, and no new ones; those
   *  from before the bound were not restored. */
  private expire(): void {
    for (const [ref, keepUntil] of this.expiries) if (keepUntil < this.minT) this.expiries.delete(ref)
    for (const [ref, { maxT }] of this.aliases) this.expiries.set(ref, Math.max(maxT, this.minValidT))
    this.aliases.clear()
  }

  /** Lets go of chunks, and hides series that have no others from the readers. */
  private dropChunks(minT: number): void {
    this.expire()
    let gone = 0
    let first = Infinity
    let last = -Infinity
    for (const series of this.table.series) {
      gone += series.truncate(minT)
      first = Math.min(first, series.minT)
      last = Math.max(last, series.maxT)
    }
    this.chunks -= gone
    this.metrics.chunksRemoved.inc(gone)
    // Of a chunk that reaches over it, the part before does not count.
    this.minT = Math.max(first, minT)
    this.maxT = last
    this.hideEmpty()
  }

  /** Takes series without samples out of the readers' index and closes the gaps that they leave. */
  private hideEmpty(): void {
    const { visible } = this
    const moved = new Int32Array(visible.length)
    let left = 0
    for (let ordinal = 0; ordinal < moved.length; ordinal++) {
      const series = visible[ordinal] as MemSeries
      moved[ordinal] = series.empty ? -1 : left
      series.ordinal = series.empty ? hidden : left
      if (!series.empty) visible[left++] = series
    }
    const gone = moved.length - left
    if (gone === 0) return
    visible.length = left
    this.postings.renumber(moved, text => this.symbols.free(text))
    this.order.renumber(moved)
    this.metrics.seriesRemoved.inc(gone)
  }

  /** Lets go of series without samples, unless somebody has just brought some or an appender is about to. */
  private dropSeries(minT: number): void {
    const held = this.appenders.held()
    // What comes before the first sample may be in the log until it is cut there (upstream's `actualInOrderMint`).
    const keepUntil = Number.isFinite(this.minT) ? this.minT : minT
    this.table.retain(series => {
      if (!series.empty || held.has(series)) return true
      if (series.logged) this.expiries.set(series.ref, keepUntil)
      if (series.ordinal !== hidden) this.freeSymbols(series.labels)
      return false
    })
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

async function* cutSeries(
  all: readonly SeriesParts[],
  minT: number,
  maxT: number,
): AsyncGenerator<HeadSeries> {
  for (const parts of all) {
    const chunks = chunksOf(parts, minT, maxT).flatMap(chunk => {
      const cut = cutChunk(chunk, minT, maxT)
      return cut ? [blockChunk(cut)] : []
    })
    if (chunks.length > 0) yield { labels: parts.labels, chunks }
  }
}

function blockChunk({ count, ...chunk }: ClosedChunk): HeadSeries['chunks'][number] {
  return { ...chunk, encoding: xorEncoding, samples: count }
}
