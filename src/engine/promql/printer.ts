import { formatDuration } from '../model/duration.ts'
import { compareBytes, isLegacyLabel, metricName, quote } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { AggregateExpr, BinaryExpr, Expr, VectorSelector } from './ast.ts'

/** The expression as Prometheus prints it (`Expr.String`, `promql/parser/printer.go`). Reading it again gives the
 *  same tree. */
export function print(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return expr.duration ? formatDuration(Math.trunc(expr.value * 1000)) : formatFixed(expr.value)
    case 'string':
      return quote(expr.value)
    case 'vectorSelector':
      return selector(expr) + offset(expr)
    case 'matrixSelector':
      return `${selector(expr.selector)}[${duration(expr.rangeMs)}]${offset(expr.selector)}`
    case 'paren':
      return `(${print(expr.expr)})`
    case 'unary':
      return expr.op + print(expr.expr)
    case 'binary':
      return `${print(expr.left)} ${expr.op}${expr.bool ? ' bool' : ''}${matching(expr)} ${print(expr.right)}`
    case 'aggregate':
      return `${expr.op}${grouping(expr)}(${print(expr.expr)})`
    case 'call':
      return `${expr.name}(${expr.args.map(print).join(', ')})`
  }
}

function selector({ name, matchers }: VectorSelector): string {
  const braces = matchers.filter(m => !isName(m, name)).map(formatMatcher)
  return braces.length === 0 ? name : `${name}{${braces.sort(compareBytes).join(',')}}`
}

/** The matcher that the name in front of the braces stands for. */
function isName({ name, type, value }: Matcher, metric: string): boolean {
  return name === metricName && type === '=' && value === metric && value !== ''
}

function formatMatcher({ name, type, value }: Matcher): string {
  return `${formatLabel(name)}${type}${quote(value)}`
}

function offset({ offsetMs }: VectorSelector): string {
  if (offsetMs === 0) return ''
  return offsetMs < 0 ? ` offset -${duration(-offsetMs)}` : ` offset ${duration(offsetMs)}`
}

function matching({ matching }: BinaryExpr): string {
  if (!matching.on && matching.labels.length === 0) return ''
  return ` ${matching.on ? 'on' : 'ignoring'} (${matching.labels.map(formatLabel).join(', ')})`
}

function grouping({ without, grouping }: AggregateExpr): string {
  const labels = `(${grouping.map(formatLabel).join(', ')}) `
  return without ? ` without ${labels}` : grouping.length > 0 ? ` by ${labels}` : ''
}

function formatLabel(name: string): string {
  return isLegacyLabel(name) ? name : quote(name)
}

function duration(ms: number): string {
  return formatDuration(Math.trunc(ms))
}

/** Decimal digits without an exponent, as few as tell the number (`strconv.FormatFloat(v, 'f', -1, 64)`). */
function formatFixed(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const [digits = '', exponent] = String(value).split('e')
  if (exponent === undefined) return digits
  const sign = digits.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.')
  const point = whole.length + Number(exponent)
  const all = whole + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return sign + all.padEnd(point, '0')
}
