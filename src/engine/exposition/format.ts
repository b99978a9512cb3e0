import { isLegacyLabel, isLegacyName, metricName, valueOf, type Labels } from '../model/labels.ts'

/** A float as Go's `%g` prints it: the fewest digits that read back as the same number, an exponent of at least two
 *  digits below 1e-4 and from 1e6 on. */
export function formatFloat(v: number): string {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? 'NaN' : v > 0 ? '+Inf' : '-Inf'
  if (v === 0) return Object.is(v, -0) ? '-0' : '0'
  const size = Math.abs(v)
  if (size >= 1e-4 && size < 1e6) return String(v)
  const [digits = '', power = '0'] = v.toExponential().split('e')
  const exponent = Number(power)
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

/** A time in milliseconds as seconds, such as `1699920000.123`. Prometheus cuts off what is less than a millisecond when
 *  it reads one back, and a product with 1000 may come out a trifle too small: then a digit more keeps the time, up to the
 *  year 10000. */
export function formatSeconds(t: number): string {
  const text = (t / 1000).toFixed(3)
  return Math.trunc(Number(text) * 1000) === t ? text : `${text}1`
}

/** A series as OpenMetrics writes it, `name{label="value"}`; names that need quotes are in the braces, as Prometheus reads
 *  them. Null for a series without a name, which the format does not know. */
export function formatSeries(labels: Labels): string | null {
  const name = valueOf(labels, metricName)
  if (name === '') return null
  const bare = isLegacyName(name)
  const parts = bare ? [] : [inQuotes(name)]
  for (let i = 0; i < labels.length; i += 2) {
    const label = labels[i] as string
    if (label === metricName) continue
    parts.push(`${isLegacyLabel(label) ? label : inQuotes(label)}=${inQuotes(labels[i + 1] as string)}`)
  }
  return `${bare ? name : ''}${parts.length > 0 ? `{${parts.join(',')}}` : ''}`
}

/** With the three escapes that OpenMetrics has; whatever else a text holds stands in it as it is. */
function inQuotes(text: string): string {
  return `"${text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))}"`
}
