import type { FloatHistogram } from '../../model/histogram/float.ts'
import type { Annotation } from '../annotations.ts'
import type { BinaryExpr } from '../syntax/ast.ts'
import { ofHistograms } from './histograms.ts'
import { comparing, computing } from './kernels.ts'
import type { Evaluation } from '../evaluation.ts'
import { isComparison, isSetOperator, isTrim, type ComparisonOperator } from '../syntax/operators.ts'
import { histogramAt, presence, setHistogram, type Row } from '../row.ts'

/** What an operator makes of two columns. */
export class Combination {
  /** After `combine`: 1 at the steps where both columns had something that fits together, even if a comparison filters
   *  it. */
  readonly matched: Uint8Array
  private readonly expr: BinaryExpr
  private readonly kept: 'left' | 'right'
  private readonly holds: Uint8Array
  /** By step what was noticed last: upstream forgets what it noticed before. */
  private noticed: (Annotation | null)[] | null = null

  /** @param kept whose values a comparison answers when it filters */
  constructor(expr: BinaryExpr, steps: number, kept: 'left' | 'right' = 'left') {
    this.expr = expr
    this.kept = kept
    this.matched = new Uint8Array(steps)
    this.holds = new Uint8Array(steps)
  }

  /** Computes values, presence and histograms of `result`. */
  combine(left: Row, right: Row, result: Row): void {
    result.histograms = null
    this.combineFloats(left, right, result)
    if (left.histograms || right.histograms || isTrim(this.expr.op)) this.combineOthers(left, right, result)
  }

  /** Everything as if there were floats only. */
  private combineFloats(left: Row, right: Row, result: Row): void {
    const { matched } = this
    for (let s = 0; s < matched.length; s++) {
      matched[s] = (left.present[s] as number) & (right.present[s] as number) & presence.float
    }
    const { op } = this.expr
    if (isComparison(op)) this.compare(op, left, right, result)
    else {
      result.present.set(matched)
      if (!isTrim(op) && !isSetOperator(op)) computing[op](left.values, right.values, result.values)
    }
  }

  private compare(op: ComparisonOperator, left: Row, right: Row, result: Row): void {
    const { holds, matched } = this
    comparing[op](left.values, right.values, holds)
    if (this.expr.bool) {
      result.values.set(holds)
      result.present.set(matched)
      return
    }
    result.values.set(this.kept === 'left' ? left.values : right.values)
    for (let s = 0; s < matched.length; s++) result.present[s] = (matched[s] as number) & (holds[s] as number)
  }

  /** The steps that are not between two floats, or between floats that the operator is not for. */
  private combineOthers(left: Row, right: Row, result: Row): void {
    const forFloats = !isTrim(this.expr.op)
    for (let s = 0; s < this.matched.length; s++) {
      if (left.present[s] === presence.none || right.present[s] === presence.none) continue
      if (forFloats && left.present[s] === presence.float && right.present[s] === presence.float) continue
      this.combineAt(left, right, s, result)
    }
  }

  private combineAt(left: Row, right: Row, s: number, result: Row): void {
    const { op, bool } = this.expr
    const { histogram, holds, failed, note } = ofHistograms(op, operandAt(left, s), operandAt(right, s))
    if (note) this.notice(note, s)
    this.matched[s] = failed ? 0 : 1
    result.present[s] = presence.none
    if (failed) return
    if (bool) {
      result.present[s] = presence.float
      result.values[s] = holds ? 1 : 0
    } else if (holds && histogram) {
      setHistogram(result, s, histogram)
    }
  }

  private notice(note: Annotation, s: number): void {
    this.noticed ??= new Array<null>(this.matched.length).fill(null)
    this.noticed[s] = note
  }

  /** Says what was noticed. */
  finish(query: Evaluation): void {
    for (const note of this.noticed ?? []) if (note) query.note(note, this.expr.span)
  }
}

function operandAt(row: Row, s: number): number | FloatHistogram {
  return row.present[s] === presence.histogram ? histogramAt(row, s) : (row.values[s] as number)
}
