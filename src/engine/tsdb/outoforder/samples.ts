import type { HistogramColumns } from '../../model/histogram/columns.ts'
import { OutOfOrderChunk, type Run } from './chunk.ts'
import { OpenChunk } from './openchunk.ts'

const none: readonly OutOfOrderChunk[] = []

/** The out-of-order samples of one series, in chunks in the order in which they came; the chunks overlap. */
export class SeriesSamples {
  /** Never changed, so that it can be handed out. */
  finished = none
  private open: OpenChunk | null = null

  /** Samples that are in no finished chunk. */
  get openCount(): number {
    return this.open ? this.open.count : 0
  }

  /** Answers false when the open chunk has a sample of that time. Those of finished ones are not looked at, as upstream. */
  insert(t: number, high: number, low: number): boolean {
    return (this.open ??= OpenChunk.empty()).insert(t, high, low)
  }

  insertHistogram(from: HistogramColumns, i: number): boolean {
    return (this.open ??= OpenChunk.empty()).insertHistogram(from, i)
  }

  /** Finishes the open chunk, which becomes one chunk for each kind in turn. */
  finish(): void {
    if (!this.open) return
    const chunks = this.open.encoded().map(chunk => new OutOfOrderChunk(chunk))
    this.open = null
    this.finished = [...this.finished, ...chunks]
  }

  /** Puts chunks in front that came before all of these. */
  putBefore(earlier: readonly OutOfOrderChunk[]): void {
    this.finished = [...earlier, ...this.finished]
  }

  reaches(minT: number, maxT: number): boolean {
    const within = (run: Run) => run.maxT >= minT && run.minT <= maxT
    return this.finished.some(within) || (this.open !== null && within(this.open))
  }

  /** The chunks that reach into [minT, maxT], as they are now. */
  runs(minT: number, maxT: number): Run[] {
    const within = (run: Run) => run.maxT >= minT && run.minT <= maxT
    const runs: Run[] = this.finished.filter(within)
    if (this.open && within(this.open)) runs.push(this.open.snapshot())
    return runs
  }
}
