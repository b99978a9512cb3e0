import type { Span } from '../../model/errors.ts'
import type { At, Duration, Expr, MatrixSelector, Shift, SubqueryExpr, VectorSelector } from './ast.ts'
import type { Token } from './lexer.ts'
import { durationFrom, offsetDuration, positiveDuration, roundHalfAway } from './durations.ts'
import { isNumber, number, signed } from './numbers.ts'
import type { ParserOptions } from './options.ts'
import { isOperator, isSign, type TokenStream } from './tokens.ts'

// Ranges, subqueries, offset, `@`, anchored and smoothed: they bind to what stands immediately in front of them.

type Shiftable = VectorSelector | MatrixSelector | SubqueryExpr

export class ModifierParser {
  private readonly tokens: TokenStream
  private readonly options: ParserOptions
  /** Ranges of what is no selector. They have been complained about; an offset of them is wrong once more. */
  private readonly misplaced = new WeakSet<Expr>()

  constructor(tokens: TokenStream, options: ParserOptions) {
    this.tokens = tokens
    this.options = options
  }

  /** Reads one modifier of the expression; null when there is none. */
  next(expr: Expr): Expr | null {
    const token = this.tokens.peek()
    if (token.text === '[') return this.brackets(expr)
    if (isOperator(token, '@')) return this.at(expr)
    if (token.type !== 'keyword') return null
    if (token.value === 'offset') return this.offset(expr)
    if (token.value === 'anchored' || token.value === 'smoothed') return this.extended(expr, token.value)
    return null
  }

  private brackets(expr: Expr): Expr {
    const { tokens } = this
    const open = tokens.take()
    const seconds = 'number, duration, step(), or range()'
    const range = this.reading(() => positiveDuration(tokens), 'subquery or range selector', seconds)
    if (range === null) return expr
    if (tokens.isNext(']')) return this.range(expr, open, durationFrom(range))
    if (!tokens.isNext(':')) {
      tokens.stray('subquery or range', '":" or "]"')
      return expr
    }
    tokens.take()
    return this.subquery(expr, durationFrom(range))
  }

  private range(expr: Expr, open: Token, range: Duration): Expr {
    const { tokens } = this
    const { to } = tokens.take()
    const brackets = { from: open.from, to }
    const span = { from: expr.span.from, to }
    if (expr.kind !== 'vectorSelector') {
      tokens.complain(brackets, 'ranges only allowed for vector selectors')
      const misplaced: Expr = { kind: 'matrixSelector', selector: nowhere, range, span }
      this.misplaced.add(misplaced)
      return misplaced
    }
    if (hasOffset(expr)) tokens.complain(brackets, 'no offset modifiers allowed before range')
    else if (expr.at !== null) tokens.complain(brackets, 'no @ modifiers allowed before range')
    return { kind: 'matrixSelector', selector: expr, range, span }
  }

  private subquery(expr: Expr, range: Duration): Expr {
    const { tokens } = this
    let step: Duration | null = null
    if (!tokens.isNext(']')) {
      const wanted = 'number, duration, step(), range(), or "]"'
      const written = this.reading(() => positiveDuration(tokens), 'subquery selector', wanted)
      if (written === null) return expr
      if (!tokens.isNext(']')) {
        tokens.stray('subquery selector', '"]"')
        return expr
      }
      step = durationFrom(written)
    }
    const span = { from: expr.span.from, to: tokens.take().to }
    // A step of less than half a nanosecond is none.
    if (step?.ms === 0) step = null
    return { kind: 'subquery', expr, range, step, offset: { ms: 0, expr: null }, at: null, span }
  }

  private offset(expr: Expr): Expr {
    const { tokens } = this
    tokens.take()
    const wanted = 'number, duration, step(), or range()'
    const written = this.reading(() => offsetDuration(tokens), 'offset', wanted)
    if (written === null) return expr
    const { to } = tokens.last
    if (!this.isShiftable(expr, 'offset modifier')) return expr
    if (!hasOffset(expr)) return shifted(expr, { offset: durationFrom(written) }, to)
    tokens.complain(expr.span, 'offset may not be set multiple times')
    return shifted(expr, {}, to)
  }

  private at(expr: Expr): Expr {
    const { tokens } = this
    tokens.take()
    const at = this.reading(() => this.time(expr.span), '@', 'timestamp')
    if (at === null) return expr
    const { to } = tokens.last
    if (!this.isShiftable(expr, '@ modifier')) return expr
    if (shiftOf(expr).at !== null) {
      tokens.complain(expr.span, '@ <timestamp> may not be set multiple times')
      return expr
    }
    return shifted(expr, { at }, to)
  }

  private time(about: Span): At {
    const { tokens } = this
    const token = tokens.peek()
    if (token.type === 'preprocessor' && (token.value === 'start' || token.value === 'end')) {
      tokens.take()
      tokens.expect('(')
      tokens.expect(')')
      return { kind: token.value }
    }
    const sign = isSign(token) ? tokens.take() : null
    while (!isNumber(tokens.peek())) tokens.wrong()
    const literal = number(tokens)
    const { value } = sign === null ? literal : signed(sign, literal)
    if (!(Math.abs(value) < 2 ** 63)) {
      tokens.complain(about, `timestamp out of bounds for @ modifier: ${sixDigits(value)}`)
    }
    return { kind: 'time', ms: roundHalfAway(value * 1000) }
  }

  /** `anchored` and `smoothed` leave the place of the selector as it is, as upstream does. */
  private extended(expr: Expr, ends: 'anchored' | 'smoothed'): Expr {
    const { tokens } = this
    tokens.take()
    const complain = (what: string) => tokens.complain(expr.span, what)
    if (!this.options.extendedRangeSelectors) {
      complain(`${ends} modifier is experimental and not enabled`)
      return expr
    }
    if (this.misplaced.has(expr)) return expr
    if (expr.kind !== 'vectorSelector' && expr.kind !== 'matrixSelector') {
      const isSubquery = expr.kind === 'subquery'
      complain(`${ends} modifier ${isSubquery ? 'is not supported for subqueries' : 'not implemented'}`)
      return expr
    }
    const selector = expr.kind === 'matrixSelector' ? expr.selector : expr
    if (selector.ends !== 'plain' && selector.ends !== ends) {
      complain('anchored and smoothed modifiers cannot be used together')
    }
    const extended = { ...selector, ends }
    return expr.kind === 'matrixSelector' ? { ...expr, selector: extended } : extended
  }

  private isShiftable(expr: Expr, what: string): expr is Shiftable {
    if (this.misplaced.has(expr)) {
      this.tokens.complain(expr.span, 'ranges only allowed for vector selectors')
      return false
    }
    const { kind } = expr
    if (kind === 'vectorSelector' || kind === 'matrixSelector' || kind === 'subquery') return true
    const wanted = 'an instant vector selector or range vector selector or a subquery'
    this.tokens.complain(expr.span, `${what} must be preceded by ${wanted}`)
    return false
  }

  /** Null after a complaint about what stands there. */
  private reading<T>(read: () => T, context: string, expected: string): T | null {
    return this.tokens.attempt(read, () => {
      this.tokens.unexpected(context, expected)
      return null
    })
  }
}

/** Stands for what is no selector. */
const nowhere: VectorSelector = {
  kind: 'vectorSelector',
  name: '',
  matchers: [],
  offset: { ms: 0, expr: null },
  at: null,
  ends: 'plain',
  span: { from: 0, to: 0 },
}

function shiftOf(expr: Shiftable): Shift {
  return expr.kind === 'matrixSelector' ? expr.selector : expr
}

function hasOffset(expr: Shiftable): boolean {
  return shiftOf(expr).offset.ms !== 0
}

function shifted(expr: Shiftable, shift: Partial<Shift>, to: number): Expr {
  const span = { from: expr.span.from, to }
  if (expr.kind !== 'matrixSelector') return { ...expr, ...shift, span }
  return { ...expr, selector: { ...expr.selector, ...shift }, span }
}

/** Go's `%f` of a number that has no fraction any more. */
function sixDigits(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return `${BigInt(value)}.000000`
}
