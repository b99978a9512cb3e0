import { QueryError } from '../../model/errors.ts'
import type { Matcher } from '../../model/matcher.ts'
import { parseSelector } from './parser.ts'

/** The matchers of a series selector such as `up{job="a"}`, as the API takes it in `match[]` (`parseMatchersParam` of
 *  upstream's `web/api/v1/api.go`).
 *  @throws QueryError (`bad_data`) in Prometheus's words; for a selector that matches series without any label, too */
export function parseMetricSelector(text: string): readonly Matcher[] {
  const matchers = parseSelector(text)
  if (matchers.some(matcher => !matcher.matches(''))) return matchers
  throw new QueryError('bad_data', 'match[] must contain at least one non-empty matcher')
}
