import type { PrometheusClient } from '@prometheus-io/codemirror-promql'
import type { EngineClient } from '../../engine/api/connection.ts'

const keepMs = 10_000

/** What the editor completes from: functions and keywords it knows itself, metric names and label values come
 *  from the engine. A failure completes nothing; it is the query's business to tell what is wrong. */
export function completionSource(client: Pick<EngineClient, 'labelValues'>): PrometheusClient {
  const kept = new Map<string, { readonly values: Promise<string[]>; readonly until: number }>()

  const labelValues = (name: string): Promise<string[]> => {
    const found = kept.get(name)
    if (found && found.until > performance.now()) return found.values
    const values = client.labelValues(name).catch((): string[] => {
      kept.delete(name)
      return []
    })
    kept.set(name, { values, until: performance.now() + keepMs })
    return values
  }

  return {
    labelValues,
    metricNames: () => labelValues('__name__'),
    labelNames: async () => ['instance', 'job'],
    metricMetadata: async () => ({}),
    series: async () => [],
    flags: async () => ({}),
  }
}
