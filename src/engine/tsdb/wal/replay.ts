import type { Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import { GroupedRecords } from './grouped.ts'
import { checkpointNames, segmentNumbers, segmentPath } from './names.ts'
import { SegmentReader, type RecordSink } from './reader.ts'
import type { RecordVisitor } from './records.ts'
import { pageBytes } from './segment.ts'

/** Finished segments in a folder of their own that stand for all segments up to `number`. */
export interface Checkpoint {
  readonly number: number
  readonly path: string
  readonly bytes: number
}

export interface Replayed {
  /** Bytes of each segment that is there now, by its number. */
  readonly segments: Map<number, number>
  /** The newest one. */
  readonly checkpoint: Checkpoint | null
  /** Whether the checkpoint was read without finding damage. */
  readonly checkpointWhole: boolean
  /** All damages found, each in a sentence that says what was done about it. */
  readonly damages: string[]
}

/** Reads a log, the newest checkpoint and the segments behind it, and repairs it: the first damaged record of a segment
 *  and everything after it is removed, as upstream does, because what follows may build on what is lost. What a writer
 *  that was killed left at the end of the last segment is removed, too, and is no damage.
 *  @throws what the disk throws */
export async function replayWal(
  disk: Disk,
  host: Host,
  folder: string,
  visitor: RecordVisitor,
): Promise<Replayed> {
  const { end, ...replayed } = await readLog(new SegmentReader(disk, host), { disk, folder, visitor })
  if (!end) return replayed
  const { number, goodEnd, torn, found } = end
  const text = `${found}; kept its first ${goodEnd} bytes`
  if (torn) host.log('info', 'the last record of the WAL was not written to its end', { found: text })
  else replayed.damages.push(text)
  await cutBehind(disk, folder, replayed.segments, number, goodEnd)
  return replayed
}

/** Reads a log as `replayWal` does, up to the first damage of its segments, and leaves it as it is. The folder may be in a
 *  staging folder. What a writer that was killed left at the end of the last segment is passed over, and is no damage.
 *  @returns all damages found, each in a sentence
 *  @throws what the disk throws, and the signal's reason */
export async function readWal(
  disk: Disk,
  host: Host,
  folder: string,
  visitor: RecordVisitor,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const reader = new SegmentReader(disk, host, signal)
  const { damages, end } = await readLog(reader, { disk, folder, visitor })
  if (end && !end.torn)
    damages.push(`${end.found}; read its first ${end.goodEnd} bytes and nothing behind it`)
  return damages
}

interface LogPlace {
  readonly disk: Disk
  readonly folder: string
  readonly visitor: RecordVisitor
}

/** The segment in which reading ended before its end. */
interface EarlyEnd {
  readonly number: number
  readonly goodEnd: number
  /** It is the last one and ends within a record. */
  readonly torn: boolean
  readonly found: string
}

async function readLog(
  reader: SegmentReader,
  { disk, folder, visitor }: LogPlace,
): Promise<Replayed & { readonly end: EarlyEnd | null }> {
  const sink = new GroupedRecords(visitor)
  const names = await disk.list(folder)
  const segments = new Map<number, number>()
  for (const number of segmentNumbers(names))
    segments.set(number, await disk.size(segmentPath(folder, number)))

  const checkpoint = await newestCheckpoint(disk, folder, names)
  const damages = checkpoint ? await readCheckpoint(disk, reader, checkpoint, sink) : []
  const replayed = { segments, checkpoint, checkpointWhole: damages.length === 0, damages }

  const numbers = [...segments.keys()].filter(number => !checkpoint || number > checkpoint.number)
  let previous = checkpoint?.number ?? null
  for (const number of numbers) {
    // Nothing is cut here: what is missing may be mislaid, and a sample without its series is left out anyway.
    if (previous !== null && number !== previous + 1)
      damages.push(`${folder}: segments before ${number} are missing`)
    previous = number
    const damage = await reader.read(segmentPath(folder, number), sink)
    if (!damage) continue
    sink.release()
    const torn = damage.torn && number === numbers.at(-1)
    const found = `${damage.path}: ${damage.message}`
    return { ...replayed, end: { number, goodEnd: damage.goodEnd, torn, found } }
  }
  sink.release()
  return { ...replayed, end: null }
}

async function newestCheckpoint(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<Checkpoint | null> {
  const newest = checkpointNames(names).at(-1)
  if (!newest) return null
  const path = `${folder}/${newest.name}`
  let bytes = 0
  for (const number of segmentNumbers(await disk.list(path)))
    bytes += await disk.size(segmentPath(path, number))
  return { number: newest.number, path, bytes }
}

/** Hands out the records of a checkpoint. Upstream does not start with a damaged one. We pass over what is damaged, since
 *  its series and samples stand for themselves, and leave it as it is; the next checkpoint is made without the damage.
 *  Answers the damages, each in a sentence.
 *  @throws what the disk throws */
export async function readCheckpoint(
  disk: Disk,
  reader: SegmentReader,
  { path }: Checkpoint,
  sink: RecordSink,
): Promise<string[]> {
  const damages: string[] = []
  let wanted = 0
  for (const number of segmentNumbers(await disk.list(path))) {
    const segment = segmentPath(path, number)
    if (number !== wanted) damages.push(`${path}: segments before ${number} are missing`)
    wanted = number + 1
    if ((await disk.size(segment)) === 0)
      damages.push(`${segment}: want a page of ${pageBytes} bytes, have none`)
    for (const { message, resume } of await reader.readAll(segment, sink)) {
      damages.push(`${segment}: ${message}; went on from byte ${resume}`)
    }
  }
  return damages
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
