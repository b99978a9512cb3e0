import { SampleColumns } from '../../chunks/columns.ts'
import { encodeSeries } from '../../chunks/encode.ts'
import { mergedSamples } from '../../chunks/histogramseries.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { HeadSeries } from '../head/head.ts'
import type { MemSeries } from '../head/series.ts'
import { decodeRuns } from './runs.ts'
import type { SeriesSamples } from './samples.ts'

/** A range of time [minT, maxT), in milliseconds. */
interface BlockRange {
  readonly minT: number
  readonly maxT: number
}

interface CompactionParts {
  /** In label order. */
  readonly samples: readonly (readonly [MemSeries, SeriesSamples])[]
  /** Numbers of chunk ranges, ascending. */
  readonly ranges: readonly number[]
  readonly chunkRangeMs: number
  end(keep: boolean): void
}

/** Out-of-order samples on their way into blocks (upstream `OOOCompactionHead`). */
export class OutOfOrderCompaction {
  /** The ranges that have samples, one for each block, ascending. */
  readonly ranges: readonly BlockRange[]
  private readonly parts: CompactionParts

  constructor(parts: CompactionParts) {
    const { ranges, chunkRangeMs } = parts
    this.parts = parts
    this.ranges = ranges.map(range => ({ minT: range * chunkRangeMs, maxT: (range + 1) * chunkRangeMs }))
  }

  /** The series that have samples in [minT, maxT), in label order, with chunks that do not overlap. All of them are
   *  encoded anew: upstream passes on those that overlap no other, but 32 samples a chunk take more room.*/
  async *seriesChunks(minT: number, maxT: number): AsyncGenerator<HeadSeries> {
    const floats = new SampleColumns()
    const histograms = new HistogramColumns()
    for (const [series, samples] of this.parts.samples) {
      const runs = samples.runs(minT, maxT - 1)
      if (runs.length === 0) continue
      floats.count = 0
      histograms.clear()
      decodeRuns(runs, floats, histograms)
      for (const columns of [floats, histograms]) columns.clip(minT, maxT - 1)
      const chunks = encodeSeries(floats, histograms, { samples: mergedSamples, rangeMs: Infinity })
      if (chunks.length > 0) yield { labels: series.labels, chunks }
    }
  }

  /** The samples are in blocks: lets go of them. Whoever has selected them keeps them. */
  done(): void {
    this.parts.end(false)
  }

  /** There will be no blocks: the samples are again as if nothing had begun. */
  abandon(): void {
    this.parts.end(true)
  }
}
