import { FloatHistogram } from '../../model/histogram/float.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { Columns, TimeRange } from '../../model/store.ts'
import type { VectorSelector } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { HistogramStats } from './histogramstats.ts'
import { emptyRow, presence, setHistogram, type Row, type Sink } from '../row.ts'
import { smoothed } from './smoothed.ts'

// Where samples come in: each series is decoded once, for all steps.

/** Instant vector selector: at every step the newest sample of (t − lookback, t], unless it is a stale marker. */
export async function selectInstant(expr: VectorSelector, query: Evaluation, sink: Sink): Promise<void> {
  if (expr.ends === 'smoothed') return smoothed(expr, query, sink)
  const times = new LookTimes(expr, query)
  const row = emptyRow(query.grid.steps)
  await eachSeries(expr, times.range(query.lookbackMs), query, (labels, samples) => {
    row.labels = labels
    row.histograms = null
    if (samples.histograms) newestOfBoth(samples, samples.histograms, times, row)
    else newest(samples, times, row)
    query.tally.addRow(row)
    sink(row)
  })
}

/** When a selector looks, step by step. */
export class LookTimes {
  readonly steps: number
  readonly first: number
  readonly stepMs: number
  readonly lookbackMs: number

  constructor({ offset, at }: VectorSelector, { grid, lookbackMs }: Evaluation) {
    this.steps = grid.steps
    this.first = (at?.kind === 'time' ? at.ms : grid.start) - Math.trunc(offset.ms)
    this.stepMs = at === null ? grid.step : 0
    this.lookbackMs = lookbackMs
  }

  /** Times of the samples that are looked at, `before` milliseconds before; both ends belong to it. */
  range(before: number, behind = 0): TimeRange {
    return {
      minT: this.first - before + 1,
      maxT: this.first + (this.steps - 1) * this.stepMs + behind,
    }
  }
}

function newest({ count, t, v, stale }: Columns, times: LookTimes, { present, values }: Row): void {
  const { first, stepMs, steps, lookbackMs } = times
  let next = 0
  for (let s = 0; s < steps; s++) {
    const now = first + s * stepMs
    while (next < count && (t[next] as number) <= now) next++
    const found = next > 0 && (t[next - 1] as number) > now - lookbackMs && !stale?.[next - 1]
    present[s] = found ? presence.float : presence.none
    if (found) values[s] = v[next - 1] as number
  }
}

function newestOfBoth(
  { count, t, v, stale }: Columns,
  histograms: HistogramColumns,
  times: LookTimes,
  row: Row,
): void {
  const { first, stepMs, steps, lookbackMs } = times
  const made = new Map<number, FloatHistogram>()
  let next = 0
  let nextHistogram = 0
  for (let s = 0; s < steps; s++) {
    const now = first + s * stepMs
    while (next < count && (t[next] as number) <= now) next++
    while (nextHistogram < histograms.count && (histograms.t[nextHistogram] as number) <= now) nextHistogram++
    const floatT = next > 0 ? (t[next - 1] as number) : -Infinity
    const histogramT = nextHistogram > 0 ? (histograms.t[nextHistogram - 1] as number) : -Infinity
    row.present[s] = presence.none
    if (Math.max(floatT, histogramT) <= now - lookbackMs) continue
    if (floatT > histogramT) {
      if (stale?.[next - 1]) continue
      row.present[s] = presence.float
      row.values[s] = v[next - 1] as number
    } else if (histograms.stale[nextHistogram - 1] === 0) {
      setHistogram(row, s, histogramOf(histograms, nextHistogram - 1, made))
    }
  }
}

/** Steps that find the same sample share its histogram. */
function histogramOf(
  columns: HistogramColumns,
  i: number,
  made: Map<number, FloatHistogram>,
): FloatHistogram {
  let histogram = made.get(i)
  if (!histogram) made.set(i, (histogram = FloatHistogram.ofRow(columns, i)))
  return histogram
}

/** Hands on the samples of each series that the selector matches, in the order of their labels. What it hands on is
 *  lent. */
export async function eachSeries(
  selector: VectorSelector,
  range: TimeRange,
  query: Evaluation,
  take: (labels: Labels, samples: Columns) => void,
): Promise<void> {
  const stats = selector.statsOnly ? new HistogramStats(selector, range, query.grid) : null
  for await (const batch of query.select(selector.matchers, range)) {
    for (let i = 0; i < batch.count; i++) {
      if (query.due) await query.pause()
      const columns = batch.columns(i)
      take(batch.labels(i), stats ? stats.of(columns) : columns)
    }
  }
}
