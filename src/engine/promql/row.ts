import { assert } from '../model/errors.ts'
import type { FloatHistogram } from '../model/histogram/float.ts'
import type { Labels } from '../model/labels.ts'

/** What a row has at a step. */
export const presence = { none: 0, float: 1, histogram: 2 } as const

/** One series at all steps of the query. What an operator hands on is lent: it is valid until the receiver
 *  returns, and the receiver copies what it keeps. Histograms are never changed once they are in a row, so they may be
 *  kept and shared. */
export interface Row {
  labels: Labels
  /** The metric's name goes when the query is done: upstream's delayed name removal. Always false where names are
   *  removed at once. */
  dropName: boolean
  readonly values: Float64Array
  /** A `presence` for each step. A NaN is a value, absence is not. */
  readonly present: Uint8Array
  /** The histograms, null at other steps; null when there is none at all. */
  histograms: (FloatHistogram | null)[] | null
}

export type Sink = (row: Row) => void

/** The times at which the query is evaluated: `start + i × step` for i < steps, in milliseconds. */
export interface Grid {
  readonly start: number
  readonly step: number
  readonly steps: number
}

export function emptyRow(steps: number, labels: Labels = []): Row {
  return {
    labels,
    dropName: false,
    values: new Float64Array(steps),
    present: new Uint8Array(steps),
    histograms: null,
  }
}

export function copyOf({ labels, dropName, values, present, histograms }: Row): Row {
  return {
    labels,
    dropName,
    values: values.slice(),
    present: present.slice(),
    histograms: histograms && [...histograms],
  }
}

/** The row at some of its steps only.
 *  @param present what is kept of the row's own; the result lends it */
export function masked(row: Row, present: Uint8Array): Row {
  const { labels, dropName, values } = row
  const histograms = row.histograms?.map((histogram, s) => (present[s] === presence.none ? null : histogram))
  return { labels, dropName, values, present, histograms: histograms ?? null }
}

/** Steps at which there is something. */
function countPresent({ present }: Row): number {
  let count = 0
  for (let s = 0; s < present.length; s++) if (present[s] !== presence.none) count++
  return count
}

/** The samples of a row as Prometheus counts them where it limits them: histograms by their weight. */
export function samplesIn(row: Row): number {
  let count = countPresent(row)
  if (row.histograms === null) return count
  for (let s = 0; s < row.present.length; s++) {
    if (row.present[s] === presence.histogram) count += histogramAt(row, s).weight - 1
  }
  return count
}

/** Puts a histogram into a row. */
export function setHistogram(row: Row, step: number, histogram: FloatHistogram): void {
  row.histograms ??= new Array<FloatHistogram | null>(row.values.length).fill(null)
  row.histograms[step] = histogram
  row.present[step] = presence.histogram
}

/** The histogram of a step that has one. */
export function histogramAt(row: Row, step: number): FloatHistogram {
  const histogram = row.histograms?.[step]
  assert(histogram, `no histogram at step ${step}`)
  return histogram
}
