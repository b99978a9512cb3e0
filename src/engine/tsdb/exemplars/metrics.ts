import type { Metric, Registry } from '../../metrics/registry.ts'
import type { ExemplarStore } from './exemplars.ts'

interface ExemplarMetrics {
  readonly appended: Metric
  readonly outOfOrder: Metric
}

/** What the store of exemplars counts and shows, under upstream's names. */
export function exemplarMetrics(metrics: Registry, store: ExemplarStore): ExemplarMetrics {
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.computed(`prometheus_tsdb_exemplar_${name}`, help, 'gauge', value)
  gauge('exemplars_in_storage', 'Number of exemplars currently in circular storage.', () => store.count)
  gauge(
    'series_with_exemplars_in_storage',
    'Number of series with exemplars currently in circular storage.',
    () => store.seriesCount,
  )
  gauge(
    'last_exemplars_timestamp_seconds',
    'The timestamp of the oldest exemplar stored in circular storage. It tells how far back exemplars reach.',
    () => (store.oldestT ?? 0) / 1000,
  )
  gauge(
    'max_exemplars',
    'Total number of exemplars the exemplar storage can store, resizeable.',
    () => store.capacity,
  )
  return {
    appended: metrics.counter(
      'prometheus_tsdb_exemplar_exemplars_appended_total',
      'Total number of appended exemplars.',
    ),
    outOfOrder: metrics.counter(
      'prometheus_tsdb_exemplar_out_of_order_exemplars_total',
      'Total number of out of order exemplar ingestion failed attempts.',
    ),
  }
}
