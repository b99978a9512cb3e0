import type { Labels } from '../../model/labels.ts'
import type { Annotation, HistogramOperation } from '../annotations.ts'
import type { Call } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import type { Row, Sink } from '../row.ts'
import type { RangeSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'

// What a function does, once the parser has found that its arguments are what `functions.ts` wants.

export type Implementation =
  | {
      /** Answers one row for each series of its range vector. */
      readonly kind: 'overRange'
      /** It acts like an offset, so the metric keeps its name. */
      readonly keepsName?: boolean
      /** It makes sense for counters only: a name that does not look like one's is worth a hint. */
      readonly forCounters?: boolean
      readonly kernel: WindowKernel
    }
  | {
      readonly kind: 'special'
      /** Hands on rows as `evaluate` does. */
      readonly run: (call: Call, query: Evaluation, sink: Sink) => Promise<void>
    }

/** Computes a row from the samples of one series: it sets `present` of every step, and where there is something the
 *  value or the histogram. It allocates nothing for a step or a sample, histograms excepted. */
export type WindowKernel = (samples: RangeSamples, context: RangeContext, row: Row) => void

/** What a kernel may want to know. */
export interface RangeContext {
  readonly windows: Windows
  /** Scalar arguments, in the order of the call without the range vector: one value a step. */
  readonly args: readonly Float64Array[]
  /** Of the series at hand. */
  readonly labels: Labels
  /** The metric's name, empty when there is none. */
  readonly name: string
  readonly call: Call
  readonly query: Evaluation
  /** Notes something about the metric, at the place of the first argument; to say the same again costs next to nothing. */
  note(about: (metric: string) => Annotation): void
  /** Notes it every time: it counts how often it was said. */
  noteAgain(annotation: Annotation): void
  /** Notes that custom buckets of histograms did not have the same bounds. */
  noteReconciled(operation: HistogramOperation): void
}
