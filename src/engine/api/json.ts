import type { InstantAnswer, QueryNotes, RangeAnswer, SamplesAnswer } from '../model/answers.ts'
import { formatFixed, formatFloat } from '../model/float.ts'
import { pairsOf, type Labels } from '../model/labels.ts'

/** The envelope of a successful query in pieces of some 64 KiB, so that a result of any size is written
 *  without ever being one string (https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview). */
export function* successJson(answer: InstantAnswer | RangeAnswer): Generator<string, void> {
  yield* pieces(envelope(answer), 64 * 1024)
}

/** The envelope of a failure. */
export function errorJson(errorType: string, error: string): string {
  return JSON.stringify({ status: 'error', errorType, error })
}

function* envelope(answer: InstantAnswer | RangeAnswer): Generator<string, void> {
  yield `{"status":"success","data":{"resultType":"${resultType(answer)}","result":`
  yield* result(answer)
  yield `}${notes(answer)}}`
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
      yield* list(answer.labels, i => `"value":${point(answer.t, answer.values[i] as number)}`)
      break
    case 'samples':
      yield* list(answer.labels, i => `"values":[${samples(answer, i)}]`)
      break
    case 'matrix':
      yield* list(answer.labels, i => `"values":[${row(answer, i)}]`)
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
function notes({ warnings, infos }: QueryNotes): string {
  return field('warnings', 'warnings', warnings) + field('infos', 'info notices', infos)
}

function field(name: string, words: string, texts: readonly string[]): string {
  if (texts.length === 0) return ''
  const most = 10
  const more = texts.length > most ? [`${texts.length - most} more ${words} omitted`] : []
  return `,"${name}":${JSON.stringify([...texts.slice(0, most), ...more])}`
}

/** One object a series: its labels and what `values` writes for it. */
function* list(all: readonly Labels[], values: (i: number) => string): Generator<string, void> {
  yield '['
  for (const [i, labels] of all.entries()) {
    yield `${i > 0 ? ',' : ''}{"metric":${metric(labels)},${values(i)}}`
  }
  yield ']'
}

function* pieces(texts: Iterable<string>, size: number): Generator<string, void> {
  let piece = ''
  for (const text of texts) {
    piece += text
    if (piece.length < size) continue
    yield piece
    piece = ''
  }
  yield piece
}
