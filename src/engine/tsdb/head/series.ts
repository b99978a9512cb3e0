import { decodeXor, maxSampleBytes, XorChunk } from '../../chunks/xor.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { AppendResult, SeriesRef } from '../../model/store.ts'

const samplesPerChunk = 120
const maxChunkBytes = 1024

/** The closed chunks of a series that has none. Never changed: the first one comes in an array of its own. */
const none: ClosedChunk[] = []
const fewChunks = 16

/** One series of the head: its chunks, the last of which is open. */
export class MemSeries {
  readonly ref: SeriesRef
  readonly labels: Labels
  /** Place in the postings; negative while there is no sample to see. */
  ordinal = -1
  /** Whether the log has this series, so that samples may refer to it. */
  logged = false

  private closed: ClosedChunk[] = none
  private open: XorChunk | null = null
  /** A sample from this time on starts another chunk. */
  private nextAt = 0

  constructor(ref: SeriesRef, labels: Labels) {
    this.ref = ref
    this.labels = labels
  }

  get empty(): boolean {
    return this.open === null
  }

  /** Time of the first sample; Infinity when there is none. */
  get minT(): number {
    const first = this.closed[0]
    if (first) return first.minT
    return this.open ? this.open.minT : Infinity
  }

  /** Time of the last sample; -Infinity when there is none. */
  get maxT(): number {
    return this.open ? this.open.t : -Infinity
  }

  /** Whether a sample could be added behind the last. `appended` with `t` = `maxT` means that it is there already,
   *  bit for bit. */
  check(t: number, high: number, low: number): AppendResult {
    const last = this.open
    if (!last || t > last.t) return 'appended'
    if (t < last.t) return 'outOfOrder'
    return high === last.high && low === last.low ? 'appended' : 'duplicate'
  }

  /** Adds a sample behind the last: `t` must be later. Answers whether a chunk was started for it. */
  append(t: number, high: number, low: number, chunkRangeMs: number): boolean {
    let chunk = this.open
    const cut = chunk === null || this.mustCut(chunk, t)
    if (chunk === null || cut) chunk = this.cut(t, chunkRangeMs)
    chunk.append(t, high, low)
    return cut
  }

  /** The chunks with samples in [minT, maxT] as they are now; later samples do not show in them. */
  snapshot(minT: number, maxT: number): SeriesSnapshot {
    const chunks: Uint8Array[] = []
    const counts: number[] = []
    for (const chunk of this.closed) {
      if (chunk.maxT < minT || chunk.minT > maxT) continue
      chunks.push(chunk.bytes)
      counts.push(chunk.count)
    }
    if (this.open && this.open.t >= minT && this.open.minT <= maxT) {
      chunks.push(this.open.bytes)
      counts.push(this.open.count)
    }
    return new SeriesSnapshot(this.labels, chunks, counts)
  }

  /** All chunks, the open one as it is now. */
  encoded(): ClosedChunk[] {
    return chunksOf(this.parts(), -Infinity, Infinity)
  }

  /** What `chunksOf` needs to answer later, whatever becomes of the series. */
  parts(): SeriesParts {
    const { labels, closed, open } = this
    return { labels, closed: closed.length < fewChunks ? closed : [...closed], open }
  }

  /** Lets go of the chunks that end before `minT`; one that reaches over it stays whole. Answers how many went. */
  truncate(minT: number): number {
    const { closed, open } = this
    if (open && open.t < minT) {
      this.closed = none
      this.open = null
      return closed.length + 1
    }
    let gone = 0
    while (gone < closed.length && (closed[gone] as ClosedChunk).maxT < minT) gone++
    // A new array: one that is shortened keeps its memory.
    if (gone > 0) this.closed = gone === closed.length ? none : closed.slice(gone)
    return gone
  }

  /** Upstream's `appendPreprocessor`, check by check. */
  private mustCut(chunk: XorChunk, t: number): boolean {
    if (chunk.byteLength > maxChunkBytes - maxSampleBytes) return true
    // A quarter of the samples is enough to see when the chunk would be full; it ends so that the chunks of the
    // range become equally long.
    if (chunk.count === samplesPerChunk / 4) this.nextAt = chunkEnd(chunk.minT, chunk.t, this.nextAt)
    return t >= this.nextAt || chunk.count >= samplesPerChunk * 2
  }

  private cut(t: number, chunkRangeMs: number): XorChunk {
    if (this.open) this.close(finished(this.open))
    // A snapshot may hold the bytes of the old one, so they are not used again.
    this.open = new XorChunk()
    this.nextAt = rangeEnd(t, chunkRangeMs)
    return this.open
  }

  private close(chunk: ClosedChunk): void {
    // An array that grows takes room for 17, and most series of a head have fewer chunks. The short ones are never
    // changed, so that they can be handed out.
    if (this.closed.length < fewChunks) this.closed = [...this.closed, chunk]
    else this.closed.push(chunk)
  }
}

/** A chunk that is finished. */
export interface ClosedChunk {
  readonly minT: number
  /** Closed: the time of the last sample. */
  readonly maxT: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** A series at a moment, taken without looking at its chunks: of 100,000 series that is done in 10 ms. Samples
 *  that the open chunk takes up later do show. */
export interface SeriesParts {
  readonly labels: Labels
  readonly closed: readonly ClosedChunk[]
  readonly open: XorChunk | null
}

/** The chunks with samples in [minT, maxT), each as a whole. */
export function chunksOf({ closed, open }: SeriesParts, minT: number, maxT: number): ClosedChunk[] {
  const chunks = closed.filter(chunk => chunk.maxT >= minT && chunk.minT < maxT)
  if (open && open.t >= minT && open.minT < maxT) chunks.push(finished(open))
  return chunks
}

/** The open chunk as it is now. */
function finished(open: XorChunk): ClosedChunk {
  return { minT: open.minT, maxT: open.t, count: open.count, bytes: open.encoded() }
}

/** The chunks of one series at a moment. */
export class SeriesSnapshot {
  readonly labels: Labels
  private readonly chunks: readonly Uint8Array[]
  private readonly counts: readonly number[]

  constructor(labels: Labels, chunks: readonly Uint8Array[], counts: readonly number[]) {
    this.labels = labels
    this.chunks = chunks
    this.counts = counts
  }

  get empty(): boolean {
    return this.chunks.length === 0
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** Decodes all samples of the chunks behind those that `out` has. */
  decode(out: SampleColumns): void {
    out.reserve(this.counts.reduce((sum, count) => sum + count, 0))
    for (const [i, chunk] of this.chunks.entries()) decodeXor(chunk, this.counts[i] as number, out)
  }
}

/** When a chunk should end that took from `start` to `current` for its first quarter, so that chunks of equal
 *  length fill the time up to `max`. */
function chunkEnd(start: number, current: number, max: number): number {
  const chunks = (max - start) / ((current - start + 1) * 4)
  return chunks <= 1 ? max : Math.trunc(start + (max - start) / Math.floor(chunks))
}

/** End of the range that `t` falls in (upstream's `rangeForTimestamp`). Divides toward 0 as Go does, so the two ranges around 0 are one. */
export function rangeEnd(t: number, rangeMs: number): number {
  return t - (t % rangeMs) + rangeMs
}
