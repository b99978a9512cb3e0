import type { Histogram } from './histogram.ts'
import type { Labels } from './labels.ts'

// Answers of queries as columns. Everything here survives structured cloning, and the typed arrays can be
// transferred: a thousand series of a thousand points reach the page in milliseconds.

/** What a query may want otherwise than the engine does by itself. */
export interface QueryLimits {
  /** How old an instant value may be, milliseconds. */
  readonly lookbackMs?: number
  /** Shorter than the engine's own. */
  readonly timeoutMs?: number
  /** What is to be found out about the query beside its answer; it costs a little. */
  readonly statistics?: {
    /** Samples are counted for each step. */
    readonly perStep?: boolean
    /** Every part of the expression is looked at by itself. */
    readonly perNode?: boolean
  }
}

export interface InstantQuery extends QueryLimits {
  readonly expr: string
  /** Evaluation time in milliseconds. */
  readonly time: number
  /** ULID of the one block to look at; without it head and blocks are looked at together. */
  readonly block?: string
}

export interface RangeQuery extends QueryLimits {
  readonly expr: string
  /** Milliseconds; evaluation at start, start + step, … while ≤ end. */
  readonly start: number
  readonly end: number
  readonly step: number
  readonly block?: string
}

export interface QueryNotes {
  /** Texts as Prometheus's API gives them, position included. */
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
  readonly stats: QueryStats
}

/** What a query did (upstream's `stats`, https://prometheus.io/docs/prometheus/latest/querying/api/#query-stats). */
export interface QueryStats {
  /** Samples that were looked at: those in several windows count several times, histograms by their weight. */
  readonly samples: number
  /** The same for each step; null unless it was asked for. */
  readonly samplesPerStep: SamplesPerStep | null
  /** The most values that were held at once, counted as the limit counts them. */
  readonly peakSamples: number
  /** All time spent. */
  readonly seconds: number
  readonly timings: QueryTimings
  /** The parts of the expression as a tree; null unless they were asked for. */
  readonly nodes: readonly NodeStats[] | null
}

export interface SamplesPerStep {
  /** Milliseconds. */
  readonly start: number
  readonly step: number
  readonly counts: Float64Array
}

/** Seconds. */
interface QueryTimings {
  /** Reading the expression and making it ready. */
  readonly prepare: number
  /** Waiting for other queries to end. */
  readonly queue: number
  /** Evaluating it. */
  readonly evaluate: number
  /** Putting the series of the answer in order. */
  readonly sort: number
}

/** What a part of an expression did. */
export interface NodeStats {
  /** Where it is in the expression: UTF-16 offsets, `to` excluded. Nothing is said of parentheses, and of parts that
   *  are known before anything is read. */
  readonly span: { readonly from: number; readonly to: number }
  /** Of the node in the syntax tree: `call`, `binary`, `vectorSelector` … */
  readonly kind: string
  /** Series that it handed on, and samples in them at all steps. What is the same at every step is evaluated, and
   *  counted, once. */
  readonly series: number
  readonly samples: number
  /** Time it took by itself, without its parts. */
  readonly seconds: number
  readonly parts: readonly NodeStats[]
}

/** Result of a range query: a row for each series, a column for each step. */
export interface RangeAnswer extends QueryNotes {
  readonly kind: 'matrix'
  readonly start: number
  readonly step: number
  readonly steps: number
  /** One label set a row, in the order of the result. */
  readonly labels: readonly Labels[]
  /** labels.length × steps values, row after row. */
  readonly values: Float64Array
  /** One byte a value: 1 where there is one, 2 where there is a native histogram instead. A NaN is a value, absence is
   *  not. */
  readonly present: Uint8Array
  /** The histograms in the order of their places in `values`; null when there is none. */
  readonly histograms: readonly PlacedHistogram[] | null
}

/** A native histogram of an answer. */
export interface PlacedHistogram {
  /** Its place in the columns of the answer, where `values` has nothing to say. */
  readonly at: number
  readonly histogram: Histogram
}

export type InstantAnswer = ScalarAnswer | StringAnswer | VectorAnswer | SamplesAnswer

export interface ScalarAnswer extends QueryNotes {
  readonly kind: 'scalar'
  readonly t: number
  readonly value: number
}

interface StringAnswer extends QueryNotes {
  readonly kind: 'string'
  readonly t: number
  readonly value: string
}

export interface VectorAnswer extends QueryNotes {
  readonly kind: 'vector'
  readonly t: number
  readonly labels: readonly Labels[]
  /** NaN in the place of a histogram. */
  readonly values: Float64Array
  readonly histograms: readonly PlacedHistogram[] | null
}

/** Result of an instant query over a range vector, such as `up[5m]`: the samples themselves. */
export interface SamplesAnswer extends QueryNotes {
  readonly kind: 'samples'
  readonly labels: readonly Labels[]
  /** Series i has the samples [offsets[i], offsets[i + 1]) of `t` and `v`. */
  readonly offsets: Uint32Array
  readonly t: Float64Array
  /** NaN in the place of a histogram. */
  readonly v: Float64Array
  readonly histograms: readonly PlacedHistogram[] | null
}
