import { QueryError } from '../model/errors.ts'
import {
  compareBytes,
  isLegacyLabel,
  keepLabels,
  labelsKey,
  metricName,
  pairsOf,
  quote,
  type Labels,
} from '../model/labels.ts'
import type { BinaryExpr, Expr, VectorMatching } from './ast.ts'
import type { Evaluation } from './evaluation.ts'
import { evaluate } from './evaluate.ts'
import { dropName, hasOneName, Joined } from './naming.ts'
import { arithmetic, comparisons, isComparison } from './operators.ts'
import { copyOf, emptyRow, type Row, type Sink } from './row.ts'
import { typeOf } from './types.ts'

/** Binary operators. Labels are matched once for the whole query, values are computed column by column. */
export async function binary(expr: BinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  const left = typeOf(expr.left)
  const right = typeOf(expr.right)
  if (left === 'vector' && right === 'vector') await oneToOne(expr, query, sink)
  else if (left === 'vector') await withScalar(expr, expr.left, expr.right, query, sink)
  else await withScalar(expr, expr.right, expr.left, query, sink)
}

/** Computes a column from two; where one of them has no value there is none. */
type Combine = (left: Row, right: Row, result: Row) => void

function combination({ op, bool }: BinaryExpr, kept: 'left' | 'right'): Combine {
  if (!isComparison(op)) return computing(arithmetic[op])
  return bool ? computing(answering(comparisons[op])) : filtering(comparisons[op], kept)
}

function answering(compare: (a: number, b: number) => boolean): (a: number, b: number) => number {
  return (a, b) => (compare(a, b) ? 1 : 0)
}

function computing(apply: (a: number, b: number) => number): Combine {
  return (left, right, result) => {
    for (let s = 0; s < result.present.length; s++) {
      result.present[s] = (left.present[s] as number) & (right.present[s] as number)
      if (result.present[s] === 1)
        result.values[s] = apply(left.values[s] as number, right.values[s] as number)
    }
  }
}

/** Keeps the value of one side where the comparison holds. */
function filtering(compare: (a: number, b: number) => boolean, kept: 'left' | 'right'): Combine {
  return (left, right, result) => {
    const { values } = kept === 'left' ? left : right
    for (let s = 0; s < result.present.length; s++) {
      const both = left.present[s] === 1 && right.present[s] === 1
      const keep = both && compare(left.values[s] as number, right.values[s] as number)
      result.present[s] = keep ? 1 : 0
      if (keep) result.values[s] = values[s] as number
    }
  }
}

/** A scalar with each row of a vector, or with another scalar. A comparison keeps the vector's value. */
async function withScalar(
  expr: BinaryExpr,
  vector: Expr,
  scalar: Expr,
  query: Evaluation,
  sink: Sink,
): Promise<void> {
  const scalarIsLeft = scalar === expr.left
  const combine = combination(expr, scalarIsLeft ? 'right' : 'left')
  const renamed = !isComparison(expr.op) || expr.bool
  const joined = renamed && !hasOneName(vector) ? new Joined() : null
  const constant = await onlyRow(scalar, query)
  const result = emptyRow(query.grid.steps)
  await evaluate(vector, query, row => {
    if (scalarIsLeft) combine(constant, row, result)
    else combine(row, constant, result)
    result.labels = renamed ? dropName(row.labels) : row.labels
    if (joined) joined.add(result)
    else sink(result)
  })
  joined?.emit(sink)
}

async function onlyRow(scalar: Expr, query: Evaluation): Promise<Row> {
  const rows: Row[] = []
  await evaluate(scalar, query, row => rows.push(copyOf(row)))
  return rows[0] as Row
}

/** Two vectors, matched by their labels. The right side is read first and held; the left side streams by. */
async function oneToOne(expr: BinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  const { steps } = query.grid
  const combine = combination(expr, 'left')
  const matches = new Matches(expr.matching, steps)
  await evaluate(expr.right, query, row => matches.addRight(row))
  const labelsOf = resultLabels(expr)
  // With all labels matched, and only one name, no two rows of the left side can meet.
  const unique = !expr.matching.on && expr.matching.labels.length === 0 && hasOneName(expr.left)
  const joined = unique ? null : new Joined()
  const result = emptyRow(steps)
  await evaluate(expr.left, query, left => {
    const right = matches.addLeft(left)
    if (!right) return
    combine(left, right, result)
    result.labels = labelsOf(left.labels)
    if (joined) joined.add(result)
    else sink(result)
  })
  matches.check()
  joined?.emit(sink)
}

/** Labels of the result by those of the left side (upstream's `resultMetric`): `on` keeps what it names,
 *  `ignoring` takes away what it names; the metric's name stays only where a comparison filters. */
function resultLabels({ op, bool, matching }: BinaryExpr): (labels: Labels) => Labels {
  const names = new Set(matching.labels)
  const renamed = !isComparison(op) || bool
  return labels => {
    const kept = renamed ? dropName(labels) : labels
    return keepLabels(kept, name => names.has(name) === matching.on)
  }
}

/** The rows of the right side that have the same matching labels, put into one column. */
interface MatchGroup {
  readonly column: Row
  /** Whose values these are. */
  readonly members: { readonly labels: Labels; readonly present: Uint8Array }[]
  /** Steps at which a row of the left side has found its match. */
  matched: Uint8Array | null
}

/** Finds pairs of rows, and what Prometheus objects to: two rows of one side with the same matching labels and
 *  values at the same step. The objection to the earliest step counts, as if the query went step by step. */
class Matches {
  private readonly matching: VectorMatching
  private readonly names: ReadonlySet<string>
  private readonly groups = new Map<string, MatchGroup>()
  /** By step, the first two rows of the right side that meet there. */
  private readonly duplicates = new Map<number, readonly [Labels, Labels]>()
  private readonly anyLeft: Uint8Array
  /** First step at which a second row of the left side wants the same match. */
  private ambiguous = Infinity

  constructor(matching: VectorMatching, steps: number) {
    this.matching = matching
    this.names = new Set(matching.labels)
    this.anyLeft = new Uint8Array(steps)
  }

  addRight(row: Row): void {
    const key = labelsKey(this.matchLabels(row.labels))
    const member = { labels: row.labels, present: row.present.slice() }
    const group = this.groups.get(key)
    if (!group) {
      this.groups.set(key, { column: copyOf(row), members: [member], matched: null })
      return
    }
    for (let s = 0; s < row.present.length; s++) if (row.present[s] === 1) this.put(row, s, group)
    group.members.push(member)
  }

  private put(row: Row, step: number, { column, members }: MatchGroup): void {
    if (column.present[step] === 0) {
      column.present[step] = 1
      column.values[step] = row.values[step] as number
    } else if (!this.duplicates.has(step)) {
      const other = members.find(({ present }) => present[step] === 1)
      if (other) this.duplicates.set(step, [row.labels, other.labels])
    }
  }

  /** The column that a row of the left side is combined with; null when there is none or `check` will object. */
  addLeft(row: Row): Row | null {
    if (this.duplicates.size > 0) for (const step of this.duplicates.keys()) this.mark(row, step)
    const group = this.groups.get(labelsKey(this.matchLabels(row.labels)))
    if (!group) return null
    const { matched, column } = group
    if (matched === null) {
      group.matched = bothPresent(row, column)
      return column
    }
    for (let s = 0; s < matched.length; s++) {
      if (row.present[s] === 0 || column.present[s] === 0) continue
      if (matched[s] === 1) this.ambiguous = Math.min(this.ambiguous, s)
      matched[s] = 1
    }
    return this.ambiguous === Infinity ? column : null
  }

  private mark({ present }: Row, step: number): void {
    if (present[step] === 1) this.anyLeft[step] = 1
  }

  /** @throws QueryError (`execution`) when rows cannot be told apart. Right-hand rows that meet are fine as long
   *  as there is nothing on the left at that step. */
  check(): void {
    const met = [...this.duplicates].filter(([step]) => this.anyLeft[step] === 1)
    const [step, pair] = met.reduce((a, b) => (b[0] < a[0] ? b : a), met[0] ?? [Infinity, null])
    if (pair && step <= this.ambiguous) throw this.duplicate(...pair)
    if (this.ambiguous !== Infinity) {
      const what = 'many-to-one matching must be explicit (group_left/group_right)'
      throw new QueryError('execution', `multiple matches for labels: ${what}`)
    }
  }

  private duplicate(one: Labels, other: Labels): QueryError {
    const group = braced(this.matchLabels(one))
    const series = [braced(one), braced(other)].sort(compareBytes).join(', ')
    return new QueryError(
      'execution',
      `found duplicate series for the match group ${group} on the right hand-side of the operation: [${series}]` +
        ';many-to-many matching not allowed: matching labels must be unique on one side',
    )
  }

  private matchLabels(labels: Labels): Labels {
    const { matching, names } = this
    if (matching.on) return keepLabels(labels, name => names.has(name))
    return keepLabels(labels, name => name !== metricName && !names.has(name))
  }
}

function bothPresent(a: Row, b: Row): Uint8Array {
  return a.present.map((present, s) => present & (b.present[s] as number))
}

/** Labels in braces, the metric's name among them (`labels.String`). */
function braced(labels: Labels): string {
  const pairs = [...pairsOf(labels)].map(([name, value]) => {
    return `${isLegacyLabel(name) ? name : quote(name)}=${quote(value)}`
  })
  return `{${pairs.join(', ')}}`
}
