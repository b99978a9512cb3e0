import { ByteWriter } from '../../bytes/writer.ts'
import { stagingSuffix, type Disk, type FileWriter } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import type { CheckpointFilter } from './filter.ts'
import { checkpointPath, segmentPath } from './names.ts'
import { SegmentReader } from './reader.ts'
import { readCheckpoint, type Checkpoint } from './replay.ts'
import { endOfRecord, packRecord, pageBytes, writeRecord, type PackedRecord } from './segment.ts'

const flushBytes = 1024 * 1024

export interface CheckpointPlan {
  readonly disk: Disk
  readonly host: Host
  readonly folder: string
  readonly segmentBytes: number
  /** The checkpoint before; its records come first. */
  readonly previous: Checkpoint | null
  /** Numbers of the segments to be replaced, in order. They must not be written to any more. */
  readonly segments: readonly number[]
  readonly filter: CheckpointFilter
  readonly signal: AbortSignal | undefined
}

/** A segment that is to be replaced is damaged. Upstream, too, makes no checkpoint then: nobody could tell what is lost.
 *  The next start repairs the log. */
export class DamagedSegmentError extends Error {
  override readonly name = 'DamagedSegmentError'
}

/** Writes and publishes the checkpoint that stands for the segments (upstream `wlog/checkpoint.go`). Answers it, and
 *  the damages of the previous one, which are not taken over.
 *  @throws DamagedSegmentError, DiskFullError, what else the disk throws, and the signal's reason: then there is none */
export async function writeCheckpoint(
  plan: CheckpointPlan,
): Promise<{ checkpoint: Checkpoint; damages: readonly string[] }> {
  const { disk, folder, segments } = plan
  const number = segments.at(-1) as number
  const path = checkpointPath(folder, number)
  const staging = path + stagingSuffix
  // A try that failed may have left something, in doubt even the checkpoint; its segments are all there.
  for (const left of [staging, path]) await disk.removeFolder(left)
  const out = new CheckpointWriter(disk, staging, plan.segmentBytes)
  try {
    const damages = await rewrite(plan, out)
    const bytes = await out.close()
    await disk.publish([{ from: staging, to: path }])
    return { checkpoint: { number, path, bytes }, damages }
  } catch (error) {
    // What cannot be removed now is removed before the next try, or when the disk is opened.
    await out.abort().catch(() => undefined)
    throw error
  }
}

async function rewrite(plan: CheckpointPlan, out: CheckpointWriter): Promise<readonly string[]> {
  const { disk, filter, previous } = plan
  const reader = new SegmentReader(disk, plan.host, plan.signal)
  const sink = {
    take(record: Uint8Array) {
      const kept = filter.filter(record)
      if (kept) out.add(kept)
    },
    flush: () => out.flush(),
  }
  const damages = previous ? await readCheckpoint(disk, reader, previous, sink) : []
  for (const number of plan.segments) {
    const damage = await reader.read(segmentPath(plan.folder, number), sink)
    if (damage) throw new DamagedSegmentError(`${damage.path}: ${damage.message}`, { cause: damage.error })
  }
  for (const record of filter.metadata()) {
    out.add(record)
    await out.flush()
  }
  return damages
}

/** Writes records into the segments of a staging folder, numbered from 0. */
class CheckpointWriter {
  private readonly disk: Disk
  private readonly folder: string
  private readonly segmentBytes: number
  private readonly buffer = new ByteWriter(16 * 1024)
  private waiting: PackedRecord[] = []
  private file: FileWriter | null = null
  private segment = -1
  /** Bytes of the segment that are on the disk. */
  private written = 0
  /** Bytes of all segments. */
  private total = 0

  constructor(disk: Disk, folder: string, segmentBytes: number) {
    this.disk = disk
    this.folder = folder
    this.segmentBytes = segmentBytes
  }

  /** Takes a record; `flush` writes it. */
  add(record: Uint8Array): void {
    this.waiting.push(packRecord(record))
  }

  async flush(): Promise<void> {
    for (const record of this.waiting) {
      let at = this.written + this.buffer.length
      if (this.file === null || (at > 0 && endOfRecord(at, record.data.length) > this.segmentBytes)) {
        await this.openSegment()
        at = 0
      }
      writeRecord(record, at, this.buffer)
      if (this.buffer.length >= flushBytes) await this.writeBuffer()
    }
    this.waiting = []
  }

  /** Completes the last segment, of which there is one even without records. Answers the bytes of all. */
  async close(): Promise<number> {
    await this.flush()
    if (this.file === null) await this.openSegment()
    await this.closeSegment()
    return this.total
  }

  async abort(): Promise<void> {
    await this.file?.abort()
    await this.disk.removeFolder(this.folder)
  }

  private async openSegment(): Promise<void> {
    await this.closeSegment()
    this.segment++
    this.file = await this.disk.create(segmentPath(this.folder, this.segment))
  }

  /** Fills the last page with zeros, as upstream does; a segment without records is one page of them. */
  private async closeSegment(): Promise<void> {
    const { file } = this
    if (file === null) return
    const end = this.written + this.buffer.length
    this.buffer.zeros(end === 0 ? pageBytes : (pageBytes - (end % pageBytes)) % pageBytes)
    await this.writeBuffer()
    await file.close()
    this.file = null
    this.written = 0
  }

  private async writeBuffer(): Promise<void> {
    const bytes = this.buffer.written()
    await this.file?.write(bytes)
    this.written += bytes.length
    this.total += bytes.length
    this.buffer.reset()
  }
}
