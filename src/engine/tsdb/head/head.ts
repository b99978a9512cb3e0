import type { SampleColumns } from '../../chunks/columns.ts'
import type { Registry } from '../../metrics/registry.ts'
import { assert } from '../../model/errors.ts'
import type { Exemplar } from '../../model/exemplar.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Host } from '../../model/host.ts'
import type { Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Metadata } from '../../model/metadata.ts'
import type { SeriesRef, TimeRange } from '../../model/store.ts'
import type { HeadChunk } from '../headchunks/headchunks.ts'
import type { Tombstone } from '../wal/records.ts'
import { rangeEnd } from './chunks.ts'
import { cutSeries, type HeadSeries } from './cut.ts'
import { Deletions } from './deletions.ts'
import { SpareFloats } from './floats.ts'
import { isStale, staleColumns } from './lastsample.ts'
import { LogRefs } from './logrefs.ts'
import { metadataByMetric, MetadataTable } from './metadata.ts'
import { headMetrics, type HeadMetrics } from './metrics.ts'
import { OpenAppenders } from './open.ts'
import { RestoredChunks } from './restoredchunks.ts'
import type { MemSeries } from './series.ts'
import { SeriesIndex } from './seriesindex.ts'
import { noExemplars, noOutOfOrder, type Exemplars, type OutOfOrder } from './sinks.ts'
import type { SeriesParts, SeriesSnapshot } from './snapshot.ts'

export type { Exemplars, HeadSeries, OutOfOrder }

/** Times that are kept lie in (-2^52, 2^52): then their differences are exact in a number. */
export const timeLimit = 2 ** 52

export interface HeadOptions {
  /** How much older than the newest sample of the head one may be that is older than others of its series; 0, the
   *  default, takes none (upstream's `out_of_order_time_window`). */
  readonly outOfOrderWindowMs?: number
  /** Takes such samples. */
  readonly outOfOrder?: OutOfOrder
  /** Takes exemplars; without it there are none. */
  readonly exemplars?: Exemplars
}

/** The newest part of the store, in memory: every series with its chunks and the index to find them.
 *  Everything here is synchronous; a sample is visible as soon as `append` returns. */
export class Head {
  readonly chunkRangeMs: number
  readonly metrics: HeadMetrics
  readonly appenders = new OpenAppenders()
  readonly spareFloats = new SpareFloats()
  /** Counts for appenders that are made from then on. */
  outOfOrderWindowMs: number
  readonly outOfOrder: OutOfOrder
  readonly exemplars: Exemplars
  /** Time of the first and the last sample; Infinity and -Infinity when there is none. Those that came out of order are
   *  elsewhere and do not count. */
  minT = Infinity
  maxT = -Infinity
  /** Samples before this time are out of bounds: they belong to blocks (upstream's `minValidTime`). */
  minValidT: number

  private readonly host: Host
  private readonly index: SeriesIndex
  private readonly refs = new LogRefs()
  private readonly deletions = new Deletions()
  private readonly metadata = new MetadataTable()
  private readonly onDisk = new RestoredChunks()
  private lastRef = 0
  private chunks = 0

  /** @param minValidT where the blocks end that were cut from the head; what the log has from before is not
   *  restored */
  constructor(
    host: Host,
    metrics: Registry,
    chunkRangeMs: number,
    minValidT = -Infinity,
    options: HeadOptions = {},
  ) {
    this.host = host
    this.chunkRangeMs = chunkRangeMs
    this.minValidT = minValidT
    this.outOfOrderWindowMs = options.outOfOrderWindowMs ?? 0
    this.outOfOrder = options.outOfOrder ?? noOutOfOrder
    this.exemplars = options.exemplars ?? noExemplars
    assert(this.outOfOrderWindowMs <= 0 || options.outOfOrder !== undefined, 'nobody takes late samples')
    this.index = new SeriesIndex(() => host.random())
    this.metrics = headMetrics(metrics, this)
  }

  get seriesCount(): number {
    return this.index.shown.length
  }

  get chunkCount(): number {
    return this.chunks
  }

  /** Undefined when the head has let the series go, or never had it. */
  seriesOf(ref: SeriesRef): MemSeries | undefined {
    return this.refs.find(ref) ?? this.index.find(ref)
  }

  /** A series that an open appender has added samples to, and so is there. */
  heldSeriesOf(ref: SeriesRef): MemSeries {
    const series = this.seriesOf(ref)
    assert(series !== undefined, 'a series has gone while samples were appended to it')
    return series
  }

  /** The series that a record of the log is of. While the log, or a chunk on disk, has a number whose series is lost, no new
   *  series gets that number: what there is of the lost one would become its. */
  restoredSeriesOf(ref: SeriesRef): MemSeries | undefined {
    const series = this.seriesOf(ref)
    if (!series) this.lastRef = Math.max(this.lastRef, ref)
    return series
  }

  /** Finds the series with these labels, or creates it; it is visible from its first sample on. */
  findOrCreate(labels: Labels): MemSeries {
    return this.index.findLabels(labels) ?? this.create(this.lastRef + 1, labels)
  }

  /** A series as the log has it. The same labels under another reference are the same series: the head creates a
   *  series anew after it has let it go. */
  restoreSeries(ref: SeriesRef, labels: Labels): void {
    this.lastRef = Math.max(this.lastRef, ref)
    // A number that the log gives to two series is the later one's from here on, which needs one of its own.
    const taken = this.index.find(ref) !== undefined
    const series = this.index.findLabels(labels) ?? this.create(taken ? this.lastRef + 1 : ref, labels)
    if (series.ref !== ref) this.refs.add(ref, series)
    if (series.ref === ref || !taken) series.logged = true
    this.onDisk.found(ref, series)
  }

  /** A sample as the log has it, by the rule by which commits are applied: it counts if it is later than the
   *  series' last. The log also holds samples that were refused then, those of blocks, and those of chunks that were
   *  restored. Answers whether the series is known. */
  restoreSample(ref: SeriesRef, t: number, high: number, low: number): boolean {
    if (t < this.minValidT) return true
    const series = this.restoredSeriesOf(ref)
    if (!series) return false
    this.restoreChunks(series, t)
    if (t > series.maxT && Math.abs(t) < timeLimit) this.append(series, t, high, low)
    return true
  }

  /** The same for samples [from, to) of one series, in columns that are lent. Answers how many are lost because the series is
   *  not known. */
  restoreSamples(ref: SeriesRef, of: SampleColumns, from: number, to: number): number {
    const { t, bits } = of
    const series = this.seriesOf(ref)
    if (series && this.onDisk.empty && series.lastHistogram === null) {
      this.restoreRun(series, of, from, to)
      return 0
    }
    let lost = 0
    for (let i = from; i < to; i++) {
      const known = this.restoreSample(ref, t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
      if (!known) lost++
    }
    return lost
  }

  /** The same for a histogram, row i of columns that are lent. */
  restoreHistogram(ref: SeriesRef, from: HistogramColumns, i: number): boolean {
    const t = from.t[i] as number
    if (t < this.minValidT) return true
    const series = this.restoredSeriesOf(ref)
    if (!series) return false
    this.restoreChunks(series, t)
    if (t > series.maxT && Math.abs(t) < timeLimit) this.appendHistogram(series, from, i)
    return true
  }

  /** A deletion as the log has it. One of all times removes the series: so upstream logs that it went from its head into a
   *  block. Answers whether the series is known. */
  restoreTombstone(ref: SeriesRef, minT: number, maxT: number): boolean {
    this.lastRef = Math.max(this.lastRef, ref)
    const everything = minT === -Infinity && maxT === Infinity
    const series = this.seriesOf(ref)
    if (!series) return everything || maxT < this.minValidT
    if (everything) this.empty(series)
    else this.deletions.add(series, { minT, maxT })
    return true
  }

  /** Answers whether the series is known. */
  restoreMetadata(ref: SeriesRef, metadata: Metadata): boolean {
    const series = this.seriesOf(ref)
    if (series) this.setMetadata(series, metadata)
    return series !== undefined
  }

  /** Answers whether the series is known. */
  restoreExemplar(ref: SeriesRef, exemplar: Exemplar): boolean {
    if (exemplar.t < this.minValidT) return true
    const series = this.seriesOf(ref)
    if (series) this.exemplars.add(series.labels, exemplar)
    return series !== undefined
  }

  /** A chunk from the disk, whose bytes are lent; called before the log is replayed, and in the order in which chunks were
   *  written. It is kept aside until the log has its series.
   *  @throws CorruptionError when it does not lie behind the series' last one */
  restoreChunk(chunk: HeadChunk): void {
    assert(!chunk.outOfOrder, 'a chunk that came out of order')
    this.lastRef = Math.max(this.lastRef, chunk.ref)
    if (chunk.maxT >= this.minValidT && Math.abs(chunk.maxT) < timeLimit) this.onDisk.add(chunk)
  }

  /** The log has been replayed: chunks whose series never came, and series that have no samples any more are let go. */
  restored(): void {
    for (const series of this.onDisk.waiting()) this.restoreChunks(series, Infinity)
    this.onDisk.clear()
    this.dropChunks(this.minValidT)
    this.dropSeries(this.minValidT)
  }

  /** Samples before this time are out of bounds for an appender that is made now: they belong to blocks, or to the
   *  range that may become one at any moment. */
  get appendableT(): number {
    return Math.max(this.minValidT, this.maxT - this.chunkRangeMs / 2)
  }

  /** Adds a float that is later than the series' last sample. A stale marker behind a histogram becomes a histogram's. */
  append(series: MemSeries, t: number, high: number, low: number): void {
    const kind = isStale(high, low) ? series.lastHistogram : null
    if (kind) this.appendHistogram(series, staleColumns(t, kind), 0)
    else this.appended(series, t, series.append(t, high, low, this.chunkRangeMs))
  }

  /** Adds row i, which is valid and later than the series' last sample. */
  appendHistogram(series: MemSeries, from: HistogramColumns, i: number): void {
    this.appended(series, from.t[i] as number, series.appendHistogram(from, i, this.chunkRangeMs))
  }

  /** Hands on a sample that is older than others; answers false when there is one of its time. */
  insert(series: MemSeries, t: number, high: number, low: number): boolean {
    const inserted = this.outOfOrder.insert(series, t, high, low)
    if (inserted) this.show(series)
    return inserted
  }

  /** The same for a histogram. */
  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean {
    const inserted = this.outOfOrder.insertHistogram(series, from, i)
    if (inserted) this.show(series)
    return inserted
  }

  /** Lets queries find a series, whatever it holds: the head has samples of it, or its out-of-order samples were restored. */
  show(series: MemSeries): void {
    if (this.index.show(series)) this.metrics.seriesCreated.inc()
  }

  setMetadata(series: MemSeries, metadata: Metadata): void {
    series.metadata = this.metadata.own(metadata)
  }

  /** What was said of a series last. */
  metadataOf(ref: SeriesRef): Metadata | null {
    return this.seriesOf(ref)?.metadata ?? null
  }

  /** What is said of each metric of the head, by its name: mostly one thing. */
  metadataByMetric(): ReadonlyMap<string, readonly Metadata[]> {
    return metadataByMetric(this.index.shown)
  }

  /** What a deletion would delete of the series that match, each range cut to the series' own times; nothing of a series
   *  that has no samples in it. Log it, then `applyTombstones`. As upstream, the range is that of samples in order: those
   *  that came out of order are deleted where they lie in it. */
  delete(matchers: readonly Matcher[], { minT, maxT }: TimeRange): Tombstone[] {
    const found: Tombstone[] = []
    for (const series of this.index.matching(matchers)) {
      const range = { minT: Math.max(minT, this.minT, series.minT), maxT: Math.min(maxT, series.maxT) }
      if (range.minT <= range.maxT) found.push({ ref: series.ref, ...range })
    }
    return found
  }

  /** What was deleted is not seen any more by queries that begin now, nor written into a block. */
  applyTombstones(all: Iterable<Tombstone>): void {
    for (const { ref, minT, maxT } of all) {
      const series = this.seriesOf(ref)
      if (series) this.deletions.add(series, { minT, maxT })
    }
  }

  /** Times of a series, ascending, whose samples were deleted; both ends are. Never changed. */
  deletedOf(series: MemSeries): readonly TimeRange[] {
    return this.deletions.of(series)
  }

  /** What the series that match hold in the range at this moment, in the order of their labels. Later samples
   *  do not show. */
  snapshot(matchers: readonly Matcher[], { minT, maxT }: TimeRange): SeriesSnapshot[] {
    const found: SeriesSnapshot[] = []
    for (const series of this.index.sorted(matchers)) {
      const snapshot = series.snapshot(minT, maxT, this.deletions.of(series))
      if (!snapshot.empty) found.push(snapshot)
    }
    return found
  }

  /** The series that match, in the order of their labels, whatever they hold. */
  seriesFor(matchers: readonly Matcher[]): readonly MemSeries[] {
    return this.index.sorted(matchers)
  }

  /** Label names, or the values of a label, of all series when the range covers the head; null when it does not
   *  and `labelsIn` has to be asked. */
  allNames(range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.index.names() : null
  }
  allValues(name: string, range: TimeRange): readonly string[] | null {
    return this.within(range) ? this.index.values(name) : null
  }

  /** Labels of the series that match and may have samples in order in the range, in no particular order. */
  *labelsIn(matchers: readonly Matcher[], { minT, maxT }: TimeRange): Generator<Labels> {
    for (const series of this.index.matching(matchers)) {
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
    for (const series of this.index.sorted([])) all.push(series.parts(this.deletions.of(series)))
    return cutSeries(all, minT, maxT)
  }

  /** Chunks that are finished and not on disk by themselves, those of a series in the order of their times. Their bytes are
   *  never changed. */
  unsavedChunks(): HeadChunk[] {
    const found: HeadChunk[] = []
    for (const series of this.index.all) {
      for (const { minT, maxT, encoding, samples, bytes } of series.unsaved()) {
        found.push({ ref: series.ref, minT, maxT, encoding, outOfOrder: false, samples, bytes })
      }
    }
    return found
  }

  /** The chunks, some or all that `unsavedChunks` answered, are on disk now. */
  markSaved(chunks: Iterable<HeadChunk>): void {
    for (const { ref, maxT } of chunks) this.index.find(ref)?.markSaved(maxT)
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

  /** Lets go of series that only out-of-order samples kept, once those are in blocks. */
  collectGarbage(): void {
    const seconds = this.step(() => {
      this.hideVacant()
      this.dropSeries(this.minValidT)
    })
    this.metrics.gcSeconds.observe(seconds)
  }

  /** Whether a log that is cut to samples from `minT` on needs the record of this series: the head has it, or the
   *  log may still have samples of it. */
  keepsInLog(ref: SeriesRef, minT: number): boolean {
    return this.seriesOf(ref) !== undefined || this.refs.keeps(ref, minT)
  }

  private within({ minT, maxT }: TimeRange): boolean {
    return minT <= this.minT && maxT >= this.maxT
  }

  private create(ref: SeriesRef, labels: Labels): MemSeries {
    const series = this.index.create(ref, labels)
    this.lastRef = Math.max(this.lastRef, series.ref)
    return series
  }

  /** Notes that a sample was added. */
  private appended(series: MemSeries, t: number, startedChunk: boolean): void {
    if (series.ordinal < 0) this.show(series)
    if (startedChunk) this.created(1)
    if (t < this.minT) this.minT = t
    if (t > this.maxT) this.maxT = t
  }

  private created(chunks: number): void {
    this.chunks += chunks
    this.metrics.chunksCreated.inc(chunks)
  }

  private removed(chunks: number): void {
    this.chunks -= chunks
    this.metrics.chunksRemoved.inc(chunks)
  }

  /** Gives a series its chunks from the disk, if the log has come to their times. */
  private restoreChunks(series: MemSeries, t: number): void {
    const chunks = this.onDisk.take(series, t)
    if (chunks.length === 0) return
    series.restore(chunks)
    this.created(chunks.length)
    this.show(series)
  }

  /** Adds those of samples [from, to) that are later than the ones before them. There is nothing else to know of them:
   *  no chunks on disk, and no histogram that a stale marker could be of. */
  private restoreRun(series: MemSeries, of: SampleColumns, from: number, to: number): void {
    const { t } = of
    let last = Math.max(series.maxT, -timeLimit)
    let i = from
    while (i < to) {
      const first = i
      while (i < to && this.follows(t[i] as number, last)) last = t[i++] as number
      if (i > first) this.appendRun(series, of, first, i)
      while (i < to && !this.follows(t[i] as number, last)) i++
    }
  }

  private follows(t: number, last: number): boolean {
    return t > last && t >= this.minValidT && t < timeLimit
  }

  private appendRun(series: MemSeries, of: SampleColumns, from: number, to: number): void {
    const started = series.appendRun(of, from, to, this.chunkRangeMs)
    if (series.ordinal < 0) this.show(series)
    if (started > 0) this.created(started)
    this.minT = Math.min(this.minT, of.t[from] as number)
    this.maxT = Math.max(this.maxT, of.t[to - 1] as number)
  }

  private empty(series: MemSeries): void {
    this.onDisk.forget(series)
    this.deletions.forget(series)
    this.removed(series.truncate(Infinity))
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

  /** Lets go of chunks, and hides series that have no samples from the readers. */
  private dropChunks(minT: number): void {
    this.refs.forget(this.minT, this.minValidT)
    let gone = 0
    let first = Infinity
    let last = -Infinity
    for (const series of this.index.all) {
      gone += series.truncate(minT)
      first = Math.min(first, series.minT)
      last = Math.max(last, series.maxT)
    }
    this.removed(gone)
    this.deletions.truncate(series => (this.outOfOrder.has(series) ? -Infinity : series.minT))
    // Of a chunk that reaches over it, the part before does not count.
    this.minT = Math.max(first, minT)
    this.maxT = last
    this.hideVacant()
  }

  private hideVacant(): void {
    const gone = this.index.hide(series => this.isVacant(series))
    if (gone > 0) this.metrics.seriesRemoved.inc(gone)
  }

  private isVacant(series: MemSeries): boolean {
    return series.empty && !this.outOfOrder.has(series)
  }

  /** Lets go of series without samples, unless somebody has just brought some or an appender is about to. */
  private dropSeries(minT: number): void {
    const held = this.appenders.held()
    // What comes before the first sample may be in the log until it is cut there (upstream's `actualInOrderMint`).
    const keepUntil = Number.isFinite(this.minT) ? this.minT : minT
    this.index.forget(series => {
      if (!this.isVacant(series) || held.has(series)) return false
      if (series.logged) this.refs.expire(series, keepUntil)
      this.deletions.forget(series)
      return true
    })
    this.metadata.keepOnly(this.index.all)
  }
}
