import type { Expr } from '../../../src/engine/promql/syntax/ast.ts'
import { parse } from '../../../src/engine/promql/syntax/parser.ts'
import { typeOf } from '../../../src/engine/promql/syntax/types.ts'

/** The parts of an expression that can be asked for by themselves, the shortest first. */
export function partsOf(expr: string): string[] {
  const parts = new Set<string>()
  visit(parse(expr), part => {
    const type = typeOf(part)
    if (type === 'vector' || type === 'scalar') parts.add(expr.slice(part.span.from, part.span.to))
  })
  return [...parts].sort((a, b) => a.length - b.length)
}

/** What of the language an expression uses: names of functions and aggregations, operators, words and signs. */
export function featuresOf(expr: string): string[] {
  const found: string[] = []
  visit(parse(expr), part => found.push(...featuresOfNode(part)))
  return [...new Set(found)]
}

/** Operations from the outside to the deepest selector. */
export function depthOf(expr: string): number {
  return depth(parse(expr))
}

function depth(expr: Expr): number {
  const below = Math.max(0, ...childrenOf(expr).map(depth))
  return expr.kind === 'paren' ? below : childrenOf(expr).length > 0 ? below + 1 : below
}

function visit(expr: Expr, see: (part: Expr) => void): void {
  see(expr)
  for (const child of childrenOf(expr)) visit(child, see)
}

function childrenOf(expr: Expr): readonly Expr[] {
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
    case 'binary':
      return [expr.left, expr.right]
    case 'aggregate':
      return expr.param ? [expr.param, expr.expr] : [expr.expr]
    case 'call':
      return expr.args
  }
}

function featuresOfNode(expr: Expr): string[] {
  switch (expr.kind) {
    case 'call':
      return [expr.name]
    case 'aggregate':
      return [expr.op, ...(expr.without ? ['without'] : expr.grouping.length > 0 ? ['by'] : [])]
    case 'unary':
      return [`unary ${expr.op}`]
    case 'subquery':
      return ['subquery', ...shifts(expr)]
    case 'vectorSelector':
      return [...expr.matchers.map(matcher => matcher.type), ...shifts(expr)]
    case 'matrixSelector':
      return featuresOfNode(expr.selector)
    case 'binary': {
      const { op, bool, matching } = expr
      const words = matching?.on ? ['on'] : matching && matching.labels.length > 0 ? ['ignoring'] : []
      const sides = { 'many-to-one': ['group_left'], 'one-to-many': ['group_right'] } as Record<
        string,
        string[]
      >
      return [op, ...(bool ? ['bool'] : []), ...words, ...(sides[matching?.card ?? ''] ?? [])]
    }
    case 'number':
    case 'string':
    case 'paren':
    case 'stepInvariant':
      return []
  }
}

function shifts({ offset, at }: Pick<Extract<Expr, { kind: 'vectorSelector' }>, 'offset' | 'at'>): string[] {
  return [...(offset.ms !== 0 ? ['offset'] : []), ...(at ? ['@'] : [])]
}
