import { QueryError } from '../model/errors.ts'
import { keepLabels, labelsKey, metricName, type Labels } from '../model/labels.ts'
import type { Aggregator } from './syntax/aggregators.ts'
import type { Expr } from './syntax/ast.ts'
import type { Evaluation } from './evaluation.ts'
import type { FunctionName } from './syntax/functions.ts'
import { isComparison, isSetOperator } from './syntax/operators.ts'
import { emptyRow, histogramAt, presence, setHistogram, type Row, type Sink } from './row.ts'
import { typeOf } from './syntax/types.ts'

// Most operators drop the metric's name, and then two series can have the same labels.

/** Labels that say what a metric is; they go together with its name (upstream's `schema.IsMetadataLabel`). */
const metadata = new Set([metricName, '__type__', '__unit__'])

/** The labels without the metric's name. */
export function dropName(labels: Labels): Labels {
  return keepLabels(labels, name => !metadata.has(name))
}

/** Takes the metric's name from the rows of an operator: at once, or when the query is done. Two rows whose labels then
 *  are the same are joined, unless they have values at the same step; with `distinct` there must be no two. */
export class Renaming {
  private readonly query: Evaluation
  private readonly delayed: boolean
  private readonly sink: Sink
  private readonly joined: Joined | null
  private readonly seen: Set<string> | null

  /** @param expr what the rows come from */
  constructor(query: Evaluation, expr: Expr, sink: Sink, meeting: 'join' | 'distinct' = 'join') {
    this.query = query
    this.delayed = query.options.delayedNameRemoval
    this.sink = sink
    const apart = this.delayed || hasOneName(expr)
    this.joined = apart || meeting === 'distinct' ? null : new Joined()
    this.seen = apart || meeting === 'join' ? null : new Set()
  }

  /** Hands on a row without its name; it is lent. */
  drop(row: Row): void {
    if (this.delayed) row.dropName = true
    else row.labels = dropName(row.labels)
    if (this.joined) this.joined.add(row)
    else this.keep(row)
  }

  /** Hands on a row as it is. */
  keep(row: Row): void {
    if (this.seen && row.present.some(present => present !== presence.none)) {
      const key = labelsKey(row.labels)
      if (this.seen.has(key)) throw sameLabels()
      this.seen.add(key)
    }
    this.sink(row)
  }

  /** Hands on what had to be held. */
  async finish(): Promise<void> {
    await this.joined?.emit(this.query, this.sink)
  }
}

const choosing: ReadonlySet<Aggregator> = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio'])
const relabelling: ReadonlySet<FunctionName> = new Set(['label_replace', 'label_join', 'info'])
const keeping: ReadonlySet<FunctionName> = new Set([
  ...(['last_over_time', 'first_over_time'] as const),
  ...(['sort', 'sort_desc', 'sort_by_label', 'sort_by_label_desc'] as const),
])

/** Whether all rows of an expression are known to have the same name, or none: then they stay distinct without
 *  it. Rows that may become equal have to be held until the last one has come. */
export function hasOneName(expr: Expr): boolean {
  switch (expr.kind) {
    case 'vectorSelector':
      return expr.matchers.some(({ name, type }) => name === metricName && type === '=')
    case 'matrixSelector':
      return hasOneName(expr.selector)
    case 'subquery':
    case 'paren':
    case 'stepInvariant':
      return hasOneName(expr.expr)
    case 'unary':
      return expr.op === '-' || hasOneName(expr.expr)
    case 'binary':
      if (isSetOperator(expr.op)) return false
      if (!isComparison(expr.op) || expr.bool) return true
      return hasOneName(typeOf(expr.left) === 'scalar' ? expr.right : expr.left)
    case 'aggregate':
      if (choosing.has(expr.op)) return hasOneName(expr.expr)
      // A value can become a name.
      if (expr.op === 'count_values') return false
      return expr.without || !expr.grouping.some(name => metadata.has(name))
    case 'call':
      if (relabelling.has(expr.name)) return false
      return !keeping.has(expr.name) || expr.args.every(hasOneName)
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
    if (!joined) {
      this.rows.set(key, (joined = emptyRow(row.values.length, row.labels)))
      joined.dropName = row.dropName
    }
    for (let s = 0; s < row.present.length; s++) {
      if (row.present[s] === presence.none) continue
      if (joined.present[s] !== presence.none) throw sameLabels()
      if (row.present[s] === presence.histogram) setHistogram(joined, s, histogramAt(row, s))
      else {
        joined.present[s] = presence.float
        joined.values[s] = row.values[s] as number
      }
    }
  }

  /** Hands on the rows, in the order in which they came first. */
  async emit(query: Evaluation, sink: Sink): Promise<void> {
    for (const row of this.rows.values()) {
      if (query.due) await query.pause()
      sink(row)
    }
  }
}

export function sameLabels(): QueryError {
  return new QueryError('execution', 'vector cannot contain metrics with the same labelset')
}

/** What goes last: names whose removal was put off. Rows that are the same without them are joined. */
export function finalNames(query: Evaluation, sink: Sink): { take: Sink; finish: () => Promise<void> } {
  if (!query.options.delayedNameRemoval) return { take: sink, finish: () => Promise.resolve() }
  const joined = new Joined()
  return {
    take: row => {
      if (row.dropName) joined.add({ ...row, labels: dropName(row.labels) })
      else joined.add(row)
    },
    finish: () => joined.emit(query, sink),
  }
}
