import type { Page } from '@playwright/test'
import { asStoredBy3x } from '../answers.ts'

/** Labels as JSON of sorted pairs, then time in milliseconds, then value. NaN travels as text. */
export type Sample = readonly [series: string, t: number, v: string]

/** Every sample that a query for a range vector finds, from the engine behind the page. */
export function storedSamples(page: Page, expr: string, time: number): Promise<Sample[]> {
  return page.evaluate(
    async ([query, at]) => {
      const answer = await globalThis.brazier?.client.query({ expr: query, time: at })
      if (answer?.kind !== 'samples') throw new Error(`want samples, have ${String(answer?.kind)}`)
      const { labels, offsets, t, v } = answer
      return labels.flatMap((set, i) => {
        const rows: [string, number, string][] = []
        for (let k = offsets[i] ?? 0; k < (offsets[i + 1] ?? 0); k++) {
          rows.push([JSON.stringify(set), t[k] ?? NaN, String(v[k])])
        }
        return rows
      })
    },
    [expr, time] as const,
  )
}

interface Matrix {
  readonly result: readonly {
    readonly metric: Record<string, string>
    readonly values: readonly (readonly [number, string])[]
  }[]
}

/** The same of a real Prometheus. Its label values are brought to the form in which 3.x stores them. */
export async function peerSamples(url: string, expr: string, time: number): Promise<Sample[]> {
  const params = new URLSearchParams({ query: expr, time: String(time / 1000) })
  const { data } = (await (await fetch(`${url}/api/v1/query?${params.toString()}`)).json()) as {
    data: Matrix
  }
  return data.result.flatMap(({ metric, values }) => {
    const series = JSON.stringify(asStoredBy3x(metric))
    return values.map(([t, v]): Sample => [series, Math.round(t * 1000), jsNumber(v)])
  })
}

/** A value of Prometheus's JSON, which is exact, as JavaScript prints it. */
function jsNumber(text: string): string {
  return String(text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text))
}
