import type { BinaryExpr, Call, Expr, VectorSelector } from './ast.ts'
import { functions } from './functions.ts'
import { parseError } from './lexer.ts'
import { metricName } from '../model/labels.ts'
import { isComparison } from './operators.ts'
import { documented, typeOf, type ValueType } from './types.ts'
import { quote } from '../model/labels.ts'

/** Checks what the grammar cannot: types, arguments, matchers. Visits in upstream's order, because the first
 *  complaint is the one that is shown (`checkAST`).
 *  @throws QueryError (`bad_data`) */
export function check(query: string, expr: Expr): void {
  const fail = (at: { from: number; to: number }, message: string): never => {
    throw parseError(query, message, at)
  }

  function visit(expr: Expr): ValueType {
    switch (expr.kind) {
      case 'number':
      case 'string':
        break
      case 'vectorSelector':
        checkMatchers(expr)
        break
      case 'matrixSelector':
        visit(expr.selector)
        break
      case 'paren':
        visit(expr.expr)
        break
      case 'unary':
        checkUnary(expr)
        break
      case 'binary':
        checkBinary(expr)
        break
      case 'aggregate':
        expectType(expr.expr, 'vector', 'aggregation expression')
        break
      case 'call':
        checkCall(expr)
        break
    }
    return typeOf(expr)
  }

  function expectType(expr: Expr, want: ValueType, context: string): void {
    const type = visit(expr)
    if (type !== want) {
      fail(expr.span, `expected type ${documented(want)} in ${context}, got ${documented(type)}`)
    }
  }

  function checkMatchers(selector: VectorSelector): void {
    if (selector.name !== '') {
      const second = selector.matchers.slice(0, -1).find(matcher => matcher.name === metricName)
      if (second) {
        const names = `${quote(selector.name)} or ${quote(second.value)}`
        fail(selector.span, `metric name must not be set twice: ${names}`)
      }
    } else if (selector.matchers.every(matcher => matcher.matches(''))) {
      fail(selector.span, 'vector selector must contain at least one non-empty matcher')
    }
  }

  function checkUnary(expr: Expr & { kind: 'unary' }): void {
    const type = visit(expr.expr)
    if (type !== 'scalar' && type !== 'vector') {
      const wanted = 'unary expression only allowed on expressions of type scalar or instant vector'
      fail(expr.span, `${wanted}, got "${documented(type)}"`)
    }
  }

  function checkBinary(expr: BinaryExpr): void {
    const left = visit(expr.left)
    const right = visit(expr.right)
    const scalars = left === 'scalar' && right === 'scalar'
    const comparison = isComparison(expr.op)
    if (expr.bool && !comparison) {
      fail(operatorSpan(query, expr), 'bool modifier can only be used on comparison operators')
    }
    if (comparison && !expr.bool && scalars) {
      fail(operatorSpan(query, expr), 'comparisons between scalars must use BOOL modifier')
    }
    for (const [side, type] of [
      [expr.left, left],
      [expr.right, right],
    ] as const) {
      if (type !== 'scalar' && type !== 'vector') {
        fail(side.span, 'binary expression must contain only scalar and instant vector types')
      }
    }
    if ((left === 'scalar' || right === 'scalar') && expr.matching.labels.length > 0) {
      fail(expr.span, 'vector matching only allowed between instant vectors')
    }
  }

  function checkCall(call: Call): void {
    const { args } = functions[call.name]
    if (call.args.length !== args.length) {
      const found = `in call to "${call.name}", got ${call.args.length}`
      fail(call.span, `expected ${args.length} argument(s) ${found}`)
    }
    args.forEach((want, i) => {
      const arg = call.args[i] as Expr
      expectType(arg, want, `call to function "${call.name}"`)
    })
  }

  visit(expr)
}

/** The operator and its modifiers, which stand between the sides. */
function operatorSpan(query: string, expr: BinaryExpr): { from: number; to: number } {
  const between = query.slice(expr.left.span.to, expr.right.span.from)
  const from = expr.left.span.to + between.length - between.trimStart().length
  return { from, to: from + between.trim().length }
}
