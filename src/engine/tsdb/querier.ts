import { SampleColumns } from '../chunks/columns.ts'
import { compareBytes, valueOf, type Labels } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../model/store.ts'
import type { Head } from './head/head.ts'
import type { SeriesSnapshot } from './head/series.ts'

/** A batch ends where its chunks reach this size … */
const batchBytes = 4 * 1024 * 1024
/** … or its series this number: the reader lets others run between batches. */
const batchSeries = 1000

/** Answers from the head. A selection sees the samples that were there when `select` was called, however long it
 *  takes to read it. */
export class HeadQuerier implements Querier {
  private readonly head: Head

  constructor(head: Head) {
    this.head = head
  }

  select(matchers: readonly Matcher[], range: TimeRange): AsyncIterable<SeriesBatch> {
    return batches(this.head.snapshot(matchers, range), range)
  }

  async labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const all = matchers.length === 0 ? this.head.allNames(range) : null
    if (all) return [...all]
    const names = new Set<string>()
    for (const labels of this.head.labelsIn(matchers, range)) {
      for (let i = 0; i < labels.length; i += 2) names.add(labels[i] as string)
    }
    return [...names].sort(compareBytes)
  }

  async labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    const all = matchers.length === 0 ? this.head.allValues(name, range) : null
    if (all) return [...all]
    const values = new Set<string>()
    for (const labels of this.head.labelsIn(matchers, range)) values.add(valueOf(labels, name))
    values.delete('')
    return [...values].sort(compareBytes)
  }
}

async function* batches(all: readonly SeriesSnapshot[], range: TimeRange): AsyncGenerator<SeriesBatch> {
  const decoder = new Decoder(range)
  for (let from = 0; from < all.length;) {
    let bytes = 0
    let to = from
    do bytes += (all[to++] as SeriesSnapshot).bytes
    while (to < all.length && to - from < batchSeries && bytes < batchBytes)
    yield new SnapshotBatch(all.slice(from, to), decoder)
    from = to
  }
}

class SnapshotBatch implements SeriesBatch {
  readonly count: number
  private readonly series: readonly SeriesSnapshot[]
  private readonly decoder: Decoder

  constructor(series: readonly SeriesSnapshot[], decoder: Decoder) {
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

  private at(i: number): SeriesSnapshot {
    const series = this.series[i]
    if (!series) throw new RangeError(`series ${i} of a batch of ${this.count}`)
    return series
  }
}

/** The columns of one selection, used again for each series. */
class Decoder {
  private readonly range: TimeRange
  private readonly samples = new SampleColumns()
  private readonly lent: Columns = { count: 0, t: this.samples.t, v: this.samples.v, stale: null }

  constructor(range: TimeRange) {
    this.range = range
  }

  decode(series: SeriesSnapshot): Columns {
    const { samples, lent, range } = this
    samples.count = 0
    series.decode(samples)
    samples.clip(range.minT, range.maxT)
    lent.stale = samples.splitStale()
    lent.count = samples.count
    lent.t = samples.t
    lent.v = samples.v
    return lent
  }
}
