import type { Expr } from './ast.ts'
import { functions } from './functions.ts'

/** What an expression evaluates to (`promql/parser/value.go`). */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string'

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar'
    case 'string':
      return 'string'
    case 'vectorSelector':
    case 'aggregate':
      return 'vector'
    case 'matrixSelector':
    case 'subquery':
      return 'matrix'
    case 'paren':
    case 'unary':
    case 'stepInvariant':
      return typeOf(expr.expr)
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector'
    case 'call':
      return functions[expr.name].returns
  }
}

/** The type's name as the documentation and the error texts have it. */
export function documented(type: ValueType): string {
  return type === 'vector' ? 'instant vector' : type === 'matrix' ? 'range vector' : type
}
