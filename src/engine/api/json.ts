import type { InstantAnswer, QueryNotes, RangeAnswer, SamplesAnswer } from '../model/answers.ts'
import { formatFixed, formatFloat } from '../model/float.ts'
import { pairsOf, type Labels } from '../model/labels.ts'

/** What an answer says beside its data. */
type Notes = Pick<QueryNotes, 'warnings' | 'infos'>

/** The envelope of a successful query in pieces of some 64 KiB, so that a result of any size is written
 *  without ever being one string (https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview). */
export function successJson(answer: InstantAnswer | RangeAnswer): Generator<string, void> {
  return envelope(queryData(answer), answer)
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

function* queryData(answer: InstantAnswer | RangeAnswer): Generator<string, void> {
  yield `{"resultType":"${resultType(answer)}","result":`
  yield* result(answer)
  yield '}'
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
      yield* rows(answer.labels, i => `"value":${point(answer.t, answer.values[i] as number)}`)
      break
    case 'samples':
      yield* rows(answer.labels, i => `"values":[${samples(answer, i)}]`)
      break
    case 'matrix':
      yield* rows(answer.labels, i => `"values":[${row(answer, i)}]`)
  }
}

function samples({ offsets, t, v }: SamplesAnswer, i: number): string {
  let text = ''
  for (let k = offsets[i] as number, end = offsets[i + 1] as number; k < end; k++) {
    text += (text && ',') + point(t[k] as number, v[k] as number)
  }
  return text
}

function row(answer: RangeAnswer, i: number): string {
  let text = ''
  for (let k = 0, at = i * answer.steps; k < answer.steps; k++, at++) {
    if (answer.present[at] === 0) continue
    text += (text && ',') + point(answer.start + k * answer.step, answer.values[at] as number)
  }
  return text
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
function rows(all: readonly Labels[], values: (i: number) => string): Generator<string, void> {
  return list(all, (labels, i) => `{"metric":${metric(labels)},${values(i)}}`)
}

function* list<T>(all: readonly T[], write: (one: T, i: number) => string): Generator<string, void> {
  yield '['
  for (const [i, one] of all.entries()) yield `${i > 0 ? ',' : ''}${write(one, i)}`
  yield ']'
}
