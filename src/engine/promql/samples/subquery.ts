import { QueryError } from '../../model/errors.ts'
import { resetHint } from '../../model/histogram.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import { isFloatReset } from '../../model/histogram/floatreset.ts'
import type { SubqueryExpr } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { RangeSink } from './ranges.ts'
import { presence, type Grid, type Row } from '../row.ts'
import type { HistogramSamples, RangeSamples } from './samples.ts'
import type { Windows } from './windows.ts'

/** The series of a subquery: its expression, evaluated at the multiples of its step that the windows can hold, as
 *  samples of a range vector. */
export async function eachSubquerySeries(
  expr: SubqueryExpr,
  windows: Windows,
  query: Evaluation,
  take: RangeSink,
): Promise<void> {
  const grid = subqueryGrid(expr, windows, query)
  if (grid.steps <= 0) return
  const samples = new RowSamples(grid)
  await evaluate(expr.expr, query.withGrid(grid), row => {
    take(row.labels, row.dropName, samples.of(row))
  })
}

/** Begins at the first multiple of the step behind the beginning of the first window (upstream's `subqueryTimeRange`,
 *  which divides toward 0). */
function subqueryGrid({ step }: SubqueryExpr, windows: Windows, query: Evaluation): Grid {
  const stepMs = step === null ? query.options.subqueryStepMs : Math.trunc(step.ms)
  // Upstream divides whole milliseconds, and says what Go does then.
  if (stepMs === 0)
    throw new QueryError('execution', 'unexpected error: runtime error: integer divide by zero')
  const before = windows.range.minT - 1
  let start = stepMs * Math.trunc(before / stepMs)
  if (start <= before) start += stepMs
  const steps = Math.floor((windows.range.maxT - start) / stepMs) + 1
  query.limit(steps)
  return { start, step: stepMs, steps }
}

/** Rows as samples, with memory that is used again. */
class RowSamples {
  private readonly grid: Grid
  private readonly t: Float64Array
  private readonly v: Float64Array

  constructor(grid: Grid) {
    this.grid = grid
    this.t = new Float64Array(grid.steps)
    this.v = new Float64Array(grid.steps)
  }

  of({ values, present, histograms }: Row): RangeSamples {
    const { grid, t, v } = this
    let count = 0
    for (let s = 0; s < grid.steps; s++) {
      if (present[s] !== presence.float) continue
      t[count] = grid.start + s * grid.step
      v[count++] = values[s] as number
    }
    return { floats: { count, t, v, starts: null }, histograms: histograms && this.histogramsOf(histograms) }
  }

  private histogramsOf(all: readonly (FloatHistogram | null)[]): RangeSamples['histograms'] {
    const { start, step } = this.grid
    const found: FloatHistogram[] = []
    const times: number[] = []
    for (const [s, histogram] of all.entries()) {
      if (!histogram) continue
      found.push(withoutHint(histogram))
      times.push(start + s * step)
    }
    if (found.length === 0) return null
    return new EvaluatedHistograms(Float64Array.from(times), found)
  }
}

class EvaluatedHistograms implements HistogramSamples {
  readonly count: number
  readonly t: Float64Array
  readonly starts = null
  private readonly all: readonly FloatHistogram[]

  constructor(t: Float64Array, all: readonly FloatHistogram[]) {
    this.count = all.length
    this.t = t
    this.all = all
  }

  at(i: number): FloatHistogram {
    return this.all[i] as FloatHistogram
  }

  isReset(i: number): boolean {
    return isFloatReset(this.at(i), this.at(i - 1))
  }

  weight(i: number): number {
    return this.at(i).weight
  }
}

/** Between samples that were picked out of others a reset may have been passed over, or come twice: what is known of
 *  it must be found out anew. */
function withoutHint(histogram: FloatHistogram): FloatHistogram {
  const known = histogram.hint === resetHint.reset || histogram.hint === resetHint.notReset
  return known ? histogram.withHint(resetHint.unknown) : histogram
}
