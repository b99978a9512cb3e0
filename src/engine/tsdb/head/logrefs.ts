import type { SeriesRef } from '../../model/store.ts'
import type { MemSeries } from './series.ts'

/** Numbers by which the log knows series that are not, or no longer, their own. */
export class LogRefs {
  /** Further numbers of series in the log that was replayed: a series that had gone and came back is one series
   *  now. */
  private readonly aliases = new Map<SeriesRef, MemSeries>()
  /** Numbers of series that have gone, and the time up to which the log may have samples of them (upstream's
   *  `walExpiries`). */
  private readonly expiries = new Map<SeriesRef, number>()

  find(ref: SeriesRef): MemSeries | undefined {
    return this.aliases.size > 0 ? this.aliases.get(ref) : undefined
  }

  add(ref: SeriesRef, series: MemSeries): void {
    this.aliases.set(ref, series)
  }

  /** The series goes; the log may have samples of it up to `keepUntil`. */
  expire(series: MemSeries, keepUntil: number): void {
    this.expiries.set(series.ref, keepUntil)
  }

  /** Whether a log that is cut to samples from `minT` on may have some of a series that has gone. */
  keeps(ref: SeriesRef, minT: number): boolean {
    return (this.expiries.get(ref) ?? -Infinity) >= minT
  }

  /** Forgets numbers of which the log has nothing that counts: it may be cut one truncation after the head, which begins at
   *  `minT`. What is known of other numbers of living series ends here: the log has samples under them up to now, and no
   *  new ones; those from before the bound were not restored. */
  forget(minT: number, minValidT: number): void {
    for (const [ref, keepUntil] of this.expiries) if (keepUntil < minT) this.expiries.delete(ref)
    for (const [ref, { maxT }] of this.aliases) this.expiries.set(ref, Math.max(maxT, minValidT))
    this.aliases.clear()
  }
}
