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
  const ms = parseTime(text)
  if (ms === null) {
    const where = missing === undefined ? '' : `invalid time value for '${name}': `
    throw new ParamError(
      `invalid parameter "${name}": ${where}cannot parse ${quote(text)} to a valid timestamp`,
    )
  }
  return ms
}

/** Milliseconds of a duration parameter: seconds, or Prometheus's notation. */
export function durationParam(params: URLSearchParams, name: string): number {
  const text = params.get(name) ?? ''
  const ms = isNumber(text) ? Number(text) * 1000 : parseDuration(text)
  if (ms === null) {
    throw new ParamError(`invalid parameter "${name}": cannot parse ${quote(text)} to a valid duration`)
  }
  return ms
}

function parseTime(text: string): number | null {
  if (isNumber(text)) return Math.round(Number(text) * 1000)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)
}
