import { expect, test } from 'vitest'
import type { InstantAnswer } from '../../../src/engine/model/answers.ts'
import { formatTime } from '../../../src/ui/format/time.ts'
import { rowCount, toRows } from '../../../src/ui/query/rows.ts'
import { labels, notes } from '../fakeclient.ts'

const a = labels({ __name__: 'up', job: 'a' })
const b = labels({ __name__: 'up', job: 'b' })

test.each([
  ['a scalar', { kind: 'scalar', t: 0, value: 0.5, ...notes }, [['scalar', '0.5']]],
  ['a string', { kind: 'string', t: 0, value: 'x\ny', ...notes }, [['string', 'x\ny']]],
  [
    'a vector, in the order of the answer',
    { kind: 'vector', t: 0, labels: [b, a], values: Float64Array.of(1, NaN), ...notes },
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
      ...notes,
    },
    [
      [a, `1  @${formatTime(1000)}`, `+Inf  @${formatTime(2000)}`],
      [b, `3  @${formatTime(3000)}`],
    ],
  ],
] as [string, InstantAnswer, unknown[][]][])('%s', (_, answer, expected) => {
  expect(toRows(answer, 10).map(row => [row.who, ...row.values])).toEqual(expected)
  expect(rowCount(answer)).toBe(expected.length)
})

test('only as many rows as asked for are made', () => {
  const answer: InstantAnswer = {
    kind: 'vector',
    t: 0,
    labels: [a, b],
    values: Float64Array.of(1, 2),
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
    ...notes,
  }
  expect(toRows(answer, 1)[0]?.values.length).toBe(101)
  expect(toRows(answer, 1)[0]?.values.at(-1)).toBe('… and 30 more')
})
