import type { FloatHistogram } from '../../model/histogram/float.ts'
import { labelsKey, metricName, valueOf, type Labels } from '../../model/labels.ts'
import { countValues } from './count.ts'
import { groupLabels } from './groups.ts'
import { HistogramFold } from './histograms.ts'
import { kernels, type Kernel, type Sums } from './kernels.ts'
import { limitRatio, limitSeries } from './limit.ts'
import { quantile } from './quantile.ts'
import { chooseByValue } from './top.ts'
import { histogramIgnoredInAggregation } from '../annotations.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { evaluate } from '../evaluate.ts'
import { presence, type Row, type Sink } from '../row.ts'

/** Aggregation operators (upstream `aggregation`, `aggregationK`, `aggregationCountValues`). */
export function aggregate(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  switch (expr.op) {
    case 'topk':
    case 'bottomk':
      return chooseByValue(expr, query, sink)
    case 'limitk':
      return limitSeries(expr, query, sink)
    case 'limit_ratio':
      return limitRatio(expr, query, sink)
    case 'quantile':
      return quantile(expr, query, sink)
    case 'count_values':
      return countValues(expr, query, sink)
    default:
      return fold(expr, kernels[expr.op], query, sink)
  }
}

/** What a group has come to so far. */
interface Group extends Row, Sums {
  histograms: (FloatHistogram | null)[] | null
  /** Null as long as no histogram has come. */
  folded: HistogramFold | null
}

/** Folds rows into their groups as they come; a group stands where its first row stood. */
async function fold(expr: AggregateExpr, kernel: Kernel, query: Evaluation, sink: Sink): Promise<void> {
  const labelsOf = groupLabels(expr)
  const groups = new Map<string, Group>()
  await evaluate(expr.expr, query, row => {
    const labels = labelsOf(row.labels)
    const key = labelsKey(labels)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = newGroup(query.grid.steps, labels, kernel)))
    group.dropName ||= row.dropName
    add(row, group, kernel, expr, query)
  })
  for (const group of groups.values()) {
    if (query.due) await query.pause()
    kernel.finish?.(group)
    group.folded?.finish(group)
    sink(group)
  }
}

function newGroup(steps: number, labels: Labels, { columns }: Kernel): Group {
  return {
    labels,
    dropName: false,
    values: new Float64Array(steps),
    present: new Uint8Array(steps),
    histograms: null,
    count: new Float64Array(columns.includes('count') ? steps : 0),
    aside: new Float64Array(columns.includes('aside') ? steps : 0),
    incremental: new Uint8Array(columns.includes('incremental') ? steps : 0),
    folded: null,
  }
}

function add(row: Row, group: Group, kernel: Kernel, expr: AggregateExpr, query: Evaluation): void {
  const { steps } = query.grid
  const { histograms } = kernel
  if (histograms === 'count' || (group.folded === null && row.histograms === null)) {
    kernel.add(group, row, 0, steps)
  } else if (histograms === 'ignore') {
    kernel.add(group, row, 0, steps)
    if (row.present.includes(presence.histogram))
      query.note(histogramIgnoredInAggregation(expr.op), expr.expr.span)
  } else {
    group.folded ??= new HistogramFold(steps, histograms, query, expr.expr.span)
    const name = valueOf(row.labels, metricName)
    for (let s = 0; s < steps; s++) {
      if (group.folded.take(row, group, s, name)) kernel.add(group, row, s, s + 1)
    }
  }
}
