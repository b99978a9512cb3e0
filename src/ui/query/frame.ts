import type { RangeAnswer } from '../../engine/model/answers.ts'
import { labelsKey, pairsOf, type Labels } from '../../engine/model/labels.ts'
import { toColumns, withNumbersOnly, type Columns } from './columns.ts'
import type { Slots } from './palette.ts'
import type { GraphWindow } from './window.ts'

/** A graph as it is drawn: a series has the same index in `labels`, `keys`, `slots` and `rows`. */
export interface Frame extends Columns {
  readonly window: GraphWindow
  readonly labels: readonly Labels[]
  readonly keys: readonly string[]
  /** Places in the palette. */
  readonly slots: readonly number[]
  /** Series of the answer, of which only the first may be drawn. */
  readonly total: number
  /** Points that are native histograms and not drawn. */
  readonly histograms: number
}

/** Of keys; what every question begins with. */
export const nothingHidden: ReadonlySet<string> = new Set()

/** Series that are drawn unasked: more are hard to tell apart. */
export const drawnAtFirst = 100

export function toFrame(whole: RangeAnswer, window: GraphWindow, limit: number, slots: Slots): Frame {
  const answer = withNumbersOnly(whole)
  const labels = answer.labels.slice(0, limit)
  const keys = labels.map(labelsKey)
  return {
    ...toColumns(answer, limit),
    window,
    labels,
    keys,
    slots: slots.assign(keys),
    total: answer.labels.length,
    histograms: whole.histograms?.length ?? 0,
  }
}

/** The pairs that all of these label sets share, to be said once instead of in every row; none for fewer than
 *  two sets. */
export function commonLabels(sets: readonly Labels[]): Labels {
  const [first, ...others] = sets
  if (!first || others.length === 0) return []
  let shared = [...pairsOf(first)]
  for (const labels of others) {
    const pairs = new Map(pairsOf(labels))
    shared = shared.filter(([name, value]) => pairs.get(name) === value)
    if (shared.length === 0) return []
  }
  return shared.flat()
}

/** A label set without pairs that were said elsewhere. */
export function withoutCommon(labels: Labels, common: Labels): Labels {
  const names = new Set(Array.from(pairsOf(common), ([name]) => name))
  return [...pairsOf(labels)].filter(([name]) => !names.has(name)).flat()
}

/** Which series are hidden after a click in the legend: alone it shows just this one, or all again when it was
 *  the only one; `toggled` (with Ctrl) it switches just this one. */
export function hiddenAfter(
  hidden: ReadonlySet<string>,
  keys: readonly string[],
  key: string,
  toggled: boolean,
): ReadonlySet<string> {
  if (toggled) {
    const next = new Set(hidden)
    if (!next.delete(key)) next.add(key)
    return next
  }
  const shown = keys.filter(k => !hidden.has(k))
  return shown.length === 1 && shown[0] === key ? new Set() : new Set(keys.filter(k => k !== key))
}
