import type { LanguageTerm, QueryNode, QueryProblem } from './model/language.ts'
import { aggregators, type AggregatorTraits } from './promql/syntax/aggregators.ts'
import type { Expr } from './promql/syntax/ast.ts'
import { functions, type PromFunction } from './promql/syntax/functions.ts'
import { parse, problemsIn } from './promql/syntax/parser.ts'
import { prettify } from './promql/syntax/prettier.ts'
import { print } from './promql/syntax/printer.ts'
import { documented, typeOf, type ValueType } from './promql/syntax/types.ts'

// What an editor asks about expressions and about the language. Nothing here evaluates.

export function findProblems(expr: string): QueryProblem[] {
  return problemsIn(expr).map(({ message, span }) => ({ message, span }))
}

/** The expression as Prometheus formats it; comments get lost, as they do there.
 *  @throws QueryError for an expression that is none */
export function format(expr: string): string {
  return prettify(parse(expr))
}

/** The nodes of an expression, each in front of its parts. Parentheses are no nodes, and arguments that are mere numbers
 *  or strings stay within theirs.
 *  @throws QueryError for an expression that is none */
export function nodesOf(expr: string): QueryNode[] {
  const nodes: QueryNode[] = []
  const add = (node: Expr, depth: number): void => {
    if (node.kind === 'paren') return add(node.expr, depth)
    nodes.push({ depth, span: node.span, text: print(node, leftOut), type: documented(typeOf(node)) })
    for (const part of partsOf(node)) add(part, depth + 1)
  }
  add(parse(expr), 0)
  return nodes
}

function leftOut(part: Expr): string {
  return isLiteral(part) ? print(part) : '…'
}

function partsOf(node: Expr): Expr[] {
  return insideOf(node).filter(part => !isLiteral(part))
}

function isLiteral({ kind }: Expr): boolean {
  return kind === 'number' || kind === 'string'
}

function insideOf(node: Expr): readonly Expr[] {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'vectorSelector':
    case 'matrixSelector':
      return []
    case 'paren':
    case 'unary':
    case 'subquery':
    case 'stepInvariant':
      return [node.expr]
    case 'binary':
      return [node.left, node.right]
    case 'aggregate':
      return node.param === null ? [node.expr] : [node.param, node.expr]
    case 'call':
      return node.args
  }
}

/** All functions and aggregations, in the order of their tables. */
export function languageTerms(): LanguageTerm[] {
  const called = Object.entries<PromFunction>(functions).map(([name, fn]): LanguageTerm => {
    const { doc, experimental } = fn
    return { name, kind: 'function', signature: signatureOf(fn), doc, experimental }
  })
  const aggregating = Object.entries<AggregatorTraits>(aggregators).map(([name, traits]): LanguageTerm => {
    const { param, doc, experimental } = traits
    const signature = inParentheses(param === null ? ['vector'] : [param, 'vector'])
    return { name, kind: 'aggregation', signature, doc, experimental }
  })
  return [...called, ...aggregating]
}

function signatureOf({ args, variadic }: PromFunction): string {
  if (variadic === 0) return inParentheses(args)
  const last = documented(args.at(-1) ?? 'scalar')
  const before = args.slice(0, -1)
  const more = variadic === 1 ? last : `${last} …`
  return before.length > 0 ? `${inParentheses(before).slice(0, -1)}[, ${more}])` : `([${more}])`
}

function inParentheses(args: readonly ValueType[]): string {
  return `(${args.map(documented).join(', ')})`
}
