import type { Metric, Registry, Summary } from '../../metrics/registry.ts'
import type { Host } from '../../model/host.ts'
import type { BlockMeta } from '../block/meta.ts'
import { overlapping } from './meta.ts'
import type { Outdated } from './retention.ts'

/** Counts what compaction and retention do, under upstream's names (`tsdb/compact.go`, `tsdb/db.go`). */
export class CompactionMetrics {
  /** Each time that somebody found it worth looking whether there is something to compact. */
  readonly triggered: Metric
  readonly failed: Metric
  private readonly ran: Metric
  private readonly vertical: Metric
  /** Upstream's is a histogram; the registry has none, and sum and count are the same. */
  private readonly duration: Summary
  private readonly timeRetentions: Metric
  private readonly sizeRetentions: Metric

  constructor(metrics: Registry) {
    const counter = (name: string, help: string) => metrics.counter(`prometheus_tsdb_${name}`, help)
    this.triggered = counter(
      'compactions_triggered_total',
      'Total number of triggered compactions for the partition.',
    )
    this.failed = counter(
      'compactions_failed_total',
      'Total number of compactions that failed for the partition.',
    )
    this.ran = counter(
      'compactions_total',
      'Total number of compactions that were executed for the partition.',
    )
    this.vertical = counter(
      'vertical_compactions_total',
      'Total number of compactions done on overlapping blocks.',
    )
    this.duration = metrics.summary(
      'prometheus_tsdb_compaction_duration_seconds',
      'Duration of compaction runs',
    )
    this.timeRetentions = counter(
      'time_retentions_total',
      'The number of times that blocks were deleted because the maximum time limit was exceeded.',
    )
    this.sizeRetentions = counter(
      'size_retentions_total',
      'The number of times that blocks were deleted because the maximum number of bytes was exceeded.',
    )
  }

  /** Runs the writing of one block and counts it, whether it succeeds or not.
   *  @param metas of the blocks that it is made of; none for a block cut from the head */
  async measured<T>(
    host: Pick<Host, 'monotonic'>,
    metas: readonly BlockMeta[],
    write: () => Promise<T>,
  ): Promise<T> {
    const start = host.monotonic()
    if (overlapping(metas).length > 0) this.vertical.inc()
    try {
      return await write()
    } finally {
      this.ran.inc()
      this.duration.observe((host.monotonic() - start) / 1000)
    }
  }

  /** Counts the limits that blocks were found beyond. */
  beyondLimits({ byTime, bySize }: Outdated): void {
    if (byTime.length > 0) this.timeRetentions.inc()
    if (bySize.length > 0) this.sizeRetentions.inc()
  }
}
