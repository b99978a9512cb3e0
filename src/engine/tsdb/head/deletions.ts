import type { TimeRange } from '../../model/store.ts'
import type { MemSeries } from './series.ts'

const nothing: readonly TimeRange[] = []

/** What was deleted of the series of the head (upstream `tombstones.MemTombstones`). The ranges of a series ascend and are
 *  apart; they are never changed, so that they can be handed out. */
export class Deletions {
  private readonly bySeries = new Map<MemSeries, readonly TimeRange[]>()

  of(series: MemSeries): readonly TimeRange[] {
    // Most heads have none, and this is asked for every series.
    return this.bySeries.size === 0 ? nothing : (this.bySeries.get(series) ?? nothing)
  }

  /** @param range both ends are deleted; upstream's log also has some that end before they begin */
  add(series: MemSeries, range: TimeRange): void {
    if (range.minT <= range.maxT) this.bySeries.set(series, joined(this.of(series), range))
  }

  /** Forgets ranges of which no samples are left: a chunk that reaches over a truncation has some from before it.
   *  @param firstT time of the first sample that is left of a series */
  truncate(firstT: (series: MemSeries) => number): void {
    for (const [series, ranges] of this.bySeries) {
      const minT = firstT(series)
      const left = ranges.filter(({ maxT }) => maxT >= minT)
      if (left.length === 0) this.bySeries.delete(series)
      else if (left.length < ranges.length) this.bySeries.set(series, left)
    }
  }

  forget(series: MemSeries): void {
    this.bySeries.delete(series)
  }
}

/** Ranges that touch become one. */
function joined(ranges: readonly TimeRange[], added: TimeRange): TimeRange[] {
  let { minT, maxT } = added
  const before = ranges.filter(range => range.maxT < minT - 1)
  const behind = ranges.filter(range => range.minT > maxT + 1)
  for (const range of ranges.slice(before.length, ranges.length - behind.length)) {
    minT = Math.min(minT, range.minT)
    maxT = Math.max(maxT, range.maxT)
  }
  return [...before, { minT, maxT }, ...behind]
}
