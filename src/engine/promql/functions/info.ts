import { QueryError } from '../../model/errors.ts'
import { labelsFrom, metricName, pairsOf, valueOf, type Labels } from '../../model/labels.ts'
import type { Call } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Joined } from '../naming.ts'
import { copyOf, masked, presence, type Row, type Sink } from '../row.ts'
import { argument } from './arguments.ts'
import { InfoSelection } from './infoselection.ts'
import { InfoSeries } from './infoseries.ts'

export const info = {
  info: { kind: 'special', run },
} satisfies Partial<Record<FunctionName, Implementation>>

/** Adds to each series the labels of the info series that belong to it, of each metric the newest one at each step
 *  (upstream's `evalInfo`). Info series among them stay as they are. */
async function run(call: Call, query: Evaluation, sink: Sink): Promise<void> {
  const selection = new InfoSelection(call)
  const rows: Row[] = []
  await evaluate(argument(call, 0), query, row => rows.push(copyOf(row)))
  const others = rows.filter(row => !selection.isInfo(valueOf(row.labels, metricName)))
  const series = new InfoSeries(stepsOf(rows, query.grid.steps))
  await series.read(others, selection, query)
  const enriched = new Set(others)
  const joined = new Joined()
  for (const row of rows) {
    if (query.due) await query.pause()
    if (enriched.has(row)) enrich(row, series, selection, part => joined.add(part))
    else joined.add(row)
  }
  await joined.emit(query, sink)
}

/** 1 for each step at which any row has something. */
function stepsOf(rows: readonly Row[], steps: number): Uint8Array {
  const any = new Uint8Array(steps)
  for (const { present } of rows) {
    for (let s = 0; s < steps; s++) if (present[s] !== presence.none) any[s] = 1
  }
  return any
}

/** Hands on the row with its new labels: in parts, where they change from step to step. */
function enrich(row: Row, series: InfoSeries, selection: InfoSelection, take: Sink): void {
  const newest = series.belongingTo(row.labels)
  const parts = new Map<string, { readonly at: number; readonly present: Uint8Array }>()
  let part: { readonly at: number; readonly present: Uint8Array } | undefined
  for (let s = 0; s < row.present.length; s++) {
    if (row.present[s] === presence.none) continue
    if (!part || !newest.every(ofMetric => ofMetric[s] === ofMetric[part?.at ?? s])) {
      const key = newest.map(ofMetric => ofMetric[s]).join()
      part = parts.get(key) ?? { at: s, present: new Uint8Array(row.present.length) }
      parts.set(key, part)
    }
    part.present[s] = row.present[s] as number
  }
  for (const { at, present } of parts.values()) {
    const infos = newest.flatMap(ofMetric => {
      const labels = series.labelsOf(ofMetric[at] as number)
      return labels ? [labels] : []
    })
    if (infos.length === 0 && !selection.acceptsNone) continue
    const labels = labelsFrom([...addedLabels(row.labels, infos, selection), ...pairsOf(row.labels)])
    take({ ...masked(row, present), labels })
  }
}

/** Labels of info series that a series does not have itself.
 *  @throws QueryError (`execution`) when two info metrics disagree */
function addedLabels(own: Labels, infos: readonly Labels[], selection: InfoSelection): Map<string, string> {
  const added = new Map<string, string>()
  for (const labels of infos) {
    for (const [name, value] of pairsOf(labels)) {
      if (!selection.wants(name)) continue
      if ((added.get(name) ?? value) !== value)
        throw new QueryError('execution', `conflicting label: ${name}`)
      if (valueOf(own, name) === '') added.set(name, value)
    }
  }
  return added
}
