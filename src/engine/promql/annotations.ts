import { quote } from '../model/labels.ts'
import { formatGeneral } from '../model/float.ts'

// What is to be said about an answer that is no error: every text that Prometheus has for it, word for word (upstream's
// `util/annotations`). The place in the query is added when the answer is complete.

export interface Annotation {
  readonly kind: 'warning' | 'info'
  /** Without the place; the same text is said once. */
  readonly text: string
  /** Takes up what the same annotation said before. */
  merge?(before: Annotation): void
  /** Goes between text and place. */
  tail?(): string
}

/** Of histograms: what was being done when something was noticed. */
export type HistogramOperation = 'addition' | 'subtraction' | 'aggregation'

function warning(text: string): Annotation {
  return { kind: 'warning', text: `PromQL warning: ${text}` }
}

function info(text: string): Annotation {
  return { kind: 'info', text: `PromQL info: ${text}` }
}

function named(text: string, metric: string): string {
  return metric === '' ? text : `${text} for metric name ${quote(metric)}`
}

export function invalidQuantile(q: number): Annotation {
  return warning(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`)
}

export function invalidRatio(ratio: number, capped: number): Annotation {
  return warning(
    `ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${formatGeneral(capped)}`,
  )
}

export function badBucketLabel(metric: string, label: string): Annotation {
  return warning(named(`bucket label "le" is missing or has a malformed value of ${quote(label)}`, metric))
}

export function mixedFloatsHistograms(metric: string): Annotation {
  return warning(`encountered a mix of histograms and floats for metric name ${quote(metric)}`)
}

export function mixedFloatsHistogramsInAggregation(): Annotation {
  return warning('encountered a mix of histograms and floats for aggregation')
}

export function mixedClassicNative(metric: string): Annotation {
  return warning(named('vector contains a mix of classic and native histograms', metric))
}

export function histogramNotCounter(metric: string): Annotation {
  return warning(`this native histogram metric is not a counter: ${quote(metric)}`)
}

export function histogramNotGauge(metric: string): Annotation {
  return warning(`this native histogram metric is not a gauge: ${quote(metric)}`)
}

export function mixedExponentialCustom(metric: string): Annotation {
  return warning(
    `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(metric)}`,
  )
}

export function incompatibleBucketLayout(operator: string): Annotation {
  return warning(`incompatible bucket layout encountered for binary operator ${operator}`)
}

export function sortInRangeQuery(): Annotation {
  return warning('sort is ineffective for range queries since results are always ordered by labels')
}

export function counterResetCollision(operation: HistogramOperation): Annotation {
  return warning(`conflicting counter resets during histogram ${operation}`)
}

export function possibleNonCounter(metric: string): Annotation {
  return info(
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(metric)}`,
  )
}

export function possibleNonCounterType(metric: string, type: string): Annotation {
  const wanted = '__type__ label is not set to "counter" or "histogram"'
  return info(`metric might not be a counter, ${wanted}, got ${quote(type)}: ${quote(metric)}`)
}

export function incompatibleTypes(left: string, operator: string, right: string): Annotation {
  const what = 'incompatible sample types encountered for binary operator'
  return info(`${what} ${quote(operator)}: ${left} ${operator} ${right}`)
}

export function histogramIgnoredInAggregation(aggregation: string): Annotation {
  return info(`ignored histogram in ${aggregation} aggregation`)
}

export function histogramIgnoredInMixedRange(metric: string): Annotation {
  return info(
    `ignored histograms in a range containing both floats and histograms for metric name ${quote(metric)}`,
  )
}

export function quantileOfNaN(metric: string): Annotation {
  return info(named('input to histogram_quantile has NaN observations, result is NaN', metric))
}

export function quantileSkewedByNaN(metric: string): Annotation {
  return info(named('input to histogram_quantile has NaN observations, result is skewed higher', metric))
}

export function fractionWithoutNaN(metric: string): Annotation {
  return info(
    named('input to histogram_fraction has NaN observations, which are excluded from all fractions', metric),
  )
}

export function mismatchedCustomBuckets(operation: HistogramOperation): Annotation {
  return info(`mismatched custom buckets were reconciled during ${operation}`)
}

/** A classic histogram whose buckets had to be made ascending. Times are milliseconds. */
export function forcedMonotonicity(
  metric: string,
  at: {
    readonly t: number
    readonly minBucket: number
    readonly maxBucket: number
    readonly maxDiff: number
  },
): Annotation {
  const what = 'input to histogram_quantile needed to be fixed for monotonicity'
  const where = 'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile'
  return new ForcedMonotonicity(named(`PromQL info: ${what} (see ${where})`, metric), at)
}

/** A sample whose counter began before the sample in front of it was taken. */
export function startTimeOverlap(metric: string): Annotation {
  const text = `PromQL warning: sample has start time that overlaps with previous sample timestamp for metric ${quote(metric)}`
  return new Counted(text)
}

class ForcedMonotonicity implements Annotation {
  readonly kind = 'info'
  readonly text: string
  private minT: number
  private maxT: number
  private minBucket: number
  private maxBucket: number
  private maxDiff: number
  private count = 1

  constructor(text: string, at: Parameters<typeof forcedMonotonicity>[1]) {
    this.text = text
    this.minT = this.maxT = at.t
    this.minBucket = at.minBucket
    this.maxBucket = at.maxBucket
    this.maxDiff = at.maxDiff
  }

  merge(before: Annotation): void {
    if (!(before instanceof ForcedMonotonicity)) return
    this.minT = Math.min(this.minT, before.minT)
    this.maxT = Math.max(this.maxT, before.maxT)
    this.minBucket = Math.min(this.minBucket, before.minBucket)
    this.maxBucket = Math.max(this.maxBucket, before.maxBucket)
    this.maxDiff = Math.max(this.maxDiff, before.maxDiff)
    this.count += before.count
  }

  tail(): string {
    const { minBucket, maxBucket, maxDiff, count, minT, maxT } = this
    const buckets = `from buckets ${formatGeneral(minBucket)} to ${formatGeneral(maxBucket)}`
    const diff = `with a max diff of ${formatGeneral(maxDiff, 2)}`
    return `, ${buckets}, ${diff}, over ${count} samples from ${rfc3339(minT)} to ${rfc3339(maxT)}`
  }
}

class Counted implements Annotation {
  readonly kind = 'warning'
  readonly text: string
  private count = 1

  constructor(text: string) {
    this.text = text
  }

  merge(before: Annotation): void {
    if (before instanceof Counted) this.count += before.count
  }

  tail(): string {
    return this.count > 1 ? ` (${this.count} occurrences)` : ''
  }
}

function rfc3339(t: number): string {
  return `${new Date(Math.floor(t / 1000) * 1000).toISOString().slice(0, 19)}Z`
}
