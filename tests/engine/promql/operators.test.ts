import { describe, expect, test } from 'vitest'
import { resetHint } from '../../../src/engine/model/histogram.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import { ofHistograms } from '../../../src/engine/promql/binary/histograms.ts'
import { loaded } from '../../promqltest/loaded.ts'
import { asker } from './asked.ts'

describe('joins', () => {
  const { range } = asker(
    loaded(`load 1m
      cpu{host="a",core="0"} 1 2 3 4
      cpu{host="a",core="1"} 10 20 30 40
      cpu{host="b",core="0"} 5 6 7 8
      info{host="a",rack="r1",os="x"} 1 1 stale
      info{host="a",rack="r2"} _ _ 1 1
      total{host="a"} 100 100 100 100
      total{host="c"} 300 300 300 300`),
  )

  test.each([
    [
      'the labels of the many side stay',
      'cpu / on (host) group_left total',
      ['{core="0", host="a"} 0.01 0.02 0.03 0.04', '{core="1", host="a"} 0.1 0.2 0.3 0.4'],
    ],
    [
      'the many side may stand on the right',
      'total - on (host) group_right cpu',
      ['{core="0", host="a"} 99 98 97 96', '{core="1", host="a"} 90 80 70 60'],
    ],
    [
      'an included label changes with the series that gives it',
      'cpu{core="0"} * on (host) group_left (rack) info',
      ['{core="0", host="a", rack="r1"} 1 2 _ _', '{core="0", host="a", rack="r2"} _ _ 3 4'],
    ],
    [
      'one column serves all series that give the same labels',
      'cpu{core="0"} * on (host) group_left info',
      ['{core="0", host="a"} 1 2 3 4'],
    ],
    [
      'an included label that the one side lacks is taken away',
      'cpu{core="1"} * on (host) group_left (core) total',
      ['{host="a"} 1000 2000 3000 4000'],
    ],
    [
      'a filter keeps the name of the many side and the value of the left one',
      'total > on (host) group_right cpu{core="0"}',
      ['cpu{core="0", host="a"} 100 100 100 100'],
    ],
    [
      'a missing one side is filled',
      'cpu{core="0"} + on (host) group_left fill_right (0) total',
      ['{core="0", host="a"} 101 102 103 104', '{core="0", host="b"} 5 6 7 8'],
    ],
    [
      'a missing many side is filled with the labels that match',
      'cpu{core="0"} + on (host) group_left fill_left (0.5) total',
      ['{core="0", host="a"} 101 102 103 104', '{host="c"} 300.5 300.5 300.5 300.5'],
    ],
    [
      'a filtered pair is a match, so nothing is filled',
      'cpu{core="0"} > on (host) fill (0) total',
      ['{host="b"} 5 6 7 8'],
    ],
  ])('%s', async (_, expr, rows) => {
    expect((await range(expr, 3)).rows).toEqual(rows)
  })
})

describe('what cannot be told apart', () => {
  const { range } = asker(
    loaded(`load 1m
      left{g="1",x="1"} 1 1 1 1
      left{g="1",x="2"} _ 1 1 1
      left{g="2"} _ _ 1 1
      right{g="1",s="1"} 5 5 5 5
      right{g="1",s="2"} _ _ 6 6
      right{g="3",s="1"} 5 5 5 5
      right{g="3",s="2"} 6 6 6 6
      both{g="1",s="1",x="1"} 7 7 7 7`),
  )
  const many = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
  const grouping = 'multiple matches for labels: grouping labels must ensure unique matches'
  const duplicate = (group: string, side: string, metric: string) =>
    `found duplicate series for the match group {g="${group}"} on the ${side} hand-side of the operation: ` +
    `[{__name__="${metric}", g="${group}", s="1"}, {__name__="${metric}", g="${group}", s="2"}]` +
    ';many-to-many matching not allowed: matching labels must be unique on one side'

  test.each([
    ['the earliest step counts', 'left + on (g) right{g!="3"}', many],
    [
      'within a step the side that must be unique comes first',
      'left + on (g) right',
      duplicate('3', 'right', 'right'),
    ],
    [
      'the side is named as it is written',
      'right + on (g) group_right left',
      duplicate('3', 'left', 'right'),
    ],
    ['labels to include can make results the same', 'left * on (g) group_left (x) both', grouping],
    [
      'a side that may be missing is asked even where the other one is empty',
      'nothing + on (g) fill_left (0) right',
      duplicate('3', 'right', 'right'),
    ],
  ])('%s', async (_, expr, message) => {
    await expect(range(expr, 3)).rejects.toMatchObject({ type: 'execution', message })
  })

  test('duplicates are fine where the other side is empty', async () => {
    expect((await range('left{x="1"} offset -2m + on (g) right{g!="3"}', 1)).rows).toEqual(['{g="1"} 6 6'])
    expect((await range('nothing + on (g) right', 3)).rows).toEqual([])
  })
})

describe('set operators', () => {
  const { range, instant } = asker(
    loaded(`load 1m
      a{i="1"} 1 stale _ 4
      a{i="2"} 2 2 2 2
      b{i="1"} 10 10 10 10
      b{i="3"} 30 30 30 30`),
  )

  test.each([
    ['and keeps what has a match', 'a and on (i) b', ['a{i="1"} 1 _ _ 4']],
    ['unless keeps what has none', 'b unless on (i) a', ['b{i="1"} _ 10 10 _', 'b{i="3"} 30 30 30 30']],
    [
      'or fills in from the right what the left has no match for',
      'a or on (i) b',
      ['a{i="1"} 1 _ _ 4', 'a{i="2"} 2 2 2 2', 'b{i="1"} _ 10 10 _', 'b{i="3"} 30 30 30 30'],
    ],
    [
      'or goes on with the same series',
      'a{i="1"} * 1 or b * 1',
      ['{i="1"} 1 10 10 4', '{i="3"} 30 30 30 30'],
    ],
    ['on () everything matches', 'b and on () (a{i="1"})', ['b{i="1"} 10 _ _ 10', 'b{i="3"} 30 _ _ 30']],
  ])('%s', async (_, expr, rows) => {
    expect((await range(expr, 3)).rows).toEqual(rows)
  })

  test('or answers the left side first', async () => {
    expect((await instant('b or a', 0)).rows).toEqual(['b{i="1"} 10', 'b{i="3"} 30', 'a{i="2"} 2'])
  })
})

describe('native histograms', () => {
  const { range } = asker(
    loaded(`load 1m
      h{i="1"} {{schema:0 count:3 sum:6 buckets:[1 2]}} 5
      h{i="2"} 7 {{schema:0 count:1 sum:2 buckets:[0 1]}}
      other{i="1"} {{schema:0 count:3 sum:6 buckets:[1 2]}} {{schema:0 count:1 sum:1 buckets:[1]}}
      other{i="2"} {{schema:-53 count:1 sum:1 custom_values:[5] buckets:[1]}} 2
      narrow {{schema:-53 count:3 sum:9 custom_values:[2 5] buckets:[1 2]}}
      wide {{schema:-53 count:3 sum:9 custom_values:[5 9] buckets:[1 2]}}
      exponential {{count:1 sum:1 buckets:[1]}}`),
  )
  const types = (left: string, op: string, right: string) =>
    `PromQL info: incompatible sample types encountered for binary operator "${op}": ${left} ${op} ${right} (1:1)`

  test.each([
    [
      'histograms and floats of one row each take their own way',
      'h * 2',
      ['{i="1"} {count:6, sum:12, (0.5,1]:2, (1,2]:4} 10', '{i="2"} 14 {count:2, sum:4, (1,2]:2}'],
      [],
    ],
    [
      'a number may stand in front of a product',
      '0.5 * h{i="1"}',
      ['{i="1"} {count:1.5, sum:3, (0.5,1]:0.5, (1,2]:1} 2.5'],
      [],
    ],
    [
      'but not in front of a quotient',
      '1 / h{i="2"}',
      ['{i="2"} 0.14285714285714285 _'],
      [types('float', '/', 'histogram')],
    ],
    [
      'sums lose empty buckets',
      'h{i="1"} - other{i="1"} * 1',
      ['{i="1"} {count:0, sum:0} _'],
      [types('float', '-', 'histogram')],
    ],
    [
      'equal histograms pass a filter',
      'h{i="1"} == other',
      ['h{i="1"} {count:3, sum:6, (0.5,1]:1, (1,2]:2} _'],
      [types('float', '==', 'histogram')],
    ],
    [
      'a comparison with bool answers numbers',
      'h{i="1"} != bool other{i="1"}',
      ['{i="1"} 0 _'],
      [types('float', '!=', 'histogram')],
    ],
    [
      'what was noticed last at each step is told',
      'h > other',
      [],
      [types('float', '>', 'histogram'), types('histogram', '>', 'float')],
    ],
    [
      'a trim keeps the name and is not for floats',
      'h{i="1"} </ 1',
      ['h{i="1"} {count:1, sum:0.7071067811865476, (0.5,1]:1} _'],
      [types('float', '</', 'float')],
    ],
    [
      'different bounds are reduced to common ones',
      'narrow + (wide offset 1m)',
      ['{} _ {count:6, sum:18, [-Inf,5]:4, (5,+Inf]:2}'],
      ['PromQL info: mismatched custom buckets were reconciled during addition (1:1)'],
    ],
    [
      'exponential and custom buckets make no sum',
      'narrow - exponential',
      [],
      ['PromQL warning: incompatible bucket layout encountered for binary operator - (1:1)'],
    ],
    [
      'a pair that does not fit together counts as none, so the other side is filled',
      'h{i="2"} - fill_left (1) other{i="2"}',
      ['{i="2"} _ -1'],
      [types('float', '-', 'histogram'), types('histogram', '-', 'float')],
    ],
  ])('%s', async (_, expr, rows, notes) => {
    expect(await range(expr, 1)).toEqual({ rows, notes })
  })
})

test.each([
  ['+', 'addition', 'reset', 'notReset'],
  ['-', 'subtraction', 'notReset', 'reset'],
] as const)('of conflicting hints nothing comes of %s but a warning', (op, operation, left, right) => {
  const of = (hint: keyof typeof resetHint) => FloatHistogram.empty().withHint(resetHint[hint])
  expect(ofHistograms(op, of(left), of(right))).toMatchObject({
    histogram: null,
    failed: true,
    note: { text: `PromQL warning: conflicting counter resets during histogram ${operation}` },
  })
  expect(ofHistograms(op, of(left), of('unknown'))).toMatchObject({ failed: false, note: null })
})

test('a difference of histograms is a gauge', () => {
  const unknown = FloatHistogram.empty()
  expect(ofHistograms('-', unknown, unknown).histogram?.hint).toBe(resetHint.gauge)
})

describe('delayed name removal', () => {
  const store = loaded(`load 1m
    a{i="1"} 1
    b{i="1"} 2
    n{i="1",__type__="counter"} 5`)
  const atOnce = asker(store)
  const delayed = asker(store, { delayedNameRemoval: true })

  test('at once, two metrics cannot lose their names', async () => {
    await expect(atOnce.instant('sum ({__name__=~"a|b"} * 2)', 0)).rejects.toThrow(
      'vector cannot contain metrics with the same labelset',
    )
  })

  test('later, what aggregates them still sees two', async () => {
    expect((await delayed.instant('sum ({__name__=~"a|b"} * 2)', 0)).rows).toEqual(['{} 6'])
    await expect(delayed.instant('{__name__=~"a|b"} * 2', 0)).rejects.toThrow(
      'vector cannot contain metrics with the same labelset',
    )
  })

  test('a filter between vectors brings the name back, as it does upstream', async () => {
    expect((await delayed.instant('a * 3 > b', 0)).rows).toEqual(['a{i="1"} 3'])
    expect((await atOnce.instant('a * 3 > b', 0)).rows).toEqual(['{i="1"} 3'])
  })

  test.each([atOnce, delayed])(
    'what says of which type a metric was goes with its name',
    async ({ instant }) => {
      expect((await instant('n + 0', 0)).rows).toEqual(['{i="1"} 5'])
      expect((await instant('n > 0', 0)).rows).toEqual(['n{__type__="counter", i="1"} 5'])
      expect((await instant('n + on (i, __type__) n', 0)).rows).toEqual(['{i="1"} 10'])
    },
  )
})
