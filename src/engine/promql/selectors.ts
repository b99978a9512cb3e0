import { metricName, valueOf, type Labels } from '../model/labels.ts'
import type { Columns, TimeRange } from '../model/store.ts'
import { unwrap, type Call, type Expr, type MatrixSelector, type VectorSelector } from './ast.ts'
import type { Evaluation } from './evaluation.ts'
import { functions, type PromFunction } from './functions.ts'
import { distinct, dropName, hasOneName } from './naming.ts'
import { countPresent, emptyRow, type Row, type Sink } from './row.ts'
import { Windows } from './windows.ts'
import { quote } from '../model/labels.ts'

// Where samples come in: each series is decoded once, for all steps.

/** Instant vector selector: at every step the newest sample of (t − lookback, t], unless it is a stale marker. */
export async function selectInstant(expr: VectorSelector, query: Evaluation, sink: Sink): Promise<void> {
  const offset = Math.trunc(expr.offsetMs)
  const first = query.grid.start - offset
  const range = { minT: first - query.lookbackMs + 1, maxT: query.end - offset }
  const row = emptyRow(query.grid.steps)
  await eachSeries(expr, range, query, (labels, samples) => {
    row.labels = labels
    newest(samples, first, query, row)
    query.samples += countPresent(row)
    sink(row)
  })
}

function newest(samples: Columns, first: number, query: Evaluation, row: Row): void {
  const { count, t, v, stale } = samples
  const { step, steps } = query.grid
  let next = 0
  for (let s = 0; s < steps; s++) {
    const now = first + s * step
    while (next < count && (t[next] as number) <= now) next++
    const found = next > 0 && (t[next - 1] as number) > now - query.lookbackMs && !stale?.[next - 1]
    row.present[s] = found ? 1 : 0
    if (found) row.values[s] = v[next - 1] as number
  }
}

/** A function over a range vector: its kernel runs over the windows of each series. */
export async function overRange(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const fn: PromFunction = functions[call.name]
  const selector = unwrap(call.args[0] as Expr) as MatrixSelector
  const windows = new Windows(query.grid, { rangeMs: selector.rangeMs, offsetMs: selector.selector.offsetMs })
  const row = emptyRow(query.grid.steps)
  const emit = fn.keepsName || hasOneName(selector) ? sink : distinct(sink)
  await eachSeries(selector.selector, windows.range, query, (labels, samples) => {
    const live = withoutMarkers(samples)
    query.samples += windows.slide(live)
    fn.kernel(live, windows, row)
    if (countPresent(row) === 0) return
    if (fn.forCounters) hintAtGauge(valueOf(labels, metricName), selector, query)
    row.labels = fn.keepsName ? labels : dropName(labels)
    emit(row)
  })
}

function hintAtGauge(name: string, selector: MatrixSelector, query: Evaluation): void {
  if (name === '' || /_(total|sum|count|bucket)$/.test(name)) return
  const what = 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket'
  query.inform(`PromQL info: ${what}: ${quote(name)}`, selector.span.from)
}

/** The samples of a range vector as they are, for an instant query such as `up[5m]`. Series come in the order of
 *  their labels; the columns are lent. */
export async function selectRange(
  expr: MatrixSelector,
  query: Evaluation,
  take: (labels: Labels, samples: Columns) => void,
): Promise<void> {
  const windows = new Windows(query.grid, { rangeMs: expr.rangeMs, offsetMs: expr.selector.offsetMs })
  await eachSeries(expr.selector, windows.range, query, (labels, samples) => {
    const live = withoutMarkers(samples)
    query.samples += live.count
    query.limit((query.held += live.count))
    if (live.count > 0) take(labels, live)
  })
}

async function eachSeries(
  { matchers }: VectorSelector,
  range: TimeRange,
  query: Evaluation,
  take: (labels: Labels, samples: Columns) => void,
): Promise<void> {
  for await (const batch of query.select(matchers, range)) {
    for (let i = 0; i < batch.count; i++) {
      if (query.due) await query.pause()
      take(batch.labels(i), batch.columns(i))
    }
  }
}

const live: Columns = {
  count: 0,
  t: new Float64Array(0),
  v: new Float64Array(0),
  stale: null,
  histograms: null,
}

/** Ranges pass over stale markers. The columns are shared by all queries, and lent until the next call. */
function withoutMarkers(samples: Columns): Columns {
  const { count, t, v, stale } = samples
  if (stale === null) return samples
  if (live.t.length < count) {
    live.t = new Float64Array(count * 2)
    live.v = new Float64Array(count * 2)
  }
  live.count = 0
  for (let i = 0; i < count; i++) {
    if (stale[i]) continue
    live.t[live.count] = t[i] as number
    live.v[live.count++] = v[i] as number
  }
  return live
}
