import { QueryError } from '../../model/errors.ts'
import type { BinaryExpr } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'

/** Reads the right side of an operator before the left one. When both fail, the left one's error is to be told, as if it had
 *  been evaluated first. */
export async function rightFirst(
  { left }: BinaryExpr,
  query: Evaluation,
  readRight: () => Promise<void>,
): Promise<void> {
  try {
    await readRight()
  } catch (error) {
    if (error instanceof QueryError && error.type === 'execution')
      await evaluate(left, query, () => undefined)
    throw error
  }
}
