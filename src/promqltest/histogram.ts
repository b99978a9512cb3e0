import { resetHint, schemas, type ResetHint } from '../engine/model/histogram.ts'
import { formatFloat } from '../engine/model/float.ts'
import { FloatHistogram } from '../engine/model/histogram/float.ts'
import { addInPlace, subtractInPlace } from '../engine/model/histogram/floatadd.ts'
import { bucketIndices } from '../engine/model/histogram/spans.ts'
import { ScriptError } from './scripterror.ts'

// Histogram literals: `{{schema:1 sum:3 count:22 buckets:[5 10 7]}}`. Buckets are absolute counts, and the histogram
// is one of floats (`buildHistogramFromMap` of upstream's `promql/parser/parse.go`).

const hints: Readonly<Record<string, ResetHint>> = {
  unknown: resetHint.unknown,
  reset: resetHint.reset,
  not_reset: resetHint.notReset,
  gauge: resetHint.gauge,
}

export interface HistogramValue {
  readonly kind: 'histogram'
  readonly histogram: FloatHistogram
  /** Whether the literal says something about resets; else the hint is not compared. */
  readonly hinted: boolean
}

type Fields = ReadonlyMap<string, string>

const keys = new Set([
  ...['schema', 'sum', 'count', 'z_bucket', 'z_bucket_w', 'custom_values'],
  ...['buckets', 'offset', 'n_buckets', 'n_offset', 'counter_reset_hint'],
])

const field = /([a-z_]+):(\[[^\]{}]*\]|[^\s[\]{}]+)(?=\s|\}\})/iy

/** Reads the literal that begins at `at`.
 *  @throws ScriptError */
export function readHistogram(text: string, at: number): { value: HistogramValue; end: number } {
  const close = text.indexOf('}}', at)
  if (close < 0) throw new ScriptError('want }} behind {{')
  const fields = new Map<string, string>()
  for (let from = behindSpace(text, at + 2); from < close; from = behindSpace(text, field.lastIndex)) {
    field.lastIndex = from
    const match = field.exec(text)
    const key = match?.[1]?.toLowerCase() ?? ''
    if (!match || !keys.has(key))
      throw new ScriptError(`want a key of a histogram and its value, found ${text.slice(from, close)}`)
    if (fields.has(key)) throw new ScriptError(`want ${key} once in a histogram, found it twice`)
    fields.set(key, match[2] as string)
  }
  const hinted = fields.has('counter_reset_hint')
  return { value: { kind: 'histogram', histogram: histogramOf(fields), hinted }, end: close + 2 }
}

/** The terms of `base+stepxtimes`: to each the step is added, or taken away, once more.
 *  @throws ScriptError when the two cannot be put together */
export function histogramSeries(
  base: HistogramValue,
  { step, sign, times }: { step: HistogramValue; sign: '+' | '-'; times: number },
): HistogramValue[] {
  const { hinted } = step
  const terms = [{ ...base, hinted }]
  let histogram = base.histogram
  for (let i = 0; i < times; i++) {
    if (histogram.schema > step.histogram.schema) throw unmergeable(step.histogram.schema, histogram.schema)
    histogram = histogram.copy()
    const combine = sign === '+' ? addInPlace : subtractInPlace
    if (!combine(histogram, step.histogram)) throw unmergeable(step.histogram.schema, histogram.schema)
    terms.push({ kind: 'histogram', histogram, hinted })
  }
  return terms
}

/** A histogram as a literal; gaps between its buckets are zeros. */
export function writeHistogram(h: FloatHistogram): string {
  const hint = Object.keys(hints).find(name => hints[name] === h.hint)
  const fields = [
    `schema:${h.schema}`,
    `count:${formatFloat(h.count)}`,
    `sum:${formatFloat(h.sum)}`,
    h.zeroCount === 0 ? '' : `z_bucket:${formatFloat(h.zeroCount)}`,
    h.zeroThreshold === 0 ? '' : `z_bucket_w:${formatFloat(h.zeroThreshold)}`,
    h.custom ? `custom_values:${writeNumbers(h.bounds)}` : '',
    ...writeSide('', h.positiveSpans, h.positive),
    ...writeSide('n_', h.negativeSpans, h.negative),
    h.hint === resetHint.unknown ? '' : `counter_reset_hint:${hint}`,
  ]
  return `{{${fields.filter(text => text !== '').join(' ')}}}`
}

function writeSide(prefix: string, spans: Int32Array, counts: Float64Array): string[] {
  const indices = bucketIndices(spans)
  if (indices.length === 0) return []
  const offset = indices[0] as number
  const all = new Array<number>((indices.at(-1) as number) - offset + 1).fill(0)
  for (const [k, index] of indices.entries()) all[index - offset] = counts[k] as number
  return [offset === 0 ? '' : `${prefix}offset:${offset}`, `${prefix}buckets:${writeNumbers(all)}`]
}

function writeNumbers(numbers: Iterable<number>): string {
  return `[${Array.from(numbers, formatFloat).join(' ')}]`
}

function unmergeable(from: number, to: number): ScriptError {
  return new ScriptError(`error combining histograms: cannot merge from schema ${from} to ${to}`)
}

function behindSpace(text: string, at: number): number {
  while (/\s/.test(text.charAt(at))) at++
  return at
}

function histogramOf(fields: Fields): FloatHistogram {
  const schema = integer(fields, 'schema')
  const positive = Float64Array.from(numbers(fields, 'buckets'))
  const negative = Float64Array.from(numbers(fields, 'n_buckets'))
  const bounds = Float64Array.from(numbers(fields, 'custom_values'))
  if (bounds.length > 0 && schema !== schemas.custom)
    throw new ScriptError(`want schema:${schemas.custom} for custom_values, found ${schema}`)
  return new FloatHistogram({
    schema,
    sum: number(fields, 'sum'),
    count: number(fields, 'count'),
    zeroCount: number(fields, 'z_bucket'),
    zeroThreshold: number(fields, 'z_bucket_w'),
    positiveSpans: spanOf(integer(fields, 'offset'), positive.length),
    negativeSpans: spanOf(integer(fields, 'n_offset'), negative.length),
    positive,
    negative,
    bounds,
    hint: hint(fields),
  })
}

function spanOf(offset: number, length: number): Int32Array {
  return length === 0 ? new Int32Array(0) : Int32Array.of(offset, length)
}

function integer(fields: Fields, key: string): number {
  const text = fields.get(key) ?? '0'
  if (!/^-?\d{1,10}$/.test(text)) throw new ScriptError(`want an integer for ${key}, found ${text}`)
  return Number(text)
}

function number(fields: Fields, key: string): number {
  return numberIn(key, fields.get(key) ?? '0')
}

function numbers(fields: Fields, key: string): number[] {
  const text = fields.get(key)
  if (text === undefined) return []
  const list = /^\[(\S.*?)\s*\]$/.exec(text)?.[1]
  if (list === undefined) throw new ScriptError(`want numbers in brackets for ${key}, found ${text}`)
  return list.split(/\s+/).map(item => numberIn(key, item))
}

function numberIn(key: string, text: string): number {
  const word = /^([+-]?)(inf|nan)$/i.exec(text)
  if (word) return word[2]?.toLowerCase() === 'nan' ? NaN : word[1] === '-' ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text))
    throw new ScriptError(`want a number for ${key}, found ${text}`)
  return Number(text)
}

function hint(fields: Fields): ResetHint {
  const text = fields.get('counter_reset_hint')
  if (text === undefined) return resetHint.unknown
  const known = hints[text.toLowerCase()]
  if (known === undefined)
    throw new ScriptError(`want ${Object.keys(hints).join(', ')} for counter_reset_hint, found ${text}`)
  return known
}
