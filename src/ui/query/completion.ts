import type { PrometheusClient } from '@prometheus-io/codemirror-promql'
import type { EngineClient } from '../../engine/api/connection.ts'
import type { LabelQuery } from '../../engine/api/service.ts'
import { metricName, quote } from '../../engine/model/labels.ts'

/** What completion asks of the engine. */
export type CompletionClient = Pick<EngineClient, 'labelNames' | 'labelValues'>

const keepMs = 10_000

/** What the editor completes from: functions and keywords it knows itself; metric names, label names and label values
 *  come from the engine. A failure completes nothing; it is the query's business to tell what is wrong. */
export function completionSource(client: CompletionClient): PrometheusClient {
  const kept = new Map<string, { readonly values: Promise<string[]>; readonly until: number }>()

  const keep = (key: string, ask: () => Promise<string[]>): Promise<string[]> => {
    const found = kept.get(key)
    if (found && found.until > performance.now()) return found.values
    const values = ask().catch((): string[] => {
      kept.delete(key)
      return []
    })
    kept.set(key, { values, until: performance.now() + keepMs })
    return values
  }
  const labelValues = (name: string, metric?: string): Promise<string[]> =>
    keep(`values ${name} ${metric ?? ''}`, () => client.labelValues(name, seriesOf(metric)))
  const labelNames = (metric?: string): Promise<string[]> =>
    keep(`names ${metric ?? ''}`, async () => {
      const names = await client.labelNames(seriesOf(metric))
      // The metric's name stands in front of the braces.
      return names.filter(name => name !== metricName)
    })

  return {
    labelValues,
    labelNames,
    metricNames: () => labelValues(metricName),
    metricMetadata: async () => ({}),
    series: async () => [],
    flags: async () => ({}),
  }
}

/** The series of a metric, or all. */
function seriesOf(metric: string | undefined): LabelQuery {
  return metric ? { match: [`{${metricName}=${quote(metric)}}`] } : {}
}
