import { ByteWriter } from '../../bytes/writer.ts'
import { DiskFullError, NotFoundError, StolenError, type Disk } from '../../disk/disk.ts'
import type { Registry } from '../../metrics/registry.ts'
import { assert } from '../../model/errors.ts'
import type { Host } from '../../model/host.ts'
import type { SeriesRef } from '../../model/store.ts'
import { Checkpoints } from './checkpoints.ts'
import { CheckpointFilter } from './filter.ts'
import { walMetrics, type WalMetrics } from './metrics.ts'
import { segmentPath } from './names.ts'
import type { RecordVisitor } from './records.ts'
import { replayWal, type Replayed } from './replay.ts'
import { endOfRecord, packRecord, pageBytes, writeRecord, type PackedRecord } from './segment.ts'

export interface WalOptions {
  readonly disk: Disk
  readonly host: Host
  readonly metrics: Registry
  readonly folder: string
  /** A multiple of the page size. A segment is larger only when a single record is. */
  readonly segmentBytes: number
  /** Whether it is the log of samples that came out of order (upstream's WBL), which goes by other names in the metrics. It
   *  has no checkpoints: `dropBefore` shortens it. */
  readonly outOfOrder?: boolean
}

/** Replays the log to `visitor`, repairs it where it is damaged, removes what a crash left over, and opens it for
 *  writing. As upstream, a writer always starts a new segment; it comes into being with the first record.
 *  @throws what the disk throws */
export async function openWal(options: WalOptions, visitor: RecordVisitor): Promise<Wal> {
  assert(options.segmentBytes % pageBytes === 0, `segments of ${options.segmentBytes} bytes`)
  const replayed = await replayWal(options.disk, options.host, options.folder, visitor)
  const [first = 0] = replayed.segments.keys()
  if (!options.outOfOrder && !replayed.checkpoint && first > 0)
    replayed.damages.unshift(
      `${options.folder}: want a checkpoint or segment 0, have segments from ${first} on`,
    )
  const name = options.outOfOrder ? 'out_of_order_wbl' : 'wal'
  const metrics = walMetrics(options.metrics, name)
  const checkpoints = new Checkpoints(options, metrics, replayed)
  // Beside a damaged checkpoint everything is left as it is: what it was made of may still be there.
  if (replayed.checkpointWhole) await checkpoints.sweep()
  const wal = new Wal(options, metrics, checkpoints, replayed)
  const size = () => wal.stats().bytes
  options.metrics.computed(
    `prometheus_tsdb_${name}_storage_size_bytes`,
    'Size of the write log directory.',
    'gauge',
    size,
  )
  return wal
}

/** The write-ahead log. Records that arrive while the disk is writing go out together in its next write. */
export class Wal {
  /** Damages found, each in a sentence. */
  readonly damages: readonly string[]
  private readonly options: WalOptions
  private readonly metrics: WalMetrics
  private readonly checkpoints: Checkpoints
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
  private truncating = false
  /** The latest time that the log was truncated to. */
  private truncatedT = -Infinity

  constructor(options: WalOptions, metrics: WalMetrics, checkpoints: Checkpoints, replayed: Replayed) {
    const { segments, damages } = replayed
    this.options = options
    this.metrics = metrics
    this.checkpoints = checkpoints
    this.segments = segments
    this.damages = damages
    // A segment whose number the checkpoint stands for would not be read.
    this.segment = Math.max(checkpoints.number, ...segments.keys()) + 1
    this.loose = segments.size > 0
    this.metrics.corruptions.inc(damages.length)
    this.metrics.segment.set(this.segment)
  }

  /** Appends records, all of them or none; resolves once they survive the death of the process.
   *  @throws DiskFullError, StolenError or another error of the disk: then none is in the log */
  async log(records: readonly Uint8Array[]): Promise<void> {
    await this.enqueue(records.map(packRecord), 'nothing')
  }

  /** Resolves once everything logged so far survives a power cut. */
  async sync(): Promise<void> {
    await this.enqueue([], 'sync')
  }

  /** Ends the segment that is being written; the next record starts another. Resolves once everything in it survives a
   *  power cut. Does nothing when there is nothing in it.
   *  @returns the number of the next segment: all that was logged so far is in segments before it */
  cut(): Promise<number> {
    return this.enqueue([], 'cut')
  }

  /** Removes the segments before one, as nobody needs any more what is in them (upstream `WL.Truncate`).
   *  @param segment from `cut`
   *  @throws what the disk throws: then some may be left, and go the next time */
  async dropBefore(segment: number): Promise<void> {
    const { disk, folder } = this.options
    const numbers = this.checkpoints.segmentsBehind().filter(number => number < segment)
    assert(segment <= this.segment, `dropped segment ${segment - 1}, which is still written`)
    this.metrics.truncations.inc()
    try {
      for (const [i, number] of numbers.entries()) {
        const path = segmentPath(folder, number)
        // Makes the removal before it durable: were they undone in any order, the numbers might have a gap.
        if (i > 0) await disk.truncate(path, this.segments.get(number) as number)
        await disk.remove(path)
        this.segments.delete(number)
      }
    } catch (error) {
      this.metrics.truncationsFailed.inc()
      throw error
    }
  }

  /** Rewrites the older two thirds of the segments as a checkpoint and removes them (upstream `Head.truncateWAL`, and
   *  `CheckpointFilter` for what is kept): afterwards the log has nothing of before `minT` there. Samples can be logged
   *  meanwhile. Does nothing when there are too few segments, or when it was done up to `minT` before. One call at a time.
   *  @param keep whether the log needs the series; the answer must not change while this runs
   *  @returns whether a checkpoint was made
   *  @throws DiskFullError or another error of the disk, DamagedSegmentError, the signal's reason: then the log is what
   *  it was, but for the cut */
  async truncate(minT: number, keep: (ref: SeriesRef) => boolean, signal?: AbortSignal): Promise<boolean> {
    assert(!this.truncating, 'the log is truncated twice at once')
    if (minT <= this.truncatedT) return false
    this.truncating = true
    const start = this.options.host.monotonic()
    try {
      const segments = await this.cutOlder()
      if (segments.length > 0) {
        await this.checkpoints.replace(segments, new CheckpointFilter(minT, keep), signal)
        await this.checkpoints.sweep()
        this.metrics.truncateDuration.observe((this.options.host.monotonic() - start) / 1000)
      }
      this.truncatedT = minT
      return segments.length > 0
    } finally {
      this.truncating = false
    }
  }

  /** Segments and bytes with those of the checkpoint. */
  stats(): { segments: number; bytes: number; corruptions: number } {
    let { bytes } = this.checkpoints
    for (const size of this.segments.values()) bytes += size
    return { segments: this.segments.size, bytes, corruptions: this.damages.length }
  }

  /** Ends the segment being written, so that a log that grows slowly gets shorter, too. Answers the numbers of the
   *  older two thirds of the segments before it; none when those are less than two. */
  private async cutOlder(): Promise<readonly number[]> {
    const numbers = this.checkpoints.segmentsBehind()
    // Never the one being written.
    const newest = this.segment - 1
    await this.cut()
    const first = numbers[0] ?? newest
    const last = first + Math.floor(((newest - first) * 2) / 3)
    return last > first ? numbers.filter(number => number <= last) : []
  }

  private enqueue(records: PackedRecord[], then: Pending['then']): Promise<number> {
    return new Promise((resolve, reject) => {
      this.queue.push({ records, then, resolve, reject })
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
      if (cut && end > 0) this.startSegment()
      for (const { resolve } of group) resolve(this.segment)
    } catch (error) {
      this.metrics.failures.inc()
      this.doubtful ||= !(error instanceof DiskFullError || error instanceof StolenError)
      // Where the cut alone failed, the record that asked for it has nowhere to go.
      const failed = group.length > 0 ? group : this.queue.splice(0, 1)
      for (const { reject } of failed) reject(error)
    }
  }

  /** Takes from the queue what fits into the segment and frames it into the buffer, up to a pending that asks for
   *  more. `cut`: the segment ends here, because of that or because the next one does not fit. The page is then filled
   *  with zeros, as upstream does when it starts another segment; so it is for `sync`, which needs something to write. */
  private frameGroup(): { group: Pending[]; end: number; sync: boolean; cut: boolean } {
    const { buffer, queue } = this
    const group: Pending[] = []
    buffer.reset()
    let end = this.size
    let then: Pending['then'] = 'nothing'
    while (queue[0] && then === 'nothing' && this.fits(queue[0], end)) {
      const pending = queue.shift() as Pending
      for (const record of pending.records) writeRecord(record, this.size + buffer.length, buffer)
      end = this.size + buffer.length
      then = pending.then
      group.push(pending)
    }
    const sync = then === 'sync'
    const cut = then === 'cut' || (queue.length > 0 && !sync)
    if (then === 'nothing') buffer.zeros(cut ? (pageBytes - (end % pageBytes)) % pageBytes : 0)
    else if (buffer.length > 0 || (this.loose && (sync || end > 0)))
      buffer.zeros(pageBytes - (end % pageBytes))
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
  /** What is to be done behind the records. */
  readonly then: 'nothing' | 'sync' | 'cut'
  /** Is told which segment is written next. */
  readonly resolve: (segment: number) => void
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
