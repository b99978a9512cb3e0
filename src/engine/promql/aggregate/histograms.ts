import type { Span } from '../../model/errors.ts'
import { resetHint } from '../../model/histogram.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import { compactInPlace } from '../../model/histogram/floatadd.ts'
import { HistogramMean, HistogramSum } from '../../model/histogram/floatsum.ts'
import {
  counterResetCollision,
  mismatchedCustomBuckets,
  mixedExponentialCustom,
  mixedFloatsHistogramsInAggregation,
} from '../annotations.ts'
import type { Evaluation } from '../evaluation.ts'
import { histogramAt, presence, setHistogram, type Row } from '../row.ts'

/** What has been seen of a step. */
const seen = { mixed: 1, incompatible: 2, reset: 4, notReset: 8 } as const

/** The histograms of one group, added up step by step. A step with floats, too, has no result. */
export class HistogramFold {
  private readonly what: 'sum' | 'mean'
  private readonly query: Evaluation
  private readonly place: Span
  private readonly sums: (HistogramSum | HistogramMean | null)[]
  private readonly seen: Uint8Array

  /** @param place where to say what was noticed */
  constructor(steps: number, what: 'sum' | 'mean', query: Evaluation, place: Span) {
    this.what = what
    this.query = query
    this.place = place
    this.sums = new Array<null>(steps).fill(null)
    this.seen = new Uint8Array(steps)
  }

  /** Takes a row's histogram of a step into the group. Whether there is a float that the group can take instead.
   *  @param metric the name of the row */
  take(row: Row, group: Row, s: number, metric: string): boolean {
    if (row.present[s] === presence.none || this.has(s, seen.incompatible)) return false
    if (row.present[s] === presence.float) {
      if (group.present[s] !== presence.histogram) return true
      this.see(s, seen.mixed)
    } else if (group.present[s] === presence.float) {
      this.see(s, seen.mixed)
    } else {
      group.present[s] = presence.histogram
      this.add(histogramAt(row, s), s, metric)
    }
    return false
  }

  private add(h: FloatHistogram, s: number, metric: string): void {
    if (h.hint === resetHint.reset) this.see(s, seen.reset)
    if (h.hint === resetHint.notReset) this.see(s, seen.notReset)
    const sum = this.sums[s]
    if (!sum) {
      this.sums[s] = this.what === 'sum' ? new HistogramSum(h) : new HistogramMean(h)
      return
    }
    const noticed = sum.add(h)
    if (!noticed) {
      this.query.note(mixedExponentialCustom(metric), this.place)
      this.see(s, seen.incompatible)
    } else if (noticed.boundsReconciled) {
      this.query.note(mismatchedCustomBuckets('aggregation'), this.place)
    }
  }

  /** Puts the results into the group. */
  finish(group: Row): void {
    for (let s = 0; s < this.seen.length; s++) {
      if (this.has(s, seen.mixed)) {
        this.query.note(mixedFloatsHistogramsInAggregation(), this.place)
        group.present[s] = presence.none
      } else if (this.has(s, seen.incompatible)) {
        group.present[s] = presence.none
      } else if (group.present[s] === presence.histogram) {
        setHistogram(group, s, this.result(s))
        if (this.has(s, seen.reset) && this.has(s, seen.notReset))
          this.query.note(counterResetCollision('aggregation'), this.place)
      }
    }
  }

  private result(s: number): FloatHistogram {
    const sum = this.sums[s] as HistogramSum | HistogramMean
    const result = sum instanceof HistogramSum ? sum.total() : sum.mean()
    compactInPlace(result)
    return result
  }

  private has(s: number, what: number): boolean {
    return ((this.seen[s] as number) & what) !== 0
  }

  private see(s: number, what: number): void {
    this.seen[s] = (this.seen[s] as number) | what
  }
}
