import { CorruptionError } from '../../bytes/corruption.ts'
import { isDecodable } from '../../chunks/decode.ts'
import type { SeriesRef } from '../../model/store.ts'
import type { HeadChunk } from '../headchunks/headchunks.ts'
import { closedChunk, type ClosedChunk } from './chunks.ts'
import type { MemSeries } from './series.ts'

const none: readonly ClosedChunk[] = []

/** Chunks from the disk that wait for their series while the log is replayed (upstream `loadMmappedChunks`,
 *  `resetSeriesWithMMappedChunks`). A series has each from when the log comes to its times. The log has more in front of it
 *  when that was in a block that is lost: chunks go from the head that never were on disk. */
export class RestoredChunks {
  private readonly byRef = new Map<SeriesRef, ClosedChunk[]>()
  private readonly bySeries = new Map<MemSeries, readonly ClosedChunk[]>()

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.bySeries.size === 0
  }

  /** Takes a copy of a chunk. One of an encoding that nobody knows is left out, as upstream does.
   *  @throws CorruptionError when it does not lie behind the one before it */
  add({ ref, minT, maxT, encoding, samples, bytes }: HeadChunk): void {
    if (!isDecodable(encoding)) return
    const known = this.byRef.get(ref) ?? []
    const last = known.at(-1)?.maxT ?? -Infinity
    if (minT <= last || maxT < minT || samples === 0) {
      const found = `${samples} from ${minT} to ${maxT}`
      throw new CorruptionError(`want samples of series ${ref} behind ${last}, have ${found}`, 0)
    }
    known.push(closedChunk(minT, maxT, encoding, bytes))
    this.byRef.set(ref, known)
  }

  /** The log says which series has this number. */
  found(ref: SeriesRef, series: MemSeries): void {
    const chunks = this.byRef.get(ref)
    if (!chunks) return
    this.byRef.delete(ref)
    this.bySeries.set(series, [...(this.bySeries.get(series) ?? none), ...chunks])
  }

  /** Hands out the chunks of a series that do not lie behind time `t`, when a sample of it comes. Of two series in the log
   *  that are one now, chunks may overlap: those are left out, because the log has their samples, too. */
  take(series: MemSeries, t: number): readonly ClosedChunk[] {
    if (this.bySeries.size === 0) return none
    const chunks = this.bySeries.get(series)
    if (!chunks || t < (chunks[0] as ClosedChunk).minT) return none
    const later = chunks.findIndex(({ minT }) => minT > t)
    if (later < 0) this.bySeries.delete(series)
    else this.bySeries.set(series, chunks.slice(later))
    return ascending(series.maxT, later < 0 ? chunks : chunks.slice(0, later))
  }

  /** The series for which there is something. */
  waiting(): MemSeries[] {
    return [...this.bySeries.keys()]
  }

  forget(series: MemSeries): void {
    this.bySeries.delete(series)
  }

  clear(): void {
    this.byRef.clear()
    this.bySeries.clear()
  }
}

/** The chunks that lie behind `t`, and behind each other. */
function ascending(t: number, chunks: readonly ClosedChunk[]): ClosedChunk[] {
  let last = t
  return chunks.filter(({ minT, maxT }) => {
    if (minT <= last) return false
    last = maxT
    return true
  })
}
