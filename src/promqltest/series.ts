import { parseDuration } from '../engine/model/duration.ts'
import { labelsFrom, metricName, type Labels } from '../engine/model/labels.ts'
import { Lexer, type Token } from '../engine/promql/syntax/lexer.ts'
import { parse } from '../engine/promql/syntax/parser.ts'
import { unquote } from '../engine/promql/syntax/quoting.ts'
import { histogramSeries, readHistogram, type HistogramValue } from './histogram.ts'
import { ScriptError } from './scripterror.ts'

// Descriptions of series: `metric{label="value"} 1 2+3x4 _ stale {{schema:1 count:2}}` (upstream's
// `ParseSeriesDesc`, the `series_description` of `promql/parser/generated_parser.y`).

export interface FloatValue {
  readonly kind: 'float'
  readonly v: number
  /** A stale marker; `v` is NaN beside it. */
  readonly stale: boolean
}

/** A value of a description; null where there is no sample. */
export type Value = FloatValue | HistogramValue | null

export interface Series {
  readonly labels: Labels
  readonly values: readonly Value[]
}

/** Values that one line may stand for: `1x1000000000` is not worth the memory. */
const maxValues = 1_000_000

/** Reads a metric and its values.
 *  @throws ScriptError, or QueryError where the metric is no metric of PromQL's */
export function readSeries(line: string): Series {
  const { labels, end } = readMetric(line)
  return { labels, values: readValues(line, end) }
}

/** Reads the metric at the front of a text: only `=` may stand between a label and its value. */
function readMetric(text: string): { labels: Labels; end: number } {
  const lexer = new Lexer(text)
  const pairs: [string, string][] = []
  const first = lexer.next()
  let end = first.to
  if (first.text !== '{') {
    if (first.type === 'number' || !/^[a-z_:][a-z0-9_:]*$/i.test(first.text))
      throw wrong('a metric', text, first.from)
    pairs.push([metricName, first.text])
  }
  if (first.text === '{' || text.charAt(end) === '{') {
    if (first.text !== '{') lexer.next()
    end = readLabels(lexer, text, pairs)
  }
  if (/^\S/.test(text.slice(end))) throw wrong('a space behind the metric', text, end)
  return { labels: labelsFrom(pairs), end }
}

/** Reads what is behind `{`; answers the offset behind `}`. */
function readLabels(lexer: Lexer, text: string, pairs: [string, string][]): number {
  for (let token = lexer.next(); ; token = lexer.next()) {
    if (token.text === '}') return token.to
    const after = readLabel(token, lexer, text, pairs)
    if (after.text === '}') return after.to
    if (after.text !== ',') throw wrong('"," or "}"', text, after.from)
  }
}

/** Answers the token behind the label. */
function readLabel(name: Token, lexer: Lexer, text: string, pairs: [string, string][]): Token {
  if (name.type !== 'identifier' && name.type !== 'string') throw wrong('a label', text, name.from)
  const label = name.type === 'string' ? unquote(name.text) : name.text
  const equals = lexer.next()
  if (equals.text !== '=') {
    // A string alone is the metric's name.
    if (name.type !== 'string') throw wrong('"="', text, equals.from)
    pairs.push([metricName, label])
    return equals
  }
  const value = lexer.next()
  if (value.type !== 'string') throw wrong('a string', text, value.from)
  pairs.push([label, unquote(value.text)])
  return lexer.next()
}

const digits = String.raw`(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`
const blanks = /_(?:x(\d+))?(?!\S)/y
const repeated = new RegExp(String.raw`([+-]?${digits})([+-]${digits})?x(\d+)(?!\S)`, 'y')
const single = new RegExp(String.raw`(stale|[+-]?(?:${digits}|inf|nan))(?!\S)`, 'iy')

/** Reads values that are separated by white space, from `start` on.
 *  @throws ScriptError */
function readValues(text: string, start: number): Value[] {
  const values: Value[] = []
  let at = skipSpace(text, start)
  while (at < text.length) {
    at = skipSpace(text, readItem(text, at, values))
    if (values.length > maxValues) throw new ScriptError(`want at most ${maxValues} values in a line`)
  }
  return values
}

/** Reads the item at `at` and answers the offset behind it. */
function readItem(text: string, at: number, values: Value[]): number {
  if (text.startsWith('{{', at)) return readHistograms(text, at, values)
  const blank = matchAt(blanks, text, at)
  if (blank) {
    for (let i = countOf(blank[1] ?? '1'); i > 0; i--) values.push(null)
    return at + blank[0].length
  }
  const run = matchAt(repeated, text, at)
  if (run) {
    const [all, first = '', step, times = ''] = run
    let v = numberOf(first)
    const difference = step === undefined ? 0 : numberOf(step)
    // Adding again and again, as upstream does: the errors of rounding belong to the values.
    for (let i = countOf(times); i >= 0; i--, v += difference) values.push({ kind: 'float', v, stale: false })
    return at + all.length
  }
  const one = matchAt(single, text, at)
  if (!one) throw wrong('a value', text, at)
  const stale = one[0] === 'stale'
  values.push({ kind: 'float', v: stale ? NaN : numberOf(one[0]), stale })
  return at + one[0].length
}

const timesBehind = /x(\d+)(?!\S)/y

/** `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`. */
function readHistograms(text: string, at: number, values: Value[]): number {
  const base = readHistogram(text, at)
  const sign = text.charAt(base.end)
  const signed = (sign === '+' || sign === '-') && text.startsWith('{{', base.end + 1)
  const step = signed ? readHistogram(text, base.end + 1) : null
  const end = step?.end ?? base.end
  const times = matchAt(timesBehind, text, end)
  if (step && !times) throw wrong('x and a number behind a sum of histograms', text, end)
  if (!times && /^\S/.test(text.slice(end))) throw wrong('a space behind a histogram', text, end)
  const count = times ? countOf(times[1] as string) : 0
  if (step)
    values.push(...histogramSeries(base.value, { step: step.value, sign: signOf(sign), times: count }))
  else for (let i = 0; i <= count; i++) values.push(base.value)
  return end + (times?.[0].length ?? 0)
}

function signOf(text: string): '+' | '-' {
  return text === '-' ? '-' : '+'
}

const startBlanks = /^_(?:x(\d+))?$/
const startTimes = /^([+-]?\d+[a-z]*?)(?:([+-])([+-]?\d+[a-z]*?))?(?:x(\d+))?$/

/** Reads the items of an `@st` line: start timestamps in milliseconds relative to their samples, null where there
 *  is none (`parseSTSequence`).
 *  @throws ScriptError */
export function readStartTimes(text: string): (number | null)[] {
  const items = text.split(/\s+/).filter(item => item !== '')
  const all: (number | null)[] = []
  for (const item of items) {
    const blank = startBlanks.exec(item)
    const match = blank ? null : startTimes.exec(item)
    if (blank) for (let i = countOf(blank[1] ?? '1'); i > 0; i--) all.push(null)
    else if (match) addStartTimes(match, all)
    else throw new ScriptError(`want a start timestamp, found ${item}`)
    if (all.length > maxValues) throw new ScriptError(`want at most ${maxValues} values in a line`)
  }
  return all
}

function addStartTimes([item, base = '', sign, step, times]: RegExpExecArray, all: (number | null)[]): void {
  if (step !== undefined && times === undefined)
    throw new ScriptError(`want x and a number behind a step, found ${item}`)
  const difference = step === undefined ? 0 : signedDuration(step) * (sign === '-' ? -1 : 1)
  let offset = signedDuration(base)
  for (let i = countOf(times ?? '0'); i >= 0; i--, offset += difference) all.push(offset)
}

function signedDuration(text: string): number {
  const ms = parseDuration(text.replace(/^[+-]/, ''))
  if (ms === null) throw new ScriptError(`want a duration, found ${text}`)
  return text.startsWith('-') ? -ms : ms
}

function countOf(digits: string): number {
  const count = Number(digits)
  if (count > maxValues) throw new ScriptError(`want at most ${maxValues} values in a line, found ${digits}`)
  return count
}

/** A number as PromQL reads it: an integer may be octal. */
function numberOf(text: string): number {
  const literal = parse(text)
  if (literal.kind !== 'number') throw new ScriptError(`want a number, found ${text}`)
  return literal.value
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function skipSpace(text: string, at: number): number {
  while (/\s/.test(text.charAt(at))) at++
  return at
}

function wrong(wanted: string, text: string, at: number): ScriptError {
  const found = text.slice(at, at + 20) || 'the end of the line'
  return new ScriptError(`want ${wanted} at column ${at + 1}, found ${found}`)
}
