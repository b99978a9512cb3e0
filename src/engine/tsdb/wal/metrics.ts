import type { Metric, Registry, Summary } from '../../metrics/registry.ts'

export interface WalMetrics {
  readonly corruptions: Metric
  readonly segment: Metric
  readonly failures: Metric
  readonly flushes: Metric
  readonly pages: Metric
  readonly fsync: Summary
  /** Attempts to remove segments that are not needed any more, and those that failed. */
  readonly truncations: Metric
  readonly truncationsFailed: Metric
  readonly truncateDuration: Summary
  readonly checkpoints: Metric
  readonly checkpointsFailed: Metric
  readonly checkpointDeletions: Metric
  readonly checkpointDeletionsFailed: Metric
  /** By type. */
  readonly droppedRecords: Metric
}

/** @param log what upstream calls the log in the names of those metrics that each log has for itself */
export function walMetrics(metrics: Registry, log: 'wal' | 'out_of_order_wbl'): WalMetrics {
  const counter = (name: string, what: string) =>
    metrics.counter(`prometheus_tsdb_${name}`, `Total number of ${what}.`)
  return {
    corruptions: counter('wal_corruptions_total', 'WAL corruptions'),
    segment: metrics.gauge(
      `prometheus_tsdb_${log}_segment_current`,
      'Write log segment index that TSDB is currently writing to.',
    ),
    failures: counter(`${log}_writes_failed_total`, 'write log writes that failed'),
    flushes: counter(`${log}_page_flushes_total`, 'page flushes'),
    pages: counter(`${log}_completed_pages_total`, 'completed pages'),
    fsync: metrics.summary(`prometheus_tsdb_${log}_fsync_duration_seconds`, 'Duration of write log fsync.'),
    truncations: counter(`${log}_truncations_total`, 'write log truncations attempted'),
    truncationsFailed: counter(`${log}_truncations_failed_total`, 'write log truncations that failed'),
    truncateDuration: metrics.summary(
      'prometheus_tsdb_wal_truncate_duration_seconds',
      'Duration of WAL truncation.',
    ),
    checkpoints: counter('checkpoint_creations_total', 'checkpoint creations attempted'),
    checkpointsFailed: counter('checkpoint_creations_failed_total', 'checkpoint creations that failed'),
    checkpointDeletions: counter('checkpoint_deletions_total', 'checkpoint deletions attempted'),
    checkpointDeletionsFailed: counter(
      'checkpoint_deletions_failed_total',
      'checkpoint deletions that failed',
    ),
    droppedRecords: metrics.counter(
      'brazier_tsdb_checkpoint_dropped_records_total',
      'Total number of records of unknown types that were left out of a checkpoint.',
      ['type'],
    ),
  }
}
