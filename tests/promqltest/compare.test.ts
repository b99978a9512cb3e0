import { describe, expect, test } from 'vitest'
import type { InstantAnswer, RangeAnswer } from '../../src/engine/model/answers.ts'
import { almostEqual } from '../../src/promqltest/almost.ts'
import { compareInstant, compareNotes, compareRange, compareStep } from '../../src/promqltest/compare.ts'
import type { Expected, Times } from '../../src/promqltest/expected.ts'
import { readScript } from '../../src/promqltest/script.ts'
import { readSeries } from '../../src/promqltest/series.ts'
import { noNotes } from '../querynotes.ts'

const notes = { ...noNotes, histograms: null }

/** What a block below an eval expects; lines are separated by `|`. */
function expected(block: string, head = 'eval instant at 0 x'): Expected {
  const [command] = readScript(`${head}\n${block.replaceAll('|', '\n')}`)
  if (command?.kind !== 'eval') throw new Error(`${block}: ${JSON.stringify(command)}`)
  return command.expected
}

/** `a=1 b=2` as an instant vector of series a and b. */
function vector(text: string): InstantAnswer {
  const pairs = text.split(' ').filter(Boolean)
  const labels = pairs.map(pair => ['__name__', pair.split('=')[0]!])
  const values = Float64Array.from(pairs, pair => Number(pair.split('=')[1]))
  return { kind: 'vector', t: 0, labels, values, ...notes }
}

const scalar = (value: number): InstantAnswer => ({ kind: 'scalar', t: 0, value, ...noNotes })
const string = (value: string): InstantAnswer => ({ kind: 'string', t: 0, value, ...noNotes })

const times: Times = { start: 0, end: 20, step: 10 }

/** `a=1,_,3 b=_,5,6` as rows of three steps. */
function matrix(text: string): RangeAnswer {
  const rows = text.split(' ').filter(Boolean)
  const cells = rows.flatMap(row => row.split('=')[1]!.split(','))
  return {
    kind: 'matrix',
    start: 0,
    step: 10,
    steps: 3,
    labels: rows.map(row => ['__name__', row.split('=')[0]!]),
    values: Float64Array.from(cells, cell => (cell === '_' ? 777 : Number(cell))),
    present: Uint8Array.from(cells, cell => (cell === '_' ? 0 : 1)),
    ...notes,
  }
}

describe('values', () => {
  test.each([
    [1, 1, true],
    [1, 1.0000009, true],
    [1, 1.00001, false],
    [1e300, 1.0000009e300, true],
    [Number.MAX_VALUE, Number.MAX_VALUE * (1 - 1e-9), true],
    [0, 0, true],
    [0, -0, true],
    [0, 1e-300, false],
    [1e-300, 0, false],
    [0, Number.MIN_VALUE, true],
    [1e-310, 1.5e-310, false],
    [NaN, NaN, true],
    [NaN, 1, false],
    [Infinity, Infinity, true],
    [Infinity, -Infinity, false],
    [Infinity, 1, false],
    [-1, 1, false],
  ])('%s and %s are almost equal: %s', (a, b, equal) => {
    expect(almostEqual(a, b)).toBe(equal)
    expect(almostEqual(b, a)).toBe(equal)
  })
})

describe('instant answers', () => {
  test.each([
    ['', vector(''), null],
    ['a 1', vector('a=1'), null],
    ['a 1|b 2', vector('b=2 a=1'), null],
    ['a NaN', vector('a=NaN'), null],
    ['expect ordered|b 2|a 1', vector('b=2 a=1'), null],
    ['5', scalar(5), null],
    ['expect string "x"', string('x'), null],
    ['a 1', vector('a=2'), 'a: want 1 at 0 ms, found 2'],
    ['a 0', vector('a=1e-30'), 'a: want 0 at 0 ms, found 1e-30'],
    ['a NaN', vector('a=0'), 'a: want NaN at 0 ms, found 0'],
    ['a stale', vector('a=NaN'), 'a: want a stale marker at 0 ms, found NaN'],
    ['a {{}}', vector('a=0'), 'a: want {{schema:0 count:0 sum:0}} at 0 ms, found 0'],
    ['a 1', vector(''), 'want a, found none'],
    ['a 1', vector('b=1'), 'want no b, or once, found 1'],
    ['', vector('a=1'), 'want no a, or once, found 1'],
    ['a 1', vector('a=1 a=1'), 'want no a, or once, found 1'],
    ['a 1|b 2', vector('a=1'), 'want b, found none'],
    ['expect ordered|a 1|b 2', vector('b=2 a=1'), 'b: want it in place 1, found it in 0'],
    ['5', scalar(6), 'want scalar 5, found scalar 6'],
    ['5', vector('a=5'), 'want scalar 5, found a vector'],
    ['{} 5', scalar(5), 'want series, found scalar 5'],
    ['', scalar(5), 'want series, found scalar 5'],
    ['expect string "5"', scalar(5), 'want a string, found scalar 5'],
    ['expect string "x"', string('y'), 'want "x", found "y"'],
    ['expect string "x"', vector(''), 'want "x", found a vector'],
    ['', string(''), 'want no string, found ""'],
    ['expect range vector from 0 to 1s step 1s', vector(''), 'want a range vector, found an instant vector'],
  ])('a block of %j against %j: %s', (block, answer, difference) => {
    expect(compareInstant(expected(block), answer)).toBe(difference)
  })

  const samples: InstantAnswer = {
    kind: 'samples',
    labels: [
      ['__name__', 'a'],
      ['__name__', 'b'],
    ],
    offsets: Uint32Array.from([0, 2, 3]),
    t: Float64Array.from([10_000, 30_000, 20_000]),
    v: Float64Array.from([1, 3, 5]),
    ...notes,
  }

  test.each([
    ['a 1 _ 3|b _ 5', null],
    ['a 1 _ 3', 'want no b, or once, found 5'],
    ['a 1 2 3|b _ 5', 'a: want 2 at 20000 ms, found 3 at 30000 ms'],
    ['a 1|b _ 5', 'a: want no more values, found 3 at 30000 ms'],
    ['a 1 _ 4|b _ 5', 'a: want 4 at 30000 ms, found 3'],
    ['a 1 _ 3 4|b _ 5', 'a: want 4 values, but there are no times for so many'],
    ['a 1 _ 3|b _ 5 6', 'b: want 6 at 30000 ms, found none'],
  ])('samples: %s', (block, difference) => {
    const head = 'expect range vector from 10s to 30s step 10s|'
    expect(compareInstant(expected(head + block), samples)).toBe(difference)
  })

  test('samples are expected only with their times', () => {
    expect(compareInstant(expected(''), samples)).toBe('want no range vector, found one')
  })
})

describe('range answers', () => {
  test.each([
    ['a 1 _ 3|b _ 5 6', 'a=1,_,3 b=_,5,6', null],
    ['', '', null],
    ['a 1 2 3', 'a=1,_,3', 'a: want 2 at 10 ms, found 3 at 20 ms'],
    ['a 1 _ 3', 'a=1,2,3', 'a: want 3 at 20 ms, found 2 at 10 ms'],
    ['a 1', 'a=1,2,_', 'a: want no more values, found 2 at 10 ms'],
    ['a 1 2 4', 'a=1,2,3', 'a: want 4 at 20 ms, found 3'],
    ['a 1 2 3 4', 'a=1,2,3', 'a: want 4 values, but there are no times for so many'],
    ['a 1 2 3|b 1 2 3', 'b=1,2,3 a=1,2,3', 'want the order of labels, found b before a'],
    ['a {{}}x2', 'a=0,0,0', 'a: want {{schema:0 count:0 sum:0}} at 0 ms, found 0'],
    ['5', 'a=5,5,5', 'want scalar 5, found a matrix'],
    ['expect ordered|a 1 2 3', 'a=1,2,3', 'want an order, found a matrix, which has its own'],
  ])('%s against %s', (block, answer, difference) => {
    const wanted = expected(block, 'eval range from 0 to 20ms step 10ms x')
    expect(compareRange(wanted, times, matrix(answer))).toBe(difference)
  })

  test.each([
    ['a 2', 'a=1,2,3 b=1,_,3', null],
    ['a 1', 'a=1,2,3', 'a: want 1 at 10 ms, found 2'],
    ['b 1', 'b=1,_,3', 'want b, found none'],
    ['a 2|b 2', 'b=1,2,3 a=1,2,3', 'want the order of labels, found b before a'],
  ])('the step in the middle: %s against %s', (block, answer, difference) => {
    expect(compareStep(expected(block), { step: 1, scalar: false }, matrix(answer))).toBe(difference)
  })

  test('the scalar of a step', () => {
    expect(compareStep(expected('2'), { step: 1, scalar: true }, matrix('x=1,2,3'))).toBeNull()
    expect(compareStep(expected('3'), { step: 1, scalar: true }, matrix('x=1,2,3'))).toBe(
      'want scalar 3, found scalar 2',
    )
    expect(compareStep(expected('2'), { step: 1, scalar: true }, matrix(''))).toBe('want one scalar, found 0')
  })
})

describe('native histograms', () => {
  const answered = (text: string): InstantAnswer => {
    const [value] = readSeries(`a ${text}`).values
    if (value?.kind !== 'histogram') throw new Error(`${text} is no histogram`)
    const histograms = [{ at: 0, histogram: value.histogram.plain() }]
    return {
      kind: 'vector',
      t: 0,
      labels: [['__name__', 'a']],
      values: Float64Array.of(NaN),
      ...noNotes,
      histograms,
    }
  }

  test.each([
    ['{{count:3 sum:1 buckets:[1 2]}}', '{{count:3.000001 sum:1 buckets:[1 2]}}', true],
    ['{{count:3 buckets:[1 2]}}', '{{count:3 buckets:[1 2.1]}}', false],
    ['{{count:3 buckets:[0 1 0 2]}}', '{{count:3 offset:1 buckets:[1 0 2 0]}}', true],
    ['{{count:3 buckets:[1 2]}}', '{{count:3 offset:1 buckets:[1 2]}}', false],
    ['{{count:3 n_buckets:[1 2]}}', '{{count:3 buckets:[1 2]}}', false],
    ['{{schema:1}}', '{{schema:0}}', false],
    ['{{z_bucket:1}}', '{{z_bucket:2}}', false],
    ['{{z_bucket_w:1}}', '{{z_bucket_w:1.0000001}}', false],
    ['{{sum:NaN}}', '{{sum:NaN}}', true],
    ['{{schema:-53 custom_values:[1 2]}}', '{{schema:-53 custom_values:[1 3]}}', false],
    ['{{}}', '{{counter_reset_hint:gauge}}', true],
    ['{{counter_reset_hint:gauge}}', '{{counter_reset_hint:gauge}}', true],
    ['{{counter_reset_hint:unknown}}', '{{counter_reset_hint:gauge}}', false],
  ])('%s and %s are the same: %s', (wanted, found, same) => {
    expect(compareInstant(expected(`a ${wanted}`), answered(found)) === null).toBe(same)
  })

  test('a difference shows both', () => {
    const found = answered(
      '{{schema:1 count:3 sum:2 z_bucket:1 z_bucket_w:0.5 offset:-1 buckets:[1 2] n_buckets:[4]}}',
    )
    expect(compareInstant(expected('a 3'), found)).toBe(
      'a: want 3 at 0 ms, found {{schema:1 count:3 sum:2 z_bucket:1 z_bucket_w:0.5 offset:-1 buckets:[1 2] n_buckets:[4]}}',
    )
    expect(compareInstant(expected('a {{counter_reset_hint:not_reset}}'), vector('a=3'))).toBe(
      'a: want {{schema:0 count:0 sum:0 counter_reset_hint:not_reset}} at 0 ms, found 3',
    )
  })
})

test.each([
  ['', { warnings: ['w'], infos: ['i'] }, null],
  ['expect no_warn|expect no_info', { warnings: [], infos: [] }, null],
  ['expect no_warn', { warnings: ['w'], infos: [] }, 'want no warning, found w'],
  ['expect no_info', { warnings: ['w'], infos: ['i', 'j'] }, 'want no info, found i; j'],
  ['expect warn', { warnings: ['w', 'x'], infos: [] }, null],
  ['expect warn', { warnings: [], infos: ['w'] }, 'want warning of any text, found none'],
  ['expect info msg: i (1:1)', { warnings: [], infos: ['i (1:1)'] }, null],
  ['expect info msg: i (1:1)', { warnings: [], infos: ['i (1:2)'] }, 'want info i (1:1), found i (1:2)'],
  ['expect info msg: i', { warnings: [], infos: ['i', 'j'] }, 'want no other info, found j'],
  ['expect info msg: i|expect info regex: ^j', { warnings: [], infos: ['i', 'jj'] }, null],
])('annotations: %j against %j', (block, found, difference) => {
  expect(compareNotes(expected(block), found)).toBe(difference)
})
