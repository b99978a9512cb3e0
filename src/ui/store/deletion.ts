import type { SeriesDeletion } from '../../engine/api/service.ts'
import { readRange, type RangeDraft, type RangeErrors } from '../blocks/range.ts'
import { formatCount } from '../format/number.ts'
import { formatTime } from '../format/time.ts'
import type { QueryFailure } from '../query/run.svelte.ts'
import { texts } from '../texts.ts'
import type { Matched, SelectorProblems } from './selectors.ts'

/** Milliseconds, as far as a JavaScript date goes: no sample of anybody lies outside. */
const always = { minT: -8.64e15, maxT: 8.64e15 }

export interface DeletionErrors extends RangeErrors {
  readonly selectors: SelectorProblems
}

/** Reads the form: both ends belong to the deletion, an empty one is open. */
export function readDeletion(
  selectors: readonly string[],
  draft: RangeDraft,
): { deletion: SeriesDeletion } | { errors: DeletionErrors } {
  const problems = selectors.map(wantSelector)
  const read = readRange(draft, always)
  const missing = problems.some(problem => problem !== null)
  if ('errors' in read || missing) {
    return { errors: { ...('errors' in read && read.errors), selectors: problems } }
  }
  const { minT, maxT } = read.range
  return { deletion: { match: selectors, minT, maxT: maxT - 1 } }
}

function wantSelector(expr: string): QueryFailure | null {
  return expr.trim() === '' ? { message: texts.store.deletion.wantSelector, expr, span: null } : null
}

/** `Delete the samples of 12 series from 2026-11-22 13:00:00 to 2026-11-22 14:00:00?` */
export function questionText({ minT, maxT }: SeriesDeletion, matched: Matched): string {
  const { deletion: t } = texts.store
  const series = countText(matched)
  const [from, to] = [minT > always.minT && formatTime(minT), maxT < always.maxT && formatTime(maxT)]
  if (from) return t.question(series, to ? t.between(from, to) : t.since(from))
  return to ? t.question(series, t.until(to)) : t.questionAll(series)
}

/** `12 series`, or `more than 1,000 series`. */
export function countText({ series, more }: Matched): string {
  const { deletion: t } = texts.store
  const n = formatCount(series.length)
  return more ? t.more(n) : t.series(n)
}
