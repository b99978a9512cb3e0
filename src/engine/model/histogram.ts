// Native histograms: buckets whose bounds follow from a schema, or are listed (upstream `model/histogram`).
// Counts of buckets are absolute everywhere in memory; the differences that chunks and the log hold end where they
// are read. All counts are numbers: an integer histogram's are exact up to `maxCount`.

/** On disk and in the log; never renumber (upstream `CounterResetHint`). */
export const resetHint = {
  /** Whether the counter was reset before this sample has to be found out by comparing. */
  unknown: 0,
  reset: 1,
  notReset: 2,
  /** A gauge: nothing is ever reset. */
  gauge: 3,
} as const

export type ResetHint = (typeof resetHint)[keyof typeof resetHint]

/** Schemas of exponential buckets: each bound is the former one times 2^(2^-schema). What lies in the reserved range
 *  comes from a newer Prometheus; above `max` it is read at the resolution of `max`. */
export const schemas = { min: -4, max: 8, minReserved: -9, maxReserved: 52, custom: -53 } as const

/** The largest count of an integer histogram. Upstream's are 64 bits wide; chunks hold differences of differences of
 *  differences, up to eight times a count, and these have to stay exact within 2^53. */
export const maxCount = 2 ** 50

/** Which buckets samples have. Never changed once made: all samples of a chunk share one. */
export interface HistogramLayout {
  /** -4 … 8, or `schemas.custom`. */
  readonly schema: number
  /** Observations in [-zeroThreshold, zeroThreshold] are in the zero bucket. */
  readonly zeroThreshold: number
  /** Runs of buckets, ascending: offset, length, offset, length … An offset is the gap to the former run; the first one is
   *  the index of the first bucket. Bucket i of schema 0 is (2^(i-1), 2^i]; with custom bounds the first one is 0. */
  readonly positiveSpans: Int32Array
  /** The same for negative observations, from the zero bucket outwards. */
  readonly negativeSpans: Int32Array
  /** Upper bounds, closed and ascending, for `schemas.custom`; empty otherwise. +Inf is not among them. */
  readonly bounds: Float64Array
}

/** One sample by itself: for edges, where samples come one at a time or few. In quantity they are
 *  `HistogramColumns`. */
export interface Histogram {
  readonly layout: HistogramLayout
  /** Whether counts may have fractions: a chunk has either integers or floats. */
  readonly float: boolean
  readonly hint: ResetHint
  /** All observations, NaN among them. */
  readonly count: number
  readonly zeroCount: number
  readonly sum: number
  /** Absolute counts, as many as the positive spans have buckets. */
  readonly positive: Float64Array
  readonly negative: Float64Array
  /** The series has ended (upstream: a sum of `value.StaleNaN`): nothing else of the sample counts. */
  readonly stale: boolean
}

const noSpans = new Int32Array(0)
const noFloats = new Float64Array(0)

/** The layout of a stale marker. */
export const emptyLayout: HistogramLayout = {
  schema: 0,
  zeroThreshold: 0,
  positiveSpans: noSpans,
  negativeSpans: noSpans,
  bounds: noFloats,
}

/** Says that a series of histograms has ended. */
export function staleHistogram(float: boolean): Histogram {
  return {
    layout: emptyLayout,
    float,
    hint: resetHint.unknown,
    count: 0,
    zeroCount: 0,
    sum: NaN,
    positive: noFloats,
    negative: noFloats,
    stale: true,
  }
}

export function isExponential(schema: number): boolean {
  return schema >= schemas.min && schema <= schemas.max
}

/** Whether bytes with this schema can be read, though perhaps at a lower resolution. */
export function isKnownSchema(schema: number): boolean {
  return schema === schemas.custom || (schema >= schemas.minReserved && schema <= schemas.maxReserved)
}
