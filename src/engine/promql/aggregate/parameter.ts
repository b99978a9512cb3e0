import { formatGeneral } from '../../model/float.ts'
import { assert, QueryError, type Span } from '../../model/errors.ts'
import { invalidQuantile, invalidRatio } from '../annotations.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import { evaluate, scalarValues } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { Sink } from '../row.ts'

/** The k, φ or ratio of an aggregation (upstream `fParams`). */
export interface Parameter {
  readonly place: Span
  /** One a step. */
  readonly values: Float64Array
  /** NaN when any value is. */
  readonly min: number
  readonly max: number
}

export async function parameterOf({ param, op }: AggregateExpr, query: Evaluation): Promise<Parameter> {
  assert(param, `${op} without its parameter`)
  const values = await scalarValues(param, query)
  let [min, max] = [Infinity, -Infinity]
  for (let s = 0; s < values.length; s++) {
    min = Math.min(min, values[s] as number)
    max = Math.max(max, values[s] as number)
  }
  return { place: param.span, values, min, max }
}

/** The first and the last k that upstream finds too large for 64 bits. */
const int64 = { under: -(2 ** 63), over: 2 ** 63 - 1024 }

/** Evaluates what series are chosen from. Upstream looks at the number of series only afterwards, so an error of the
 *  expression comes first.
 *  @throws QueryError (`execution`) when there is no such number of series */
export async function chooseFrom(
  { expr }: AggregateExpr,
  k: Parameter,
  query: Evaluation,
  take: Sink,
): Promise<void> {
  const problem = k.max < 1 ? null : problemOfCount(k)
  await evaluate(expr, query, problem || k.max < 1 ? () => undefined : take)
  if (problem) throw new QueryError('execution', problem)
}

function problemOfCount({ min, max }: Parameter): string | null {
  if (Number.isNaN(max)) return 'Parameter value is NaN'
  if (min <= int64.under) return `Scalar value ${formatGeneral(min)} underflows int64`
  if (max >= int64.over) return `Scalar value ${formatGeneral(max)} overflows int64`
  return null
}

/** The same for a share of the series. A ratio beyond 1 or -1 counts as that. */
export async function sampleFrom(
  { expr, span }: AggregateExpr,
  ratio: Parameter,
  query: Evaluation,
  take: Sink,
): Promise<void> {
  const { min, max } = ratio
  const none = Number.isNaN(max) || (max === 0 && min === 0)
  await evaluate(expr, query, none ? () => undefined : take)
  if (Number.isNaN(max)) throw new QueryError('execution', 'Ratio value is NaN')
  if (max > 1) query.note(invalidRatio(max, 1), ratio.place, span)
  if (min < -1) query.note(invalidRatio(min, -1), ratio.place, span)
}

/** Says what is strange about a φ; it is no error. */
export function noteQuantile(
  { place, min, max }: Parameter,
  { span }: AggregateExpr,
  query: Evaluation,
): void {
  if (Number.isNaN(max)) query.note(invalidQuantile(NaN), place, span)
  if (max > 1) query.note(invalidQuantile(max), place, span)
  if (min < 0) query.note(invalidQuantile(min), place, span)
}
