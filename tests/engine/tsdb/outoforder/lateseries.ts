import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { emptyLayout, resetHint, type Histogram } from '../../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { compareLabels, formatLabels, valueOf, type Labels } from '../../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../../src/engine/model/matcher.ts'
import type { Columns, Querier, SeriesRef, TimeRange } from '../../../../src/engine/model/store.ts'
import type { HeadSeries } from '../../../../src/engine/tsdb/head/head.ts'
import { MemSeries } from '../../../../src/engine/tsdb/head/series.ts'
import { OutOfOrderChunk, type Run } from '../../../../src/engine/tsdb/outoforder/chunk.ts'
import type { OutOfOrder } from '../../../../src/engine/tsdb/outoforder/outoforder.ts'
import { always, sampleText } from '../store.ts'

/** What a head does for out-of-order samples, and no more. */
export class SeriesOnly {
  readonly shown = new Set<MemSeries>()
  private readonly byRef = new Map<SeriesRef, MemSeries>()
  private readonly late: OutOfOrder

  constructor(late: OutOfOrder, all: readonly { readonly ref: SeriesRef; readonly labels: Labels }[]) {
    this.late = late
    for (const { ref, labels } of all) this.byRef.set(ref, new MemSeries(ref, labels))
  }

  restoredSeriesOf(ref: SeriesRef): MemSeries | undefined {
    return this.byRef.get(ref)
  }

  at(ref: SeriesRef): MemSeries {
    return this.byRef.get(ref)!
  }

  seriesFor(matchers: readonly Matcher[]): MemSeries[] {
    const matching = [...this.shown].filter(({ labels }) =>
      matchers.every(({ name, matches }) => matches(valueOf(labels, name))),
    )
    return matching.sort((a, b) => compareLabels(a.labels, b.labels))
  }

  show(series: MemSeries): void {
    this.shown.add(series)
  }

  insert(series: MemSeries, t: number, high: number, low: number): boolean {
    this.show(series)
    return this.late.insert(series, t, high, low)
  }

  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean {
    this.show(series)
    return this.late.insertHistogram(series, from, i)
  }
}

const words = new DataView(new ArrayBuffer(8))

export function wordsOf(v: number): [high: number, low: number] {
  words.setFloat64(0, v)
  return [words.getInt32(0), words.getInt32(4)]
}

/** A histogram with one bucket. */
export function histogram(count: number, options: { float?: boolean; gauge?: boolean } = {}): Histogram {
  return {
    layout: { ...emptyLayout, positiveSpans: Int32Array.of(0, 1) },
    float: options.float ?? false,
    hint: options.gauge ? resetHint.gauge : resetHint.unknown,
    count,
    zeroCount: 0,
    sum: count * 2,
    positive: Float64Array.of(count),
    negative: new Float64Array(0),
    stale: false,
  }
}

export function columnsOf(t: number, h: Histogram): HistogramColumns {
  const columns = new HistogramColumns()
  columns.push(t, h)
  return columns
}

/** `1000:integer 5`: a histogram as text, beside `sampleText` for floats. */
export function histogramText(t: number, { float, hint, count }: Histogram): string {
  return `${t}:${hint === resetHint.gauge ? 'gauge ' : ''}${float ? 'float' : 'integer'} ${count}`
}

/** Samples of all kinds in time order, as texts. */
export function textsOf({ count, t, v, stale, histograms }: Columns): string[] {
  const floats = Array.from({ length: count }, (_, i) => ({
    t: t[i]!,
    text: sampleText(t[i]!, v[i]!, stale?.[i] === 1),
  }))
  const others = Array.from({ length: histograms?.count ?? 0 }, (_, i) => ({
    t: histograms!.t[i]!,
    text: histogramText(histograms!.t[i]!, histograms!.at(i)),
  }))
  return [...floats, ...others].sort((a, b) => a.t - b.t).map(({ text }) => text)
}

/** Every series that a selection tells, in its order. */
export async function readAll(
  querier: Querier,
  matchers: readonly Matcher[] = [],
  range: TimeRange = always,
): Promise<Record<string, string[]>> {
  return readBatches(querier.select(matchers, range))
}

export async function readBatches(batches: ReturnType<Querier['select']>): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for await (const batch of batches) {
    for (let i = 0; i < batch.count; i++) {
      const texts = textsOf(batch.columns(i))
      if (texts.length > 0) found[formatLabels(batch.labels(i))] = texts
    }
  }
  return found
}

export function decoded(run: Run): Columns {
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  run.decode(floats, histograms)
  const stale = floats.splitStale()
  return { count: floats.count, t: floats.t, v: floats.v, stale, histograms }
}

/** What the chunks of a block hold. */
export async function readChunks(
  all: AsyncIterable<HeadSeries>,
): Promise<{ readonly labels: Labels; readonly texts: string[]; readonly chunks: HeadSeries['chunks'] }[]> {
  const found = []
  for await (const { labels, chunks } of all) {
    const texts = chunks.flatMap(chunk => textsOf(decoded(new OutOfOrderChunk(chunk))))
    found.push({ labels, texts, chunks })
  }
  return found
}
