import { keepLabels, labelsKey, metricName, type Labels } from '../model/labels.ts'
import type { Expr } from './ast.ts'
import { functions, type PromFunction } from './functions.ts'
import { isComparison } from './operators.ts'
import { QueryError } from '../model/errors.ts'
import { emptyRow, type Row, type Sink } from './row.ts'
import { typeOf } from './types.ts'

// Most operators drop the metric's name, and then two series can have the same labels.

/** Labels that say what a metric is; they go together with its name (upstream's `schema.IsMetadataLabel`). */
const metadata = new Set([metricName, '__type__', '__unit__'])

/** The labels without the metric's name. */
export function dropName(labels: Labels): Labels {
  return keepLabels(labels, name => !metadata.has(name))
}

/** Whether all rows of an expression are known to have the same name, or none: then they stay distinct without
 *  it. Rows that may become equal have to be held until the last one has come. */
export function hasOneName(expr: Expr): boolean {
  switch (expr.kind) {
    case 'vectorSelector':
      return expr.matchers.some(({ name, type }) => name === metricName && type === '=')
    case 'matrixSelector':
      return hasOneName(expr.selector)
    case 'paren':
      return hasOneName(expr.expr)
    case 'unary':
      return expr.op === '-' || hasOneName(expr.expr)
    case 'binary':
      if (!isComparison(expr.op) || expr.bool) return true
      return hasOneName(typeOf(expr.left) === 'scalar' ? expr.right : expr.left)
    case 'aggregate':
      return expr.without || !expr.grouping.some(name => metadata.has(name))
    case 'call': {
      const { keepsName }: PromFunction = functions[expr.name]
      return !keepsName || expr.args.every(hasOneName)
    }
    case 'number':
    case 'string':
      return true
  }
}

/** Joins rows with the same labels, which must not have values at the same step. */
export class Joined {
  private readonly rows = new Map<string, Row>()

  add(row: Row): void {
    const key = labelsKey(row.labels)
    let joined = this.rows.get(key)
    if (!joined) this.rows.set(key, (joined = emptyRow(row.values.length, row.labels)))
    for (let s = 0; s < row.present.length; s++) {
      if (row.present[s] === 0) continue
      if (joined.present[s] === 1) throw sameLabels()
      joined.present[s] = 1
      joined.values[s] = row.values[s] as number
    }
  }

  emit(sink: Sink): void {
    for (const row of this.rows.values()) sink(row)
  }
}

/** Lets rows through as long as no two of them have the same labels. */
export function distinct(sink: Sink): Sink {
  const seen = new Set<string>()
  return row => {
    const key = labelsKey(row.labels)
    if (seen.has(key)) throw sameLabels()
    seen.add(key)
    sink(row)
  }
}

function sameLabels(): QueryError {
  return new QueryError('execution', 'vector cannot contain metrics with the same labelset')
}
