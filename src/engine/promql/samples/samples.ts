import { FloatHistogram, weightOf } from '../../model/histogram/float.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import { isReset } from '../../model/histogram/reset.ts'
import type { Columns } from '../../model/store.ts'

/** Float samples in time order, stale markers left out. Arrays may be longer than `count`. */
export interface FloatSamples {
  readonly count: number
  /** Milliseconds. */
  readonly t: Float64Array
  readonly v: Float64Array
  /** When the counter behind each sample began, milliseconds, 0 where it is not known; null unless somebody wants to
   *  know. */
  readonly starts: Float64Array | null
}

/** Native histograms in time order, stale markers left out. */
export interface HistogramSamples {
  readonly count: number
  readonly t: Float64Array
  readonly starts: Float64Array | null
  /** Made when it is first asked for; not to be changed. */
  at(i: number): FloatHistogram
  /** Whether the counter was reset between the sample before and this one. */
  isReset(i: number): boolean
  /** How many float samples it counts for. */
  weight(i: number): number
}

/** The samples of one series that windows slide over, lent until the next series. A series may have both kinds, at
 *  different times. */
export interface RangeSamples {
  readonly floats: FloatSamples
  /** Null when there is none. */
  readonly histograms: HistogramSamples | null
}

/** Makes range samples of what the store lends, series by series, with memory that is used again. */
export class LiveSamples {
  private readonly starts: boolean
  private t = new Float64Array(0)
  private v = new Float64Array(0)
  private startTimes = new Float64Array(0)

  /** @param starts whether somebody wants to know when counters began */
  constructor(starts: boolean) {
    this.starts = starts
  }

  of(columns: Columns): RangeSamples {
    const { count, t, v, stale, histograms } = columns
    const starts = (this.starts && columns.starts) || null
    const floats = { count, t, v, starts: starts?.floats ?? null }
    return {
      floats: stale ? this.withoutMarkers(floats, stale) : floats,
      histograms: histograms && liveHistograms(histograms, starts?.histograms ?? null),
    }
  }

  private withoutMarkers({ count, t, v, starts }: FloatSamples, stale: Uint8Array): FloatSamples {
    this.makeRoom(count)
    let live = 0
    for (let i = 0; i < count; i++) {
      if (stale[i]) continue
      this.t[live] = t[i] as number
      this.v[live] = v[i] as number
      if (starts) this.startTimes[live] = starts[i] as number
      live++
    }
    return { count: live, t: this.t, v: this.v, starts: starts && this.startTimes }
  }

  private makeRoom(count: number): void {
    if (this.t.length >= count) return
    this.t = new Float64Array(count * 2)
    this.v = new Float64Array(count * 2)
    if (this.starts) this.startTimes = new Float64Array(count * 2)
  }
}

function liveHistograms(columns: HistogramColumns, starts: Float64Array | null): HistogramSamples | null {
  const rows: number[] = []
  for (let i = 0; i < columns.count; i++) if (columns.stale[i] === 0) rows.push(i)
  return rows.length > 0 ? new StoredHistograms(columns, Int32Array.from(rows), starts) : null
}

/** Histograms as the store has them: what was asked for once is kept. */
class StoredHistograms implements HistogramSamples {
  readonly count: number
  readonly t: Float64Array
  readonly starts: Float64Array | null
  private readonly columns: HistogramColumns
  private readonly rows: Int32Array
  private readonly made: FloatHistogram[] = []
  /** 0 is unknown. */
  private readonly resets: Uint8Array

  /** @param starts of all rows of the columns */
  constructor(columns: HistogramColumns, rows: Int32Array, starts: Float64Array | null) {
    this.columns = columns
    this.rows = rows
    this.count = rows.length
    this.t = Float64Array.from(rows, row => columns.t[row] as number)
    this.starts = starts && Float64Array.from(rows, row => starts[row] as number)
    this.resets = new Uint8Array(rows.length)
  }

  at(i: number): FloatHistogram {
    return (this.made[i] ??= FloatHistogram.ofRow(this.columns, this.rows[i] as number))
  }

  isReset(i: number): boolean {
    const known = this.resets[i]
    if (known) return known === 2
    const { columns, rows } = this
    const reset = isReset(columns, rows[i] as number, columns, rows[i - 1] as number)
    this.resets[i] = reset ? 2 : 1
    return reset
  }

  weight(i: number): number {
    const row = this.rows[i] as number
    return weightOf(this.columns.layoutOf(row), this.columns.size(row))
  }
}
