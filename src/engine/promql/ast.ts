import type { Span } from '../model/errors.ts'
import type { Matcher } from '../model/matcher.ts'
import type { FunctionName } from './functions.ts'
import type { Aggregator } from './aggregate.ts'
import type { BinaryOperator } from './operators.ts'

// The syntax tree: plain objects, told apart by `kind` (upstream's `promql/parser/ast.go`). Spans are UTF-16
// offsets. Durations are milliseconds; a fraction is kept, because `rate` divides by the range as written.

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | ParenExpr
  | UnaryExpr
  | BinaryExpr
  | AggregateExpr
  | Call

/** The expression inside of any parentheses. */
export function unwrap(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrap(expr.expr) : expr
}

export interface NumberLiteral {
  readonly kind: 'number'
  readonly value: number
  /** Written as a duration (`1h30m`), which is a number of seconds. */
  readonly duration: boolean
  readonly span: Span
}

interface StringLiteral {
  readonly kind: 'string'
  readonly value: string
  readonly span: Span
}

export interface VectorSelector {
  readonly kind: 'vectorSelector'
  /** The metric's name as written in front of the braces, `''` when there is none. */
  readonly name: string
  /** As written; the matcher for `name` comes last. */
  readonly matchers: readonly Matcher[]
  readonly offsetMs: number
  readonly span: Span
}

export interface MatrixSelector {
  readonly kind: 'matrixSelector'
  readonly selector: VectorSelector
  readonly rangeMs: number
  readonly span: Span
}

interface ParenExpr {
  readonly kind: 'paren'
  readonly expr: Expr
  readonly span: Span
}

export interface UnaryExpr {
  readonly kind: 'unary'
  readonly op: '+' | '-'
  readonly expr: Expr
  readonly span: Span
}

export interface BinaryExpr {
  readonly kind: 'binary'
  readonly op: BinaryOperator
  readonly left: Expr
  readonly right: Expr
  /** A comparison answers 1 or 0 instead of filtering. */
  readonly bool: boolean
  readonly matching: VectorMatching
  readonly span: Span
}

/** Which labels two instant vectors are matched by: those named (`on`), or all but those named and the metric's
 *  name (`ignoring`). */
export interface VectorMatching {
  readonly on: boolean
  readonly labels: readonly string[]
}

export interface AggregateExpr {
  readonly kind: 'aggregate'
  readonly op: Aggregator
  readonly expr: Expr
  /** Labels of the groups: those named, or with `without` all but those and the metric's name. */
  readonly grouping: readonly string[]
  readonly without: boolean
  readonly span: Span
}

export interface Call {
  readonly kind: 'call'
  readonly name: FunctionName
  readonly args: readonly Expr[]
  readonly span: Span
}
