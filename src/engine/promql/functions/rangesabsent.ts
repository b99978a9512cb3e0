import { labelsFrom, metricName, type Labels } from '../../model/labels.ts'
import type { Expr } from '../syntax/ast.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { eachWindowed, rangeArgument } from '../samples/ranges.ts'
import { emptyRow, presence } from '../row.ts'
import { Windows } from '../samples/windows.ts'

export const absentOverTime = {
  absent_over_time: {
    kind: 'special',
    run: async (call, query, sink) => {
      const range = rangeArgument(call)
      const windows = new Windows(query.grid, range, query.lookbackMs)
      const row = emptyRow(query.grid.steps, absentLabels(range))
      row.dropName = query.options.delayedNameRemoval
      row.values.fill(1)
      row.present.fill(presence.float)
      await eachWindowed(call, windows, query, (_labels, _nameless, { histograms }) => {
        query.limit(query.held + windows.largest)
        const { from, to, histogramFrom, histogramTo } = windows
        for (let s = 0; s < windows.steps; s++) {
          const any = from[s] !== to[s] || (histograms !== null && histogramFrom[s] !== histogramTo[s])
          if (any) row.present[s] = presence.none
        }
      })
      sink(row)
    },
  },
} satisfies Partial<Record<FunctionName, Implementation>>

/** Labels that a selector asks to be equal to a value; one that it asks for twice is none. Of any other expression there
 *  are none (upstream's `createLabelsForAbsentFunction`). */
export function absentLabels(expr: Expr): Labels {
  const selector = expr.kind === 'matrixSelector' ? expr.selector : expr
  if (selector.kind !== 'vectorSelector') return []
  const values = new Map<string, string>()
  const asked = new Set<string>()
  for (const { name, type, value } of selector.matchers) {
    if (name === metricName) continue
    if (type === '=' && !asked.has(name)) {
      values.set(name, value)
      asked.add(name)
    } else values.delete(name)
  }
  return labelsFrom(values)
}
