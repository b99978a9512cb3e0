import { compareLabels, valueOf } from '../../model/labels.ts'
import { sortInRangeQuery } from '../annotations.ts'
import type { Call } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { copyOf, masked, presence, type Row, type Sink } from '../row.ts'
import { sortInTurns } from '../turns.ts'
import { argument, stringArgument } from './arguments.ts'
import { isNaturallyBefore } from './sortnatural.ts'

type Order = (a: Row, b: Row) => number

/** Functions that put series in an order. They have one in instant queries only. */
export const sort = {
  sort: sorted(withoutHistograms, () => byValue((a, b) => a - b)),
  sort_desc: sorted(withoutHistograms, () => byValue((a, b) => b - a)),
  sort_by_label: sorted(asItIs, byLabel),
  sort_by_label_desc: sorted(asItIs, call => {
    const order = byLabel(call)
    return (a, b) => -order(a, b)
  }),
} satisfies Partial<Record<FunctionName, Implementation>>

/** @param keep what is left of a row, null for nothing; it may be lent */
function sorted(keep: (row: Row) => Row | null, orderOf: (call: Call) => Order): Implementation {
  return {
    kind: 'special',
    run: async (call: Call, query: Evaluation, sink: Sink) => {
      const vector = argument(call, 0)
      const inRange = query.grid.steps > 1
      if (inRange) query.note(sortInRangeQuery(), call.span)
      const rows: Row[] = []
      await evaluate(vector, query, row => {
        const kept = keep(row)
        if (kept === null) return
        if (inRange) sink(kept)
        else rows.push(copyOf(kept))
      })
      for (const row of await sortInTurns(rows, orderOf(call), query)) sink(row)
    },
  }
}

function asItIs(row: Row): Row {
  return row
}

function withoutHistograms(row: Row): Row | null {
  if (row.histograms === null) return row
  const present = row.present.map(kind => (kind === presence.float ? kind : presence.none))
  return { ...masked(row, present), histograms: null }
}

/** NaN goes last, however the others go. */
function byValue(compare: (a: number, b: number) => number): Order {
  return ({ values: [a = NaN] }, { values: [b = NaN] }) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    // Equal infinities have no difference.
    return a === b ? 0 : compare(a, b)
  }
}

/** By the values of the labels named, one after the other; then by all labels. */
function byLabel(call: Call): Order {
  const names = call.args.slice(1).map((_, i) => stringArgument(call, i + 1))
  return (a, b) => {
    for (const name of names) {
      const [x, y] = [valueOf(a.labels, name), valueOf(b.labels, name)]
      if (x !== y) return isNaturallyBefore(x, y) ? -1 : 1
    }
    return compareLabels(a.labels, b.labels)
  }
}
