import { keepLabels, metricName, type Labels } from '../../model/labels.ts'
import type { AggregateExpr } from '../syntax/ast.ts'

/** Labels of the group to which a series belongs (upstream `generateGroupingLabels`). */
export function groupLabels({ grouping, without }: AggregateExpr): (labels: Labels) => Labels {
  const names = new Set(grouping)
  if (without) return labels => keepLabels(labels, name => !names.has(name) && name !== metricName)
  return names.size === 0 ? () => [] : labels => keepLabels(labels, name => names.has(name))
}
