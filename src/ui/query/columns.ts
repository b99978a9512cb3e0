import type { RangeAnswer } from '../../engine/model/answers.ts'

/** A range answer in the form that the graph draws: times, and a row of values for each series. A row is a view
 *  on one array for all, with NaN where nothing is drawn; a thousand rows of a thousand values cost one pass
 *  over 8 MB (about 3 ms) and no object but the views. */
export interface Columns {
  /** Seconds since the epoch, as uPlot counts. */
  readonly x: Float64Array
  readonly rows: readonly Float64Array[]
}

/** The first `limit` series of an answer as columns; the answer is left as it is. Infinite values are not drawn
 *  either: no axis reaches them. */
export function toColumns(answer: RangeAnswer, limit: number): Columns {
  const { start, step, steps } = answer
  const count = Math.min(answer.labels.length, limit)
  const x = new Float64Array(steps)
  for (let i = 0; i < steps; i++) x[i] = (start + i * step) / 1000
  const values = answer.values.slice(0, count * steps)
  for (let i = 0; i < values.length; i++) {
    if (answer.present[i] !== 1 || !Number.isFinite(values[i])) values[i] = NaN
  }
  return { x, rows: Array.from({ length: count }, (_, i) => values.subarray(i * steps, (i + 1) * steps)) }
}

/** The answer without the series that have nothing but native histograms, of which the graph draws nothing. */
export function withNumbersOnly(answer: RangeAnswer): RangeAnswer {
  const { histograms, labels, steps, present, values } = answer
  if (histograms === null) return answer
  const kept = [...labels.keys()].filter(i => present.subarray(i * steps, (i + 1) * steps).includes(1))
  const fewer = {
    values: new Float64Array(kept.length * steps),
    present: new Uint8Array(kept.length * steps),
  }
  kept.forEach((from, to) => {
    fewer.values.set(values.subarray(from * steps, (from + 1) * steps), to * steps)
    fewer.present.set(present.subarray(from * steps, (from + 1) * steps), to * steps)
  })
  return { ...answer, ...fewer, labels: kept.map(i => labels[i] ?? []) }
}

/** Indices within [from, to] of values with nothing drawn on either side: no line reaches them. */
export function lonePoints(row: Float64Array, from: number, to: number): number[] {
  const lone: number[] = []
  for (let i = from; i <= to; i++) {
    if (drawn(row, i) && !drawn(row, i - 1) && !drawn(row, i + 1)) lone.push(i)
  }
  return lone
}

/** The row whose value at column `i` is nearest to `y`, among those that `shown` lets through; -1 when none has
 *  a value there. */
export function nearestRow(
  rows: readonly Float64Array[],
  i: number,
  y: number,
  shown: (row: number) => boolean,
): number {
  let nearest = -1
  let least = Infinity
  for (let row = 0; row < rows.length; row++) {
    const distance = Math.abs((rows[row]?.[i] ?? NaN) - y)
    if (distance < least && shown(row)) {
      least = distance
      nearest = row
    }
  }
  return nearest
}

/** The least and the largest value of the rows that `shown` lets through; null when there is none. */
export function extent(
  rows: readonly Float64Array[],
  shown: (row: number) => boolean,
): [min: number, max: number] | null {
  let min = Infinity
  let max = -Infinity
  rows.forEach((row, i) => {
    if (!shown(i)) return
    for (const v of row) {
      if (v < min) min = v
      if (v > max) max = v
    }
  })
  return min <= max ? [min, max] : null
}

/** The last value of a row; NaN when it has none. */
export function lastValue(row: Float64Array): number {
  for (let i = row.length - 1; i >= 0; i--) if (drawn(row, i)) return row[i] ?? NaN
  return NaN
}

function drawn(row: Float64Array, i: number): boolean {
  return !Number.isNaN(row[i] ?? NaN)
}
