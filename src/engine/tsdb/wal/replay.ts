import { CorruptionError } from '../../bytes/corruption.ts'
import type { Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import { visitRecord, type RecordVisitor } from './records.ts'
import { pageBytes, RecordReader } from './segment.ts'

const pieceBytes = 32 * pageBytes
/** How long reading goes on before other tasks get their turn. */
const sliceMs = 20

export interface Replayed {
  /** Bytes of each segment that is there now, by its number. */
  readonly segments: Map<number, number>
  /** Numbers of all damages found, with what was done about them. */
  readonly damages: readonly string[]
}

export function segmentPath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(8, '0')}`
}

/** Reads a WAL from its newest checkpoint on and repairs it: the first damaged record and everything after it is
 *  removed, as upstream does, because what follows may build on what is lost.
 *  @throws what the disk throws */
export async function replayWal(
  disk: Disk,
  host: Host,
  folder: string,
  visitor: RecordVisitor,
): Promise<Replayed> {
  const names = await disk.list(folder)
  const segments = new Map<number, number>()
  const damages: string[] = []
  const reader = new SegmentSource(disk, host, visitor)

  const checkpoint = newestCheckpoint(names)
  if (checkpoint) damages.push(...(await replayCheckpoint(reader, disk, `${folder}/${checkpoint.name}`)))
  const numbers = segmentNumbers(names)
  for (const number of numbers) segments.set(number, await disk.size(segmentPath(folder, number)))

  let previous: number | null = null
  for (const number of numbers) {
    if (checkpoint && number <= checkpoint.number) continue
    // Nothing is cut here: what is missing may be mislaid, and a sample without its series is left out anyway.
    if (previous !== null && number !== previous + 1) damages.push(`segments before ${number} are missing`)
    previous = number
    const damage = await reader.replay(segmentPath(folder, number))
    if (!damage) continue
    damages.push(describe(segmentPath(folder, number), damage))
    await cutBehind(disk, folder, segments, number, damage.goodEnd)
    break
  }
  return { segments, damages }
}

interface Damage {
  readonly error: CorruptionError
  /** Bytes of the segment that are good. */
  readonly goodEnd: number
}

/** Reads segments in pieces and tells their records, with pauses for others. */
class SegmentSource {
  private readonly disk: Disk
  private readonly host: Host
  private readonly visitor: RecordVisitor
  private pausedAt: number

  constructor(disk: Disk, host: Host, visitor: RecordVisitor) {
    this.disk = disk
    this.host = host
    this.visitor = visitor
    this.pausedAt = host.monotonic()
  }

  async replay(path: string): Promise<Damage | null> {
    const size = await this.disk.size(path)
    const reader = new RecordReader()
    // Behind a record whose content is bad the framing is still fine, so its place is kept apart.
    let goodEnd = 0
    try {
      for (let at = 0; at < size; at += pieceBytes) {
        const piece = await this.disk.read(path, at, Math.min(at + pieceBytes, size))
        for (const { data, end } of reader.records(piece)) {
          if (data) visitRecord(data, this.visitor)
          else this.visitor.skipped(-1)
          goodEnd = end
          if (this.host.monotonic() - this.pausedAt > sliceMs) await this.pause()
        }
      }
      reader.end()
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error
      return { error, goodEnd }
    }
    return null
  }

  private async pause(): Promise<void> {
    await this.host.yield()
    this.pausedAt = this.host.monotonic()
  }
}

function segmentNumbers(names: readonly string[]): number[] {
  return names
    .filter(name => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

function newestCheckpoint(names: readonly string[]): { name: string; number: number } | null {
  const found = names
    .flatMap(name => {
      const match = /^checkpoint\.(\d{1,15})$/.exec(name)
      return match ? [{ name, number: Number(match[1]) }] : []
    })
    .sort((a, b) => b.number - a.number)
  return found[0] ?? null
}

/** A damaged checkpoint is read as far as it goes and left as it is: it is finished, so nothing is appended. */
async function replayCheckpoint(reader: SegmentSource, disk: Disk, folder: string): Promise<string[]> {
  for (const number of segmentNumbers(await disk.list(folder))) {
    const path = segmentPath(folder, number)
    const damage = await reader.replay(path)
    if (damage) return [describe(path, damage)]
  }
  return []
}

/** Removes what follows a damage, the last segment first: were it interrupted, the next start would find the
 *  damage again and go on, and the numbers stay without a gap. */
async function cutBehind(
  disk: Disk,
  folder: string,
  segments: Map<number, number>,
  number: number,
  goodEnd: number,
): Promise<void> {
  const later = [...segments.keys()].filter(other => other > number).sort((a, b) => b - a)
  for (const other of later) {
    await disk.remove(segmentPath(folder, other))
    segments.delete(other)
  }
  await disk.truncate(segmentPath(folder, number), goodEnd)
  segments.set(number, goodEnd)
  if (goodEnd > 0) return
  // Whether an empty file is a file, disks may see differently.
  await disk.remove(segmentPath(folder, number))
  segments.delete(number)
}

function describe(path: string, { error, goodEnd }: Damage): string {
  return `${path}: ${error.message}; kept its first ${goodEnd} bytes`
}
