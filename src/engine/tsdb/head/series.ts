import type { SampleColumns } from '../../chunks/columns.ts'
import { chunkEncoding } from '../../chunks/decode.ts'
import { XorChunk } from '../../chunks/xor.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { Metadata } from '../../model/metadata.ts'
import type { SeriesRef, TimeRange } from '../../model/store.ts'
import {
  encodingOf,
  finished,
  finishedForNow,
  histogramsEnd,
  histogramsForesee,
  OpenHistograms,
  rangeEnd,
  xorForesee,
  xorFull,
  xorUnwatched,
  type ClosedChunk,
  type OpenChunk,
} from './chunks.ts'
import { endsWithFloat, endsWithHistogram } from './lastsample.ts'
import { snapshotOf, type SeriesParts, type SeriesSnapshot } from './snapshot.ts'

/** The closed chunks of a series that has none. Never changed: the first one comes in an array of its own. */
const none: ClosedChunk[] = []
const fewChunks = 16

/** One series of the head: its chunks, of which the last one may be open. There are many: every field counts. */
export class MemSeries {
  readonly ref: SeriesRef
  readonly labels: Labels
  /** Place in the postings; negative while there is no sample to see. */
  ordinal = -1
  /** Whether the log has this series, so that samples may refer to it. */
  logged = false
  /** What was said of it last; shared with the series of which the same was said. */
  metadata: Metadata | null = null

  private closed: ClosedChunk[] = none
  private open: OpenChunk | null = null
  /** How many of the closed chunks are on disk by themselves, counted from the first. */
  private saved = 0

  constructor(ref: SeriesRef, labels: Labels) {
    this.ref = ref
    this.labels = labels
  }

  get empty(): boolean {
    return this.open === null && this.closed.length === 0
  }

  /** Time of the first sample; Infinity when there is none. */
  get minT(): number {
    const first = this.closed[0]
    if (first) return first.minT
    return this.open ? this.open.minT : Infinity
  }

  /** Time of the last sample; -Infinity when there is none. */
  get maxT(): number {
    const { open, closed } = this
    if (open) return open.t
    return closed.length > 0 ? (closed[closed.length - 1] as ClosedChunk).maxT : -Infinity
  }

  /** What the last sample is, and so what a marker behind it has to be (upstream's `latestInOrderValueType`); null when
   *  it is a float, or when there is none. */
  get lastHistogram(): 'integer' | 'float' | null {
    const { open, closed } = this
    const encoding = open ? encodingOf(open) : closed.at(-1)?.encoding
    if (encoding === chunkEncoding.histogram) return 'integer'
    return encoding === chunkEncoding.floatHistogram ? 'float' : null
  }

  /** Whether the last sample is this one, bit for bit. Behind a histogram, a stale marker is a histogram's. */
  endsWith(high: number, low: number): boolean {
    const { open } = this
    if (open instanceof XorChunk) return high === open.high && low === open.low
    const last = this.lastChunk()
    return last !== null && endsWithFloat(last, high, low)
  }

  /** Whether the last sample is row i (upstream `Equals`). */
  endsWithHistogram(from: HistogramColumns, i: number): boolean {
    const last = this.lastChunk()
    return last !== null && endsWithHistogram(last, from, i)
  }

  /** Adds a float behind the last sample: `t` must be later. Answers whether a chunk was started for it. */
  append(t: number, high: number, low: number, chunkRangeMs: number): boolean {
    const { open } = this
    if (open instanceof XorChunk && !this.mustCut(open, t)) {
      open.append(t, high, low)
      return false
    }
    const chunk = new XorChunk()
    chunk.append(t, high, low)
    this.follow(chunk, chunkRangeMs)
    return true
  }

  /** Adds floats [from, to) behind the last sample, which is none or a float: their times must ascend and be later. Answers
   *  how many chunks were started. */
  appendRun(of: SampleColumns, from: number, to: number, chunkRangeMs: number): number {
    const { t, bits } = of
    let started = 0
    let i = from
    while (i < to) {
      const { open } = this
      if (open instanceof XorChunk && !this.mustCut(open, t[i] as number)) {
        const first = i
        const end = Math.min(to, i + xorUnwatched(open))
        do i++
        while (i < end && (t[i] as number) < open.nextAt)
        open.appendRun(of, first, i)
      } else {
        this.append(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number, chunkRangeMs)
        started++
        i++
      }
    }
    return started
  }

  /** Adds row i, which is valid, behind the last sample: its time must be later. Answers whether a chunk was started for
   *  it. */
  appendHistogram(from: HistogramColumns, i: number, chunkRangeMs: number): boolean {
    const { open } = this
    const float = from.float[i] === 1
    const fits =
      open instanceof OpenHistograms &&
      (open.encoding === chunkEncoding.floatHistogram) === float &&
      !this.mustCutHistograms(open, from.t[i] as number, chunkRangeMs)
    const chunk = fits ? open.append(from, i) : OpenHistograms.begin(from, i, open)
    if (chunk === open) return false
    this.follow(chunk, chunkRangeMs)
    return true
  }

  /** The chunks with samples in [minT, maxT] as they are now; later samples do not show in them.
   *  @param deleted times whose samples are left out, ascending */
  snapshot(minT: number, maxT: number, deleted: readonly TimeRange[] = []): SeriesSnapshot {
    return snapshotOf(this.labels, this.closed, this.open, { minT, maxT }, deleted)
  }

  /** What `chunksOf` needs to answer later, whatever becomes of the series. */
  parts(deleted: readonly TimeRange[] = []): SeriesParts {
    const { labels, closed, open } = this
    return { labels, closed: closed.length < fewChunks ? closed : [...closed], open, deleted }
  }

  /** Adds chunks from the disk behind the last sample: their times must ascend and be later. */
  restore(chunks: readonly ClosedChunk[]): void {
    if (this.open) this.close(finished(this.open))
    this.open = null
    for (const chunk of chunks) this.close(chunk)
    this.saved = this.closed.length
  }

  /** Closed chunks that are not on disk by themselves. */
  unsaved(): readonly ClosedChunk[] {
    return this.saved === this.closed.length ? none : this.closed.slice(this.saved)
  }

  /** The chunks that end at `t` or before are on disk. */
  markSaved(t: number): void {
    const { closed } = this
    while (this.saved < closed.length && (closed[this.saved] as ClosedChunk).maxT <= t) this.saved++
  }

  /** Lets go of the chunks that end before `minT`; one that reaches over it stays whole. Answers how many went. */
  truncate(minT: number): number {
    const { closed, open } = this
    if (open && open.t < minT) {
      this.closed = none
      this.open = null
      this.saved = 0
      return closed.length + 1
    }
    let gone = 0
    while (gone < closed.length && (closed[gone] as ClosedChunk).maxT < minT) gone++
    // A new array: one that is shortened keeps its memory.
    if (gone > 0) this.closed = gone === closed.length ? none : closed.slice(gone)
    this.saved = Math.max(0, this.saved - gone)
    return gone
  }

  private mustCut(chunk: XorChunk, t: number): boolean {
    if (xorFull(chunk)) return true
    xorForesee(chunk)
    return t >= chunk.nextAt
  }

  private mustCutHistograms(open: OpenHistograms, t: number, chunkRangeMs: number): boolean {
    histogramsForesee(open)
    return histogramsEnd(open, t, chunkRangeMs)
  }

  /** Closes the open chunk; a new one takes its place. */
  private follow(chunk: OpenChunk, chunkRangeMs: number): void {
    if (this.open) this.close(finished(this.open))
    // A snapshot may hold the bytes of the old one, so they are not used again.
    this.open = chunk
    chunk.nextAt = rangeEnd(chunk.minT, chunkRangeMs)
  }

  private lastChunk(): ClosedChunk | null {
    return this.open ? finishedForNow(this.open) : (this.closed.at(-1) ?? null)
  }

  private close(chunk: ClosedChunk): void {
    // An array that grows takes room for 17, and most series of a head have fewer chunks. The short ones are never
    // changed, so that they can be handed out.
    if (this.closed.length < fewChunks) this.closed = [...this.closed, chunk]
    else this.closed.push(chunk)
  }
}
