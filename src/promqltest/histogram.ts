import { ScriptError } from './scripterror.ts'

// Histogram literals: `{{schema:1 sum:3 count:22 buckets:[5 10 7]}}`. Buckets are absolute counts, and the histogram
// is one of floats (`buildHistogramFromMap` of upstream's `promql/parser/parse.go`).

const hints = ['unknown', 'reset', 'not_reset', 'gauge'] as const

export interface Histogram {
  readonly schema: number
  readonly sum: number
  readonly count: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  /** Index of the first bucket and the counts from there on. */
  readonly positive: { readonly offset: number; readonly buckets: readonly number[] }
  readonly negative: { readonly offset: number; readonly buckets: readonly number[] }
  readonly customValues: readonly number[]
  /** Null where the literal says nothing about it: then it is not compared. */
  readonly counterResetHint: (typeof hints)[number] | null
}

/** The literal `base`, or a term of a sequence: `base` and `times` times `step` added to it. */
export interface HistogramValue {
  readonly kind: 'histogram'
  readonly base: Histogram
  readonly added: { readonly step: Histogram; readonly times: number } | null
  /** As written. */
  readonly text: string
}

type Fields = ReadonlyMap<string, string>

const keys = new Set([
  ...['schema', 'sum', 'count', 'z_bucket', 'z_bucket_w', 'custom_values'],
  ...['buckets', 'offset', 'n_buckets', 'n_offset', 'counter_reset_hint'],
])

const field = /([a-z_]+):(\[[^\]{}]*\]|[^\s[\]{}]+)(?=\s|\}\})/iy

/** Reads the literal that begins at `at`.
 *  @throws ScriptError */
export function readHistogram(text: string, at: number): { histogram: Histogram; end: number } {
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
  return { histogram: histogramOf(fields), end: close + 2 }
}

function behindSpace(text: string, at: number): number {
  while (/\s/.test(text.charAt(at))) at++
  return at
}

function histogramOf(fields: Fields): Histogram {
  return {
    schema: integer(fields, 'schema'),
    sum: number(fields, 'sum'),
    count: number(fields, 'count'),
    zeroCount: number(fields, 'z_bucket'),
    zeroThreshold: number(fields, 'z_bucket_w'),
    positive: { offset: integer(fields, 'offset'), buckets: numbers(fields, 'buckets') },
    negative: { offset: integer(fields, 'n_offset'), buckets: numbers(fields, 'n_buckets') },
    customValues: numbers(fields, 'custom_values'),
    counterResetHint: hint(fields),
  }
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

function hint(fields: Fields): Histogram['counterResetHint'] {
  const text = fields.get('counter_reset_hint')
  if (text === undefined) return null
  const known = hints.find(hint => hint === text.toLowerCase())
  if (known === undefined)
    throw new ScriptError(`want ${hints.join(', ')} for counter_reset_hint, found ${text}`)
  return known
}
