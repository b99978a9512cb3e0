import { EncodedBatch, RangeDecoder, type EncodedSeries } from '../../chunks/batch.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import { compareBytes, valueOf, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Querier, SeriesBatch, TimeRange } from '../../model/store.ts'
import type { MemSeries } from '../head/series.ts'
import type { Run } from './chunk.ts'
import type { OutOfOrder, SeriesLookup } from './outoforder.ts'
import { decodeRuns } from './runs.ts'

/** Series of a batch: the reader lets others run between batches. */
const batchSeries = 1000

/** Answers from the out-of-order samples alone. A selection sees those that were there when `select` was called. */
export class OutOfOrderQuerier implements Querier {
  private readonly samples: OutOfOrder
  private readonly head: SeriesLookup

  constructor(samples: OutOfOrder, head: SeriesLookup) {
    this.samples = samples
    this.head = head
  }

  select(matchers: readonly Matcher[], range: TimeRange): AsyncIterable<SeriesBatch> {
    const { samples } = this
    const found: EncodedSeries[] = []
    for (const series of this.matching(matchers, range)) {
      const runs = samples.runs(series, range.minT, range.maxT)
      found.push(new SeriesSnapshot(series.labels, runs))
    }
    return batches(found, range)
  }

  async labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    return [...this.matching(matchers, range)].map(({ labels }) => labels)
  }

  async labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const names = new Set<string>()
    for (const { labels } of this.matching(matchers, range)) {
      for (let i = 0; i < labels.length; i += 2) names.add(labels[i] as string)
    }
    return [...names].sort(compareBytes)
  }

  async labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const values = new Set<string>()
    for (const { labels } of this.matching(matchers, range)) values.add(valueOf(labels, name))
    values.delete('')
    return [...values].sort(compareBytes)
  }

  /** In label order. */
  private *matching(matchers: readonly Matcher[], { minT, maxT }: TimeRange): Generator<MemSeries> {
    const { samples, head } = this
    // Mostly there is nothing, or nothing so new.
    if (samples.maxT < minT || samples.minT > maxT) return
    for (const series of head.seriesFor(matchers)) if (samples.reaches(series, minT, maxT)) yield series
  }
}

class SeriesSnapshot implements EncodedSeries {
  readonly labels: Labels
  private readonly runs: readonly Run[]

  constructor(labels: Labels, runs: readonly Run[]) {
    this.labels = labels
    this.runs = runs
  }

  decode(floats: SampleColumns, histograms: HistogramColumns): void {
    decodeRuns(this.runs, floats, histograms)
  }
}

async function* batches(all: readonly EncodedSeries[], range: TimeRange): AsyncGenerator<SeriesBatch> {
  const decoder = new RangeDecoder(range)
  for (let from = 0; from < all.length; from += batchSeries) {
    yield new EncodedBatch(all.slice(from, from + batchSeries), decoder)
  }
}
