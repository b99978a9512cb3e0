import fc from 'fast-check'
import { nanBits, SampleColumns, staleBits } from '../../../src/engine/chunks/columns.ts'
import { encodeSeries } from '../../../src/engine/chunks/encode.ts'
import { resetHint, type Histogram, type ResetHint } from '../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { bucketIndices, spansOf } from '../../../src/engine/model/histogram/spans.ts'
import { compareLabels, formatLabels } from '../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../src/engine/model/matcher.ts'
import type { Columns, Querier } from '../../../src/engine/model/store.ts'
import type { SeriesChunks } from '../../../src/engine/tsdb/block/writer.ts'
import { always, sampleText, series } from './reading.ts'

// Series of floats and histograms, as rows that can be read.

/** `[t, 'float', 1]`; a histogram of `n` observations, five of them in the bucket of index 0 and the others in 3. */
export type Point = readonly [t: number, kind: Kind, n: number]
export type Kind = 'float' | 'stale' | 'int' | 'intStale' | 'frac' | 'gauge'

export function histogramOf(kind: Kind, n: number): Histogram {
  const buckets = bucketsOf(n)
  return {
    layout: {
      ...{ schema: 2, zeroThreshold: 0.5, positiveSpans: spansOf(buckets.map(([index]) => index)) },
      ...{ negativeSpans: new Int32Array(0), bounds: new Float64Array(0) },
    },
    float: kind === 'frac',
    hint: kind === 'gauge' ? resetHint.gauge : resetHint.unknown,
    ...{ count: n, zeroCount: 0, sum: -n, stale: kind === 'intStale' },
    ...{ positive: Float64Array.from(buckets, ([, count]) => count), negative: new Float64Array(0) },
  }
}

function bucketsOf(n: number): [index: number, count: number][] {
  const buckets: [number, number][] = [
    [0, Math.min(n, 5)],
    [3, n - Math.min(n, 5)],
  ]
  return buckets.filter(([, count]) => count > 0)
}

/** The columns of these samples, whose times ascend. */
export function columnsOf(points: readonly Point[]): { floats: SampleColumns; histograms: HistogramColumns } {
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  for (const [t, kind, n] of points) {
    if (kind === 'stale') floats.add(t, staleBits.high, staleBits.low)
    else if (kind === 'float' && Number.isNaN(n)) floats.add(t, nanBits.high, nanBits.low)
    else if (kind === 'float') {
      float[0] = n
      floats.add(t, words[1]!, words[0]!)
    } else histograms.push(t, histogramOf(kind, n))
  }
  return { floats, histograms }
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

/** All series by their names, as `writeBlock` takes them. */
export async function* mixedSeries(
  all: Readonly<Record<string, readonly Point[]>>,
  perChunk = 4,
): AsyncGenerator<SeriesChunks> {
  const built = Object.entries(all).map(([name, points]) => ({ labels: series(name), points }))
  for (const { labels, points } of built.sort((a, b) => compareLabels(a.labels, b.labels))) {
    const { floats, histograms } = columnsOf(points)
    yield { labels, chunks: encodeSeries(floats, histograms, { samples: perChunk, rangeMs: Infinity }) }
  }
}

/** "1:5 2:stale 3:int7 4:frac8 5:intStale" */
export function textOf(points: readonly Point[]): string {
  return points
    .map(([t, kind, n]) => {
      if (kind === 'float' || kind === 'stale') return sampleText(t, n, kind === 'stale')
      return kind === 'intStale' ? `${t}:intStale` : `${t}:${kind}${n}`
    })
    .join(' ')
}

/** The samples of lent columns in the same form, in the order of their times; fails where two share one. */
export function textOfColumns(columns: Columns, hints: 'hints' | 'none' = 'none'): string {
  const rows: (readonly [number, string])[] = []
  for (let i = 0; i < columns.count; i++) {
    const t = columns.t[i]!
    rows.push([t, sampleText(t, columns.v[i]!, columns.stale?.[i] === 1)])
  }
  const { histograms } = columns
  for (let i = 0; i < (histograms?.count ?? 0); i++) {
    const h = histograms!.at(i)
    const hint = hints === 'hints' ? hintTexts[h.hint] : ''
    rows.push([histograms!.t[i]!, `${histograms!.t[i]!}:${histogramText(h)}${hint}`])
  }
  rows.sort(([a], [b]) => a - b)
  if (rows.some(([t], i) => t === rows[i - 1]?.[0])) throw new Error('two samples have the same time')
  return rows.map(([, text]) => text).join(' ')
}

const hintTexts: Record<ResetHint, string> = { 0: '?', 1: '!', 2: '=', 3: '' }

function histogramText(h: Histogram): string {
  if (h.stale) return h.float ? 'fracStale' : 'intStale'
  const buckets = Array.from(bucketIndices(h.layout.positiveSpans), (index, k) => [index, h.positive[k]!])
  const filled = buckets.filter(([, n]) => n !== 0)
  if (JSON.stringify(filled) !== JSON.stringify(bucketsOf(h.count)) || h.sum !== -h.count)
    throw new Error(`want a histogram of the tests, have ${JSON.stringify([filled, h.count, h.sum])}`)
  const kind: Kind = h.float ? 'frac' : h.hint === resetHint.gauge ? 'gauge' : 'int'
  return `${kind}${h.count}`
}

/** Every series that matches with its samples, in the querier's order. */
export async function mixedEverything(
  querier: Querier,
  range = always,
  hints: 'hints' | 'none' = 'none',
  matchers: readonly Matcher[] = [],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const batch of querier.select(matchers, range)) {
    for (let i = 0; i < batch.count; i++)
      found[formatLabels(batch.labels(i))] = textOfColumns(batch.columns(i), hints)
  }
  return found
}

/** Samples at any times of a range, in order. A kind stays for a while, as those of a series do. */
export function somePoints(min: number, max: number): fc.Arbitrary<Point[]> {
  const kind = fc.constantFrom<Kind>(
    'float',
    'float',
    'stale',
    'int',
    'int',
    'int',
    'intStale',
    'frac',
    'gauge',
  )
  const row = fc.tuple(fc.integer({ min, max }), kind, fc.nat(12))
  return fc
    .uniqueArray(row, { selector: ([t]) => t, minLength: 1, maxLength: 30 })
    .map(rows => rows.sort(([a], [b]) => a - b))
}

/** What several sources have together: of samples at one time the first source's. */
export function together(sources: readonly (readonly Point[])[]): Point[] {
  const all = new Map<number, Point>()
  for (const source of sources) for (const point of source) if (!all.has(point[0])) all.set(point[0], point)
  return [...all.values()].sort(([a], [b]) => a - b)
}
