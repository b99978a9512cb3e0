import { QueryError } from '../model/errors.ts'
import type { DurationExpr } from './syntax/ast.ts'
import { arithmetic } from './syntax/operators.ts'

/** Milliseconds. The step of an instant query is 0. */
export interface QueryTimes {
  readonly start: number
  readonly end: number
  readonly step: number
}

/** Seconds that a duration expression comes to (upstream's `durationVisitor`).
 *  @throws QueryError (`bad_data`) for a division by zero */
export function durationOf(expr: DurationExpr, times: QueryTimes): number {
  switch (expr.kind) {
    case 'number':
      return expr.value
    case 'durationParen':
      return durationOf(expr.expr, times)
    case 'durationUnary':
      return expr.op === '-' ? -durationOf(expr.expr, times) : durationOf(expr.expr, times)
    case 'durationCall':
      return callOf(expr, times)
    case 'durationBinary': {
      const left = durationOf(expr.left, times)
      const right = durationOf(expr.right, times)
      if (right === 0 && (expr.op === '/' || expr.op === '%')) throw byZero(expr)
      return arithmetic[expr.op](left, right)
    }
  }
}

function callOf({ name, args }: Extract<DurationExpr, { kind: 'durationCall' }>, times: QueryTimes): number {
  switch (name) {
    case 'step':
      return times.step / 1000
    case 'range':
      return (times.end - times.start) / 1000
    case 'min_of':
      return Math.min(...args.map(arg => durationOf(arg, times)))
    case 'max_of':
      return Math.max(...args.map(arg => durationOf(arg, times)))
  }
}

function byZero({ op, span }: Extract<DurationExpr, { kind: 'durationBinary' }>): QueryError {
  const what = op === '/' ? 'division' : 'modulo'
  return new QueryError('bad_data', `${span.from}:${span.to}: ${what} by zero`, span)
}
