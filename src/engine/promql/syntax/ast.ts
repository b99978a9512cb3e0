import type { Span } from '../../model/errors.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Aggregator } from './aggregators.ts'
import type { FunctionName } from './functions.ts'
import type { BinaryOperator } from './operators.ts'

// The syntax tree: plain objects, told apart by `kind` (upstream's `promql/parser/ast.go`). Spans are UTF-16
// offsets.

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr
  | ParenExpr
  | UnaryExpr
  | BinaryExpr
  | AggregateExpr
  | Call
  | StepInvariant

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

/** A length of time. */
export interface Duration {
  /** Milliseconds. A fraction is kept, because `rate` divides by the range as written. Of an expression it is NaN until
   *  `preprocess` has worked it out. */
  readonly ms: number
  /** What was written, unless that is a mere number or duration. */
  readonly expr: DurationExpr | null
}

/** Arithmetic on durations, in seconds (upstream's `DurationExpr`). */
export type DurationExpr =
  | NumberLiteral
  | {
      readonly kind: 'durationUnary'
      readonly op: '+' | '-'
      readonly expr: DurationExpr
      readonly span: Span
    }
  | {
      readonly kind: 'durationBinary'
      readonly op: '+' | '-' | '*' | '/' | '%' | '^'
      readonly left: DurationExpr
      readonly right: DurationExpr
      readonly span: Span
    }
  | {
      readonly kind: 'durationCall'
      readonly name: 'step' | 'range' | 'min_of' | 'max_of'
      /** None for `step` and `range`, two for the others. */
      readonly args: readonly DurationExpr[]
      readonly span: Span
    }
  | { readonly kind: 'durationParen'; readonly expr: DurationExpr; readonly span: Span }

/** When a selector looks, whatever the time of evaluation is (`@`). */
export type At = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' | 'end' }

/** What may stand behind a selector or a subquery. */
export interface Shift {
  /** Zero when there is none; negative looks into the future. */
  readonly offset: Duration
  readonly at: At | null
}

export interface VectorSelector extends Shift {
  readonly kind: 'vectorSelector'
  /** The metric's name as written in front of the braces, `''` when there is none. */
  readonly name: string
  /** As written; the matcher for `name` comes last. */
  readonly matchers: readonly Matcher[]
  /** What happens at the ends of a range (upstream's extended range selectors). */
  readonly ends: 'plain' | 'anchored' | 'smoothed'
  /** Nobody looks at the buckets of native histograms. Set by `preprocess`, never by the parser. */
  readonly statsOnly?: boolean
  readonly span: Span
}

export interface MatrixSelector {
  readonly kind: 'matrixSelector'
  readonly selector: VectorSelector
  readonly range: Duration
  readonly span: Span
}

export interface SubqueryExpr extends Shift {
  readonly kind: 'subquery'
  readonly expr: Expr
  readonly range: Duration
  /** Null: the engine's default. */
  readonly step: Duration | null
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
  /** Null unless both sides are vectors. */
  readonly matching: VectorMatching | null
  readonly span: Span
}

/** Which series of two instant vectors belong together (upstream's `VectorMatching`). */
export interface VectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many'
  /** Matched by the labels named (`on`), or by all but those named and the metric's name (`ignoring`). */
  readonly on: boolean
  readonly labels: readonly string[]
  /** Labels that are taken over from the "one" side. */
  readonly include: readonly string[]
  /** What stands for a missing series of that side; null when nothing does. */
  readonly fill: { readonly left: number | null; readonly right: number | null }
}

export interface AggregateExpr {
  readonly kind: 'aggregate'
  readonly op: Aggregator
  readonly expr: Expr
  /** The k of `topk`, the φ of `quantile`, the label of `count_values` …; null for the others. */
  readonly param: Expr | null
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

/** An expression that has the same value at every step. Made by `preprocess`, never by the parser. */
export interface StepInvariant {
  readonly kind: 'stepInvariant'
  readonly expr: Expr
  readonly span: Span
}
