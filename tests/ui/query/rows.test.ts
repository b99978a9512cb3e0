import { expect, test } from 'vitest'
import type { InstantAnswer } from '../../../src/engine/model/answers.ts'
import { formatTime } from '../../../src/ui/format/time.ts'
import { rowCount, toRows } from '../../../src/ui/query/rows.ts'
import { histogram, labels, notes } from '../fakeclient.ts'

const a = labels({ __name__: 'up', job: 'a' })
const b = labels({ __name__: 'up', job: 'b' })

test.each([
  ['a scalar', { kind: 'scalar', t: 0, value: 0.5, ...notes }, [['scalar', '0.5']]],
  ['a string', { kind: 'string', t: 0, value: 'x\ny', ...notes }, [['string', 'x\ny']]],
  [
    'a vector, in the order of the answer',
    {
      kind: 'vector',
      t: 0,
      labels: [b, a],
      values: Float64Array.of(1, NaN),
      histograms: null,
      ...notes,
    },
    [
      [b, '1'],
      [a, 'NaN'],
    ],
  ],
  [
    'samples with their times',
    {
      kind: 'samples',
      labels: [a, b],
      offsets: Uint32Array.of(0, 2, 3),
      t: Float64Array.of(1000, 2000, 3000),
      v: Float64Array.of(1, Infinity, 3),
      histograms: null,
      ...notes,
    },
    [
      [a, `1 @${formatTime(1000)}`, `+Inf @${formatTime(2000)}`],
      [b, `3 @${formatTime(3000)}`],
    ],
  ],
  [
    'native histograms of a vector in their places',
    {
      kind: 'vector',
      t: 0,
      labels: [a, b],
      values: Float64Array.of(2, NaN),
      histograms: [{ at: 1, histogram }],
      ...notes,
    },
    [
      [a, '2'],
      [b, histogram],
    ],
  ],
  [
    'native histograms among samples',
    {
      kind: 'samples',
      labels: [a, b],
      offsets: Uint32Array.of(0, 1, 3),
      t: Float64Array.of(1000, 2000, 3000),
      v: Float64Array.of(1, NaN, NaN),
      histograms: [{ at: 1, histogram }],
      ...notes,
    },
    [
      [a, `1 @${formatTime(1000)}`],
      [b, histogram, `NaN @${formatTime(3000)}`],
    ],
  ],
] as [string, InstantAnswer, unknown[][]][])('%s', (_, answer, expected) => {
  const written = toRows(answer, 10).map(({ who, values }) => [
    who,
    ...values.map(({ value, at }) => (typeof value === 'string' && at !== null ? `${value} @${at}` : value)),
  ])
  expect(written).toEqual(expected)
  expect(rowCount(answer)).toBe(expected.length)
})

test('only as many rows as asked for are made', () => {
  const answer: InstantAnswer = {
    kind: 'vector',
    t: 0,
    labels: [a, b],
    values: Float64Array.of(1, 2),
    histograms: null,
    ...notes,
  }
  expect(toRows(answer, 1).length).toBe(1)
  expect(rowCount(answer)).toBe(2)
})

test('a long range vector is cut, and says so', () => {
  const n = 130
  const answer: InstantAnswer = {
    kind: 'samples',
    labels: [a],
    offsets: Uint32Array.of(0, n),
    t: new Float64Array(n),
    v: new Float64Array(n),
    histograms: null,
    ...notes,
  }
  expect(toRows(answer, 1)[0]?.values.length).toBe(100)
  expect(toRows(answer, 1)[0]?.more).toBe(30)
})
