import type { Labels } from '../../model/labels.ts'
import type { Expr } from '../syntax/ast.ts'
import { Combination } from './combination.ts'
import { rightFirst } from './errors.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import { Matching, type VectorBinaryExpr } from './matching.ts'
import { OneSide, type MatchGroup } from './groups.ts'
import { JoinedResults, Objections } from './results.ts'
import { hasOneName } from '../naming.ts'
import { isComparison, isTrim } from '../syntax/operators.ts'
import { emptyRow, presence, type Row, type Sink } from '../row.ts'

/** Arithmetic, comparisons and trims between two instant vectors (upstream `VectorBinop`). The "one" side is read first and
 *  held; the other one streams by. */
export async function vectorBinary(expr: VectorBinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  const swapped = expr.matching.card === 'one-to-many'
  const join = new Join(expr, query, sink)
  const readOne = (one: Expr) => evaluate(one, query, row => join.takeOne(row))
  await (swapped ? readOne(expr.left) : rightFirst(expr, query, () => readOne(expr.right)))
  await evaluate(swapped ? expr.right : expr.left, query, row => join.takeMany(row))
  await join.finish()
}

class Join {
  private readonly expr: VectorBinaryExpr
  private readonly query: Evaluation
  private readonly sink: Sink
  private readonly matching: Matching
  private readonly combination: Combination
  private readonly objections = new Objections()
  private readonly side: OneSide
  /** A constant row for a missing series of each side, present where the series is missing. */
  private readonly fillOne: Row | null
  private readonly fillMany: Row | null
  /** Null where no two rows of the "many" side can have the same result: then it is handed on at once. */
  private readonly results: JoinedResults | null
  private readonly result: Row

  constructor(expr: VectorBinaryExpr, query: Evaluation, sink: Sink) {
    const { steps } = query.grid
    const { fill, card } = expr.matching
    // With delayed removal the name only goes later, unless the operator makes a different metric of it.
    const metricChanges = !isComparison(expr.op) && !isTrim(expr.op)
    const renamed = metricChanges || (expr.bool && !query.options.delayedNameRemoval)
    this.expr = expr
    this.query = query
    this.sink = sink
    this.matching = new Matching(expr.matching, renamed)
    this.combination = new Combination(expr, steps)
    this.fillOne = fill.right === null ? null : constantRow(fill.right, steps)
    this.fillMany = fill.left === null ? null : constantRow(fill.left, steps)
    const filled = this.fillOne !== null || this.fillMany !== null
    this.side = new OneSide(this.matching, steps, filled)
    const { ambiguous } = this.matching
    const apart = !filled && stayApart(expr, renamed)
    this.results = apart ? null : new JoinedResults(steps, card === 'one-to-one', ambiguous, this.objections)
    this.result = emptyRow(steps)
    this.result.dropName = expr.bool && query.options.delayedNameRemoval
  }

  takeOne(row: Row): void {
    this.side.add(row)
  }

  takeMany(row: Row): void {
    this.side.see(row)
    const key = this.matching.keyOf(row.labels)
    const group = this.fillOne ? this.side.groupOrEmpty(key) : this.side.group(key)
    if (!group) return
    for (const column of group.columns) this.put(group, row, column, row.labels, column.labels)
    if (this.fillOne) {
      presentWhere(this.fillOne, s => !group.has(s))
      this.put(group, row, this.fillOne, row.labels, this.matching.labelsOf(row.labels))
    }
  }

  /** Hands on, or keeps, what comes of two rows. */
  private put(group: MatchGroup, many: Row, one: Row, manyLabels: Labels, oneLabels: Labels): void {
    const { combination, result, results } = this
    if (this.expr.matching.card === 'one-to-many') combination.combine(one, many, result)
    else combination.combine(many, one, result)
    result.labels = this.matching.resultOf(manyLabels, oneLabels)
    if (results) results.add(group, result, combination.matched)
    else this.sink(result)
  }

  /** @throws QueryError (`execution`) when rows cannot be told apart: what is wrong at the earliest step counts, as if the
   *  query went step by step */
  async finish(): Promise<void> {
    for (const { step, labels, other } of this.side.duplicates()) {
      this.objections.add(step, 'input', () => this.matching.duplicate(labels, other))
    }
    if (this.fillMany) await this.fillMissing(this.fillMany)
    this.combination.finish(this.query)
    this.objections.check()
    for (const row of this.results?.rows() ?? []) {
      if (this.query.due) await this.query.pause()
      this.sink(row)
    }
  }

  /** Combines rows of the "one" side that nothing has matched. */
  private async fillMissing(fill: Row): Promise<void> {
    for (const group of this.side.groups()) {
      if (this.query.due) await this.query.pause()
      presentWhere(fill, s => group.matched?.[s] !== 1)
      for (const column of group.columns) {
        this.put(group, fill, column, this.matching.labelsOf(column.labels), column.labels)
      }
    }
  }
}

/** Whether rows of the "many" side are known to have different results, and at most one of them each match. */
function stayApart({ left, right, matching }: VectorBinaryExpr, renamed: boolean): boolean {
  const { card, on, labels, include } = matching
  if (card === 'one-to-one') return !on && labels.length === 0 && hasOneName(left)
  return include.length === 0 && (!renamed || hasOneName(card === 'many-to-one' ? left : right))
}

function constantRow(value: number, steps: number): Row {
  const row = emptyRow(steps)
  row.values.fill(value)
  return row
}

function presentWhere({ present }: Row, holds: (step: number) => boolean): void {
  for (let s = 0; s < present.length; s++) present[s] = holds(s) ? presence.float : presence.none
}
