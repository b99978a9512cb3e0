import { labelsKey, type Labels } from '../../model/labels.ts'
import { groupLabels } from './groups.ts'
import { Heaps } from './heaps.ts'
import { chooseFrom, parameterOf } from './parameter.ts'
import { histogramIgnoredInAggregation } from '../annotations.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { emptyRow, presence, type Row, type Sink } from '../row.ts'

/** The k series of each group with the largest values at every step (`topk`), or the smallest (`bottomk`). At one step
 *  they are answered from the best one down; with more steps as series. */
export async function chooseByValue(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const { steps } = query.grid
  const k = await parameterOf(expr, query)
  const counts = Float64Array.from(k.values, Math.trunc)
  const sign = expr.op === 'topk' ? 1 : -1
  const labelsOf = groupLabels(expr)
  const groups = new Map<string, Ranking>()
  await chooseFrom(expr, k, query, row => {
    const key = labelsKey(labelsOf(row.labels))
    let group = groups.get(key)
    if (!group) groups.set(key, (group = new Ranking(steps, sign)))
    if (group.take(row, counts)) query.note(histogramIgnoredInAggregation(expr.op), expr.span)
  })
  const row = emptyRow(steps)
  for (const group of groups.values()) {
    for (const member of steps === 1 ? group.best(row) : group.rows(row)) {
      if (query.due) await query.pause()
      sink(member)
    }
  }
}

/** The best of one group. For `bottomk` values are kept with the other sign. */
class Ranking {
  private readonly sign: 1 | -1
  private readonly heaps: Heaps
  private readonly members: { readonly labels: Labels; readonly dropName: boolean }[] = []

  constructor(steps: number, sign: 1 | -1) {
    this.sign = sign
    this.heaps = new Heaps(steps)
  }

  /** Takes in a row; whether there was a histogram, which has no rank. */
  take({ labels, dropName, values, present }: Row, counts: Float64Array): boolean {
    const { sign, heaps } = this
    const member = this.members.length
    this.members.push({ labels, dropName })
    let histograms = false
    for (let s = 0; s < present.length; s++) {
      if (present[s] === presence.none) continue
      const k = counts[s] as number
      if (k < 1) continue
      if (present[s] === presence.histogram) histograms = true
      else heaps.offer(s, sign * (values[s] as number), member, k)
    }
    return histograms
  }

  /** The members in the order of their values at the only step. They are lent. */
  *best(row: Row): Generator<Row> {
    row.present[0] = presence.float
    for (const place of this.heaps.sorted(0)) {
      this.introduce(row, this.heaps.members[place] as number)
      row.values[0] = this.sign * (this.heaps.values[place] as number)
      yield row
    }
  }

  /** The members that were chosen at any step, in the order in which they came. They are lent. */
  *rows(row: Row): Generator<Row> {
    const { heaps, members, sign } = this
    const { ends, places } = heaps.byMember(members.length)
    for (let member = 0, at = 0; member < members.length; member++) {
      const end = ends[member] as number
      if (at === end) continue
      this.introduce(row, member)
      row.present.fill(presence.none)
      for (; at < end; at++) {
        const place = places[at] as number
        const s = heaps.stepOf(place)
        row.present[s] = presence.float
        row.values[s] = sign * (heaps.values[place] as number)
      }
      yield row
    }
  }

  private introduce(row: Row, member: number): void {
    const { labels, dropName } = this.members[member] as { labels: Labels; dropName: boolean }
    row.labels = labels
    row.dropName = dropName
  }
}
