import { compensate } from '../../model/kahan.ts'
import { presence, type Row } from '../row.ts'

// How the floats of a group become one, column by column. Loops are written out: a call for each value would cost
// more than the sum.

/** What is collected for a group, a place for each step. The columns that a kernel does not name are empty. */
export interface Sums {
  readonly values: Float64Array
  /** A `presence`. */
  readonly present: Uint8Array
  /** Number of values. */
  readonly count: Float64Array
  /** Compensation of a Kahan sum; for the deviations, the mean. */
  readonly aside: Float64Array
  /** 1 where an average goes on as a mean, because its sum would overflow. */
  readonly incremental: Uint8Array
}

export interface Kernel {
  readonly columns: readonly ('count' | 'aside' | 'incremental')[]
  /** What becomes of histograms: they count like floats, are left out, or are added up apart. */
  readonly histograms: 'count' | 'ignore' | 'sum' | 'mean'
  /** Takes in the floats of the steps [from, to). */
  add(group: Sums, row: Row, from: number, to: number): void
  /** Turns what was collected into results. */
  finish?(group: Sums): void
}

export const kernels = {
  sum: { columns: ['aside'], histograms: 'sum', add: addToSums, finish: finishSums },
  avg: {
    columns: ['count', 'aside', 'incremental'],
    histograms: 'mean',
    add: addToMeans,
    finish: finishMeans,
  },
  min: { columns: [], histograms: 'ignore', add: keepSmaller },
  max: { columns: [], histograms: 'ignore', add: keepLarger },
  count: { columns: [], histograms: 'count', add: countUp },
  group: { columns: [], histograms: 'count', add: markPresent },
  stdvar: {
    columns: ['count', 'aside'],
    histograms: 'ignore',
    add: addToDeviations,
    finish: finishVariances,
  },
  stddev: {
    columns: ['count', 'aside'],
    histograms: 'ignore',
    add: addToDeviations,
    finish: finishDeviations,
  },
} satisfies Record<string, Kernel>

function addToSums({ values, present, aside }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] !== presence.float) continue
    const value = at(row.values, s)
    if (present[s] === presence.none) {
      present[s] = presence.float
      values[s] = value
      continue
    }
    const sum = at(values, s)
    const total = sum + value
    aside[s] = compensate(at(aside, s), sum, value, total)
    values[s] = total
  }
}

function finishSums({ values, aside }: Sums): void {
  for (let s = 0; s < values.length; s++) values[s] = at(values, s) + at(aside, s)
}

function addToMeans(group: Sums, row: Row, from: number, to: number): void {
  const { values, present, count, aside, incremental } = group
  for (let s = from; s < to; s++) {
    if (row.present[s] !== presence.float) continue
    const value = at(row.values, s)
    count[s] = at(count, s) + 1
    if (present[s] === presence.none) {
      present[s] = presence.float
      values[s] = value
      continue
    }
    const sum = at(values, s)
    const total = sum + value
    if (incremental[s] === 1 || total === Infinity || total === -Infinity) addToMean(group, s, value)
    else {
      aside[s] = compensate(at(aside, s), sum, value, total)
      values[s] = total
    }
  }
}

/** Goes on where a sum would overflow. */
function addToMean({ values, aside, count, incremental }: Sums, s: number, value: number): void {
  const n = at(count, s)
  if (incremental[s] === 0) {
    incremental[s] = 1
    values[s] = at(values, s) / (n - 1)
    aside[s] = at(aside, s) / (n - 1)
  }
  const q = (n - 1) / n
  const mean = q * at(values, s)
  const total = mean + value / n
  aside[s] = compensate(q * at(aside, s), mean, value / n, total)
  values[s] = total
}

function finishMeans({ values, aside, count, incremental }: Sums): void {
  for (let s = 0; s < values.length; s++) {
    if (incremental[s] === 1) values[s] = at(values, s) + at(aside, s)
    else values[s] = at(values, s) / at(count, s) + at(aside, s) / at(count, s)
  }
}

/** NaN gives way to every number. */
function keepSmaller({ values, present }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] !== presence.float) continue
    const value = at(row.values, s)
    const kept = at(values, s)
    if (present[s] === presence.none || kept > value || Number.isNaN(kept)) values[s] = value
    present[s] = presence.float
  }
}

function keepLarger({ values, present }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] !== presence.float) continue
    const value = at(row.values, s)
    const kept = at(values, s)
    if (present[s] === presence.none || kept < value || Number.isNaN(kept)) values[s] = value
    present[s] = presence.float
  }
}

function countUp({ values, present }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] === presence.none) continue
    present[s] = presence.float
    values[s] = at(values, s) + 1
  }
}

function markPresent({ values, present }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] === presence.none) continue
    present[s] = presence.float
    values[s] = 1
  }
}

/** Welford's algorithm. */
function addToDeviations({ values, present, count, aside }: Sums, row: Row, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    if (row.present[s] !== presence.float) continue
    const value = at(row.values, s)
    const n = at(count, s) + 1
    count[s] = n
    if (present[s] === presence.none) {
      present[s] = presence.float
      values[s] = Number.isFinite(value) ? 0 : NaN
      aside[s] = value
      continue
    }
    const delta = value - at(aside, s)
    aside[s] = at(aside, s) + delta / n
    values[s] = at(values, s) + delta * (value - at(aside, s))
  }
}

function finishVariances({ values, count }: Sums): void {
  for (let s = 0; s < values.length; s++) values[s] = at(values, s) / at(count, s)
}

function finishDeviations({ values, count }: Sums): void {
  for (let s = 0; s < values.length; s++) values[s] = Math.sqrt(at(values, s) / at(count, s))
}

function at(column: Float64Array, step: number): number {
  return column[step] as number
}
