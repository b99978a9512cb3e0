import type { Expr } from './ast.ts'
import { utf8Length } from './position.ts'
import { print, printAggregator, printOperator, printSubquery } from './printer.ts'

/** Expressions that are longer, in bytes, are written on several lines. */
const width = 100

/** The expression as Prometheus formats it (`parser.Prettify`): what is too long for one line is split where its parts
 *  begin, each level two spaces deeper. */
export function prettify(expr: Expr): string {
  return new Prettifier().pretty(expr, 0)
}

class Prettifier {
  private readonly lines = new Map<Expr, string>()

  pretty(expr: Expr, level: number): string {
    const margin = '  '.repeat(level)
    const line = this.line(expr)
    const isLong = line.length > width || utf8Length(line) > width
    switch (expr.kind) {
      case 'stepInvariant':
        return this.pretty(expr.expr, level)
      case 'unary':
        return margin + expr.op + this.pretty(expr.expr, level).trim()
      case 'subquery':
        // Upstream gives a short one no margin.
        return isLong ? this.pretty(expr.expr, level) + printSubquery(expr) : line
      case 'binary': {
        if (!isLong) return margin + line
        const [left, right] = [expr.left, expr.right].map(side => this.pretty(side, level + 1))
        return `${left}\n${margin}${printOperator(expr)}\n${right}`
      }
      case 'aggregate': {
        const { param } = expr
        const args = param === null ? [expr.expr] : [param, expr.expr]
        return margin + (isLong ? printAggregator(expr) + this.split(args, level) : line)
      }
      case 'call':
        return margin + (isLong ? expr.name + this.split(expr.args, level) : line)
      case 'paren':
        return margin + (isLong ? this.split([expr.expr], level) : line)
      case 'number':
      case 'string':
      case 'vectorSelector':
      case 'matrixSelector':
        return margin + line
    }
  }

  private split(exprs: readonly Expr[], level: number): string {
    const parts = exprs.map(expr => this.pretty(expr, level + 1))
    return `(\n${parts.join(',\n')}\n${'  '.repeat(level)})`
  }

  /** Each is printed once, however deep it lies. */
  private line(expr: Expr): string {
    const known = this.lines.get(expr)
    if (known !== undefined) return known
    const line = print(expr, inner => this.line(inner))
    this.lines.set(expr, line)
    return line
  }
}
