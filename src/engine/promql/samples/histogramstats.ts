import { resetHint, type HistogramLayout, type ResetHint } from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { isReset } from '../../model/histogram/reset.ts'
import type { Columns, TimeRange } from '../../model/store.ts'
import type { Expr, VectorSelector } from '../syntax/ast.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Grid } from '../row.ts'

// Who asks for no more than count and sum of native histograms needs no buckets. Where they are left out, counter resets are
// looked for beforehand, and the hints say what was found: that can be seen in annotations (upstream's
// `detectHistogramStatsDecoding` and `HistogramStatsIterator`).

const needStats: ReadonlySet<FunctionName> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg'])
const needBuckets: ReadonlySet<FunctionName> = new Set([
  ...(['histogram_quantile', 'histogram_quantiles', 'histogram_fraction'] as const),
])

/** Marks the selectors whose buckets nobody looks at; of an expression that was not preprocessed yet. A subquery needs them
 *  to find resets, because it passes samples over. */
export function markStatsOnly(expr: Expr, asked = false): Expr {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'subquery':
      return expr
    case 'vectorSelector':
      return asked ? { ...expr, statsOnly: true } : expr
    case 'matrixSelector':
      return asked ? { ...expr, selector: { ...expr.selector, statsOnly: true } } : expr
    case 'paren':
    case 'unary':
    case 'stepInvariant':
      return { ...expr, expr: markStatsOnly(expr.expr, asked) }
    case 'aggregate': {
      const param = expr.param && markStatsOnly(expr.param, asked)
      return { ...expr, param, expr: markStatsOnly(expr.expr, asked) }
    }
    case 'binary': {
      if (expr.op === '</' || expr.op === '>/') return expr
      const { left, right } = expr
      return { ...expr, left: markStatsOnly(left, asked), right: markStatsOnly(right, asked) }
    }
    case 'call': {
      if (needBuckets.has(expr.name)) return expr
      const inside = asked || needStats.has(expr.name)
      return { ...expr, args: expr.args.map(arg => markStatsOnly(arg, inside)) }
    }
  }
}

/** Takes the buckets from the histograms of one series after the other. */
export class HistogramStats {
  private readonly grid: Grid
  private readonly range: TimeRange
  private readonly stepMs: number
  private readonly stats = new HistogramColumns()

  /** @param range what the selector looks at: at the first step from its beginning, at the last one to its end */
  constructor({ at }: VectorSelector, range: TimeRange, grid: Grid) {
    this.grid = grid
    this.range = range
    this.stepMs = at === null ? grid.step : 0
  }

  /** The same samples without buckets; what it answers is lent until the next call. */
  of(columns: Columns): Columns {
    const { histograms } = columns
    if (!histograms) return columns
    const begins = this.begins(columns.t.subarray(0, columns.count), histograms)
    const { stats } = this
    stats.clear()
    let previous = -1
    for (let i = 0; i < histograms.count; i++) {
      if (begins[i] === 1) previous = -1
      if (histograms.stale[i] === 1) {
        stats.add(histograms.t[i] as number, stats.intern(layoutOf(0)), 1)
        continue
      }
      const row = stats.add(histograms.t[i] as number, stats.intern(layoutOf(histograms.layoutOf(i).schema)))
      stats.observations[row] = histograms.observations[i] as number
      stats.sum[row] = histograms.sum[i] as number
      stats.float[row] = 1
      stats.hint[row] = hintOf(histograms, i, previous)
      previous = i
    }
    return { ...columns, histograms: stats }
  }

  /** Marks the histograms in front of which nothing is known: the first one, and those behind samples that no step looks
   *  at. */
  private begins(floatTimes: Float64Array, histograms: HistogramColumns): Uint8Array {
    const { grid, range, stepMs } = this
    const times = histograms.t.subarray(0, histograms.count)
    const begins = new Uint8Array(times.length)
    let [float, histogram] = [0, 0]
    // The first sample at the time of the former step or later: upstream's reader stands there.
    let reader = -Infinity
    for (let s = 0; s < grid.steps; s++) {
      const begin = range.minT + s * stepMs
      const end = range.maxT - (grid.steps - 1 - s) * stepMs
      if (begin > reader) {
        histogram = firstAt(times, begin, histogram)
        if (histogram < times.length) begins[histogram] = 1
      }
      float = firstAt(floatTimes, end, float)
      histogram = firstAt(times, end, histogram)
      reader = Math.min(floatTimes[float] ?? Infinity, times[histogram] ?? Infinity)
    }
    return begins
  }
}

/** The first sample at `t` or later, from `from` on. */
function firstAt(times: Float64Array, t: number, from: number): number {
  let i = from
  while (i < times.length && (times[i] as number) < t) i++
  return i
}

function layoutOf(schema: number): HistogramLayout {
  const none = new Int32Array(0)
  return { schema, zeroThreshold: 0, positiveSpans: none, negativeSpans: none, bounds: new Float64Array(0) }
}

/** What is known of a reset in front of sample i. */
function hintOf(histograms: HistogramColumns, i: number, previous: number): ResetHint {
  const hint = histograms.hint[i] as ResetHint
  if (hint !== resetHint.unknown || previous < 0) return hint
  return isReset(histograms, i, histograms, previous) ? resetHint.reset : resetHint.notReset
}
