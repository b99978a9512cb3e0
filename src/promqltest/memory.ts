import { compareLabels, formatLabels, labelsKey, valueOf, type Labels } from '../engine/model/labels.ts'
import type { Matcher } from '../engine/model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../engine/model/store.ts'
import type { StoredSample, StoredSeries } from './load.ts'
import type { Store, View } from './store.ts'

/** Keeps samples in memory as plain objects. */
export class MemoryStore implements Store {
  private querier = new MemoryQuerier()

  async load(series: readonly StoredSeries[]): Promise<void> {
    this.querier = this.querier.with(series)
  }

  async views(): Promise<readonly View[]> {
    return [{ name: '', querier: this.querier }]
  }

  async close(): Promise<void> {
    this.querier = new MemoryQuerier()
  }
}

/** Answers from plain objects. It lends its columns as strictly as it may: the next call of `columns` spoils those of
 *  the one before, and there is rubbish behind the last sample. */
export class MemoryQuerier implements Querier {
  /** In the order of their labels. */
  readonly series: readonly StoredSeries[]
  private readonly batchSize: number

  constructor(series: readonly StoredSeries[] = [], batchSize = 2) {
    this.series = [...series].sort((a, b) => compareLabels(a.labels, b.labels))
    this.batchSize = batchSize
  }

  /** This querier with more samples.
   *  @throws Error when they are not later than those that are there */
  with(series: readonly StoredSeries[]): MemoryQuerier {
    const byLabels = new Map(this.series.map(old => [labelsKey(old.labels), old]))
    for (const { labels, samples } of series) {
      const key = labelsKey(labels)
      const old = byLabels.get(key)?.samples ?? []
      checkOrder(formatLabels(labels), old.at(-1), samples[0])
      byLabels.set(key, { labels, samples: [...old, ...samples] })
    }
    return new MemoryQuerier([...byLabels.values()], this.batchSize)
  }

  async *select(matchers: readonly Matcher[], range: TimeRange): AsyncGenerator<SeriesBatch> {
    const found = this.inRange(matchers, range)
    let lent: Columns | null = null
    for (let at = 0; at < found.length; at += this.batchSize) {
      const batch = found.slice(at, at + this.batchSize)
      await Promise.resolve()
      yield {
        count: batch.length,
        labels: i => inBatch(batch, i).labels,
        columns: i => {
          if (lent) spoil(lent)
          return (lent = columnsOf(inBatch(batch, i).samples))
        },
      }
    }
  }

  async labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    return this.inRange(matchers, range).map(({ labels }) => labels)
  }

  async labelNames(matchers: readonly Matcher[]): Promise<string[]> {
    const names = this.matching(matchers).flatMap(({ labels }) => labels.filter((_, i) => i % 2 === 0))
    return [...new Set(names)].sort()
  }

  async labelValues(name: string, matchers: readonly Matcher[]): Promise<string[]> {
    const values = this.matching(matchers).map(({ labels }) => valueOf(labels, name))
    return [...new Set(values.filter(value => value !== ''))].sort()
  }

  private inRange(matchers: readonly Matcher[], { minT, maxT }: TimeRange): StoredSeries[] {
    return this.matching(matchers)
      .map(({ labels, samples }) => ({ labels, samples: samples.filter(({ t }) => t >= minT && t <= maxT) }))
      .filter(({ samples }) => samples.length > 0)
  }

  private matching(matchers: readonly Matcher[]): StoredSeries[] {
    return this.series.filter(({ labels }) => matchers.every(m => m.matches(valueOf(labels, m.name))))
  }
}

function checkOrder(metric: string, last: StoredSample | undefined, next: StoredSample | undefined): void {
  if (last && next && next.t <= last.t)
    throw new Error(`want samples of ${metric} after ${last.t} ms, found one at ${next.t} ms`)
}

function inBatch(batch: readonly StoredSeries[], i: number): StoredSeries {
  const series = batch[i]
  if (!series) throw new RangeError(`series ${i} of a batch of ${batch.length}`)
  return series
}

function spoil({ t, v, stale }: Columns): void {
  t.fill(-1)
  v.fill(-1)
  stale?.fill(0)
}

function columnsOf(samples: readonly StoredSample[]): Columns {
  const room = samples.length + 3
  const t = new Float64Array(room)
  const v = new Float64Array(room).fill(777)
  const stale = samples.some(sample => sample.stale) ? new Uint8Array(room) : null
  samples.forEach((sample, i) => {
    t[i] = sample.t
    v[i] = sample.v
    if (stale && sample.stale) stale[i] = 1
  })
  return { count: samples.length, t, v, stale, histograms: null }
}
