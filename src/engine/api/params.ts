import { parseDuration } from '../model/duration.ts'
import { quote } from '../model/labels.ts'

/** A parameter of a request is missing or wrong: 400 `bad_data`. */
export class ParamError extends Error {
  override readonly name = 'ParamError'
}

/** Parameters of the query and of a form body; as in Go's `FormValue` the body comes first. */
export async function paramsOf(request: Request): Promise<URLSearchParams> {
  const query = new URL(request.url).searchParams
  const type = request.headers.get('content-type') ?? ''
  if (request.method !== 'POST' || !type.startsWith('application/x-www-form-urlencoded')) return query
  const form = new URLSearchParams(await request.text())
  for (const [name, value] of query) form.append(name, value)
  return form
}

/** Milliseconds of a time parameter: seconds since the epoch with a fraction, or RFC 3339.
 *  @param missing taken when there is no such parameter; without it the parameter is required */
export function timeParam(params: URLSearchParams, name: string, missing?: number): number {
  const text = params.get(name) ?? ''
  if (text === '' && missing !== undefined) return missing
  const where = missing === undefined ? '' : `invalid time value for '${name}': `
  return parseTime(text) ?? refuse(name, `${where}cannot parse ${quote(text)} to a valid timestamp`)
}

/** Milliseconds of a duration parameter: seconds, or Prometheus's notation. */
export function durationParam(params: URLSearchParams, name: string): number {
  const parsed = parseDurationText(params.get(name) ?? '')
  return typeof parsed === 'number' ? parsed : refuse(name, parsed.problem)
}

/** Milliseconds of a timeout; undefined when there is none. */
export function timeoutParam(params: URLSearchParams): number | undefined {
  return params.get('timeout') ? durationParam(params, 'timeout') : undefined
}

/** Milliseconds of a lookback that replaces the engine's; undefined when there is none. */
export function lookbackParam(params: URLSearchParams): number | undefined {
  const text = params.get('lookback_delta') ?? ''
  const parsed = text === '' ? 0 : parseDurationText(text)
  if (typeof parsed !== 'number')
    throw new ParamError(`error parsing lookback delta duration: ${parsed.problem}`)
  // Upstream takes 0 for unset.
  return parsed === 0 ? undefined : parsed
}

/** How many results are wanted at most; 0 is no limit. The errors are those of Go's `strconv.Atoi`. */
export function limitParam(params: URLSearchParams): number {
  const text = params.get('limit') ?? ''
  if (text === '') return 0
  const fault = (what: string) => refuse('limit', `strconv.Atoi: parsing ${quote(text)}: ${what}`)
  if (!/^[+-]?\d+$/.test(text)) fault('invalid syntax')
  const limit = Number(text)
  if (Math.abs(limit) >= 2 ** 63) fault('value out of range')
  return limit < 0 ? refuse('limit', 'limit must be non-negative') : limit
}

/** What a request wants to know about its query. */
export interface StatsParam {
  readonly wanted: boolean
  readonly perStep: boolean
  /** What is wrong with how it was asked. */
  readonly warnings: readonly string[]
}

/** Statistics are wanted by any word; those of each step by `all`. */
export function statsParam(params: URLSearchParams): StatsParam {
  const text = params.get('stats') ?? ''
  const known = ['', 'true', 'all'].includes(text)
  const use = 'is deprecated and will be rejected in the next major release, use "true" or "all"'
  const warnings = known ? [] : [`value ${quote(text)} for parameter "stats" ${use}`]
  return { wanted: text !== '', perStep: text === 'all', warnings }
}

/** The label of `/api/v1/label/<name>/values`. A name that an URL or a format cannot hold may come value-escaped:
 *  `U__` in front, `__` for an underscore, `_1f525_` for U+1F525 (`model.UnescapeName` of prometheus/common).
 *  @param segment of the path, still percent-encoded */
export function labelNameParam(segment: string): string {
  const escaped = percentDecoded(segment)
  const name = escaped?.startsWith('U__') ? unescapeName(escaped) : escaped
  if (name === null || name === '') throw new ParamError(`invalid label name: ${quote(name ?? segment)}`)
  return name
}

function percentDecoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}

/** Answers the name as it is when it is not escaped properly, as upstream does. */
function unescapeName(name: string): string {
  const escaped = name.slice('U__'.length)
  if (!/^(?:[^_]|__|_[\da-f]{1,5}_)*$/iu.test(escaped)) return name
  const codes = [...escaped.matchAll(/__|_([\da-f]{1,5})_/gi)].flatMap(([, hex]) => hex ?? [])
  const isSurrogate = (hex: string) => parseInt(hex, 16) >> 11 === 0xd800 >> 11
  if (codes.some(isSurrogate)) return name
  return escaped.replace(/__|_([\da-f]{1,5})_/gi, (_, hex: string | undefined) =>
    hex === undefined ? '_' : String.fromCodePoint(parseInt(hex, 16)),
  )
}

// Upstream's own names for the ends of time (`MinTime` and `MaxTime`), which its clients send back.
const endsOfTime: Readonly<Record<string, number>> = {
  '-292273086-05-16T16:47:06Z': -Infinity,
  '292277025-08-18T07:12:54.999999999Z': Infinity,
}
/** Times beyond those of a `Date` are as good as its ends, and stay exact numbers. */
const lastTime = 8_640_000_000_000_000

function parseTime(text: string): number | null {
  const ms = endsOfTime[text] ?? (isNumber(text) ? Math.round(Number(text) * 1000) : parseRfc3339(text))
  return ms === null ? null : Math.min(Math.max(ms, -lastTime), lastTime)
}

function parseRfc3339(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

function parseDurationText(text: string): number | { readonly problem: string } {
  const ms = isNumber(text) ? Number(text) * 1000 : parseDuration(text)
  const problem = `cannot parse ${quote(text)} to a valid duration`
  if (ms === null) return { problem }
  // Go keeps durations in int64 nanoseconds.
  return Math.abs(ms) * 1e6 > 2 ** 63 ? { problem: `${problem}. It overflows int64` } : ms
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)
}

function refuse(name: string, problem: string): never {
  throw new ParamError(`invalid parameter "${name}": ${problem}`)
}
