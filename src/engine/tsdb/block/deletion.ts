import type { Disk } from '../../disk/disk.ts'
import { smallFileBytes } from '../../disk/paths.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { TimeRange } from '../../model/store.ts'
import type { SeriesEntry } from './indexreader.ts'
import { formatMeta, type BlockMeta } from './meta.ts'
import type { Pace } from './pace.ts'
import type { BlockParts } from './querier.ts'
import { formatTombstones, Tombstones } from './tombstones.ts'

/** Series that are read from the index at once. */
const seriesAtOnce = 300

type Stone = readonly [ref: number, intervals: readonly TimeRange[]]

/** The tombstones of a block once the samples of the series that match are deleted in the range, too (upstream
 *  `Block.Delete`). Null when that deletes nothing that is not deleted already.
 *  @throws CorruptionError, or what ends the pace */
export async function afterDeletion(
  { index, tombstones }: Pick<BlockParts, 'index' | 'tombstones'>,
  matchers: readonly Matcher[],
  range: TimeRange,
  pace: Pace,
): Promise<Tombstones | null> {
  const more: Stone[] = []
  const refs = await index.select(matchers)
  for (let i = 0; i < refs.length; i += seriesAtOnce) {
    for (const entry of await index.series(refs.subarray(i, i + seriesAtOnce))) {
      const stone = deletedOf(entry, range)
      if (stone && !covers(tombstones.get(entry.ref), stone)) more.push([entry.ref, [stone]])
    }
    if (pace.due) await pace.pause()
  }
  return more.length > 0 ? Tombstones.of(both(tombstones, more)) : null
}

/** What is deleted of a series: of the range no more than what the series has. Null when none of its chunks is there. */
function deletedOf({ chunks }: SeriesEntry, { minT, maxT }: TimeRange): TimeRange | null {
  const [first, last] = [chunks[0], chunks.at(-1)]
  if (!first || !last || !chunks.some(chunk => chunk.minT <= maxT && chunk.maxT >= minT)) return null
  return { minT: Math.max(minT, first.minT), maxT: Math.min(maxT, last.maxT) }
}

function covers(deleted: readonly TimeRange[], { minT, maxT }: TimeRange): boolean {
  return deleted.some(interval => interval.minT <= minT && maxT <= interval.maxT)
}

function* both(known: Tombstones, more: readonly Stone[]): Generator<Stone> {
  for (const { ref, ...interval } of known.each()) yield [ref, [interval]]
  yield* more
}

/** Notes what is deleted of a published block; it is to be opened again to know it. What is between the two writes
 *  after a crash is a deletion that the plan of compaction does not know of yet.
 *  @returns whether it was done: the disk takes small files alone, and a block of which so much is deleted is better
 *    written anew
 *  @throws what the disk throws; then the block has what was deleted before, or both */
export async function saveTombstones(disk: Disk, meta: BlockMeta, tombstones: Tombstones): Promise<boolean> {
  const bytes = formatTombstones(tombstones)
  if (bytes.length > smallFileBytes) return false
  await disk.write(`${meta.ulid}/tombstones`, bytes)
  const stats = { ...meta.stats, numTombstones: tombstones.count }
  await disk.write(`${meta.ulid}/meta.json`, formatMeta({ ...meta, stats }))
  return true
}
