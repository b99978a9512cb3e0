import type { BinaryExpr, Expr } from '../syntax/ast.ts'
import { Combination } from './combination.ts'
import { rightFirst } from './errors.ts'
import { vectorBinary } from './vectors.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { VectorBinaryExpr } from './matching.ts'
import { Renaming } from '../naming.ts'
import { isComparison, isSetOperator, isTrim } from '../syntax/operators.ts'
import { copyOf, emptyRow, type Sink } from '../row.ts'
import { setOperator } from './sets.ts'
import { typeOf } from '../syntax/types.ts'

/** Binary operators. Labels are matched once for the whole query, values are computed column by column. */
export async function binary(expr: BinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  if (isBetweenVectors(expr)) {
    await (isSetOperator(expr.op) ? setOperator(expr, query, sink) : vectorBinary(expr, query, sink))
  } else if (typeOf(expr.left) === 'vector') await withScalar(expr, expr.left, expr.right, query, sink)
  else await withScalar(expr, expr.right, expr.left, query, sink)
}

function isBetweenVectors(expr: BinaryExpr): expr is VectorBinaryExpr {
  return typeOf(expr.left) === 'vector' && typeOf(expr.right) === 'vector'
}

/** A scalar with each row of a vector, or with another scalar (upstream `VectorscalarBinop`). A comparison keeps the
 *  vector's value. */
async function withScalar(
  expr: BinaryExpr,
  vector: Expr,
  scalar: Expr,
  query: Evaluation,
  sink: Sink,
): Promise<void> {
  const scalarIsLeft = scalar === expr.left
  const combination = new Combination(expr, query.grid.steps, scalarIsLeft ? 'right' : 'left')
  const renamed = expr.bool || !(isComparison(expr.op) || isTrim(expr.op))
  const renaming = new Renaming(query, vector, sink)
  let constant = emptyRow(query.grid.steps)
  const readScalar = () => evaluate(scalar, query, row => (constant = copyOf(row)))
  await (scalarIsLeft ? readScalar() : rightFirst(expr, query, readScalar))
  const result = emptyRow(query.grid.steps)
  await evaluate(vector, query, row => {
    if (scalarIsLeft) combination.combine(constant, row, result)
    else combination.combine(row, constant, result)
    result.labels = row.labels
    result.dropName = row.dropName
    if (renamed && typeOf(vector) === 'vector') renaming.drop(result)
    else renaming.keep(result)
  })
  await renaming.finish()
  combination.finish(query)
}
