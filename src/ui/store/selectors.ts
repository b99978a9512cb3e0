// Series that somebody names by selectors.
import type { EngineClient } from '../../engine/api/connection.ts'
import type { SeriesQuery } from '../../engine/api/service.ts'
import { QueryError } from '../../engine/model/errors.ts'
import { uniqueLabels, type Labels } from '../../engine/model/labels.ts'
import type { QueryFailure } from '../query/run.svelte.ts'

/** A field for a selector. */
export interface SelectorDraft {
  readonly id: number
  text: string
}

/** What is wrong with selectors, by the index of their field. */
export type SelectorProblems = readonly (QueryFailure | null)[]

/** Series that the selectors match, each once. */
export interface Matched {
  readonly series: readonly Labels[]
  /** Whether there are others, which were not asked for. */
  readonly more: boolean
}

/** Asks for the series of each selector. A selector that is none is told at its place; what else goes wrong rejects.
 *  @param range milliseconds; both ends belong to it
 *  @param atMost series of a selector that are looked at */
export async function matchSelectors(
  client: Pick<EngineClient, 'series'>,
  selectors: readonly string[],
  range: { readonly minT: number; readonly maxT: number },
  atMost: number,
): Promise<{ matched: Matched } | { problems: SelectorProblems }> {
  const { minT: start, maxT: end } = range
  const answers = await Promise.all(
    selectors.map(expr => seriesOf(client, { match: [expr], start, end, limit: atMost + 1 }, expr)),
  )
  const problems = answers.map(answer => ('problem' in answer ? answer.problem : null))
  if (problems.some(problem => problem !== null)) return { problems }
  const found = answers.map(answer => ('series' in answer ? answer.series : []))
  return {
    matched: { series: uniqueLabels(found.flat()), more: found.some(({ length }) => length > atMost) },
  }
}

async function seriesOf(
  client: Pick<EngineClient, 'series'>,
  query: SeriesQuery,
  expr: string,
): Promise<{ series: readonly Labels[] } | { problem: QueryFailure }> {
  try {
    return { series: await client.series(query) }
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return { problem: { message: error.message, expr, span: error.span } }
  }
}
