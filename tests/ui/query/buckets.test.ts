import { expect, test } from 'vitest'
import type { Histogram } from '../../../src/engine/model/histogram.ts'
import { bucketsOf } from '../../../src/ui/query/buckets.ts'
import { histogram } from '../fakeclient.ts'

/** Brackets are closed ends, as mathematicians write intervals. */
const written = (h: Histogram) =>
  bucketsOf(h).map(({ lower, upper, lowerClosed, upperClosed, count, share }) => {
    return `${lowerClosed ? '[' : '('}${lower}, ${upper}${upperClosed ? ']' : ')'} ${count} ${share}`
  })

test('buckets go up, end away from zero with a closed bound, and the empty ones are left out', () => {
  expect(written(histogram)).toEqual([
    '[-4, -2) 3 0.25',
    '[-0.5, 0.5] 2 0.16666666666666666',
    '(1, 2] 12 1',
    '(8, 16] 4.5 0.375',
  ])
})

test('a zero bucket without width has both ends closed', () => {
  const layout = {
    ...histogram.layout,
    zeroThreshold: 0,
    positiveSpans: new Int32Array(),
    negativeSpans: new Int32Array(),
  }
  const none = new Float64Array()
  expect(written({ ...histogram, layout, positive: none, negative: none })).toEqual(['[0, 0] 2 1'])
})

test('custom buckets end with their upper bound, and the lowest has everything below', () => {
  const layout = {
    schema: -53,
    zeroThreshold: 0,
    positiveSpans: Int32Array.of(0, 3),
    negativeSpans: new Int32Array(),
    bounds: Float64Array.of(-1, 5),
  }
  const positive = Float64Array.of(1, 2, 4)
  const custom = { ...histogram, layout, zeroCount: 0, positive, negative: new Float64Array() }
  expect(written(custom)).toEqual(['[-Infinity, -1] 1 0.25', '(-1, 5] 2 0.5', '(5, Infinity] 4 1'])
})

test('what a subtraction made negative has a bar of its size', () => {
  const fewer = {
    ...histogram,
    positive: Float64Array.of(-12, 6),
    zeroCount: 0,
    negative: Float64Array.of(0, 0),
  }
  expect(written(fewer)).toEqual(['(1, 2] -12 1', '(8, 16] 6 0.5'])
})

test('without observations there are no buckets', () => {
  expect(
    written({ ...histogram, positive: new Float64Array(2), zeroCount: 0, negative: new Float64Array(2) }),
  ).toEqual([])
})
