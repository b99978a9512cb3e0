import type { Disk } from '../../disk/disk.ts'
import type { Metric } from '../../metrics/registry.ts'
import type { Host } from '../../model/host.ts'
import { DamagedSegmentError, writeCheckpoint } from './checkpoint.ts'
import type { CheckpointFilter } from './filter.ts'
import type { WalMetrics } from './metrics.ts'
import { checkpointNames, isUnfinished, segmentNumbers, segmentPath } from './names.ts'
import type { Checkpoint, Replayed } from './replay.ts'

export interface CheckpointsOptions {
  readonly disk: Disk
  readonly host: Host
  readonly folder: string
  readonly segmentBytes: number
}

/** The newest checkpoint of a log, and what makes it: it takes the place of segments, which then go. */
export class Checkpoints {
  private readonly options: CheckpointsOptions
  private readonly metrics: WalMetrics
  private readonly segments: Map<number, number>
  private readonly damages: string[]
  private newest: Checkpoint | null

  /** @param replayed segments and damages are kept up to date */
  constructor(options: CheckpointsOptions, metrics: WalMetrics, replayed: Replayed) {
    this.options = options
    this.metrics = metrics
    this.segments = replayed.segments
    this.damages = replayed.damages
    this.newest = replayed.checkpoint
  }

  /** Number of the last segment that the newest checkpoint stands for; -1 when there is none. */
  get number(): number {
    return this.newest?.number ?? -1
  }

  get bytes(): number {
    return this.newest?.bytes ?? 0
  }

  /** Numbers of the segments behind the checkpoint, in order. */
  segmentsBehind(): number[] {
    return [...this.segments.keys()].filter(number => number > this.number).sort((a, b) => a - b)
  }

  /** Makes a checkpoint of the newest one and of segments.
   *  @throws as `writeCheckpoint` */
  async replace(segments: readonly number[], filter: CheckpointFilter, signal?: AbortSignal): Promise<void> {
    const { metrics, options, newest: previous } = this
    metrics.checkpoints.inc()
    try {
      const { checkpoint, damages } = await writeCheckpoint({
        ...options,
        previous,
        segments,
        filter,
        signal,
      })
      this.newest = checkpoint
      this.countDamages(damages)
      this.tellUnknown(filter.unknown)
    } catch (error) {
      metrics.checkpointsFailed.inc()
      if (error instanceof DamagedSegmentError) this.countDamages([error.message])
      throw error
    }
  }

  /** Removes the segments that the newest checkpoint stands for, older checkpoints, and unfinished ones. What cannot be
   *  removed is told and counted; nobody reads it any more, and it goes the next time. */
  async sweep(): Promise<void> {
    const { disk, folder } = this.options
    const names = await disk.list(folder)
    const { truncations, truncationsFailed, checkpointDeletions, checkpointDeletionsFailed } = this.metrics
    const segments = segmentNumbers(names).filter(number => number <= this.number)
    await this.attempt(segments, truncations, truncationsFailed, async number => {
      await disk.remove(segmentPath(folder, number))
      this.segments.delete(number)
    })
    const older = checkpointNames(names).filter(({ number }) => number < this.number)
    const folders = [...older.map(({ name }) => name), ...names.filter(isUnfinished)]
    await this.attempt(folders, checkpointDeletions, checkpointDeletionsFailed, name =>
      disk.removeFolder(`${folder}/${name}`),
    )
  }

  private async attempt<T>(
    things: readonly T[],
    attempts: Metric,
    failures: Metric,
    remove: (thing: T) => Promise<void>,
  ): Promise<void> {
    if (things.length === 0) return
    attempts.inc()
    try {
      for (const thing of things) await remove(thing)
    } catch (error) {
      failures.inc()
      this.options.host.log('warn', 'what a WAL checkpoint replaces could not be removed', {
        error: String(error),
      })
    }
  }

  /** Of a damage that is found again nothing is told. */
  private countDamages(found: readonly string[]): void {
    const fresh = found.filter(damage => !this.damages.includes(damage))
    this.damages.push(...fresh)
    this.metrics.corruptions.inc(fresh.length)
  }

  private tellUnknown(unknown: ReadonlyMap<number, number>): void {
    for (const [type, records] of unknown) {
      this.metrics.droppedRecords.with(String(type)).inc(records)
      this.options.host.log('warn', 'a WAL checkpoint leaves out records of an unknown type', {
        type,
        records,
      })
    }
  }
}
