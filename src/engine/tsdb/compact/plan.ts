import type { BlockMeta } from '../block/meta.ts'
import { byTime, hint, overlapping } from './meta.ts'

const hourMs = 3600 * 1000

/** How long blocks are, in milliseconds. */
export interface RangeOptions {
  /** Of a block that is cut from the head; by default upstream's two hours. */
  readonly minBlockMs?: number
  /** The longest that a block may get; by default a tenth of the retention, and 31 days at most. */
  readonly maxBlockMs?: number
  /** How long samples are kept; null when their age does not count. */
  readonly retentionMs: number | null
}

/** The durations up to which blocks are merged, ascending, each three times the one before: upstream's `ExponentialBlockRanges`
 *  with the limits of `cmd/prometheus`. */
export function ranges({ minBlockMs = 2 * hourMs, maxBlockMs, retentionMs }: RangeOptions): number[] {
  const longest = maxBlockMs ?? Math.min(31 * 24 * hourMs, Math.floor((retentionMs || Infinity) / 10))
  const steps = Array.from({ length: 10 }, (_, k) => minBlockMs * 3 ** k)
  return steps.filter((range, k) => k === 0 || range <= longest)
}

export interface PlanOptions {
  /** As `ranges` gives them. */
  readonly ranges: readonly number[]
}

/** Which blocks to merge next, by time; none when there is nothing to do. One block alone is to be written again
 *  without what was deleted of it. Upstream's `LeveledCompactor.plan`; blocks that are to be left alone are not
 *  among `metas`. */
export function plan(metas: readonly BlockMeta[], { ranges }: PlanOptions): readonly BlockMeta[] {
  // A block of series that were taken out of the head early says nothing about how far the head was written, and must
  // not be mixed with others, because what is merged would seem to.
  const early = (meta: BlockMeta) => [hint.staleSeries, hint.selectedSeries].find(name => has(meta, name))
  for (const kind of [undefined, hint.staleSeries, hint.selectedSeries]) {
    const chosen = planKind(
      metas.filter(meta => early(meta) === kind),
      ranges,
    )
    if (chosen.length > 0) return chosen
  }
  return []
}

function has({ compaction }: BlockMeta, name: string): boolean {
  return compaction.hints?.includes(name) ?? false
}

function planKind(metas: readonly BlockMeta[], ranges: readonly number[]): readonly BlockMeta[] {
  const overlaps = overlapping(metas)
  if (overlaps.length > 0) return overlaps
  // The newest block stays alone for a while, so that it can be backed up without caring about others.
  const settled = metas.toSorted(byTime).slice(0, -1)
  const range = fullRange(settled, ranges.slice(1))
  return range.length > 0 ? range : mostDeleted(settled, ranges)
}

/** The first blocks that fill a range, or whose range nothing more can be added to. */
function fullRange(settled: readonly BlockMeta[], ranges: readonly number[]): readonly BlockMeta[] {
  const newest = settled.at(-1)
  if (!newest) return []
  for (const range of ranges) {
    for (const group of alignedGroups(settled, range)) {
      if (group.length < 2 || group.some(({ compaction }) => compaction.failed)) continue
      const minT = (group[0] as BlockMeta).minTime
      const maxT = (group.at(-1) as BlockMeta).maxTime
      if (maxT - minT === range || maxT <= newest.minTime) return group
    }
  }
  return []
}

/** Blocks by the range [k · range, (k + 1) · range) that they lie in as a whole; others are left out. */
function alignedGroups(sorted: readonly BlockMeta[], range: number): BlockMeta[][] {
  const groups = new Map<number, BlockMeta[]>()
  for (const meta of sorted) {
    const start = Math.floor(meta.minTime / range)
    if (meta.maxTime > (start + 1) * range) continue
    const group = groups.get(start)
    if (group) group.push(meta)
    else groups.set(start, [meta])
  }
  return [...groups.values()]
}

/** The newest large block of which more than five in a hundred series have something deleted. */
function mostDeleted(settled: readonly BlockMeta[], ranges: readonly number[]): readonly BlockMeta[] {
  const large = ranges[Math.floor(ranges.length / 2)] as number
  for (const meta of settled.toReversed()) {
    const { numSeries, numTombstones = 0 } = meta.stats
    // A small block is soon merged anyway, unless all of it is gone.
    if (meta.maxTime - meta.minTime < large)
      return numTombstones > 0 && numTombstones >= numSeries ? [meta] : []
    if (numTombstones / (numSeries + 1) > 0.05) return [meta]
  }
  return []
}
