import { formatDuration } from '../../model/duration.ts'
import { formatFixed, formatGeneral } from '../../model/float.ts'
import { compareBytes, isLegacyLabel, metricName, quote } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type {
  AggregateExpr,
  BinaryExpr,
  Duration,
  DurationExpr,
  Expr,
  NumberLiteral,
  Shift,
  SubqueryExpr,
  VectorSelector,
} from './ast.ts'

/** The expression as Prometheus prints it (`Expr.String`, `promql/parser/printer.go`), on one line. Reading it again
 *  gives the same tree. `inner` prints the expressions inside. */
export function print(expr: Expr, inner: (expr: Expr) => string = print): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr)
    case 'string':
      return quote(expr.value)
    case 'vectorSelector':
      return `${selector(expr)}${at(expr)}${ends(expr)}${offset(expr)}`
    case 'matrixSelector': {
      const { selector: of, range } = expr
      return `${selector(of)}[${duration(range)}]${ends(of)}${at(of)}${offset(of)}`
    }
    case 'subquery':
      return inner(expr.expr) + printSubquery(expr)
    case 'paren':
      return `(${inner(expr.expr)})`
    case 'unary':
      return expr.op + inner(expr.expr)
    case 'binary':
      return `${inner(expr.left)} ${printOperator(expr)} ${inner(expr.right)}`
    case 'aggregate': {
      const args = expr.param === null ? [expr.expr] : [expr.param, expr.expr]
      return `${printAggregator(expr)}(${args.map(arg => inner(arg)).join(', ')})`
    }
    case 'call':
      return `${expr.name}(${expr.args.map(arg => inner(arg)).join(', ')})`
    case 'stepInvariant':
      return inner(expr.expr)
  }
}

/** An aggregation's name and grouping. */
export function printAggregator({ op, without, grouping }: AggregateExpr): string {
  if (!without && grouping.length === 0) return op
  return `${op} ${without ? 'without' : 'by'} ${labels(grouping)} `
}

/** A binary operator with its modifiers. */
export function printOperator({ op, bool, matching }: BinaryExpr): string {
  const words = bool ? [op, 'bool'] : [op]
  if (matching === null) return words.join(' ')
  const { on, card, labels: by, include, fill } = matching
  const grouped = card === 'many-to-one' ? 'group_left' : card === 'one-to-many' ? 'group_right' : null
  if (on || by.length > 0 || grouped) words.push(on ? 'on' : 'ignoring', labels(by))
  if (grouped) words.push(grouped, labels(include))
  if (fill.left !== null && fill.left === fill.right) words.push('fill', `(${formatGeneral(fill.left)})`)
  else {
    if (fill.left !== null) words.push('fill_left', `(${formatGeneral(fill.left)})`)
    if (fill.right !== null) words.push('fill_right', `(${formatGeneral(fill.right)})`)
  }
  return words.join(' ')
}

/** What stands behind the expression of a subquery. */
export function printSubquery(expr: SubqueryExpr): string {
  const step = expr.step === null ? '' : duration(expr.step)
  return `[${duration(expr.range)}:${step}]${at(expr)}${offset(expr)}`
}

function printNumber({ value, duration }: NumberLiteral): string {
  return duration ? formatNanoseconds(Math.trunc(value * 1e9)) : formatFixed(value)
}

function selector({ name, matchers }: VectorSelector): string {
  const braces = matchers.filter(m => !isName(m, name)).map(formatMatcher)
  // Upstream prints nothing for `{}`, the second argument of `info`; that could not be read again.
  if (braces.length === 0) return name || '{}'
  return `${name}{${braces.sort(compareBytes).join(',')}}`
}

/** The matcher that the name in front of the braces stands for. */
function isName({ name, type, value }: Matcher, metric: string): boolean {
  return name === metricName && type === '=' && value === metric && value !== ''
}

function formatMatcher({ name, type, value }: Matcher): string {
  return `${formatLabel(name)}${type}${quote(value)}`
}

function at({ at }: Shift): string {
  if (at === null) return ''
  return at.kind === 'time' ? ` @ ${(at.ms / 1000).toFixed(3)}` : ` @ ${at.kind}()`
}

function ends({ ends }: VectorSelector): string {
  return ends === 'plain' ? '' : ` ${ends}`
}

function offset({ offset }: Shift): string {
  return offset.ms === 0 ? '' : ` offset ${duration(offset)}`
}

function duration({ ms, expr }: Duration): string {
  return expr === null ? formatNanoseconds(ms * 1e6) : printDuration(expr)
}

function printDuration(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr)
    case 'durationUnary':
      return `${expr.op === '-' ? '-' : ''}${printDuration(expr.expr)}`
    case 'durationBinary':
      return `${printDuration(expr.left)} ${expr.op} ${printDuration(expr.right)}`
    case 'durationCall':
      return `${expr.name}(${expr.args.map(printDuration).join(', ')})`
    case 'durationParen':
      return `(${printDuration(expr.expr)})`
  }
}

/** Fractions of a millisecond are left out. */
function formatNanoseconds(ns: number): string {
  return formatDuration(Math.trunc(ns / 1e6))
}

function labels(names: readonly string[]): string {
  return `(${names.map(formatLabel).join(', ')})`
}

function formatLabel(name: string): string {
  return isLegacyLabel(name) ? name : quote(name)
}
