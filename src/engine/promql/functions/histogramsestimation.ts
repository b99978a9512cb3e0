import type { FloatHistogram } from '../../model/histogram/float.ts'
import type { Labels } from '../../model/labels.ts'
import { forcedMonotonicity, fractionWithoutNaN, quantileOfNaN, quantileSkewedByNaN } from '../annotations.ts'
import type { Expr } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { NativeEstimator, type NaNEffect } from './quantile.ts'
import { ClassicBuckets, type Forced } from './quantileclassic.ts'
import { emptyRow, histogramAt, presence, type Row, type Sink } from '../row.ts'
import { HistogramInput, type ClassicHistogram } from './histogramsinput.ts'

/** How to come to a number at a step. */
export interface Estimate {
  native(estimator: NativeEstimator, h: FloatHistogram, step: number): number
  classic(buckets: ClassicBuckets, step: number): number
}

const aboutNaN = { isNaN: quantileOfNaN, skewed: quantileSkewedByNaN, excluded: fractionWithoutNaN } as const

/** Estimates a number of each histogram of an instant vector, native or classic, and notes what is worth knowing. */
export class Estimation {
  readonly vector: Expr
  private readonly query: Evaluation
  private readonly input: HistogramInput
  private readonly native: NativeEstimator
  private readonly buckets = new ClassicBuckets()
  /** Of the histogram at hand. */
  private labels: Labels = []
  /** Classic histograms that were told of, with the steps: they are told of once. */
  private readonly told = new Map<ClassicHistogram, Uint8Array>()

  private constructor(vector: Expr, query: Evaluation, input: HistogramInput) {
    this.vector = vector
    this.query = query
    this.input = input
    this.native = new NativeEstimator(effect => this.noteNaN(effect))
  }

  static async of(vector: Expr, query: Evaluation): Promise<Estimation> {
    return new Estimation(vector, query, await HistogramInput.of(vector, query))
  }

  /** Whether two rows may have the same labels, at different steps. */
  get hasNamesakes(): boolean {
    return this.input.hasNamesakes
  }

  /** Hands on a row for each histogram, the native ones first; it is lent. */
  async each(estimate: Estimate, take: Sink): Promise<void> {
    const { query, input } = this
    const result = emptyRow(query.grid.steps)
    for (const row of input.natives) {
      if (query.due) await query.pause()
      this.ofNative(row, estimate, result)
      take(result)
    }
    for (const classic of input.classics) {
      if (query.due) await query.pause()
      this.ofClassic(classic, estimate, result)
      take(result)
    }
  }

  private ofNative(row: Row, estimate: Estimate, result: Row): void {
    this.labels = result.labels = row.labels
    for (let s = 0; s < row.present.length; s++) {
      const has = row.present[s] === presence.histogram
      result.present[s] = has ? presence.float : presence.none
      if (has) result.values[s] = estimate.native(this.native, histogramAt(row, s), s)
    }
  }

  private ofClassic(classic: ClassicHistogram, estimate: Estimate, result: Row): void {
    const { buckets } = this
    this.labels = result.labels = classic.labels
    result.present.set(classic.present)
    for (let s = 0; s < classic.present.length; s++) {
      if (classic.present[s] === presence.none) continue
      classic.fill(buckets, s)
      result.values[s] = estimate.classic(buckets, s)
      if (buckets.forced) this.noteForced(classic, buckets.forced, s)
    }
  }

  private noteNaN(effect: NaNEffect): void {
    this.query.note(aboutNaN[effect](this.input.nameOf(this.labels)), this.vector.span)
  }

  private noteForced(classic: ClassicHistogram, forced: Forced, step: number): void {
    const { query, told } = this
    let steps = told.get(classic)
    if (!steps) told.set(classic, (steps = new Uint8Array(classic.present.length)))
    if (steps[step] === 1) return
    steps[step] = 1
    const t = query.grid.start + step * query.grid.step
    query.note(forcedMonotonicity(this.input.nameOf(classic.labels), { t, ...forced }), this.vector.span)
  }
}
