import { QueryError } from '../../model/errors.ts'
import { formatFixed } from '../../model/float.ts'
import { histogramText } from '../../model/histogram/floattext.ts'
import { labelsKey, quote, withLabel, type Labels } from '../../model/labels.ts'
import { groupLabels } from './groups.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import { emptyRow, histogramAt, presence, type Sink } from '../row.ts'

/** How many series have a value: by step, because most values are there at few steps only. */
interface Counted {
  readonly labels: Labels
  readonly counts: Map<number, number>
}

/** How many series of each group have the same value; a label tells it. */
export async function countValues(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const name = labelOf(expr)
  const values = new CountedValues(expr, name)
  await evaluate(expr.expr, query, row => {
    const group = values.groupOf(row.labels)
    for (let s = 0; s < row.present.length; s++) {
      if (row.present[s] === presence.float) values.countFloat(group, row.values[s] as number, s)
      else if (row.present[s] === presence.histogram)
        values.countText(group, histogramText(histogramAt(row, s)), s)
    }
  })
  const row = emptyRow(query.grid.steps)
  for (const { labels, counts } of values.all()) {
    if (query.due) await query.pause()
    row.labels = labels
    row.present.fill(presence.none)
    for (const [s, count] of counts) {
      row.present[s] = presence.float
      row.values[s] = count
    }
    sink(row)
  }
}

/** @throws QueryError (`execution`) when there can be no such label */
function labelOf({ param }: AggregateExpr): string {
  const name = param?.kind === 'string' ? param.value : ''
  if (name === '' || /\p{Cs}/u.test(name))
    throw new QueryError('execution', `invalid label name ${quote(name)}`)
  return name
}

/** The series of one group, apart from their values. */
interface Group {
  readonly labels: Labels
  readonly byFloat: Map<number, Counted>
  readonly byText: Map<string, Counted>
}

class CountedValues {
  private readonly name: string
  private readonly labelsOf: (labels: Labels) => Labels
  /** Whether values are told apart at all: `without` can take their label away. */
  private readonly apart: boolean
  private readonly groups = new Map<string, Group>()

  constructor(expr: AggregateExpr, name: string) {
    this.name = name
    this.labelsOf = groupLabels(expr)
    const probe = this.labelsOf([name, 'value'])
    this.apart = !expr.without || probe.length > 0
  }

  groupOf(all: Labels): Group {
    const labels = withLabel(this.labelsOf(all), this.name, '')
    const key = labelsKey(labels)
    let group = this.groups.get(key)
    if (!group) this.groups.set(key, (group = { labels, byFloat: new Map(), byText: new Map() }))
    return group
  }

  countFloat(group: Group, value: number, step: number): void {
    // A map takes -0 for 0.
    if (!this.apart || Object.is(value, -0)) {
      this.countText(group, formatFixed(value), step)
      return
    }
    let counted = group.byFloat.get(value)
    if (!counted) group.byFloat.set(value, (counted = this.newCounted(group, formatFixed(value))))
    countAt(counted, step)
  }

  countText(group: Group, value: string, step: number): void {
    const key = this.apart ? value : ''
    let counted = group.byText.get(key)
    if (!counted) group.byText.set(key, (counted = this.newCounted(group, key)))
    countAt(counted, step)
  }

  private newCounted({ labels }: Group, value: string): Counted {
    return { labels: withLabel(labels, this.name, value), counts: new Map() }
  }

  *all(): Generator<Counted> {
    for (const { byFloat, byText } of this.groups.values()) {
      yield* byFloat.values()
      yield* byText.values()
    }
  }
}

function countAt({ counts }: Counted, step: number): void {
  counts.set(step, (counts.get(step) ?? 0) + 1)
}
