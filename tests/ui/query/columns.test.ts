import { expect, test } from 'vitest'
import {
  extent,
  lastValue,
  lonePoints,
  nearestRow,
  toColumns,
  withNumbersOnly,
} from '../../../src/ui/query/columns.ts'
import { histogram, labels, rangeAnswer } from '../fakeclient.ts'

const row = (...values: number[]) => Float64Array.from(values)
const rowsOf = (values: (number | null)[][], limit = Infinity) =>
  toColumns(rangeAnswer(values), limit).rows.map(r => [...r])

test('times are in seconds', () => {
  expect([...toColumns(rangeAnswer([[1, 2, 3]], undefined, 60_000, 15_000), 1).x]).toEqual([60, 75, 90])
})

test.each([
  [
    'values stay',
    [
      [1, 2],
      [3, 4],
    ],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['absence is NaN', [[1, null, 3]], [[1, NaN, 3]]],
  ['infinities are not drawn', [[Infinity, -Infinity, 1]], [[NaN, NaN, 1]]],
  ['a NaN stays one', [[NaN, 1]], [[NaN, 1]]],
  ['nothing stays nothing', [], []],
])('%s', (_, values, expected) => {
  expect(rowsOf(values)).toEqual(expected)
})

test('only the first series up to the limit become rows', () => {
  expect(rowsOf([[1], [2], [3]], 2)).toEqual([[1], [2]])
})

test('the answer is left as it is', () => {
  const answer = rangeAnswer([[1, null]])
  toColumns(answer, 1)
  expect([...answer.values]).toEqual([1, 0])
})

test('all rows share one buffer: nothing is copied per series', () => {
  const { rows } = toColumns(
    rangeAnswer([
      [1, 2],
      [3, 4],
    ]),
    2,
  )
  expect(rows[0]?.buffer).toBe(rows[1]?.buffer)
})

test.each([
  [row(1, NaN, 3, NaN, 5), [0, 2, 4]],
  [row(1, 2, NaN, 4), [3]],
  [row(1, 2, 3), []],
  [row(NaN, NaN), []],
  [row(7), [0]],
])('lone points of %o are at %o', (values, expected) => {
  expect(lonePoints(values, 0, values.length - 1)).toEqual(expected)
})

test('the nearest row is found among those that are shown and have a value', () => {
  const rows = [row(1), row(5), row(NaN), row(9)]
  expect(nearestRow(rows, 0, 6, () => true)).toBe(1)
  expect(nearestRow(rows, 0, 6, i => i !== 1)).toBe(3)
  expect(nearestRow(rows, 0, 6, i => i === 2)).toBe(-1)
  expect(nearestRow(rows, 3, 6, () => true)).toBe(-1)
})

test('the extent leaves hidden rows and gaps out', () => {
  const rows = [row(1, NaN, 3), row(-5, 100)]
  expect(extent(rows, () => true)).toEqual([-5, 100])
  expect(extent(rows, i => i === 0)).toEqual([1, 3])
  expect(extent([row(NaN)], () => true)).toBeNull()
})

test('the last value is the last one there', () => {
  expect(lastValue(row(1, 2, NaN))).toBe(2)
  expect(lastValue(row(NaN))).toBeNaN()
})

test('a thousand series of a thousand points cost little more than copying their values', () => {
  const steps = 1000
  const answer = {
    ...rangeAnswer([]),
    steps,
    labels: Array.from({ length: 1000 }, () => []),
    values: new Float64Array(steps * 1000).fill(1.5),
    present: new Uint8Array(steps * 1000).fill(1),
  }
  const copying = quickest(() => answer.values.slice())
  expect(quickest(() => toColumns(answer, 1000))).toBeLessThan(30 * copying)
})

function quickest(task: () => unknown): number {
  let least = Infinity
  for (let i = 0; i < 15; i++) {
    const before = performance.now()
    task()
    least = Math.min(least, performance.now() - before)
  }
  return least
}

test('a series of native histograms alone is left out, numbers among histograms are not', () => {
  const sets = ['a', 'b', 'c'].map(i => labels({ i }))
  const answer = {
    ...rangeAnswer(
      [
        [0, 0],
        [0, 5],
        [7, null],
      ],
      sets,
    ),
    present: Uint8Array.of(2, 2, 2, 1, 1, 0),
    histograms: [0, 1, 2].map(at => ({ at, histogram })),
  }
  const left = withNumbersOnly(answer)
  expect(left.labels).toEqual(sets.slice(1))
  expect(toColumns(left, 2).rows.map(r => [...r])).toEqual([
    [NaN, 5],
    [7, NaN],
  ])
})

test('an answer without native histograms is taken as it is', () => {
  const answer = rangeAnswer([[1], [null]])
  expect(withNumbersOnly(answer)).toBe(answer)
})
