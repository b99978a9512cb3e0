import { HistogramColumns } from '../model/histogram/columns.ts'
import type { Labels } from '../model/labels.ts'
import type { Columns, SeriesBatch, TimeRange } from '../model/store.ts'
import { SampleColumns } from './columns.ts'

/** A series with its chunks in memory. */
export interface EncodedSeries {
  readonly labels: Labels
  /** Decodes all samples of its chunks behind those that the columns have; times ascend in each, and no float has the
   *  time of a histogram. */
  decode(floats: SampleColumns, histograms: HistogramColumns): void
}

/** A few series as `Querier.select` yields them. */
export class EncodedBatch implements SeriesBatch {
  readonly count: number
  private readonly series: readonly EncodedSeries[]
  private readonly decoder: RangeDecoder

  /** @param decoder the selection's own: it lends its columns to one series after the other */
  constructor(series: readonly EncodedSeries[], decoder: RangeDecoder) {
    this.count = series.length
    this.series = series
    this.decoder = decoder
  }

  labels(i: number): Labels {
    return this.at(i).labels
  }

  columns(i: number): Columns {
    return this.decoder.decode(this.at(i))
  }

  private at(i: number): EncodedSeries {
    const series = this.series[i]
    if (!series) throw new RangeError(`series ${i} of a batch of ${this.count}`)
    return series
  }
}

/** The columns of one selection, used again for each series. */
export class RangeDecoder {
  private readonly range: TimeRange
  private readonly samples = new SampleColumns()
  private readonly histograms = new HistogramColumns()
  private readonly lent: Columns = {
    count: 0,
    t: this.samples.t,
    v: this.samples.v,
    stale: null,
    histograms: null,
  }

  constructor(range: TimeRange) {
    this.range = range
  }

  /** The samples that lie in the range, lent until the next call. */
  decode(series: EncodedSeries): Columns {
    const { samples, histograms, lent, range } = this
    samples.count = 0
    if (histograms.count > 0) histograms.clear()
    series.decode(samples, histograms)
    samples.clip(range.minT, range.maxT)
    lent.stale = samples.splitStale()
    lent.count = samples.count
    lent.t = samples.t
    lent.v = samples.v
    if (histograms.count > 0) histograms.clip(range.minT, range.maxT)
    lent.histograms = histograms.count > 0 ? histograms : null
    return lent
  }
}
