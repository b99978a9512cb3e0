import type { Metric, Registry, Summary } from '../../metrics/registry.ts'
import type { Head } from './head.ts'

export interface HeadMetrics {
  readonly seriesCreated: Metric
  readonly seriesRemoved: Metric
  readonly seriesNotFound: Metric
  readonly chunksCreated: Metric
  readonly chunksRemoved: Metric
  readonly samplesAppended: Metric
  readonly outOfOrder: Metric
  readonly outOfBounds: Metric
  readonly truncations: Metric
  readonly truncationsFailed: Metric
  readonly gcSeconds: Summary
}

/** What the head counts and shows, under upstream's names. */
export function headMetrics(metrics: Registry, head: Head): HeadMetrics {
  showState(metrics, head)
  const count = (name: string, help: string) => metrics.counter(`prometheus_tsdb_head_${name}_total`, help)
  const countFloats = (name: string, help: string) =>
    metrics.counter(`prometheus_tsdb_${name}_total`, help, ['type']).with('float')
  return {
    seriesCreated: count('series_created', 'Total number of series created in the head'),
    seriesRemoved: count('series_removed', 'Total number of series removed in the head'),
    seriesNotFound: count('series_not_found', 'Total number of requests for series that were not found.'),
    chunksCreated: count('chunks_created', 'Total number of chunks created in the head'),
    chunksRemoved: count('chunks_removed', 'Total number of chunks removed in the head'),
    samplesAppended: countFloats('head_samples_appended', 'Total number of appended samples.'),
    outOfOrder: countFloats(
      'out_of_order_samples',
      'Total number of out of order samples ingestion failed attempts due to out of order being disabled.',
    ),
    outOfBounds: countFloats(
      'out_of_bound_samples',
      'Total number of out of bound samples ingestion failed attempts with out of order support disabled.',
    ),
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
