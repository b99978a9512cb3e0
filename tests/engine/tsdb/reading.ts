import { formatLabels, labelsFrom, metricName, type Labels } from '../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../src/engine/model/matcher.ts'
import type { Querier, TimeRange } from '../../../src/engine/model/store.ts'

// What a querier has, as text.

export const always: TimeRange = { minT: -Infinity, maxT: Infinity }

export function series(name: string, pairs: Record<string, string> = {}): Labels {
  return labelsFrom([[metricName, name], ...Object.entries(pairs)])
}

/** A sample as "t:value", `stale` for a marker. Distinguishes -0 and 0. */
export function sampleText(t: number, v: number, stale: boolean): string {
  return `${t}:${stale ? 'stale' : Object.is(v, -0) ? '-0' : String(v)}`
}

/** Every series that matches with its samples: `{ 'up{job="a"}': '1000:1 2000:stale' }`, in the querier's order.
 *  The querier is closed. */
export async function everything(
  querier: Querier,
  matchers: readonly Matcher[] = [],
  range: TimeRange = always,
): Promise<Record<string, string>> {
  try {
    return await read(querier, matchers, range)
  } finally {
    querier.close?.()
  }
}

async function read(
  querier: Querier,
  matchers: readonly Matcher[],
  range: TimeRange,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const batch of querier.select(matchers, range)) {
    for (let i = 0; i < batch.count; i++) {
      const { count, t, v, stale } = batch.columns(i)
      const texts = Array.from({ length: count }, (_, k) => sampleText(t[k]!, v[k]!, stale?.[k] === 1))
      found[formatLabels(batch.labels(i))] = texts.join(' ')
    }
  }
  return found
}
