import type { TimeRange } from '../../model/store.ts'
import type { MatrixSelector, SubqueryExpr } from '../syntax/ast.ts'
import type { Grid } from '../row.ts'
import type { HistogramSamples, RangeSamples } from './samples.ts'

const nobody = new Int32Array(0)

/** The samples of every step: those with times in (end − range, end]. With anchored or smoothed ends a window also has
 *  the samples of the lookback before it, and smoothed those behind it (upstream's extended range selectors).
 *
 *  Windows of consecutive steps slide over the columns with indexes that only go forward. */
export class Windows {
  readonly steps: number
  /** Float samples [from[s], to[s]) belong to step s. */
  readonly from: Int32Array
  readonly to: Int32Array
  /** The same of the histograms; only for a series that has some. */
  histogramFrom: Int32Array = nobody
  histogramTo: Int32Array = nobody
  readonly rangeMs: number
  /** The range as written, in seconds. */
  readonly rangeSeconds: number
  readonly ends: 'plain' | 'anchored' | 'smoothed'
  /** The most samples that a window of the series at hand has, a histogram counted by its weight. */
  largest = 0
  /** Milliseconds that a window has before its beginning and behind its end. */
  private readonly before: number
  private readonly behind: number
  private readonly firstBegin: number
  private readonly firstEnd: number
  private readonly stepMs: number

  constructor(grid: Grid, expr: MatrixSelector | SubqueryExpr, lookbackMs: number) {
    const shift = expr.kind === 'subquery' ? expr : expr.selector
    const now = shift.at?.kind === 'time' ? shift.at.ms : grid.start
    this.steps = grid.steps
    this.from = new Int32Array(grid.steps)
    this.to = new Int32Array(grid.steps)
    this.rangeMs = Math.trunc(expr.range.ms)
    this.rangeSeconds = goSeconds(expr.range.ms)
    this.ends = expr.kind === 'subquery' ? 'plain' : expr.selector.ends
    this.before = this.ends === 'plain' ? 0 : lookbackMs
    this.behind = this.ends === 'smoothed' ? lookbackMs : 0
    this.firstBegin = now - Math.trunc(expr.range.ms + shift.offset.ms)
    this.firstEnd = now - Math.trunc(shift.offset.ms)
    this.stepMs = shift.at === null ? grid.step : 0
  }

  /** Times of the samples that the windows can hold; both ends belong to it. */
  get range(): TimeRange {
    return {
      minT: this.firstEnd - this.rangeMs - this.before + 1,
      maxT: this.end(this.steps - 1) + this.behind,
    }
  }

  /** Time of the left end of a step's window, which does not belong to it; without what an extended one has before. */
  begin(step: number): number {
    return this.firstBegin + step * this.stepMs
  }

  /** Time of the right end of a step's window; without what an extended one has behind. */
  end(step: number): number {
    return this.firstEnd + step * this.stepMs
  }

  /** Finds the windows of all steps; answers the number of samples in them, those in several counted several times and
   *  histograms by their weight. */
  slide({ floats, histograms }: RangeSamples): number {
    this.largest = 0
    const total = this.slideOver(floats, this.from, this.to)
    if (histograms === null) return total
    if (this.histogramFrom === nobody) {
      this.histogramFrom = new Int32Array(this.steps)
      this.histogramTo = new Int32Array(this.steps)
    }
    this.slideOver(histograms, this.histogramFrom, this.histogramTo)
    return total + this.weigh(histograms)
  }

  private slideOver(
    { t, count }: { readonly t: Float64Array; readonly count: number },
    from: Int32Array,
    to: Int32Array,
  ): number {
    const { steps, stepMs } = this
    const firstTo = this.firstEnd + this.behind
    const firstFrom = this.firstEnd - this.rangeMs - this.before
    let left = 0
    let right = 0
    let total = 0
    let largest = 0
    for (let s = 0; s < steps; s++) {
      const moved = s * stepMs
      while (right < count && (t[right] as number) <= firstTo + moved) right++
      while (left < right && (t[left] as number) <= firstFrom + moved) left++
      from[s] = left
      to[s] = right
      const size = right - left
      total += size
      if (size > largest) largest = size
    }
    this.largest = largest
    return total
  }

  private weigh(histograms: HistogramSamples): number {
    const { from, to, histogramFrom, histogramTo, steps } = this
    let left = 0
    let right = 0
    let weight = 0
    let total = 0
    this.largest = 0
    for (let s = 0; s < steps; s++) {
      while (right < (histogramTo[s] as number)) weight += histograms.weight(right++)
      while (left < (histogramFrom[s] as number)) weight -= histograms.weight(left++)
      total += weight
      this.largest = Math.max(this.largest, (to[s] as number) - (from[s] as number) + weight)
    }
    return total
  }
}

/** Go's `Duration.Seconds`: whole seconds and the rest are converted apart, which can differ in the last bit. */
function goSeconds(ms: number): number {
  const whole = Math.trunc(ms / 1000)
  return whole + (Math.round(ms * 1e6) - whole * 1e9) / 1e9
}
