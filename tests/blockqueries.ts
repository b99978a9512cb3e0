import { firstSlotSeconds } from './blocks.ts'

/** Times of a range query, in milliseconds. */
export interface Window {
  readonly start: number
  readonly end: number
  readonly step: number
}

export function rangePath(query: string, { start, end, step }: Window): string {
  const params = { query, start: String(start / 1000), end: String(end / 1000), step: String(step / 1000) }
  return `/api/v1/query_range?${new URLSearchParams(params).toString()}`
}

/** The two hours of `openMetrics`, at times that no sample hits, however a range or the lookback moves it: 2.42 takes
 *  the left end of a range in, 3.x does not. Samples are on a grid of 15 s that starts anywhere, and up to 30 ms late. */
export const wholeBlock: Window = {
  start: firstSlotSeconds * 1000 + 600_000 + 7001,
  end: firstSlotSeconds * 1000 + 7_190_000,
  step: 60_000,
}

/** Of every kind that the engine evaluates, over the series of `openMetrics`. */
export const blockQueries = [
  'up',
  'http_requests_total{method="GET"}',
  'http_requests_total{status=~"4..|5.."}',
  'http_requests_total{status!~"4.."} offset 5m',
  'rate(http_requests_total[5m])',
  'increase(cpu_seconds_total[3m])',
  'sum by (job, status) (rate(http_requests_total[5m]))',
  'avg without (instance) (temperature_celsius)',
  'max(queue_length) - min(queue_length)',
  'count by (job) (queue_length > 3)',
  'memory_bytes / 1024 >= bool 1900000',
  'rate(request_seconds_sum[5m]) / rate(request_seconds_count[5m])',
  'strange{zone!=""}',
  'load{zone="東京"} * 2',
]
