import { resetHint, type ResetHint } from '../engine/model/histogram.ts'
import { HistogramColumns } from '../engine/model/histogram/columns.ts'
import type { FloatHistogram } from '../engine/model/histogram/float.ts'
import { isFloatReset } from '../engine/model/histogram/floatreset.ts'
import { sameNumbers } from '../engine/model/histogram/spans.ts'
import { compareLabels, formatLabels, labelsKey, valueOf, type Labels } from '../engine/model/labels.ts'
import type { Matcher } from '../engine/model/matcher.ts'
import type { Columns, Querier, SeriesBatch, StartTimes, TimeRange } from '../engine/model/store.ts'
import type { StoredSample, StoredSeries } from './load.ts'
import type { Store, View } from './store.ts'

/** Keeps samples in memory as plain objects. */
export class MemoryStore implements Store {
  readonly lacks = []
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
      byLabels.set(key, { labels, samples: [...old, ...asStored(samples, old.at(-1))] })
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

/** Samples as the head's chunks give them back: of a reset it is known only that there was none since the sample before,
 *  and a series that ends with a histogram ends as one. */
function asStored(samples: readonly StoredSample[], last: StoredSample | undefined): StoredSample[] {
  let before = last?.histogram ?? null
  return samples.map(sample => {
    const histogram = sample.histogram && sample.histogram.withHint(knownHint(sample.histogram, before))
    before = histogram
    return { ...sample, histogram }
  })
}

function knownHint(current: FloatHistogram, before: FloatHistogram | null): ResetHint {
  if (current.hint === resetHint.gauge) return resetHint.gauge
  if (!before || before.hint === resetHint.gauge || current.hint === resetHint.reset) return resetHint.unknown
  if (!inOneChunk(current, before)) return resetHint.unknown
  const reset = isFloatReset(current.withHint(resetHint.unknown), before)
  return reset ? resetHint.unknown : resetHint.notReset
}

/** Of the first histogram of a chunk nothing is known. */
function inOneChunk(a: FloatHistogram, b: FloatHistogram): boolean {
  return a.schema === b.schema && a.zeroThreshold === b.zeroThreshold && sameNumbers(a.bounds, b.bounds)
}

function spoil({ t, v, stale, histograms, starts }: Columns): void {
  t.fill(-1)
  v.fill(-1)
  stale?.fill(0)
  starts?.floats.fill(-1)
  starts?.histograms.fill(-1)
  if (!histograms) return
  histograms.t.fill(-1)
  histograms.observations.fill(-1)
  histograms.buckets.fill(-1)
  histograms.clear()
}

function columnsOf(samples: readonly StoredSample[]): Columns {
  const floats = samples.filter(({ histogram }) => histogram === null)
  const room = floats.length + 3
  const t = new Float64Array(room)
  const v = new Float64Array(room).fill(777)
  const stale = floats.some(sample => sample.stale) ? new Uint8Array(room) : null
  floats.forEach((sample, i) => {
    t[i] = sample.t
    v[i] = sample.v
    if (stale && sample.stale) stale[i] = 1
  })
  return { count: floats.length, t, v, stale, histograms: histogramsOf(samples), starts: startsOf(samples) }
}

function startsOf(samples: readonly StoredSample[]): StartTimes | null {
  if (samples.every(({ start }) => start === 0)) return null
  const [floats, histograms] = [false, true].map(wanted =>
    Float64Array.from(
      samples.filter(({ histogram }) => (histogram !== null) === wanted).map(({ start }) => start),
    ),
  )
  return floats && histograms ? { floats, histograms } : null
}

function histogramsOf(samples: readonly StoredSample[]): HistogramColumns | null {
  const columns = new HistogramColumns()
  for (const { t, histogram } of samples) if (histogram) columns.push(t, histogram.plain())
  return columns.count > 0 ? columns : null
}
