import type { Metric, Registry, Summary } from '../metrics/registry.ts'

/** What scraping counts about itself, under the names of upstream's `scrape/metrics.go`. */
export interface ScrapeMetrics {
  readonly pools: Metric
  readonly poolTargets: Metric
  readonly syncs: Metric
  readonly syncSeconds: Summary
  readonly intervalSeconds: Summary
  readonly duplicates: Metric
  readonly outOfOrder: Metric
  readonly outOfBounds: Metric
  readonly bodyTooLarge: Metric
}

export function scrapeMetrics(metrics: Registry): ScrapeMetrics {
  return {
    pools: metrics.counter(
      'prometheus_target_scrape_pools_total',
      'Total number of scrape pool creation attempts.',
    ),
    poolTargets: metrics.gauge(
      'prometheus_target_scrape_pool_targets',
      'Current number of targets in this scrape pool.',
      ['scrape_job'],
    ),
    syncs: metrics.counter(
      'prometheus_target_scrape_pool_sync_total',
      'Total number of syncs that were executed on a scrape pool.',
      ['scrape_job'],
    ),
    syncSeconds: metrics.summary(
      'prometheus_target_sync_length_seconds',
      'Actual interval to sync the scrape pool.',
      ['scrape_job'],
    ),
    intervalSeconds: metrics.summary(
      'prometheus_target_interval_length_seconds',
      'Actual intervals between scrapes.',
      ['interval'],
    ),
    duplicates: metrics.counter(
      'prometheus_target_scrapes_sample_duplicate_timestamp_total',
      'Total number of samples rejected due to duplicate timestamps but different values.',
    ),
    outOfOrder: metrics.counter(
      'prometheus_target_scrapes_sample_out_of_order_total',
      'Total number of samples rejected due to not being out of the expected order.',
    ),
    outOfBounds: metrics.counter(
      'prometheus_target_scrapes_sample_out_of_bounds_total',
      'Total number of samples rejected due to timestamp falling outside of the time bounds.',
    ),
    bodyTooLarge: metrics.counter(
      'prometheus_target_scrapes_exceeded_body_size_limit_total',
      'Total number of scrapes that hit the body size limit',
    ),
  }
}
