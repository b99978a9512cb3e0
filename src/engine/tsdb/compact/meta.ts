import { formatMeta, type BlockMeta } from '../block/meta.ts'
import type { Disk } from '../../disk/disk.ts'

/** What upstream notes about where a block comes from (`CompactionHintFrom…`). */
export const hint = {
  outOfOrder: 'from-out-of-order',
  staleSeries: 'from-stale-series',
  selectedSeries: 'from-selected-series',
} as const

/** The order of blocks: by their beginning. */
export function byTime(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1)
}

/** The order in which samples of the same time count: those that came in order first. Queries go through blocks in the same
 *  order. */
export function byPrecedence(a: BlockMeta, b: BlockMeta): number {
  return Number(isLate(a)) - Number(isLate(b)) || byTime(a, b)
}

/** Whether all samples of a block came out of order. */
export function isLate({ compaction }: BlockMeta): boolean {
  return compaction.hints?.includes(hint.outOfOrder) ?? false
}

/** The first blocks by time of which each overlaps one before it; none when all are apart. */
export function overlapping(metas: readonly BlockMeta[]): readonly BlockMeta[] {
  const sorted = metas.toSorted(byTime)
  let maxT = -Infinity
  let from = 0
  for (const [i, meta] of sorted.entries()) {
    if (meta.minTime >= maxT) {
      if (i - from > 1) return sorted.slice(from, i)
      from = i
    }
    maxT = Math.max(maxT, meta.maxTime)
  }
  return sorted.length - from > 1 ? sorted.slice(from) : []
}

/** Time range and descent of the block that these become (upstream's `CompactBlockMetas`). */
export function merged(metas: readonly BlockMeta[]): Pick<BlockMeta, 'minTime' | 'maxTime' | 'compaction'> {
  const hints = keptHints(metas)
  return {
    minTime: Math.min(...metas.map(meta => meta.minTime)),
    maxTime: Math.max(...metas.map(meta => meta.maxTime)),
    compaction: {
      level: Math.max(...metas.map(({ compaction }) => compaction.level)) + 1,
      sources: [...new Set(metas.flatMap(({ compaction }) => compaction.sources))].sort(),
      parents: metas.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
      ...(hints.length > 0 ? { hints } : {}),
    },
  }
}

/** Time range and descent of a block that is written anew (upstream's `LeveledCompactor.Write` with a base). */
export function rewritten(
  { ulid, minTime, maxTime, compaction }: BlockMeta,
  as: string,
): Pick<BlockMeta, 'minTime' | 'maxTime' | 'compaction'> {
  const { hints } = compaction
  const parents = [{ ulid, minTime, maxTime }]
  return {
    minTime,
    maxTime,
    compaction: { level: 1, sources: [as], parents, ...(hints ? { hints } : {}) },
  }
}

/** A block counts as out of order only if all of it is; as made of series taken out early if any of it is, because
 *  such blocks are merged only with each other. */
function keptHints(metas: readonly BlockMeta[]): string[] {
  const carries = (name: string) => (meta: BlockMeta) => meta.compaction.hints?.includes(name) ?? false
  const kept: string[] = [hint.selectedSeries, hint.staleSeries].filter(name => metas.some(carries(name)))
  if (metas.every(carries(hint.outOfOrder))) kept.push(hint.outOfOrder)
  return kept.sort()
}

/** Notes on the disk that merging these blocks failed: `plan` leaves their range alone from now on (upstream's
 *  `setCompactionFailed`). They are to be opened again to know it themselves. Not for what has nothing to do with the
 *  blocks, such as a full disk.
 *  @throws what the disk throws */
export async function markFailed(disk: Disk, metas: readonly BlockMeta[]): Promise<void> {
  for (const meta of metas) {
    const failed = { ...meta, compaction: { ...meta.compaction, failed: true } }
    await disk.write(`${meta.ulid}/meta.json`, formatMeta(failed))
  }
}
