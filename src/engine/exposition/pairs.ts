import { metricName } from '../model/labels.ts'
import { FloatProblem, formatOpenMetricsFloat, readFloat } from './float.ts'

const utf8 = new TextEncoder()

/** A label's value; bounds of buckets and quantiles as OpenMetrics writes them, so that they are the same series
 *  whatever format they come in (upstream's `normalizeFloatsInLabelValues`).
 *  @param type of the metric */
export function normalValue(type: string, name: string, value: string): string {
  if (!((type === 'histogram' && name === 'le') || (type === 'summary' && name === 'quantile'))) return value
  const bytes = utf8.encode(value)
  try {
    return formatOpenMetricsFloat(readFloat(bytes, 0, bytes.length))
  } catch (error) {
    // What is no number stays as it is.
    if (error instanceof FloatProblem) return value
    throw error
  }
}

/** What is wrong with the names of a series' labels; null when nothing is.
 *  @param shown the series, as messages show it */
export function faultOfNames(
  pairs: readonly (readonly [string, string])[],
  shown: () => string,
): string | null {
  const seen = new Set<string>()
  for (const [name, value] of pairs) {
    if (name === '') return `invalid metric name or label names: ${shown()}`
    if (name === metricName && value === '') return 'missing metric name (__name__ label)'
    if (seen.has(name)) return `label name "${name}" is not unique: invalid sample`
    seen.add(name)
  }
  return null
}
