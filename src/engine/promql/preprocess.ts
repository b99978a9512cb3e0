import { QueryError } from '../model/errors.ts'
import { unwrap, type Call, type Duration, type Expr, type NumberLiteral, type Shift } from './syntax/ast.ts'
import { durationOf, type QueryTimes } from './durations.ts'
import type { FunctionName } from './syntax/functions.ts'
import { markStatsOnly } from './samples/histogramstats.ts'

/** What is to be known of a query before its expression can be evaluated: all in milliseconds. The step of an instant
 *  query is 0. */
export type { QueryTimes } from './durations.ts'

/** Makes an expression ready to be evaluated (upstream's `PreprocessExpr`): what depends on the query's own times becomes
 *  a number, durations are worked out, and the largest parts that are the same at every step are wrapped.
 *  @throws QueryError (`bad_data`) where a duration is none */
export function preprocess(expr: Expr, times: QueryTimes): Expr {
  return wrapped(prepare(markStatsOnly(expr), times))
}

interface Prepared {
  readonly expr: Expr
  /** It has the same value at every step. */
  readonly invariant: boolean
  /** It should be evaluated once only. Of numbers, strings and range vectors it makes no difference. */
  readonly worthIt: boolean
}

function wrapped({ expr, worthIt }: Prepared): Expr {
  return worthIt ? { kind: 'stepInvariant', expr, span: expr.span } : expr
}

function prepare(expr: Expr, times: QueryTimes): Prepared {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return { expr, invariant: true, worthIt: false }
    case 'vectorSelector': {
      const at = expr.at !== null
      return { expr: { ...expr, ...shifted(expr, times) }, invariant: at, worthIt: at }
    }
    case 'matrixSelector': {
      const selector = { ...expr.selector, ...shifted(expr.selector, times) }
      const range = worked(expr.range, times, false)
      return { expr: { ...expr, selector, range }, invariant: selector.at !== null, worthIt: false }
    }
    case 'subquery':
      return prepareSubquery(expr, times)
    case 'paren':
    case 'unary': {
      const inner = prepare(expr.expr, times)
      return { ...inner, expr: { ...expr, expr: inner.expr } }
    }
    case 'aggregate': {
      const param = expr.param && unwrap(prepare(unwrap(expr.param), times).expr)
      const inner = prepare(unwrap(expr.expr), times)
      return { ...inner, expr: { ...expr, param, expr: inner.expr } }
    }
    case 'binary':
      return prepareBinary(expr, times)
    case 'call':
      return prepareCall(expr, times)
    case 'stepInvariant':
      throw new Error('BUG: an expression is preprocessed twice')
  }
}

/** The inside is wrapped even where the subquery as a whole looks at a fixed time: it has steps of its own. */
function prepareSubquery(expr: Extract<Expr, { kind: 'subquery' }>, times: QueryTimes): Prepared {
  const inner = prepare(expr.expr, times)
  const inside = inner.invariant ? wrapped({ ...inner, worthIt: true }) : inner.expr
  const range = worked(expr.range, times, false)
  const step = expr.step && worked(expr.step, times, false)
  return {
    expr: { ...expr, ...shifted(expr, times), expr: inside, range, step },
    invariant: expr.at !== null,
    worthIt: false,
  }
}

function prepareBinary(expr: Extract<Expr, { kind: 'binary' }>, times: QueryTimes): Prepared {
  const left = prepare(expr.left, times)
  const right = prepare(expr.right, times)
  const invariant = left.invariant && right.invariant
  if (invariant) {
    return { expr: { ...expr, left: left.expr, right: right.expr }, invariant, worthIt: true }
  }
  return { expr: { ...expr, left: wrapped(left), right: wrapped(right) }, invariant, worthIt: false }
}

function prepareCall(expr: Call, times: QueryTimes): Prepared {
  const context = contextValue(expr, times)
  if (context) return { expr: context, invariant: true, worthIt: false }
  const args = expr.args.map(arg => prepare(unwrap(arg), times))
  const all = args.every(arg => arg.invariant)
  // Of a selector's own samples the time is in them; of anything else it is that of the step.
  const ownTimes = expr.name === 'timestamp' && args[0]?.expr.kind === 'vectorSelector'
  const invariant = all && (ownTimes || !changing.has(expr.name))
  const inner = invariant ? args.map(arg => arg.expr) : args.map(wrapped)
  return { expr: { ...expr, args: inner }, invariant, worthIt: invariant }
}

/** Functions whose value changes with the time of evaluation whatever their arguments are (upstream's
 *  `AtModifierUnsafeFunctions`). */
const changing: ReadonlySet<FunctionName> = new Set([
  ...(['days_in_month', 'day_of_month', 'day_of_week', 'day_of_year'] as const),
  ...(['hour', 'minute', 'month', 'year', 'time', 'timestamp', 'predict_linear'] as const),
  ...(['start', 'end', 'range', 'step'] as const),
])

/** `start()` and its like are numbers. */
function contextValue({ name, span }: Call, { start, end, step }: QueryTimes): NumberLiteral | null {
  const number = (value: number): NumberLiteral => ({ kind: 'number', value, duration: false, span })
  switch (name) {
    case 'start':
      return number(start / 1000)
    case 'end':
      return number(end / 1000)
    case 'range':
      return number((end - start) / 1000)
    case 'step':
      return number(start === end ? 0 : step / 1000)
    default:
      return null
  }
}

function shifted({ offset, at }: Shift, times: QueryTimes): Shift {
  const past = worked(offset, times, true)
  if (at === null || at.kind === 'time') return { offset: past, at }
  return { offset: past, at: { kind: 'time', ms: times[at.kind] } }
}

function worked(duration: Duration, times: QueryTimes, negative: boolean): Duration {
  const { expr } = duration
  if (expr === null) return duration
  const seconds = durationOf(expr, times)
  const fail = (what: string) => {
    return new QueryError('bad_data', `${expr.span.from}:${expr.span.to}: ${what}`, expr.span)
  }
  if (!Number.isFinite(seconds)) throw fail('duration is NaN or infinite')
  if (seconds <= 0 && !negative) throw fail('duration must be greater than 0')
  // Upstream's nanoseconds have 64 bits.
  if (Math.abs(seconds) > 2 ** 63 / 1e9) throw fail('duration is out of range')
  return { ms: Math.trunc(seconds * 1000), expr }
}
