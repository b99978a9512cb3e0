import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { decodeChunk } from '../../../../src/engine/chunks/decode.ts'
import { emptyLayout, resetHint, type Histogram } from '../../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { bucketIndices, spansOf } from '../../../../src/engine/model/histogram/spans.ts'
import { formatLabels } from '../../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../../src/engine/model/matcher.ts'
import type { Columns, Querier } from '../../../../src/engine/model/store.ts'
import type { SeriesSnapshot } from '../../../../src/engine/tsdb/head/snapshot.ts'
import { always, sampleText } from '../store.ts'

/** A histogram with these counts by index of bucket. */
export function histogram(
  counts: Readonly<Record<number, number>>,
  {
    float = false,
    hint = 0,
    schema = 0,
  }: Partial<Pick<Histogram, 'float' | 'hint'>> & { schema?: number } = {},
): Histogram {
  const indices = Object.keys(counts).map(Number)
  const positive = Float64Array.from(Object.values(counts))
  const count = positive.reduce((sum, each) => sum + each, 0)
  const custom = schema < -4
  return {
    layout: {
      ...emptyLayout,
      schema,
      positiveSpans: spansOf(indices),
      bounds: custom ? Float64Array.of(1, 2, 4, 8, 16, 32, 64) : emptyLayout.bounds,
    },
    ...{ float, hint, count, zeroCount: 0, sum: count * 1.5, positive },
    negative: new Float64Array(0),
    stale: false,
  }
}

/** "t:h1=3,4=2" for an integer histogram, with `f` in front for one of floats and `c` for custom buckets, without empty
 *  buckets; a gauge's ends with `g`. */
export function histogramText(t: number, { layout, float, hint, positive, stale }: Histogram): string {
  const kind = float ? 'fh' : 'h'
  if (stale) return `${t}:stale-${kind}`
  const indices = bucketIndices(layout.positiveSpans)
  const buckets = Array.from(positive, (count, k) => (count === 0 ? [] : [`${indices[k]}=${count}`])).flat()
  const gauge = hint === resetHint.gauge ? 'g' : ''
  return `${t}:${layout.schema < -4 ? 'c' : ''}${kind}${buckets.join(',')}${gauge}`
}

/** The samples of a series, floats and histograms in the order of their times. */
function samplesText({ count, t, v, stale, histograms }: Columns): string {
  const all: [number, string][] = []
  for (let i = 0; i < count; i++) all.push([t[i]!, sampleText(t[i]!, v[i]!, stale?.[i] === 1)])
  for (let i = 0; i < (histograms?.count ?? 0); i++) {
    all.push([histograms!.t[i]!, histogramText(histograms!.t[i]!, histograms!.at(i))])
  }
  all.sort((a, b) => a[0] - b[0])
  return all.map(([, text]) => text).join(' ')
}

export function snapshotText(snapshot: SeriesSnapshot): string {
  return decodedText((floats, histograms) => snapshot.decode(floats, histograms))
}

export function chunksText(
  chunks: readonly { readonly encoding: number; readonly bytes: Uint8Array }[],
): string {
  return decodedText((floats, histograms) => {
    for (const { encoding, bytes } of chunks) decodeChunk(encoding, bytes, floats, histograms)
  })
}

/** Every series that has samples, with them: as `everything` of `store.ts`, with histograms. */
export async function allSamples(
  querier: Querier,
  matchers: readonly Matcher[] = [],
  range = always,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const batch of querier.select(matchers, range)) {
    for (let i = 0; i < batch.count; i++) {
      const text = samplesText(batch.columns(i))
      if (text !== '') found[formatLabels(batch.labels(i))] = text
    }
  }
  return found
}

function decodedText(decode: (floats: SampleColumns, histograms: HistogramColumns) => void): string {
  const floats = new SampleColumns()
  const histograms = new HistogramColumns()
  decode(floats, histograms)
  const stale = floats.splitStale()
  const { count, t, v } = floats
  return samplesText({ count, t, v, stale, histograms })
}
