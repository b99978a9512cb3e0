import { decodeXor, maxSampleBytes, XorChunk } from '../../chunks/xor.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { AppendResult, SeriesRef } from '../../model/store.ts'

const samplesPerChunk = 120
const maxChunkBytes = 1024

/** One series of the head: its chunks, the last of which is open. */
export class MemSeries {
  readonly ref: SeriesRef
  readonly labels: Labels
  /** The next series with the same hash. */
  next: MemSeries | null = null
  /** Place in the postings; -1 before the first sample is visible. */
  ordinal = -1
  /** Whether the log has this series, so that samples may refer to it. */
  logged = false
  /** Time of the first and the last sample; Infinity and -Infinity when there is none. */
  minT = Infinity
  maxT = -Infinity

  private readonly closed: ClosedChunk[] = []
  private open: XorChunk | null = null
  private openMinT = 0
  /** A sample from this time on starts another chunk. */
  private nextAt = 0
  private lastHigh = 0
  private lastLow = 0

  constructor(ref: SeriesRef, labels: Labels) {
    this.ref = ref
    this.labels = labels
  }

  /** Whether a sample could be added behind the last. `appended` with `t` = `maxT` means that it is there already,
   *  bit for bit. */
  check(t: number, high: number, low: number): AppendResult {
    if (t > this.maxT) return 'appended'
    if (t < this.maxT) return 'outOfOrder'
    return high === this.lastHigh && low === this.lastLow ? 'appended' : 'duplicate'
  }

  /** Adds a sample behind the last: `t` must be later. Answers whether a chunk was started for it. */
  append(t: number, high: number, low: number, chunkRangeMs: number): boolean {
    let chunk = this.open
    const cut = chunk === null || this.mustCut(chunk, t)
    if (chunk === null || cut) chunk = this.cut(t, chunkRangeMs)
    chunk.append(t, high, low)
    if (this.minT === Infinity) this.minT = t
    this.maxT = t
    this.lastHigh = high
    this.lastLow = low
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
    if (this.open && this.maxT >= minT && this.openMinT <= maxT) {
      chunks.push(this.open.bytes)
      counts.push(this.open.count)
    }
    return new SeriesSnapshot(this.labels, chunks, counts)
  }

  /** All chunks, the open one as it is now. */
  encoded(): ClosedChunk[] {
    const { closed, open, openMinT, maxT } = this
    if (!open) return [...closed]
    return [...closed, { minT: openMinT, maxT, count: open.count, bytes: open.encoded() }]
  }

  /** Upstream's `appendPreprocessor`, check by check. */
  private mustCut(chunk: XorChunk, t: number): boolean {
    if (chunk.byteLength > maxChunkBytes - maxSampleBytes) return true
    // A quarter of the samples is enough to see when the chunk would be full; it ends so that the chunks of the
    // range become equally long.
    if (chunk.count === samplesPerChunk / 4) this.nextAt = chunkEnd(this.openMinT, this.maxT, this.nextAt)
    return t >= this.nextAt || chunk.count >= samplesPerChunk * 2
  }

  private cut(t: number, chunkRangeMs: number): XorChunk {
    if (this.open) {
      const { open, openMinT, maxT } = this
      this.closed.push({ minT: openMinT, maxT, count: open.count, bytes: open.encoded() })
    }
    // A snapshot may hold the bytes of the old one, so they are not used again.
    this.open = new XorChunk()
    this.openMinT = t
    this.nextAt = rangeEnd(t, chunkRangeMs)
    return this.open
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

/** End of the range that `t` falls in. Divides toward 0 as Go does, so the two ranges around 0 are one. */
function rangeEnd(t: number, rangeMs: number): number {
  return t - (t % rangeMs) + rangeMs
}
