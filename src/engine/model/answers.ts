import type { Labels } from './labels.ts'

// Answers of queries as columns. Everything here survives structured cloning, and the typed arrays can be
// transferred: a thousand series of a thousand points reach the page in milliseconds.

/** What a query may want otherwise than the engine does by itself. */
export interface QueryLimits {
  /** How old an instant value may be, milliseconds. */
  readonly lookbackMs?: number
  /** Shorter than the engine's own. */
  readonly timeoutMs?: number
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
  /** Samples that were read, and time spent. */
  readonly stats: { readonly samples: number; readonly seconds: number }
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
  /** One byte a value: 1 where there is one. A NaN is a value, absence is not. */
  readonly present: Uint8Array
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
  readonly values: Float64Array
}

/** Result of an instant query over a range vector, such as `up[5m]`: the samples themselves. */
export interface SamplesAnswer extends QueryNotes {
  readonly kind: 'samples'
  readonly labels: readonly Labels[]
  /** Series i has the samples [offsets[i], offsets[i + 1]) of `t` and `v`. */
  readonly offsets: Uint32Array
  readonly t: Float64Array
  readonly v: Float64Array
}
