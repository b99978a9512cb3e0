import type { Span } from '../../model/errors.ts'
import { metricName, quote } from '../../model/labels.ts'
import { aggregators } from './aggregators.ts'
import type { AggregateExpr, BinaryExpr, Call, Expr, VectorMatching, VectorSelector } from './ast.ts'
import { functions } from './functions.ts'
import { isComparison, isSetOperator } from './operators.ts'
import { documented, typeOf, type ValueType } from './types.ts'

/** Where complaints go. */
interface Complaints {
  complain(span: Span, message: string): void
}

/** Checks what the grammar cannot: types, arguments, matchers. Visits in upstream's order (`checkAST`), and settles which
 *  matching a binary operator has, now that the types of its sides are known. */
export function check(query: string, expr: Expr, complaints: Complaints): void {
  new Checker(query, complaints).visit(expr)
}

class Checker {
  private readonly query: string
  private readonly complaints: Complaints

  constructor(query: string, complaints: Complaints) {
    this.query = query
    this.complaints = complaints
  }

  visit(expr: Expr): ValueType {
    switch (expr.kind) {
      case 'number':
      case 'string':
        return typeOf(expr)
      case 'vectorSelector':
        this.matchers(expr)
        return 'vector'
      case 'matrixSelector':
        this.matchers(expr.selector)
        return 'matrix'
      case 'subquery':
        this.subquery(expr)
        return 'matrix'
      case 'paren':
      case 'stepInvariant':
        return this.visit(expr.expr)
      case 'unary':
        return this.unary(expr)
      case 'binary':
        return this.binary(expr)
      case 'aggregate':
        this.aggregate(expr)
        return 'vector'
      case 'call':
        this.call(expr)
        return functions[expr.name].returns
    }
  }

  private complain(at: Span, message: string): void {
    this.complaints.complain(at, message)
  }

  private expect(expr: Expr, want: ValueType, context: string): void {
    const type = this.visit(expr)
    if (type === want) return
    this.complain(expr.span, `expected type ${documented(want)} in ${context}, got ${documented(type)}`)
  }

  private matchers(selector: VectorSelector): void {
    if (selector.name !== '') {
      for (const second of selector.matchers.slice(0, -1)) {
        if (second.name !== metricName) continue
        const names = `${quote(selector.name)} or ${quote(second.value)}`
        this.complain(selector.span, `metric name must not be set twice: ${names}`)
      }
    } else if (selector.matchers.every(matcher => matcher.matches(''))) {
      this.complain(selector.span, 'vector selector must contain at least one non-empty matcher')
    }
  }

  private subquery(expr: Extract<Expr, { kind: 'subquery' }>): void {
    const type = this.visit(expr.expr)
    if (type === 'vector') return
    this.complain(expr.span, `subquery is only allowed on instant vector, got ${type} instead`)
  }

  private unary(expr: Extract<Expr, { kind: 'unary' }>): ValueType {
    const type = this.visit(expr.expr)
    if (type !== 'scalar' && type !== 'vector') {
      const wanted = 'unary expression only allowed on expressions of type scalar or instant vector'
      this.complain(expr.span, `${wanted}, got "${documented(type)}"`)
    }
    return type
  }

  private aggregate({ op, expr, param }: AggregateExpr): void {
    this.expect(expr, 'vector', 'aggregation expression')
    const type = aggregators[op].param
    if (type !== null && param !== null) this.expect(param, type, 'aggregation parameter')
  }

  private binary(expr: BinaryExpr): ValueType {
    const left = this.visit(expr.left)
    const right = this.visit(expr.right)
    this.operator(expr, left === 'scalar' && right === 'scalar')
    for (const [side, type] of [[expr.left, left] as const, [expr.right, right] as const]) {
      if (type === 'scalar' || type === 'vector') continue
      this.complain(side.span, 'binary expression must contain only scalar and instant vector types')
    }
    // Nobody else has seen the tree yet.
    const draft: { matching: VectorMatching | null } = expr
    draft.matching = this.settled(expr, left === 'vector' && right === 'vector')
    if ((left === 'scalar' || right === 'scalar') && isSetOperator(expr.op)) {
      this.complain(expr.span, `set operator "${expr.op}" not allowed in binary scalar expression`)
    }
    return left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector'
  }

  private operator(expr: BinaryExpr, scalars: boolean): void {
    const { op, bool, matching } = expr
    const complain = (what: string) => this.complain(operatorSpan(this.query, expr), what)
    if (bool && !isComparison(op)) complain('bool modifier can only be used on comparison operators')
    if (isComparison(op) && !bool && scalars) complain('comparisons between scalars must use BOOL modifier')
    if (!matching?.on) return
    const included = new Set(matching.include)
    for (const label of matching.labels) {
      if (!included.has(label)) continue
      complain(`label ${quote(label)} must not occur in ON and GROUP clause at once`)
    }
  }

  private settled({ op, matching, span }: BinaryExpr, vectors: boolean): VectorMatching | null {
    if (matching === null) return null
    const { labels, fill, card } = matching
    const filled = fill.left !== null || fill.right !== null
    if (!vectors) {
      if (labels.length > 0) this.complain(span, 'vector matching only allowed between instant vectors')
      if (filled) this.complain(span, 'filling in missing series only allowed between instant vectors')
      return null
    }
    if (!isSetOperator(op)) return matching
    if (card !== 'one-to-one') {
      this.complain(span, `no grouping allowed for "${op}" operation`)
      this.complain(span, 'set operations must always be many-to-many')
    }
    if (filled) this.complain(span, 'filling in missing series not allowed for set operators')
    return { ...matching, card: 'many-to-many' }
  }

  private call(call: Call): void {
    const { args, variadic } = functions[call.name]
    this.argumentCount(call)
    const bare = call.name === 'info' ? this.labelSelectors(call) : null
    for (const [i, arg] of call.args.entries()) {
      // Upstream says nothing of arguments that should not be there.
      if (i >= args.length && variadic === 0) break
      if (arg === bare) continue
      const want = args[Math.min(i, args.length - 1)]
      if (want) this.expect(arg, want, `call to function "${call.name}"`)
    }
  }

  private argumentCount({ name, args, span }: Call): void {
    const wanted = functions[name].args.length
    const { variadic } = functions[name]
    const found = args.length
    const complain = (how: string) => {
      this.complain(span, `expected ${how} argument(s) in call to "${name}", got ${found}`)
    }
    if (variadic === 0) {
      if (found !== wanted) complain(`${wanted}`)
    } else if (found < wanted - 1) {
      complain(`at least ${wanted - 1}`)
    } else if (variadic > 0 && found > wanted - 1 + variadic) {
      complain(`at most ${wanted - 1 + variadic}`)
    }
  }

  /** The second argument of `info`, when it is a selector without a name: that one may be empty. */
  private labelSelectors(call: Call): Expr | null {
    const [, second] = call.args
    if (!second) return null
    const type = typeOf(second)
    if (type !== 'vector') {
      const found = `in call to function "info", got ${documented(type)}`
      this.complain(call.span, `expected type instant vector ${found}`)
    }
    if (second.kind !== 'vectorSelector') {
      this.complain(second.span, 'expected label selectors only')
      return null
    }
    if (second.name === '') return second
    this.complain(second.span, 'expected label selectors only, got vector selector instead')
    return null
  }
}

/** The operator and its modifiers, which stand between the sides. */
function operatorSpan(query: string, { left, right }: BinaryExpr): Span {
  const between = query.slice(left.span.to, right.span.from)
  const from = left.span.to + between.length - between.trimStart().length
  return { from, to: from + between.trim().length }
}
