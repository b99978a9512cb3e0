import { ByteWriter } from '../../bytes/writer.ts'
import { DiskFullError, NotFoundError, StolenError, type Disk } from '../../disk/disk.ts'
import type { Metric, Registry, Summary } from '../../metrics/registry.ts'
import { assert } from '../../model/errors.ts'
import type { Host } from '../../model/host.ts'
import type { RecordVisitor } from './records.ts'
import { replayWal, segmentPath, type Replayed } from './replay.ts'
import { endOfRecord, packRecord, pageBytes, writeRecord, type PackedRecord } from './segment.ts'

export interface WalOptions {
  readonly disk: Disk
  readonly host: Host
  readonly metrics: Registry
  readonly folder: string
  /** A multiple of the page size. A segment is larger only when a single record is. */
  readonly segmentBytes: number
}

/** Replays the log to `visitor`, repairs it where it is damaged, and opens it for writing. As upstream, a writer
 *  always starts a new segment; it comes into being with the first record.
 *  @throws what the disk throws */
export async function openWal(options: WalOptions, visitor: RecordVisitor): Promise<Wal> {
  assert(options.segmentBytes % pageBytes === 0, `segments of ${options.segmentBytes} bytes`)
  return new Wal(options, await replayWal(options.disk, options.host, options.folder, visitor))
}

/** The write-ahead log. Records that arrive while the disk is writing go out together in its next write. */
export class Wal {
  /** Damages found when it was opened, each in a sentence. */
  readonly damages: readonly string[]
  private readonly options: WalOptions
  private readonly metrics: WalMetrics
  private readonly segments: Map<number, number>
  /** The segment being written, and its bytes that are on the disk: the only truth about where the next record
   *  goes. Framing is made from it, write by write, so that a failed write leaves nothing to undo. */
  private segment: number
  private size = 0
  /** Whether something was written, now or by an earlier writer, that a power cut could take. */
  private loose: boolean
  /** An error that says nothing about what is on the disk: look before the next write. */
  private doubtful = false
  private queue: Pending[] = []
  private flushing: Promise<void> | null = null
  private readonly buffer = new ByteWriter(256 * 1024)

  constructor(options: WalOptions, { segments, damages }: Replayed) {
    this.options = options
    this.segments = segments
    this.damages = damages
    this.segment = Math.max(-1, ...segments.keys()) + 1
    this.loose = segments.size > 0
    this.metrics = walMetrics(options.metrics, this)
    this.metrics.corruptions.inc(damages.length)
    this.metrics.segment.set(this.segment)
  }

  /** Appends records, all of them or none; resolves once they survive the death of the process.
   *  @throws DiskFullError, StolenError or another error of the disk: then none is in the log */
  log(records: readonly Uint8Array[]): Promise<void> {
    return this.enqueue(records.map(packRecord), false)
  }

  /** Resolves once everything logged so far survives a power cut. */
  sync(): Promise<void> {
    return this.enqueue([], true)
  }

  stats(): { segments: number; bytes: number; corruptions: number } {
    let bytes = 0
    for (const size of this.segments.values()) bytes += size
    return { segments: this.segments.size, bytes, corruptions: this.damages.length }
  }

  private enqueue(records: PackedRecord[], sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.queue.push({ records, sync, resolve, reject })
      this.flushing ??= this.flush()
    })
  }

  private async flush(): Promise<void> {
    while (this.queue.length > 0) await this.flushGroup()
    this.flushing = null
  }

  private async flushGroup(): Promise<void> {
    const { group, end, sync, cut } = this.frameGroup()
    try {
      // The first write of a segment takes along what the one before it could still lose: never a gap.
      await this.write(sync || cut || (this.loose && this.size === 0))
      this.size = end
      if (cut) this.startSegment()
      for (const { resolve } of group) resolve()
    } catch (error) {
      this.metrics.failures.inc()
      this.doubtful ||= !(error instanceof DiskFullError || error instanceof StolenError)
      // Where the cut alone failed, the record that asked for it has nowhere to go.
      const failed = group.length > 0 ? group : this.queue.splice(0, 1)
      for (const { reject } of failed) reject(error)
    }
  }

  /** Takes from the queue what fits into the segment and frames it into the buffer. `cut`: the next one does not
   *  fit, so the segment ends here. The page is then filled with zeros, as upstream does when it starts another
   *  segment; so it is for `sync`, which needs something to write. */
  private frameGroup(): { group: Pending[]; end: number; sync: boolean; cut: boolean } {
    const { buffer, queue } = this
    const group: Pending[] = []
    buffer.reset()
    let end = this.size
    let sync = false
    while (queue[0] && !sync && this.fits(queue[0], end)) {
      const pending = queue.shift() as Pending
      for (const record of pending.records) writeRecord(record, this.size + buffer.length, buffer)
      end = this.size + buffer.length
      sync = pending.sync
      group.push(pending)
    }
    const cut = queue.length > 0 && !sync
    if (cut) buffer.zeros((pageBytes - (end % pageBytes)) % pageBytes)
    else if (sync && (this.loose || buffer.length > 0)) buffer.zeros(pageBytes - (end % pageBytes))
    return { group, end: this.size + buffer.length, sync, cut }
  }

  private fits({ records }: Pending, at: number): boolean {
    const end = records.reduce((sum, { data }) => endOfRecord(sum, data.length), at)
    // The first record of a segment goes in however large it is.
    return at === 0 || end <= this.options.segmentBytes
  }

  private async write(strict: boolean): Promise<void> {
    const { disk, folder, host } = this.options
    const bytes = this.buffer.written()
    if (bytes.length === 0) return
    const path = segmentPath(folder, this.segment)
    if (this.doubtful) await this.settleDoubt(path)
    const start = host.monotonic()
    await disk.append(path, this.size, bytes, strict ? 'strict' : 'relaxed')
    if (strict) this.metrics.fsync.observe((host.monotonic() - start) / 1000)
    this.loose = !strict
    this.segments.set(this.segment, this.size + bytes.length)
    this.metrics.flushes.inc()
    this.metrics.pages.inc(
      Math.floor((this.size + bytes.length) / pageBytes) - Math.floor(this.size / pageBytes),
    )
  }

  private async settleDoubt(path: string): Promise<void> {
    const { disk } = this.options
    const size = await sizeOf(disk, path)
    if (size > this.size) await disk.truncate(path, this.size)
    this.doubtful = false
  }

  private startSegment(): void {
    this.segment++
    this.size = 0
    this.metrics.segment.set(this.segment)
  }
}

interface Pending {
  readonly records: readonly PackedRecord[]
  readonly sync: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  try {
    return await disk.size(path)
  } catch (error) {
    if (error instanceof NotFoundError) return 0
    throw error
  }
}

interface WalMetrics {
  readonly corruptions: Metric
  readonly segment: Metric
  readonly failures: Metric
  readonly flushes: Metric
  readonly pages: Metric
  readonly fsync: Summary
}

function walMetrics(metrics: Registry, wal: Wal): WalMetrics {
  const size = () => wal.stats().bytes
  metrics.computed('prometheus_tsdb_wal_storage_size_bytes', 'Size of the write log.', 'gauge', size)
  return {
    corruptions: metrics.counter('prometheus_tsdb_wal_corruptions_total', 'Total number of WAL corruptions.'),
    segment: metrics.gauge(
      'prometheus_tsdb_wal_segment_current',
      'Write log segment index that TSDB is currently writing to.',
    ),
    failures: metrics.counter(
      'prometheus_tsdb_wal_writes_failed_total',
      'Total number of write log writes that failed.',
    ),
    flushes: metrics.counter('prometheus_tsdb_wal_page_flushes_total', 'Total number of page flushes.'),
    pages: metrics.counter('prometheus_tsdb_wal_completed_pages_total', 'Total number of completed pages.'),
    fsync: metrics.summary('prometheus_tsdb_wal_fsync_duration_seconds', 'Duration of write log fsync.'),
  }
}
