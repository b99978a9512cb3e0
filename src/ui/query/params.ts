import { formatDuration, parseDuration } from '../../engine/model/duration.ts'
import { formatUtc, parseUtc } from '../format/time.ts'

/** What the query page shows, as its address says it. */
export interface QueryParams {
  readonly expr: string
  readonly tab: 'graph' | 'table'
  readonly rangeMs: number
  /** The right edge of the graph and the time of the table, in milliseconds; null is now. */
  readonly end: number | null
  /** Time between two refreshes while the end is now; 0 is never. */
  readonly refreshMs: number
  /** Whether the parts of the expression are shown. */
  readonly tree: boolean
  /** ULID of the one block that is looked at; null is everything. */
  readonly block: string | null
}

/** What somebody sees who opens the page for the first time: the engine taking in its own samples. The range is
 *  short, so that the first minute fills it. */
export const firstQuery: QueryParams = {
  expr: 'rate(prometheus_tsdb_head_samples_appended_total{type="float"}[1m])',
  tab: 'graph',
  rangeMs: 5 * 60_000,
  end: null,
  refreshMs: 5000,
  tree: false,
  block: null,
}

const ulid = /^[0-9A-HJKMNP-TV-Z]{26}$/

export const refreshChoices = [0, 5000, 15_000, 60_000, 5 * 60_000] as const

/** Reads the parameters of Prometheus's query page (`web/ui/mantine-ui/src/pages/query/urlStateEncoding.ts`, and
 *  the numbered tabs of 2.x); what is missing or not valid has its default. Null when there is no expression. */
export function readParams(search: string): QueryParams | null {
  const params = new URLSearchParams(search)
  const expr = params.get('g0.expr')
  if (expr === null) return null
  const tab = params.get('g0.tab')
  const refreshMs = parseDuration(params.get('g0.refresh') ?? '')
  return {
    expr,
    tab: tab === 'table' || tab === '1' ? 'table' : 'graph',
    rangeMs: parseDuration(params.get('g0.range_input') ?? '') || 3600_000,
    end: parseUtc(params.get('g0.end_input') ?? params.get('g0.moment_input') ?? ''),
    refreshMs: refreshMs ?? firstQuery.refreshMs,
    tree: params.get('g0.show_tree') === '1',
    block: ulid.exec(params.get('block') ?? '')?.[0] ?? null,
  }
}

/** Writes them so that `readParams` finds the same, and Prometheus the same query, which knows no `block`. Times lose
 *  what is below a second. */
export function writeParams(query: QueryParams): string {
  const params = new URLSearchParams({ 'g0.expr': query.expr, 'g0.tab': query.tab })
  params.set('g0.range_input', formatDuration(query.rangeMs))
  if (query.end !== null) {
    params.set('g0.end_input', formatUtc(query.end))
    params.set('g0.moment_input', formatUtc(query.end))
  }
  if (query.refreshMs !== firstQuery.refreshMs) params.set('g0.refresh', formatDuration(query.refreshMs))
  if (query.tree) params.set('g0.show_tree', '1')
  if (query.block !== null) params.set('block', query.block)
  return params.toString()
}
