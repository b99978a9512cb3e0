import { QueryError } from '../../model/errors.ts'
import {
  isLegacyLabel,
  labelsKey,
  metricName,
  pairsOf,
  quote,
  valueOf,
  type Labels,
} from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Evaluation } from '../evaluation.ts'
import { emptyRow, presence, type Row } from '../row.ts'
import { eachSeries, LookTimes } from '../samples/selectors.ts'
import type { InfoSelection } from './infoselection.ts'
import { Newest } from './timestampsnewest.ts'

/** Labels by which info series belong to others. */
const identifying = ['instance', 'job'] as const

/** Info series of one metric with the same identifying labels. */
interface Group {
  /** The series with the newest sample at each step; -1 for none. */
  readonly series: Int32Array
  /** When that was taken, milliseconds. */
  readonly t: Float64Array
}

/** The info series that could belong to any series, and of those that are alike the newest at each step. */
export class InfoSeries {
  private readonly steps: Uint8Array
  private readonly all: Labels[] = []
  private readonly names = new Set<string>()
  private readonly groups = new Map<string, Group>()
  /** Where the series at hand has samples. */
  private readonly found: Row

  /** @param steps 1 for each step at which anybody wants to know */
  constructor(steps: Uint8Array) {
    this.steps = steps
    this.found = emptyRow(steps.length)
  }

  /** Reads those that could belong to one of the rows.
   *  @throws QueryError (`execution`) when two that are alike have samples of the same time */
  async read(rows: readonly Row[], selection: InfoSelection, query: Evaluation): Promise<void> {
    const alike = identifying.flatMap(name => valuesOf(name, rows))
    if (alike.length === 0) return
    const selector = selection.selector(alike)
    const times = new LookTimes(selector, query)
    const newest = new Newest()
    await eachSeries(selector, times.range(query.lookbackMs), query, (labels, columns) => {
      newest.of(columns)
      query.tally.addRow(this.add(labels, newest, times))
    })
  }

  /** For each info metric that has some, the series that belong to these labels, one at each step. */
  belongingTo(labels: Labels): Int32Array[] {
    const found: Int32Array[] = []
    for (const name of this.names) {
      const group = this.groups.get(signature(name, labels))
      if (group) found.push(group.series)
    }
    return found
  }

  labelsOf(series: number): Labels | null {
    return this.all[series] ?? null
  }

  /** Answers where there are samples. */
  private add(labels: Labels, newest: Newest, times: LookTimes): Row {
    const series = this.all.push(labels) - 1
    const group = this.groupOf(labels)
    this.found.present.fill(presence.none)
    for (let s = 0; s < times.steps; s++) {
      if (!newest.at(times.first + s * times.stepMs, times.lookbackMs)) continue
      if (newest.isHistogram) throw noFloat(labels)
      this.found.present[s] = presence.float
      const before = group.series[s] as number
      if (this.steps[s] === 0 || (before >= 0 && (group.t[s] as number) > newest.t)) continue
      if (before >= 0 && group.t[s] === newest.t)
        throw duplicate(this.all[before] as Labels, labels, newest.t)
      group.series[s] = series
      group.t[s] = newest.t
    }
    return this.found
  }

  private groupOf(labels: Labels): Group {
    const name = valueOf(labels, metricName)
    this.names.add(name)
    const key = signature(name, labels)
    let group = this.groups.get(key)
    if (!group) {
      const { length } = this.steps
      group = { series: new Int32Array(length).fill(-1), t: new Float64Array(length) }
      this.groups.set(key, group)
    }
    return group
  }
}

function signature(name: string, labels: Labels): string {
  return labelsKey([name, ...identifying.map(label => valueOf(labels, label))])
}

/** A matcher for the values that a label has in the rows; none when it has none. */
function valuesOf(name: string, rows: readonly Row[]): Matcher[] {
  const values = new Set(rows.map(({ labels }) => valueOf(labels, name)))
  values.delete('')
  if (values.size === 0) return []
  const value = [...values].map(text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  return [{ name, type: '=~', value, literals: [...values], matches: text => values.has(text) }]
}

function noFloat(labels: Labels): QueryError {
  return new QueryError('execution', `this should be an info metric, with float samples: ${inBraces(labels)}`)
}

function duplicate(existing: Labels, found: Labels, t: number): QueryError {
  const places = `existing ${inBraces(existing)} @ ${t}, new ${inBraces(found)} @ ${t}`
  return new QueryError('execution', `found duplicate series for info metric: ${places}`)
}

/** All labels, the metric's name among them (upstream's `Labels.String`). */
function inBraces(labels: Labels): string {
  const pairs = [...pairsOf(labels)]
  return `{${pairs.map(([name, value]) => `${isLegacyLabel(name) ? name : quote(name)}=${quote(value)}`).join(', ')}}`
}
