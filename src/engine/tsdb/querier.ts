import { EncodedBatch, RangeDecoder } from '../chunks/batch.ts'
import { compareBytes, valueOf, type Labels } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Querier, SeriesBatch, TimeRange } from '../model/store.ts'
import type { Head } from './head/head.ts'
import type { SeriesSnapshot } from './head/snapshot.ts'

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

  async labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    return this.head.snapshot(matchers, range).map(({ labels }) => labels)
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
  const decoder = new RangeDecoder(range)
  for (let from = 0; from < all.length;) {
    let bytes = 0
    let to = from
    do bytes += (all[to++] as SeriesSnapshot).bytes
    while (to < all.length && to - from < batchSeries && bytes < batchBytes)
    yield new EncodedBatch(all.slice(from, to), decoder)
    from = to
  }
}
