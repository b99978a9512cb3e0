import { formatLabels, labelsFrom } from '../src/engine/model/labels.ts'
import type { SeriesExemplars } from '../src/engine/model/exemplar.ts'
import type { Columns, Querier } from '../src/engine/model/store.ts'
import type { Histogram } from '../src/engine/model/histogram.ts'
import { upperBound } from '../src/engine/model/histogram/bounds.ts'
import { bucketIndices } from '../src/engine/model/histogram/spans.ts'
import { remoteRead } from './remoteread.ts'

/** Everything in a store: series → its samples in time order, "time value", "time stale" or, of native histograms, "time"
 *  and count, sum and buckets as Prometheus's API says them. */
export type Dump = Readonly<Record<string, readonly string[]>>

export async function dumpOf(querier: Querier): Promise<Dump> {
  const found: Record<string, string[]> = {}
  try {
    for await (const batch of querier.select([], { minT: -Infinity, maxT: Infinity })) {
      for (let i = 0; i < batch.count; i++) found[formatLabels(batch.labels(i))] = samplesOf(batch.columns(i))
    }
  } finally {
    querier.close?.()
  }
  return found
}

function samplesOf({ count, t, v, stale, histograms }: Columns): string[] {
  const samples: Timed[] = []
  for (let i = 0; i < count; i++) samples.push(timed(t[i]!, floatText(v[i]!, stale?.[i] === 1)))
  for (let i = 0; i < (histograms?.count ?? 0); i++) {
    const at = histograms!.t[i]!
    samples.push(timed(at, histogramText(histograms!.at(i))))
  }
  return inOrder(samples)
}

/** Times of native histograms are multiples of it, where they are asked of Prometheus. */
export const gridMs = 40
/** For a Prometheus that is asked for a dump: between two samples of a grid there is nothing. */
export const dumpFlags = ['--query.lookback-delta=10ms']

/** What a running Prometheus has: all floats, and the native histograms of the last minutes of them. */
export async function dumpFrom(url: string): Promise<Dump> {
  const found: Record<string, Timed[]> = {}
  for (const { labels, samples } of await remoteRead(url, 0, Date.now() + 3_600_000)) {
    if (samples.length === 0) continue
    found[formatLabels(labelsFrom(labels))] = samples.map(({ t, v, stale }) => timed(t, floatText(v, stale)))
  }
  const last = Math.max(...Object.values(found).map(samples => samples.at(-1)!.t))
  for (const { metric, histograms = [] } of await histogramsFrom(url, last)) {
    const samples = (found[formatLabels(labelsFrom(Object.entries(metric)))] ??= [])
    for (const [seconds, h] of histograms) samples.push(timed(Math.round(seconds * 1000), apiText(h)))
  }
  return Object.fromEntries(Object.entries(found).map(([name, samples]) => [name, inOrder(samples)]))
}

interface ApiSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly histograms?: readonly (readonly [seconds: number, ApiHistogram])[]
}

interface ApiHistogram {
  readonly count: string
  readonly sum: string
  readonly buckets?: readonly (readonly [rule: number, low: string, high: string, count: string])[]
}

/** A range of samples would be the plain question, but Prometheus 2.42 mixes up histograms at its end; so each sample is
 *  asked for at its time. */
async function histogramsFrom(url: string, last: number): Promise<readonly ApiSeries[]> {
  const end = Math.ceil(last / gridMs) * gridMs + 5000
  const query = new URLSearchParams({
    query: '{__name__=~"native_.+"}',
    start: String((end - 10_000 * gridMs) / 1000),
    end: String(end / 1000),
    step: String(gridMs / 1000),
  })
  const response = await fetch(`${url}/api/v1/query_range?${query.toString()}`)
  const answer = (await response.json()) as { data: { result: readonly ApiSeries[] } }
  return answer.data.result
}

function apiText({ count, sum, buckets = [] }: ApiHistogram): string {
  return textOf(
    Number(count),
    Number(sum),
    buckets.map(bucket => bucket.map(Number)),
  )
}

/** Populated buckets from the lowest to the highest, with 0 for (a, b], 1 for [a, b) and 3 for [a, b] in front. What lies
 *  inside the zero bucket is cut off. */
function histogramText({ layout, positive, negative, count, sum, zeroCount, stale }: Histogram): string {
  if (stale) return 'stale'
  const { zeroThreshold } = layout
  const side = (spans: Int32Array, counts: Float64Array) =>
    Array.from(bucketIndices(spans), (index, i) => ({
      near: Math.max(upperBound(index - 1, layout), zeroThreshold),
      far: upperBound(index, layout),
      count: counts[i]!,
    }))
  const below = side(layout.negativeSpans, negative).reverse()
  const above = side(layout.positiveSpans, positive)
  const buckets = [
    ...below.map(bucket => [1, -bucket.far, -bucket.near, bucket.count]),
    [3, -zeroThreshold, zeroThreshold, zeroCount],
    ...above.map(bucket => [0, bucket.near, bucket.far, bucket.count]),
  ]
  return textOf(
    count,
    sum,
    buckets.filter(bucket => bucket[3] !== 0),
  )
}

function textOf(count: number, sum: number, buckets: readonly (readonly number[])[]): string {
  return `${count} ${sum} ${JSON.stringify(buckets)}`
}

interface Timed {
  readonly t: number
  readonly text: string
}

function timed(t: number, text: string): Timed {
  return { t, text: `${t} ${text}` }
}

function inOrder(samples: readonly Timed[]): string[] {
  return samples.toSorted((a, b) => a.t - b.t).map(({ text }) => text)
}

function floatText(v: number, stale: boolean): string {
  return stale ? 'stale' : Object.is(v, -0) ? '-0' : String(v)
}

/** Samples and series that only one of two has, some of them; for messages that can be read. */
export function dumpDifferences(ours: Dump, theirs: Dump): string[] {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort()
  return names.flatMap(name => {
    const [mine, other] = [ours[name] ?? [], theirs[name] ?? []]
    const [has, had] = [new Set(mine), new Set(other)]
    const extra = mine.filter(sample => !had.has(sample))
    const missing = other.filter(sample => !has.has(sample))
    const twice = mine.length - has.size
    if (extra.length + missing.length + twice === 0) return []
    const shown = (of: readonly string[]) => `${of.length} [${of.slice(0, 3).join(' | ')}]`
    return [`${name}: extra ${shown(extra)}, missing ${shown(missing)}, twice ${twice}`]
  })
}

/** Exemplars by series, each as "time value {labels}". */
export type ExemplarDump = Readonly<Record<string, readonly string[]>>

export async function exemplarsFrom(url: string): Promise<ExemplarDump> {
  const query = new URLSearchParams({
    query: '{__name__=~".+"}',
    start: '0',
    end: String(Math.ceil(Date.now() / 1000) + 60),
  })
  const response = await fetch(`${url}/api/v1/query_exemplars?${query.toString()}`)
  const { data } = (await response.json()) as { data: readonly ApiExemplars[] }
  return Object.fromEntries(
    data.map(({ seriesLabels, exemplars }) => [
      formatLabels(labelsFrom(Object.entries(seriesLabels))),
      exemplars.map(({ timestamp, value, labels }) =>
        exemplarText(Math.round(timestamp * 1000), Number(value), Object.entries(labels)),
      ),
    ]),
  )
}

interface ApiExemplars {
  readonly seriesLabels: Readonly<Record<string, string>>
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly value: string
    readonly timestamp: number
  }[]
}

export function exemplarsOf(all: readonly SeriesExemplars[]): ExemplarDump {
  return Object.fromEntries(
    all.map(({ labels, exemplars }) => [
      formatLabels(labels),
      exemplars.map(exemplar => `${exemplar.t} ${exemplar.v} ${formatLabels(exemplar.labels)}`),
    ]),
  )
}

function exemplarText(t: number, v: number, labels: readonly [string, string][]): string {
  return `${t} ${v} ${formatLabels(labelsFrom(labels))}`
}
