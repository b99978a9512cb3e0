import type { LabelQuery, SeriesQuery } from './api/service.ts'
import { compareBytes, compareLabels, uniqueLabels, type Labels } from './model/labels.ts'
import type { Matcher } from './model/matcher.ts'
import type { Querier, TimeRange } from './model/store.ts'
import { parseMetricSelector } from './promql/syntax/metricselector.ts'

// What is asked about series without their samples. Selectors are PromQL, so they are read here and not in the store.

/** @throws QueryError for a selector that is none */
export async function findSeries(querier: Querier, query: SeriesQuery): Promise<Labels[]> {
  const range = rangeOf(query)
  const lists = await Promise.all(selectorsOf(query).map(matchers => querier.labelSets(matchers, range)))
  return atMost(uniqueLabels(lists.flat()).sort(compareLabels), query)
}

/** @throws QueryError for a selector that is none */
export function findNames(querier: Querier, query: LabelQuery): Promise<string[]> {
  return union(query, matchers => querier.labelNames(matchers, rangeOf(query)))
}

/** @throws QueryError for a selector that is none */
export function findValues(querier: Querier, name: string, query: LabelQuery): Promise<string[]> {
  return union(query, matchers => querier.labelValues(name, matchers, rangeOf(query)))
}

async function union(
  query: LabelQuery,
  find: (matchers: readonly Matcher[]) => Promise<string[]>,
): Promise<string[]> {
  const selectors = query.match?.length ? selectorsOf(query) : [[]]
  const lists = await Promise.all(selectors.map(find))
  const sorted = lists.length === 1 ? lists.flat() : [...new Set(lists.flat())].sort(compareBytes)
  return atMost(sorted, query)
}

function selectorsOf({ match = [] }: LabelQuery): (readonly Matcher[])[] {
  return match.map(parseMetricSelector)
}

function rangeOf({ start = -Infinity, end = Infinity }: LabelQuery): TimeRange {
  return { minT: start, maxT: end }
}

function atMost<T>(all: T[], { limit = 0 }: LabelQuery): T[] {
  return limit > 0 ? all.slice(0, limit) : all
}
