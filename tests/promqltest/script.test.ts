import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatLabels } from '../../src/engine/model/labels.ts'
import type { Eval } from '../../src/promqltest/eval.ts'
import { writeHistogram } from '../../src/promqltest/histogram.ts'
import type { Load } from '../../src/promqltest/load.ts'
import { countEvals, readScript } from '../../src/promqltest/script.ts'

/** The commands in short: `clear@1 load@3 eval@5 broken@7`. */
function outline(script: string): string {
  return readScript(script)
    .map(command => `${command.kind}@${command.line}`)
    .join(' ')
}

function only<K extends 'load' | 'eval'>(kind: K, script: string): K extends 'load' ? Load : Eval {
  const commands = readScript(script)
  expect(commands).toMatchObject([{ kind }])
  return commands[0] as K extends 'load' ? Load : Eval
}

describe('commands', () => {
  test('a command goes on until a blank line', () => {
    const script = ['clear', '', 'load 1m', '  a 1', '  b 2', '', 'eval instant at 0 a', '  a 1', '']
    expect(outline(script.join('\n'))).toBe('clear@1 load@3 eval@7')
  })

  test('a comment is a blank line', () => {
    expect(outline('load 1m\n  a 1\n# b 2\n  c 3\n')).toBe('load@1 broken@4')
  })

  test('the first word is read in any case, white space does not matter, lines may end as in Windows', () => {
    expect(outline('  CLEAR  \r\nLoad')).toBe('clear@1 broken@2')
    expect(outline('\tload  1m\r\n\ta\t1\r\n')).toBe('load@1')
  })

  test('behind clear, and behind a number, the next command needs no blank line', () => {
    const script = 'clear\nload 1m\n  a 1\n\neval instant at 0 1\n  1\neval instant at 0 2\n  2\nclear'
    expect(outline(script)).toBe('clear@1 load@2 eval@5 eval@7 clear@9')
  })

  test.each([
    ['laod 1m\n  a 1', 1, 'want clear, load or eval, found laod 1m'],
    ['expect fail', 1, 'want clear, load or eval, found expect fail'],
    ['load', 1, 'want load[_with_nhcb] and a duration, found load'],
    ['load 1x\n  a 1', 1, 'want load[_with_nhcb] and a duration, found load 1x'],
    ['load_with_bells 1m', 1, 'want load[_with_nhcb] and a duration, found load_with_bells 1m'],
    ['load 1m\n  a 1\n  b 1..2', 3, 'want a value at column 3, found 1..2'],
    ['load 1m\n  a@st 0\n\n', 2, 'want samples below the start timestamps'],
    ['load 1m\n  a@st 0\n  b 1', 2, 'want the same metric in the line below'],
    ['load 1m\n  a@st 0 0\n  a 1', 2, 'want 1 start timestamps, found 2'],
    ['load 1m\n  a@st zero\n  a 1', 2, 'want a start timestamp, found zero'],
  ])('%j is broken', (script, line, reason) => {
    expect(readScript(script)).toEqual([{ kind: 'broken', line, reason, isEval: false }])
  })

  const usage = 'want eval instant at <time> <query> or eval range from <start> to <end> step <step> <query>'
  test.each([
    ['eval', 1, `${usage}, found eval`],
    ['eval instant a', 1, `${usage}, found eval instant a`],
    ['eval_often instant at 0 a', 1, `${usage}, found eval_often instant at 0 a`],
    ['eval_ordered range from 0 to 1m step 1m a', 1, `${usage}, found eval_ordered range from`],
    ['EVAL instant at 0 a', 1, `${usage}, found EVAL instant at 0 a`],
    ['eval instant at soon a', 1, 'want a duration, found soon'],
    ['eval range from 2m to 1m step 1m a', 1, 'want an end that is not before 2m, found 1m'],
    ['eval instant at 0 a\n  a 1 2', 2, 'want one value, found 2'],
    ['eval instant at 0 a\n  a', 2, 'want one value, found 0'],
    ['eval instant at 0 a\n  a _', 2, 'want one value, found a gap'],
    ['eval instant at 0 a\n  a 1\n  a 1', 3, 'want every series once, found one again'],
    ['eval instant at 0 a\n  a 1\n  5', 3, 'want series only, found a number'],
    ['eval instant at 0 a\n  5m', 2, 'want a metric at column 1, found 5m'],
    [
      'eval instant at 0 a\n  expect nothing',
      2,
      'want expect <type> [msg:|regex: <text>], found expect nothing',
    ],
    ['eval instant at 0 a\n  expect fail msg', 2, 'want expect <type> [msg:|regex: <text>]'],
    ['eval instant at 0 a\n  expect fail\n  expect fail', 3, 'want one failure, found another'],
    ['eval instant at 0 a\n  expect warn\n  expect no_warn', 3, 'want some annotations or none, found both'],
    ['eval instant at 0 a\n  expect no_info\n  expect info', 3, 'want some annotations or none, found both'],
    ['eval instant at 0 a\n  expect fail regex: (', 2, 'error parsing regexp: missing closing ): `(`'],
    ['eval instant at 0 a\n  expect string', 2, 'want a string in double or back quotes, found nothing'],
    ["eval instant at 0 a\n  expect string 'a'", 2, "want a string in double or back quotes, found 'a'"],
    ['eval instant at 0 a\n  expect string "a" b', 2, 'want a string in double or back quotes'],
    ['eval instant at 0 a\n  expect range vector from 0', 2, 'want expect range vector from … to … step …'],
    ['eval range from 0 to 1m step 1m a\n  expect range vector from 0 to 1s step 1s', 2, 'of an instant'],
    ['eval_fail instant at 0 a\n  expected_fail_text x', 2, 'want expected_fail_message or _regexp'],
  ])('%j is a broken eval', (script, line, reason) => {
    expect(readScript(script)).toEqual([
      { kind: 'broken', line, reason: expect.stringContaining(reason), isEval: true },
    ])
  })

  test('what follows a broken command is read', () => {
    expect(outline('nonsense\n  more of it\n\nclear\n\neval\n  a 1\n\neval instant at 0 a')).toBe(
      'broken@1 clear@4 broken@6 eval@9',
    )
  })

  test('no block swallows an eval', () => {
    const script = 'load 1m\n  a 1\neval instant at 0 a\n  a 1\neval instant at 0 a\n\nnonsense\neval\n'
    expect(outline(script)).toBe('load@1 broken@3 broken@5 broken@7 broken@8')
    expect(readScript(script)[1]).toMatchObject({
      reason: 'want a blank line in front, found the block of line 1',
      isEval: true,
    })
    expect(countEvals(script)).toBe(3)
  })

  test('the evals that are counted are the lines that begin so', () => {
    expect(countEvals('eval\n eval_fail x\n\tEVAL\n# eval\nload eval\n eval: a')).toBe(4)
    expect(countEvals('')).toBe(0)
  })
})

test('whatever is written, each line that begins with eval becomes one eval, whole or broken', () => {
  const words = [
    'load 1m',
    'eval instant at 0 a',
    'eval',
    '  eval_fail',
    'clear',
    '# eval',
    'expect fail',
    '5',
    '',
  ]
  const line = fc.oneof(
    fc.constantFrom(...words, 'a{b="c"} 1 _x3', 'a@st 0', '{{', 'a {{sum:1}}x2'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(line), lines => {
      const script = lines.join('\n')
      const evals = readScript(script).filter(
        ({ kind, ...rest }) => kind === 'eval' || ('isEval' in rest && rest.isEval),
      )
      expect(evals).toHaveLength(countEvals(script))
    }),
    { numRuns: 500 },
  )
})

describe('load', () => {
  test('samples come one interval after the other, from 0 on, gaps are left out', () => {
    const { series } = only('load', 'load 10s53ms\n  a{b="c"} 1 _ stale 2')
    expect(series).toEqual([
      {
        labels: ['__name__', 'a', 'b', 'c'],
        samples: [
          { t: 0, v: 1, stale: false, histogram: null, start: 0 },
          { t: 20_106, v: NaN, stale: true, histogram: null, start: 0 },
          { t: 30_159, v: 2, stale: false, histogram: null, start: 0 },
        ],
      },
    ])
  })

  test('of two lines with one metric the later counts', () => {
    const { series } = only('load', 'load 1m\n  a{x="1",y="2"} 1\n  a{y="2",x="1"} 2')
    expect(series.map(({ samples }) => samples)).toEqual([
      [{ t: 0, v: 2, stale: false, histogram: null, start: 0 }],
    ])
  })

  test('samples are floats, histograms and stale markers, and may know when they began', () => {
    const script = `load 1m
      mixed{a="b"} 1 {{count:2}} _ stale
      started@st _ -1m
      started    1 2`
    const samples = only('load', script).series.flatMap(series => series.samples)
    expect(
      samples.map(({ t, v, stale, histogram, start }) => [t, histogram?.count ?? v, stale, start]),
    ).toEqual([
      [0, 1, false, 0],
      [60_000, 2, false, 0],
      [180_000, NaN, true, 0],
      [0, 1, false, 0],
      [60_000, 2, false, 0],
    ])
    expect(only('load', 'load 1m\n  s@st _ -30s\n  s 1 2').series[0]?.samples[1]?.start).toBe(30_000)
  })
})

describe('load_with_nhcb', () => {
  /** The histograms of each series that is made, one after the other. */
  function converted(...lines: string[]): string[] {
    const { series } = only('load', ['load_with_nhcb 1m', ...lines].join('\n'))
    return series.slice(lines.length).map(({ labels, samples }) => {
      const texts = samples.map(
        ({ t, histogram }) => `${t / 60_000}: ${histogram && writeHistogram(histogram)}`,
      )
      return [formatLabels(labels), ...texts].join(' ')
    })
  }

  test('makes a native histogram of each classic one, beside it', () => {
    expect(
      converted(
        'h_bucket{le="+Inf",a="b"} 4 9',
        'h_bucket{le="1",a="b"} 1 2',
        'h_bucket{le="0.5",a="b"} 1 1',
        'h_count{a="b"} 4 9',
        'h_sum{a="b"} 2.5 5',
        'h_total 7',
      ),
    ).toEqual([
      'h{a="b"} 0: {{schema:-53 count:4 sum:2.5 custom_values:[0.5 1] buckets:[1 0 3]}} ' +
        '1: {{schema:-53 count:9 sum:5 custom_values:[0.5 1] buckets:[1 1 7]}}',
    ])
  })

  test('the highest bucket is the count where nobody says, and the count the highest bucket', () => {
    expect(converted('h_bucket{le="1"} 3')).toEqual([
      'h 0: {{schema:-53 count:3 sum:0 custom_values:[1] buckets:[3]}}',
    ])
    expect(converted('h_bucket{le="1"} 3', 'h_count 5')).toEqual([
      'h 0: {{schema:-53 count:5 sum:0 custom_values:[1] buckets:[3 2]}}',
    ])
  })

  test('a bound that is no number is no part of it', () => {
    expect(converted('h_bucket{le="x"} 3', 'h_count 0')).toEqual([
      'h 0: {{schema:-53 count:0 sum:0 custom_values:[]}}',
    ])
  })

  test.each([
    [['h_bucket{le="1"} 3', 'h_bucket{le="2"} 2'], 'want cumulative counts'],
    [['h_bucket{le="+Inf"} 3', 'h_count 4'], 'count mismatch: count=4 != le=+Inf count=3'],
    [['h_count -1'], 'want no negative count'],
  ])('%j is refused', (lines, message) => {
    const [command] = readScript(['load_with_nhcb 1m', ...lines].join('\n'))
    expect(command).toMatchObject({
      kind: 'broken',
      line: 1,
      reason: expect.stringContaining(message) as string,
    })
  })
})

describe('eval', () => {
  test('an instant and a range', () => {
    expect(only('eval', 'eval instant at 1h30m sum by (a) (b)')).toMatchObject({
      line: 1,
      expr: 'sum by (a) (b)',
      at: 5_400_000,
    })
    expect(only('eval', '\n  eval  range from 0 to 1m30s step 10s a  +  b')).toMatchObject({
      line: 2,
      expr: 'a  +  b',
      at: { start: 0, end: 90_000, step: 10_000 },
    })
  })

  test('an empty block says that the answer has no series', () => {
    expect(only('eval', 'eval instant at 0 a').expected).toMatchObject({
      fail: null,
      warn: [],
      info: [],
      noWarn: false,
      noInfo: false,
      ordered: false,
      rangeVector: null,
      string: null,
      scalar: null,
      series: [],
    })
  })

  test('expectations of all kinds', () => {
    const script = `eval instant at 0 a
      expect ordered
      expect warn
      expect warn msg: PromQL warning: one: two (1:1)
      expect info regex: ^PromQL .*\\d
      a 1
      expect{} 2`
    const { warn, info, ordered, series } = only('eval', script).expected
    expect(ordered).toBe(true)
    expect(warn.map(({ text }) => text)).toEqual(['', 'PromQL warning: one: two (1:1)'])
    expect(warn[1]?.matches('PromQL warning: one: two (1:1)')).toBe(true)
    expect(warn[1]?.matches('PromQL warning: one: two (1:1) and more')).toBe(false)
    expect(info[0]?.matches('PromQL info 5 (1:1)')).toBe(true)
    expect(info[0]?.matches('no PromQL info 5')).toBe(false)
    expect(series.map(({ labels }) => formatLabels(labels))).toEqual(['a', 'expect'])
  })

  test.each([
    ['5', 5],
    ['-0.5', -0.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['0x1F', 31],
    ['+Inf', Infinity],
    ['NaN', NaN],
  ])('%s is a scalar', (text, scalar) => {
    expect(only('eval', `eval instant at 0 1\n  ${text}`).expected.scalar).toBe(scalar)
  })

  test.each([
    ['"a \\"b\\""', 'a "b"'],
    ['`a\\b`', 'a\\b'],
    ['""', ''],
  ])('%s is a string', (literal, string) => {
    expect(only('eval', `eval instant at 0 "x"\n  expect string ${literal}`).expected.string).toBe(string)
  })

  test('times of a range vector', () => {
    const script = 'eval instant at 0 a[1m]\n  expect range vector from 10s to 1m step 10s\n  a 1 _ 3'
    expect(only('eval', script).expected).toMatchObject({
      rangeVector: { start: 10_000, end: 60_000, step: 10_000 },
      series: [{ values: [{ v: 1 }, null, { v: 3 }] }],
    })
  })

  test('the deprecated endings', () => {
    const expectedOf = (script: string) => only('eval', script).expected
    expect(expectedOf('eval_ordered instant at 0 a').ordered).toBe(true)
    expect(expectedOf('eval_warn range from 0 to 1m step 1m a').warn[0]?.matches('anything')).toBe(true)
    expect(expectedOf('eval_info instant at 0 a').info[0]?.matches('anything')).toBe(true)
    expect(expectedOf('eval_fail instant at 0 a').fail?.matches('anything')).toBe(true)
    const message = expectedOf('eval_fail instant at 0 a\n  expected_fail_message it broke').fail
    expect([message?.matches('it broke'), message?.matches('it broke down')]).toEqual([true, false])
    const regexp = expectedOf(
      'eval_fail range from 0 to 1s step 1s a\n  expected_fail_regexp it (broke|burst)',
    )
    expect([regexp.fail?.matches('so it burst'), regexp.fail?.matches('it is')]).toEqual([true, false])
  })
})
