import { QueryError, type Span } from '../../model/errors.ts'
import { metricName, valueOf, type Labels } from '../../model/labels.ts'
import {
  mismatchedCustomBuckets,
  possibleNonCounter,
  possibleNonCounterType,
  type Annotation,
  type HistogramOperation,
} from '../annotations.ts'
import { unwrap, type Call, type Expr, type MatrixSelector, type SubqueryExpr } from '../syntax/ast.ts'
import { scalarValues } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation, RangeContext } from '../functions/implementation.ts'
import { Renaming } from '../naming.ts'
import { emptyRow, presence, samplesIn, type Row, type Sink } from '../row.ts'
import { LiveSamples, type RangeSamples } from './samples.ts'
import { eachSeries } from './selectors.ts'
import { eachSubquerySeries } from './subquery.ts'
import { Windows } from './windows.ts'

/** A range vector as it may be written. */
export type RangeExpr = MatrixSelector | SubqueryExpr

/** Takes the samples of one series, lent.
 *  @param nameless the name of the series' metric goes when the query is done */
export type RangeSink = (labels: Labels, nameless: boolean, samples: RangeSamples) => void

/** The argument of a call that is a range vector. */
export function rangeArgument(call: Call): RangeExpr {
  for (const arg of call.args) {
    const expr = bare(arg)
    if (expr.kind === 'matrixSelector' || expr.kind === 'subquery') return expr
  }
  throw new Error(`BUG: ${call.name} without a range vector`)
}

/** Without parentheses and without the mark of what does not change. */
export function bare(expr: Expr): Expr {
  const inner = unwrap(expr)
  return inner.kind === 'stepInvariant' ? bare(inner.expr) : inner
}

/** A function over a range vector: its kernel runs over the windows of each series. */
export async function overRange(
  call: Call,
  implementation: Implementation & { kind: 'overRange' },
  query: Evaluation,
  sink: Sink,
): Promise<void> {
  const range = rangeArgument(call)
  const windows = new Windows(query.grid, range, query.lookbackMs)
  const args = await scalarArguments(call, range, query)
  const context = new CallContext(call, windows, args, query)
  const row = emptyRow(query.grid.steps)
  const renaming = new Renaming(query, range, sink, 'distinct')
  let produced = 0
  await eachWindowed(call, windows, query, (labels, nameless, samples) => {
    query.limit(query.held + produced + windows.largest)
    context.begin(labels)
    row.labels = labels
    row.dropName = nameless
    row.histograms = null
    implementation.kernel(samples, context, row)
    produced += samplesIn(row)
    if (implementation.forCounters) hintAtGauge(context, row)
    if (implementation.keepsName) renaming.keep(row)
    else renaming.drop(row)
  })
  await renaming.finish()
}

/** The series of a call's range vector with the windows slid over them.
 *  @throws QueryError (`execution`) when the function has no use for extended windows */
export async function eachWindowed(
  call: Call,
  windows: Windows,
  query: Evaluation,
  take: RangeSink,
): Promise<void> {
  checkEnds(call.name, windows)
  await eachRange(rangeArgument(call), windows, query, (labels, nameless, samples) => {
    query.tally.addWindows(windows, samples, windows.slide(samples))
    take(labels, nameless, samples)
  })
}

/** The series of a range vector with the samples that the windows can hold. What a subquery looks at does not count
 *  beside what it comes to. */
export async function eachRange(
  expr: RangeExpr,
  windows: Windows,
  query: Evaluation,
  take: RangeSink,
): Promise<void> {
  if (query.profile === null) return readRange(expr, windows, query, take)
  type Made = Parameters<RangeSink>
  await query.profile.of<Made>(
    expr,
    {
      samplesIn: ([, , { floats, histograms }]) => floats.count + (histograms?.count ?? 0),
      take: made => take(...made),
    },
    hand => readRange(expr, windows, query, (...made) => hand(made)),
  )
}

async function readRange(
  expr: RangeExpr,
  windows: Windows,
  query: Evaluation,
  take: RangeSink,
): Promise<void> {
  if (expr.kind === 'subquery') return eachSubquerySeries(expr, windows, query, take)
  const live = new LiveSamples(query.options.startTimestamps)
  await eachSeries(expr.selector, windows.range, query, (labels, columns) => {
    take(labels, false, live.of(columns))
  })
}

/** Functions that know what to do with samples around a window (upstream's `AnchoredSafeFunctions` and
 *  `SmoothedSafeFunctions`). */
const extended: Readonly<Record<'anchored' | 'smoothed', readonly FunctionName[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
}

function checkEnds(name: FunctionName, { ends }: Windows): void {
  if (ends === 'plain' || extended[ends].includes(name)) return
  const possible = extended[ends].join(', ')
  throw new QueryError('execution', `${ends} modifier can only be used with: ${possible} - not with ${name}`)
}

async function scalarArguments(call: Call, range: RangeExpr, query: Evaluation): Promise<Float64Array[]> {
  const values: Float64Array[] = []
  for (const arg of call.args) if (bare(arg) !== range) values.push(await scalarValues(arg, query))
  return values
}

/** What the kernels of one call know. */
class CallContext implements RangeContext {
  labels: Labels = []
  name = ''
  readonly call: Call
  readonly windows: Windows
  readonly args: readonly Float64Array[]
  readonly query: Evaluation
  private readonly place: Span
  private readonly said = new Set<unknown>()

  constructor(call: Call, windows: Windows, args: readonly Float64Array[], query: Evaluation) {
    this.call = call
    this.windows = windows
    this.args = args
    this.query = query
    this.place = placeOf(call)
  }

  begin(labels: Labels): void {
    this.labels = labels
    this.name = valueOf(labels, metricName)
    this.said.clear()
  }

  note(about: (metric: string) => Annotation): void {
    if (this.said.has(about)) return
    this.said.add(about)
    this.query.note(about(this.name), this.place, this.call.span)
  }

  noteReconciled(operation: HistogramOperation): void {
    if (this.said.has(operation)) return
    this.said.add(operation)
    this.query.note(mismatchedCustomBuckets(operation), this.place, this.call.span)
  }

  noteAgain(annotation: Annotation): void {
    this.query.note(annotation, this.place, this.call.span)
  }
}

/** Upstream puts samples in the place of a subquery, which stand nowhere. */
function placeOf({ args }: Call): Span {
  const first = bare(args[0] as Expr)
  return first.kind === 'subquery' ? { from: 0, to: 0 } : first.span
}

/** What only a counter should be asked: a metric that does not look like one gets a hint. */
function hintAtGauge(context: RangeContext, row: Row): void {
  const { name, labels, query } = context
  if (name === '' || !row.present.includes(presence.float)) return
  if (query.options.typeAndUnitLabels) {
    const type = valueOf(labels, '__type__')
    if (type !== 'counter' && type !== 'histogram')
      context.note(metric => possibleNonCounterType(metric, type))
  } else if (!/_(total|sum|count|bucket)$/.test(name)) {
    context.note(possibleNonCounter)
  }
}
