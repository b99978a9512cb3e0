import type { Metric, Registry, Summary } from '../../metrics/registry.ts'
import type { Head } from './head.ts'

/** A counter of samples of either kind. */
export interface SampleCounter {
  readonly float: Metric
  readonly histogram: Metric
}

export interface HeadMetrics {
  readonly seriesCreated: Metric
  readonly seriesRemoved: Metric
  readonly seriesNotFound: Metric
  readonly chunksCreated: Metric
  readonly chunksRemoved: Metric
  readonly samplesAppended: SampleCounter
  readonly outOfOrderAppended: SampleCounter
  readonly outOfOrder: SampleCounter
  readonly outOfBounds: SampleCounter
  readonly tooOld: SampleCounter
  readonly invalid: Metric
  readonly truncations: Metric
  readonly truncationsFailed: Metric
  readonly gcSeconds: Summary
}

/** What the head counts and shows, under upstream's names. */
export function headMetrics(metrics: Registry, head: Head): HeadMetrics {
  showState(metrics, head)
  return { ...ofSeries(metrics), ...ofSamples(metrics), ...ofTruncations(metrics) }
}

function ofSeries(metrics: Registry) {
  const count = (name: string, help: string) => metrics.counter(`prometheus_tsdb_head_${name}_total`, help)
  return {
    seriesCreated: count('series_created', 'Total number of series created in the head'),
    seriesRemoved: count('series_removed', 'Total number of series removed in the head'),
    seriesNotFound: count('series_not_found', 'Total number of requests for series that were not found.'),
    chunksCreated: count('chunks_created', 'Total number of chunks created in the head'),
    chunksRemoved: count('chunks_removed', 'Total number of chunks removed in the head'),
  }
}

function ofSamples(metrics: Registry) {
  const count = (name: string, help: string): SampleCounter => {
    const counter = metrics.counter(`prometheus_tsdb_${name}_total`, help, ['type'])
    return { float: counter.with('float'), histogram: counter.with('histogram') }
  }
  return {
    samplesAppended: count('head_samples_appended', 'Total number of appended samples.'),
    outOfOrderAppended: count(
      'head_out_of_order_samples_appended',
      'Total number of appended out of order samples.',
    ),
    outOfOrder: count(
      'out_of_order_samples',
      'Total number of out of order samples ingestion failed attempts due to out of order being disabled.',
    ),
    outOfBounds: count(
      'out_of_bound_samples',
      'Total number of out of bound samples ingestion failed attempts with out of order support disabled.',
    ),
    tooOld: count(
      'too_old_samples',
      'Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.',
    ),
    // Upstream's scraper counts them, by scrape.
    invalid: metrics.counter(
      'brazier_tsdb_invalid_histograms_total',
      'Total number of native histograms that were refused because they contradict themselves.',
    ),
  }
}

function ofTruncations(metrics: Registry) {
  const count = (name: string, help: string) => metrics.counter(`prometheus_tsdb_head_${name}_total`, help)
  return {
    truncations: count('truncations', 'Total number of head truncations attempted.'),
    truncationsFailed: count('truncations_failed', 'Total number of head truncations that failed.'),
    gcSeconds: metrics.summary(
      'prometheus_tsdb_head_gc_duration_seconds',
      'Runtime of garbage collection in the head block.',
    ),
  }
}

function showState(metrics: Registry, head: Head): void {
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.computed(`prometheus_tsdb_head_${name}`, help, 'gauge', value)
  gauge('series', 'Total number of series in the head block.', () => head.seriesCount)
  gauge('chunks', 'Total number of chunks in the head block.', () => head.chunkCount)
  gauge('active_appenders', 'Number of currently active appender transactions', () => head.appenders.count)
  // What upstream's MinInt64 and MaxInt64 mean for an empty head.
  const orLimit = (t: number) => (Number.isFinite(t) ? t : Math.sign(t) * 2 ** 63)
  gauge('min_time', 'Minimum time bound of the head block, in milliseconds.', () => orLimit(head.minT))
  gauge('max_time', 'Maximum timestamp of the head block, in milliseconds.', () => orLimit(head.maxT))
}
