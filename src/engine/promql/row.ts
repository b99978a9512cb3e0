import type { Labels } from '../model/labels.ts'

/** One series at all steps of the query. What an operator hands on is lent: it is valid until the receiver
 *  returns, and the receiver copies what it keeps. */
export interface Row {
  labels: Labels
  readonly values: Float64Array
  /** One byte a step, 1 where there is a value. A NaN is a value, absence is not. */
  readonly present: Uint8Array
}

export type Sink = (row: Row) => void

/** The times at which the query is evaluated: `start + i × step` for i < steps, in milliseconds. */
export interface Grid {
  readonly start: number
  readonly step: number
  readonly steps: number
}

export function emptyRow(steps: number, labels: Labels = []): Row {
  return { labels, values: new Float64Array(steps), present: new Uint8Array(steps) }
}

export function copyOf({ labels, values, present }: Row): Row {
  return { labels, values: values.slice(), present: present.slice() }
}

export function countPresent({ present }: Row): number {
  let count = 0
  for (let s = 0; s < present.length; s++) count += present[s] as number
  return count
}
