import { keepLabels, labelsKey, metricName, type Labels } from '../model/labels.ts'
import type { AggregateExpr } from './ast.ts'
import type { Evaluation } from './evaluation.ts'
import { evaluate } from './evaluate.ts'
import { compensate } from './kahan.ts'
import type { Row, Sink } from './row.ts'

/** What a group has come to so far, a place for each step. */
interface Group extends Row {
  // The columns that a kernel does not name in `needs` are empty.
  /** Number of values. */
  readonly count: Float64Array
  /** Compensation of a Kahan sum; for the deviations, the mean. */
  readonly aside: Float64Array
  /** 1 where an average goes on as a mean, because its sum would overflow. */
  readonly incremental: Uint8Array
}

interface Kernel {
  readonly needs: readonly ('count' | 'aside' | 'incremental')[]
  /** Takes a value into a group that has values already; `count` includes it. The first one is simply put down. */
  add(group: Group, step: number, value: number): void
  /** What the first value of a group becomes; itself by default. */
  first?(group: Group, step: number, value: number): number
  /** Turns what was collected into the result. */
  finish?(group: Group, step: number): number
}

export const aggregators = {
  sum: { needs: ['aside'], add: addToSum, finish: ({ values, aside }, s) => at(values, s) + at(aside, s) },
  avg: { needs: ['count', 'aside', 'incremental'], add: addToAverage, finish: finishAverage },
  min: { needs: [], add: (group, s, value) => replace(group, s, value, at(group.values, s) > value) },
  max: { needs: [], add: (group, s, value) => replace(group, s, value, at(group.values, s) < value) },
  count: { needs: ['count'], add: () => undefined, finish: ({ count }, s) => at(count, s) },
  group: { needs: [], add: () => undefined, finish: () => 1 },
  stdvar: { needs: ['count', 'aside'], first: startDeviation, add: addDeviation, finish: variance },
  stddev: {
    needs: ['count', 'aside'],
    first: startDeviation,
    add: addDeviation,
    finish: (group, s) => Math.sqrt(variance(group, s)),
  },
} satisfies Record<string, Kernel>

export type Aggregator = keyof typeof aggregators

/** Folds rows into their groups as they come; a group stands where its first row stood. */
export async function aggregate(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const kernel: Kernel = aggregators[expr.op]
  const labelsOf = grouping(expr)
  const groups = new Map<string, Group>()
  await evaluate(expr.expr, query, row => {
    const labels = labelsOf(row.labels)
    const key = labelsKey(labels)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = newGroup(query.grid.steps, labels, kernel)))
    fold(group, row, kernel)
  })
  for (const group of groups.values()) {
    finish(group, kernel)
    sink(group)
  }
}

function grouping({ grouping, without }: AggregateExpr): (labels: Labels) => Labels {
  const names = new Set(grouping)
  if (without) return labels => keepLabels(labels, name => !names.has(name) && name !== metricName)
  return names.size === 0 ? () => [] : labels => keepLabels(labels, name => names.has(name))
}

function newGroup(steps: number, labels: Labels, { needs }: Kernel): Group {
  return {
    labels,
    values: new Float64Array(steps),
    present: new Uint8Array(steps),
    count: new Float64Array(needs.includes('count') ? steps : 0),
    aside: new Float64Array(needs.includes('aside') ? steps : 0),
    incremental: new Uint8Array(needs.includes('incremental') ? steps : 0),
  }
}

function fold(group: Group, { values, present }: Row, kernel: Kernel): void {
  const counts = group.count.length > 0
  for (let s = 0; s < present.length; s++) {
    if (present[s] === 0) continue
    const value = at(values, s)
    if (counts) group.count[s] = at(group.count, s) + 1
    if (group.present[s] === 1) {
      kernel.add(group, s, value)
    } else {
      group.present[s] = 1
      group.values[s] = kernel.first ? kernel.first(group, s, value) : value
    }
  }
}

function finish(group: Group, kernel: Kernel): void {
  if (!kernel.finish) return
  for (let s = 0; s < group.present.length; s++) {
    if (group.present[s] === 1) group.values[s] = kernel.finish(group, s)
  }
}

function addToSum({ values, aside }: Group, s: number, value: number): void {
  const sum = at(values, s)
  const total = sum + value
  aside[s] = compensate(at(aside, s), sum, value, total)
  values[s] = total
}

function addToAverage(group: Group, s: number, value: number): void {
  const { values, aside, incremental } = group
  const count = at(group.count, s)
  if (incremental[s] === 0) {
    const total = at(values, s) + value
    if (total !== Infinity && total !== -Infinity) {
      addToSum(group, s, value)
      return
    }
    incremental[s] = 1
    values[s] = at(values, s) / (count - 1)
    aside[s] = at(aside, s) / (count - 1)
  }
  const q = (count - 1) / count
  const mean = q * at(values, s)
  const total = mean + value / count
  aside[s] = compensate(q * at(aside, s), mean, value / count, total)
  values[s] = total
}

function finishAverage({ values, aside, count, incremental }: Group, s: number): number {
  if (incremental[s] === 1) return at(values, s) + at(aside, s)
  return at(values, s) / at(count, s) + at(aside, s) / at(count, s)
}

/** NaN gives way to every number. */
function replace({ values }: Group, s: number, value: number, better: boolean): void {
  if (better || Number.isNaN(values[s])) values[s] = value
}

function startDeviation({ aside }: Group, s: number, value: number): number {
  aside[s] = value
  return Number.isFinite(value) ? 0 : NaN
}

/** Welford's algorithm. */
function addDeviation({ values, aside, count }: Group, s: number, value: number): void {
  const delta = value - at(aside, s)
  aside[s] = at(aside, s) + delta / at(count, s)
  values[s] = at(values, s) + delta * (value - at(aside, s))
}

function variance({ values, count }: Group, s: number): number {
  return at(values, s) / at(count, s)
}

function at(column: Float64Array, step: number): number {
  return column[step] as number
}
