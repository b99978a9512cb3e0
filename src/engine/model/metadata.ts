// What a metric is, as its exposition says.

/** In the order of their numbers in the log; never reorder (upstream `record.MetricType`). */
export const metricTypes = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
] as const

export type MetricType = (typeof metricTypes)[number]

export interface Metadata {
  readonly type: MetricType
  readonly unit: string
  readonly help: string
}
