import { labelsKey, type Labels } from '../../model/labels.ts'
import { groupLabels } from './groups.ts'
import { noteQuantile, parameterOf } from './parameter.ts'
import { histogramIgnoredInAggregation } from '../annotations.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import { emptyRow, presence, type Row, type Sink } from '../row.ts'

/** A group whose series have to be there all at once. */
interface Group {
  readonly labels: Labels
  dropName: boolean
  readonly columns: { readonly values: Float64Array; readonly present: Uint8Array }[]
}

/** The φ-quantile of the floats of each group. */
export async function quantile(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const parameter = await parameterOf(expr, query)
  const labelsOf = groupLabels(expr)
  const groups = new Map<string, Group>()
  await evaluate(expr.expr, query, ({ labels, dropName, values, present }) => {
    if (present.includes(presence.histogram))
      query.note(histogramIgnoredInAggregation('quantile'), expr.expr.span)
    const ofGroup = labelsOf(labels)
    const key = labelsKey(ofGroup)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = { labels: ofGroup, dropName: false, columns: [] }))
    group.dropName ||= dropName
    group.columns.push({ values: values.slice(), present: present.slice() })
  })
  noteQuantile(parameter, expr, query)
  for (const group of groups.values()) sink(await quantiles(group, parameter.values, query))
}

async function quantiles(group: Group, q: Float64Array, query: Evaluation): Promise<Row> {
  const { steps } = query.grid
  const result = emptyRow(steps, group.labels)
  result.dropName = group.dropName
  const gathered = new Float64Array(group.columns.length)
  for (let s = 0; s < steps; s++) {
    if (query.due) await query.pause()
    const count = gather(group, s, gathered)
    if (count === 0) continue
    result.present[s] = presence.float
    result.values[s] = quantileOf(gathered.subarray(0, count), q[s] as number)
  }
  return result
}

function gather({ columns }: Group, step: number, values: Float64Array): number {
  let count = 0
  for (const column of columns) {
    if (column.present[step] === presence.float) values[count++] = column.values[step] as number
  }
  return count
}

/** Sorts the values, of which there is at least one, and interpolates between the two that are nearest to the rank
 *  (upstream `quantile`). */
function quantileOf(values: Float64Array, q: number): number {
  if (Number.isNaN(q)) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  values.sort()
  const rank = q * (values.length - 1)
  const below = Math.floor(rank)
  const weight = rank - below
  const above = Math.min(values.length - 1, below + 1)
  return ranked(values, below) * (1 - weight) + ranked(values, above) * weight
}

/** Value of a rank from sorted values, where NaN comes first; typed arrays sort it to the end. */
function ranked(values: Float64Array, rank: number): number {
  if (!Number.isNaN(values.at(-1))) return values[rank] as number
  const firstNaN = values.findIndex(Number.isNaN)
  const numbersFrom = values.length - firstNaN
  return rank < numbersFrom ? NaN : (values[rank - numbersFrom] as number)
}
