import { CorruptionError } from '../../bytes/corruption.ts'
import type { Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import { pageBytes, RecordReader, TornError } from './segment.ts'

const pieceBytes = 32 * pageBytes
/** How long reading goes on before other tasks get their turn. */
const sliceMs = 20
/** How many bytes of records pass before the clock is looked at, which takes half as long as reading a small one. */
const bytesPerLook = 4096

/** Bytes of a segment that are not what they should be. */
export interface Damage {
  readonly path: string
  readonly error: CorruptionError
  /** What is wrong, and where. */
  readonly message: string
  /** The segment ends within a record, and nothing else is wrong. */
  readonly torn: boolean
  /** Up to here reading was good. */
  readonly goodEnd: number
  /** Where the next record may begin. */
  readonly resume: number
}

/** Where records go. */
export interface RecordSink {
  /** Takes a record, lent until this returns. A `CorruptionError` means that the record is damaged. */
  take(record: Uint8Array): void
  /** Is waited for now and then, when a few megabytes have been taken at most. */
  flush?(): Promise<void>
}

/** Reads segments in pieces and hands out their records, with pauses for others. */
export class SegmentReader {
  private readonly disk: Disk
  private readonly host: Host
  private readonly signal: AbortSignal | undefined
  private pausedAt: number

  constructor(disk: Disk, host: Host, signal?: AbortSignal) {
    this.disk = disk
    this.host = host
    this.signal = signal
    this.pausedAt = host.monotonic()
  }

  /** Reads a segment up to its end or the first damage, which it answers.
   *  @param from where to begin
   *  @throws what disk and sink throw, and the signal's reason */
  async read(path: string, sink: RecordSink, from = 0): Promise<Damage | null> {
    const size = await this.disk.size(path)
    const reader = new RecordReader(from)
    // Behind a record whose content is bad the framing is still fine, so both ends are kept.
    let goodEnd = from
    let recordEnd = from
    let unwatched = 0
    try {
      for (let at = from; at < size; at = pieceEnd(at)) {
        this.signal?.throwIfAborted()
        const piece = await this.disk.read(path, at, Math.min(pieceEnd(at), size))
        for (const { data, end } of reader.records(piece)) {
          recordEnd = end
          sink.take(data)
          goodEnd = end
          unwatched += data.length
          if (unwatched < bytesPerLook) continue
          unwatched = 0
          if (this.host.monotonic() - this.pausedAt > sliceMs) await this.pause()
        }
        await sink.flush?.()
      }
      reader.end()
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      return damageOf(path, error, goodEnd, recordEnd)
    }
    return null
  }

  /** Reads a segment to its end, over every damage: behind it, reading goes on with the next record or page.
   *  @throws as `read` */
  async readAll(path: string, sink: RecordSink): Promise<Damage[]> {
    const damages: Damage[] = []
    let damage = await this.read(path, sink)
    while (damage) {
      damages.push(damage)
      damage = await this.read(path, sink, damage.resume)
    }
    return damages
  }

  private async pause(): Promise<void> {
    await this.host.yield()
    this.pausedAt = this.host.monotonic()
  }
}

function damageOf(path: string, error: CorruptionError, goodEnd: number, recordEnd: number): Damage {
  const torn = error instanceof TornError
  if (recordEnd === goodEnd) {
    return { path, error, torn, message: error.message, goodEnd, resume: pageAfter(error.offset) }
  }
  const message = `record from byte ${goodEnd} to ${recordEnd}: ${error.message}`
  return { path, error, torn, message, goodEnd, resume: recordEnd }
}

function pieceEnd(at: number): number {
  return (Math.floor(at / pieceBytes) + 1) * pieceBytes
}

function pageAfter(at: number): number {
  return (Math.floor(at / pageBytes) + 1) * pageBytes
}
