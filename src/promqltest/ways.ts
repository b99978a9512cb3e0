import type { Expr } from '../engine/promql/ast.ts'
import { parse } from '../engine/promql/parser.ts'
import { print } from '../engine/promql/printer.ts'

/** A question that must have the same answer as the one that a script asks. */
export interface Way {
  readonly expr: string
  /** Milliseconds. */
  readonly time: number
}

/** The question at an instant as the script asks it; and printed anew with `@ time` behind every selector, at five
 *  times, since then it does not matter when it is asked (upstream's `atModifierTestCases`).
 *  @throws QueryError when it is no PromQL */
export function allWays(expr: string, time: number): Way[] {
  const tree = parse(expr)
  const written = asWritten(expr, time)
  if (callsOneOf(tree, unsafe)) return written
  const pinned = pin(print(tree), time)
  const times = time === 0 ? [-1000, 0, 1000] : [-10 * time, 0, Math.trunc(time / 5), time, 10 * time]
  return [...written, ...times.map(time => ({ expr: pinned, time }))]
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

function callsOneOf(expr: Expr, names: ReadonlySet<string>): boolean {
  if (expr.kind === 'call' && names.has(expr.name)) return true
  return partsOf(expr).some(part => callsOneOf(part, names))
}

/** Writes `@` behind every selector. The text is cut at the selectors' ends, from the last to the first. */
function pin(text: string, time: number): string {
  const at = ` @ ${(time / 1000).toFixed(3)}`
  const ends = selectorsIn(parse(text)).map(selector => selector.span.to)
  return ends
    .sort((a, b) => b - a)
    .reduce((pinned, end) => pinned.slice(0, end) + at + pinned.slice(end), text)
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
    case 'aggregate':
      return [expr.expr]
    case 'binary':
      return [expr.left, expr.right]
    case 'call':
      return expr.args
  }
}
