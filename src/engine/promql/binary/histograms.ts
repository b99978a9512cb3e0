import { resetHint } from '../../model/histogram.ts'
import { FloatHistogram } from '../../model/histogram/float.ts'
import { addInPlace, compactInPlace, subtractInPlace } from '../../model/histogram/floatadd.ts'
import { sameFloatHistogram } from '../../model/histogram/floatequal.ts'
import { trimmed } from '../../model/histogram/floattrim.ts'
import {
  counterResetCollision,
  incompatibleBucketLayout,
  incompatibleTypes,
  mismatchedCustomBuckets,
  type Annotation,
} from '../annotations.ts'
import type { BinaryOperator } from '../syntax/operators.ts'

/** What comes of one pair where not both are floats (upstream `vectorElemBinop`). */
export interface Outcome {
  /** Null where there is nothing to answer. */
  readonly histogram: FloatHistogram | null
  /** Of a comparison: whether it holds. */
  readonly holds: boolean
  /** Whether the pair counts as none at all. */
  readonly failed: boolean
  readonly note: Annotation | null
}

type Operand = number | FloatHistogram

/** Computes with native histograms. Two floats come here when the operator is not for floats. */
export function ofHistograms(op: BinaryOperator, left: Operand, right: Operand): Outcome {
  if (left instanceof FloatHistogram) {
    return right instanceof FloatHistogram ? ofTwo(op, left, right) : withNumber(op, left, right)
  }
  if (right instanceof FloatHistogram && op === '*') return compacted(right.scaled(left))
  return incompatible(op, left, right)
}

function ofTwo(op: BinaryOperator, left: FloatHistogram, right: FloatHistogram): Outcome {
  switch (op) {
    case '+':
      return sum(left, right)
    case '-':
      return difference(left, right)
    case '==':
      return { histogram: left, holds: sameFloatHistogram(left, right), failed: false, note: null }
    case '!=':
      return { histogram: left, holds: !sameFloatHistogram(left, right), failed: false, note: null }
    default:
      return incompatible(op, left, right)
  }
}

function withNumber(op: BinaryOperator, left: FloatHistogram, right: number): Outcome {
  switch (op) {
    case '*':
      return compacted(left.scaled(right))
    case '/':
      return compacted(left.divided(right))
    case '</':
      return answer(trimmed(left, right, 'below'))
    case '>/':
      return answer(trimmed(left, right, 'above'))
    default:
      return incompatible(op, left, right)
  }
}

function sum(left: FloatHistogram, right: FloatHistogram): Outcome {
  const result = left.copy()
  const noticed = addInPlace(result, right)
  if (!noticed) return failure(incompatibleBucketLayout('+'))
  if (noticed.resetCollision) return failure(counterResetCollision('addition'))
  return compacted(result, noticed.boundsReconciled ? mismatchedCustomBuckets('addition') : null)
}

/** A difference is a gauge. */
function difference(left: FloatHistogram, right: FloatHistogram): Outcome {
  const result = left.copy()
  const noticed = subtractInPlace(result, right)
  if (!noticed) return failure(incompatibleBucketLayout('-'))
  if (noticed.resetCollision) return failure(counterResetCollision('subtraction'))
  result.hint = resetHint.gauge
  return compacted(result, noticed.boundsReconciled ? mismatchedCustomBuckets('subtraction') : null)
}

/** @param histogram belongs to the caller */
function compacted(histogram: FloatHistogram, note: Annotation | null = null): Outcome {
  compactInPlace(histogram)
  return answer(histogram, note)
}

function answer(histogram: FloatHistogram, note: Annotation | null = null): Outcome {
  return { histogram, holds: true, failed: false, note }
}

function failure(note: Annotation): Outcome {
  return { histogram: null, holds: false, failed: true, note }
}

function incompatible(op: BinaryOperator, left: Operand, right: Operand): Outcome {
  return failure(incompatibleTypes(typeName(left), op, typeName(right)))
}

function typeName(operand: Operand): string {
  return operand instanceof FloatHistogram ? 'histogram' : 'float'
}
