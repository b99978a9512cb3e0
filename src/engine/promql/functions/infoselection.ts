import type { Span } from '../../model/errors.ts'
import { metricName } from '../../model/labels.ts'
import { matcher, type Matcher } from '../../model/matcher.ts'
import type { Call, Expr, Shift, VectorSelector } from '../syntax/ast.ts'
import { bare } from '../samples/ranges.ts'
import { argument } from './arguments.ts'

/** Which info series a call of `info` wants, and which of their labels. */
export class InfoSelection {
  /** When info series are looked at: as the first selector of the series that they are added to. */
  private readonly shift: Shift
  private readonly span: Span
  /** Of the metrics' names. */
  private readonly names: readonly Matcher[]
  /** Of all other labels. */
  private readonly data: readonly Matcher[]
  private readonly wanted: ReadonlySet<string>

  constructor(call: Call) {
    const selector = call.args[1] && bare(call.args[1])
    const matchers = selector?.kind === 'vectorSelector' ? selector.matchers : []
    this.names = namesOf(matchers.filter(({ name }) => name === metricName))
    this.data = matchers.filter(({ name }) => name !== metricName)
    this.wanted = new Set(this.data.map(({ name }) => name))
    this.span = call.span
    this.shift = firstShift(argument(call, 0), []) ?? { offset: { ms: 0, expr: null }, at: null }
  }

  /** @param more what info series must have to belong to anything */
  selector(more: readonly Matcher[]): VectorSelector {
    const matchers = [...more, ...this.data, ...this.names]
    return { kind: 'vectorSelector', name: '', matchers, ends: 'plain', span: this.span, ...this.shift }
  }

  isInfo(name: string): boolean {
    return this.names.every(({ matches }) => matches(name))
  }

  /** Whether a label is to be added: one of those named, or any when none is. */
  wants(label: string): boolean {
    return label !== metricName && (this.wanted.size === 0 || this.wanted.has(label))
  }

  /** Whether series stay that no info series belongs to. */
  get acceptsNone(): boolean {
    return this.data.every(({ matches }) => matches(''))
  }
}

/** Without a matcher that says which it is, an info metric's name ends in `_info`; without any it is `target_info`. */
function namesOf(matchers: readonly Matcher[]): readonly Matcher[] {
  if (matchers.length === 0) return [matcher(metricName, '=', 'target_info')]
  const positive = matchers.some(({ type }) => type === '=' || type === '=~')
  return positive ? matchers : [matcher(metricName, '=~', '.+_info'), ...matchers]
}

/** When the first selector looks: subqueries around it add their offsets, up to the innermost `@`.
 *  @param around from the innermost on */
function firstShift(expr: Expr, around: readonly Shift[]): Shift | null {
  switch (expr.kind) {
    case 'vectorSelector':
      return combined(expr, around)
    case 'matrixSelector':
      return combined(expr.selector, around)
    case 'subquery':
      return firstShift(expr.expr, [expr, ...around])
    case 'paren':
    case 'unary':
    case 'stepInvariant':
      return firstShift(expr.expr, around)
    case 'binary':
      return firstShift(expr.left, around) ?? firstShift(expr.right, around)
    case 'aggregate':
      return firstShift(expr.expr, around) ?? (expr.param && firstShift(expr.param, around))
    case 'call':
      return firstOf(expr.args, around)
    case 'number':
    case 'string':
      return null
  }
}

function firstOf(args: readonly Expr[], around: readonly Shift[]): Shift | null {
  for (const arg of args) {
    const found = firstShift(arg, around)
    if (found) return found
  }
  return null
}

function combined(selector: VectorSelector, around: readonly Shift[]): Shift {
  let { at } = selector
  let { ms } = selector.offset
  for (const shift of around) {
    if (at) break
    ms += shift.offset.ms
    at = shift.at
  }
  return { offset: { ms, expr: null }, at }
}
