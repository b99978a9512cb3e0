import type {
  InstantAnswer,
  PlacedHistogram,
  QueryNotes,
  RangeAnswer,
  SamplesAnswer,
  VectorAnswer,
} from '../model/answers.ts'
import { formatFixed, formatFloat } from '../model/float.ts'
import type { Histogram } from '../model/histogram.ts'
import { pairsOf, type Labels } from '../model/labels.ts'
import { histogramJson } from './jsonhistogram.ts'
import { statsJson } from './jsonstats.ts'

/** What an answer says beside its data. */
type Notes = Pick<QueryNotes, 'warnings' | 'infos'>

/** The envelope of a successful query in pieces of some 64 KiB, so that a result of any size is written
 *  without ever being one string (https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview).
 *  @param stats whether it says what the query cost */
export function successJson(
  answer: InstantAnswer | RangeAnswer,
  { stats = false }: { stats?: boolean } = {},
): Generator<string, void> {
  return envelope(queryData(answer, stats), answer)
}

/** The envelope of a list of names or values, in such pieces. */
export function textsJson(texts: readonly string[], warnings: readonly string[]): Generator<string, void> {
  return envelope(
    list(texts, text => JSON.stringify(text)),
    { warnings, infos: [] },
  )
}

/** The envelope of a list of series, in such pieces. */
export function seriesJson(series: readonly Labels[], warnings: readonly string[]): Generator<string, void> {
  return envelope(
    list(series, labels => metric(labels)),
    { warnings, infos: [] },
  )
}

/** The envelope of a failure. */
export function errorJson(errorType: string, error: string): string {
  return JSON.stringify({ status: 'error', errorType, error })
}

function* envelope(data: Iterable<string>, answer: Notes): Generator<string, void> {
  let piece = '{"status":"success","data":'
  for (const text of data) {
    piece += text
    if (piece.length < 64 * 1024) continue
    yield piece
    piece = ''
  }
  yield `${piece}${notes(answer)}}`
}

function* queryData(answer: InstantAnswer | RangeAnswer, stats: boolean): Generator<string, void> {
  yield `{"resultType":"${resultType(answer)}","result":`
  yield* result(answer)
  yield stats ? `,"stats":${statsJson(answer.stats)}}` : '}'
}

function resultType(answer: InstantAnswer | RangeAnswer): string {
  return answer.kind === 'samples' ? 'matrix' : answer.kind
}

function* result(answer: InstantAnswer | RangeAnswer): Generator<string, void> {
  switch (answer.kind) {
    // Scalars and strings carry their time as an ordinary JSON number, unlike the points of series.
    case 'scalar':
      yield `[${answer.t / 1000},"${formatFixed(answer.value)}"]`
      break
    case 'string':
      yield `[${answer.t / 1000},${JSON.stringify(answer.value)}]`
      break
    case 'vector':
      yield* rows(answer.labels, vectorValue(answer))
      break
    case 'samples':
      yield* rows(answer.labels, samples(answer))
      break
    case 'matrix':
      yield* rows(answer.labels, row(answer))
  }
}

/** Answers what a series has beside its labels; asked for one series after the other. */
type SeriesValues = (i: number) => string

function vectorValue({ t, values, histograms }: VectorAnswer): SeriesValues {
  const histogramAt = inOrder(histograms)
  return i => {
    const histogram = histogramAt(i)
    return histogram
      ? `,"histogram":${histogramPoint(t, histogram)}`
      : `,"value":${point(t, values[i] as number)}`
  }
}

function samples({ offsets, t, v, histograms }: SamplesAnswer): SeriesValues {
  const histogramAt = inOrder(histograms)
  return i => {
    const points = new Points()
    for (let at = offsets[i] as number, end = offsets[i + 1] as number; at < end; at++) {
      points.add(t[at] as number, v[at] as number, histogramAt(at))
    }
    return points.fields()
  }
}

function row({ start, step, steps, values, present, histograms }: RangeAnswer): SeriesValues {
  const histogramAt = inOrder(histograms)
  return i => {
    const points = new Points()
    for (let s = 0, at = i * steps; s < steps; s++, at++) {
      if (present[at] === 0) continue
      points.add(start + s * step, values[at] as number, histogramAt(at))
    }
    return points.fields()
  }
}

/** Finds the histogram of a place, for places that ascend. */
function inOrder(histograms: readonly PlacedHistogram[] | null): (at: number) => Histogram | null {
  let next = 0
  return at => (histograms?.[next]?.at === at ? (histograms[next++]?.histogram ?? null) : null)
}

/** Floats and histograms of a series go apart; what there is none of is left out. */
class Points {
  private floats = ''
  private histograms = ''

  add(t: number, v: number, histogram: Histogram | null): void {
    if (histogram) this.histograms += (this.histograms && ',') + histogramPoint(t, histogram)
    else this.floats += (this.floats && ',') + point(t, v)
  }

  fields(): string {
    const { floats, histograms } = this
    return (floats && `,"values":[${floats}]`) + (histograms && `,"histograms":[${histograms}]`)
  }
}

function histogramPoint(t: number, histogram: Histogram): string {
  return `[${seconds(t)},${histogramJson(histogram)}]`
}

function point(t: number, v: number): string {
  return `[${seconds(t)},"${formatFloat(v)}"]`
}

/** Milliseconds as seconds: no fraction, or one of exactly three digits. */
function seconds(t: number): string {
  const ms = Math.abs(t)
  const rest = ms % 1000
  const text = String((ms - rest) / 1000)
  return (t < 0 ? '-' : '') + (rest === 0 ? text : `${text}.${String(rest).padStart(3, '0')}`)
}

function metric(labels: Labels): string {
  const pairs = [...pairsOf(labels)].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  )
  return `{${pairs.join(',')}}`
}

/** Warnings and infos: absent when empty, ten of each at most, as upstream truncates them. */
function notes({ warnings, infos }: Notes): string {
  return field('warnings', 'warnings', warnings) + field('infos', 'info notices', infos)
}

function field(name: string, words: string, texts: readonly string[]): string {
  if (texts.length === 0) return ''
  const most = 10
  const more = texts.length > most ? [`${texts.length - most} more ${words} omitted`] : []
  return `,"${name}":${JSON.stringify([...texts.slice(0, most), ...more])}`
}

/** One object a series: its labels and what `values` writes for it. */
function rows(all: readonly Labels[], values: SeriesValues): Generator<string, void> {
  return list(all, (labels, i) => `{"metric":${metric(labels)}${values(i)}}`)
}

function* list<T>(all: readonly T[], write: (one: T, i: number) => string): Generator<string, void> {
  yield '['
  for (const [i, one] of all.entries()) yield `${i > 0 ? ',' : ''}${write(one, i)}`
  yield ']'
}
