import type { Expr, Shift } from '../engine/promql/syntax/ast.ts'
import { parse } from '../engine/promql/syntax/parser.ts'
import { print } from '../engine/promql/syntax/printer.ts'

/** A question that must have the same answer as the one that a script asks. */
export interface Way {
  readonly expr: string
  /** Milliseconds. */
  readonly time: number
}

/** The question at an instant as the script asks it; and printed anew with `@ time` behind every selector and subquery, at
 *  five times, since then it does not matter when it is asked (upstream's `atModifierTestCases`).
 *  @throws QueryError when it is no PromQL */
export function allWays(expr: string, time: number): Way[] {
  const tree = parse(expr)
  const written = asWritten(expr, time)
  const pinned = pin(tree, time)
  if (callsUnsafe(pinned)) return written
  const times = time === 0 ? [-1000, 0, 1000] : [-10 * time, 0, Math.trunc(time / 5), time, 10 * time]
  return [...written, ...times.map(time => ({ expr: print(pinned), time }))]
}

/** The question as it is asked and nothing else. */
export function asWritten(expr: string, time: number): Way[] {
  return [{ expr, time }]
}

/** Whether the time of the question is in the question: as a step of a range it would have another answer. */
export function dependsOnContext(expr: string): boolean {
  return /(?:start|end|range|step)\(\)/.test(expr)
}

/** Functions whose answer changes with the time of evaluation whatever their arguments are (upstream's
 *  `AtModifierUnsafeFunctions`). */
const unsafe: ReadonlySet<string> = new Set([
  ...['days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year'],
  ...['start', 'end', 'range', 'step', 'time', 'timestamp', 'predict_linear'],
])

/** Inside of a subquery, which looks at the same time whenever it is asked, they do no harm. */
function callsUnsafe(expr: Expr): boolean {
  if (expr.kind === 'call' && unsafe.has(expr.name)) return true
  return expr.kind !== 'subquery' && partsOf(expr).some(callsUnsafe)
}

/** Makes every selector look at one time, unless it already does. Of subqueries inside each other the outermost does,
 *  and what is inside of it follows. */
function pin(expr: Expr, ms: number): Expr {
  const pinned = ({ at }: Shift) => ({ at: at?.kind === 'time' ? at : ({ kind: 'time', ms } as const) })
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr
    case 'vectorSelector':
    case 'subquery':
      return { ...expr, ...pinned(expr) }
    case 'matrixSelector':
      return { ...expr, selector: { ...expr.selector, ...pinned(expr.selector) } }
    case 'paren':
    case 'unary':
    case 'stepInvariant':
      return { ...expr, expr: pin(expr.expr, ms) }
    case 'aggregate':
      return { ...expr, expr: pin(expr.expr, ms), param: expr.param && pin(expr.param, ms) }
    case 'binary':
      return { ...expr, left: pin(expr.left, ms), right: pin(expr.right, ms) }
    case 'call':
      return { ...expr, args: expr.args.map(arg => pin(arg, ms)) }
  }
}

type Selector = Extract<Expr, { kind: 'vectorSelector' | 'matrixSelector' }>

/** The selectors of an expression, those of range vectors as a whole. */
export function selectorsIn(expr: Expr): Selector[] {
  if (expr.kind === 'vectorSelector' || expr.kind === 'matrixSelector') return [expr]
  return partsOf(expr).flatMap(selectorsIn)
}

function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'vectorSelector':
    case 'matrixSelector':
      return []
    case 'paren':
    case 'unary':
    case 'subquery':
    case 'stepInvariant':
      return [expr.expr]
    case 'aggregate':
      return expr.param === null ? [expr.expr] : [expr.param, expr.expr]
    case 'binary':
      return [expr.left, expr.right]
    case 'call':
      return expr.args
  }
}
