import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OpenMetricsCursor } from '../../../src/engine/exposition/openmetrics.ts'
import { SyntaxProblem } from '../../../src/engine/model/errors.ts'

/** What is wrong with a text, or null. */
function faultOf(bytes: Uint8Array, strict: boolean): string | null {
  const cursor = new OpenMetricsCursor(bytes, { strict })
  try {
    while (cursor.next() !== 'end');
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxProblem)
    return (error as Error).message
  }
}

const bytesOf = (lines: readonly string[]) => new TextEncoder().encode([...lines, '# EOF\n'].join('\n'))

/** A histogram's buckets and count and sum, and what else. */
const buckets = ['# TYPE a histogram', 'a_bucket{le="1.0"} 1', 'a_bucket{le="+Inf"} 3']

describe('what OpenMetrics 1.0 allows', () => {
  test.each([
    [[]],
    [['a 1']],
    [['# HELP a ', '# UNIT a ']],
    [
      [
        '# UNIT a_seconds seconds',
        '# TYPE a_seconds counter',
        '# HELP a_seconds x',
        'a_seconds_total 1',
        'a_seconds_created 1',
      ],
    ],
    [['# TYPE a counter', 'a_total 1 1 # {a="b"} 0.5', 'a_total 2 1', 'a_total 3 1.5']],
    [['# TYPE a gauge', 'a NaN', 'a{b="c"} -1', 'a{b="d"} +Inf']],
    [['# TYPE a gauge', 'a{b="c"} 1', 'a{b=""} 1']],
    [['# TYPE a info', 'a_info{b="1"} 1 2', 'a_info{b="2"} 1 1']],
    [['# TYPE a stateset', 'a{a="x"} 0', 'a{a="y"} 1', 'a{b="1",a="x"} 1']],
    [
      [
        '# TYPE a summary',
        'a{quantile="0"} NaN',
        'a{quantile="1.0"} 5',
        'a_count 1',
        'a_sum 2.5',
        'a_created 1',
      ],
    ],
    [[...buckets, 'a_count 3', 'a_sum 2.5']],
    [[...buckets, 'a_bucket{b="c",le="+Inf"} 0 # {a="b"} 1 1']],
    [['# TYPE a histogram', 'a_bucket{le="-1"} 1', 'a_bucket{le="+Inf"} 1']],
    [['# TYPE a gaugehistogram', 'a_bucket{le="-1"} 1', 'a_bucket{le="+Inf"} 1', 'a_gcount 1', 'a_gsum -5']],
    [['# TYPE a unknown', 'a 1', 'b 1']],
    [['# TYPE a counter', `a_total 1 # {a="${'☃'.repeat(126)}😀"} 1`]],
  ])('%j', lines => {
    expect(faultOf(bytesOf(lines), true)).toBeNull()
  })
})

describe('what it forbids, and Prometheus lets pass', () => {
  test.each<[lines: string[], fault: string]>([
    [['{"a"} 1'], 'line 1, column 2: expected label name'],
    [['a{"b"="c"} 1'], 'line 1, column 3: expected label name'],
    [['# TYPE "a" gauge'], 'line 1, column 8: want a name without quotes'],
    [['a{b="c",} 1'], 'line 1, column 9: expected label name'],
    [['# TYPE a gauge', '# TYPE a gauge'], 'line 2, column 1: want type of "a" once'],
    [['# HELP a x', '# HELP a x'], 'want help of "a" once'],
    [['# UNIT a ', '# UNIT a '], 'want unit of "a" once'],
    [['a 1', '# TYPE a gauge'], 'want metadata of "a" in front of its samples'],
    [['a 1', 'b 1', 'a 1'], 'line 3, column 1: want the name "a" in one place'],
    [['# TYPE a_created gauge', '# TYPE a counter'], 'want the name "a_created" in one place'],
    [['# TYPE a counter', 'a 1'], 'want the name "a" in one place'],
    [['# TYPE a_u info', '# UNIT a_u u'], 'want no unit of "a_u", since it is of type info'],
    [['# UNIT a_u u', '# TYPE a_u stateset'], 'want no unit of "a_u", since it is of type stateset'],
    [['# TYPE a counter', 'a_total NaN'], 'want a number that is not negative for "a_total", have NaN'],
    [['# TYPE a counter', 'a_total -1'], 'want a number that is not negative for "a_total", have -1'],
    [['# TYPE a histogram', 'a_bucket{le="+Inf"} 0.5'], 'want a whole number for "a_bucket", have 0.5'],
    [['# TYPE a histogram', 'a_sum -1'], 'want a number that is not negative for "a_sum"'],
    [['# TYPE a summary', 'a_count NaN'], 'want a number that is not negative for "a_count"'],
    [['# TYPE a summary', 'a{quantile="0.5"} -1'], 'want a number that is not negative for "a", have -1'],
    [['# TYPE a gaugehistogram', 'a_gsum NaN'], 'want a number for "a_gsum", have NaN'],
    [['# TYPE a info', 'a_info 2'], 'want 1 for "a_info", have 2'],
    [['# TYPE a stateset', 'a{a="x"} 2'], 'want 0 or 1 for "a", have 2'],
    [['# TYPE a stateset', 'a 1'], 'want a label "a" of the stateset "a"'],
    [['# TYPE a summary', 'a 1'], 'want a number from 0 to 1 as quantile of "a", have ""'],
    [['# TYPE a summary', 'a{quantile="1.01"} 1'], 'as quantile of "a", have "1.01"'],
    [['# TYPE a summary', 'a{quantile="NaN"} 1'], 'as quantile of "a", have "NaN"'],
    [['# TYPE a histogram', 'a_bucket 1'], 'want a number or +Inf as le of "a_bucket", have ""'],
    [['# TYPE a histogram', 'a_bucket{le="+INF"} 1'], 'as le of "a_bucket", have "+INF"'],
    [['# TYPE a gauge', 'a 1 # {b="c"} 1'], 'want no exemplar of "a", which is of type gauge'],
    [['# TYPE a histogram', 'a_count 1 # {b="c"} 1'], 'want no exemplar of "a_count"'],
    [
      ['# TYPE a counter', `a_total 1 # {a="${'☃'.repeat(128)}"} 1`],
      "want at most 128 characters in an exemplar's labels, have 129",
    ],
    [
      ['# TYPE a gauge', 'a{b="1"} 1', 'a{b="2"} 1', 'a{b="1"} 1'],
      'line 4, column 1: want the samples of a metric of "a" together',
    ],
    [['# TYPE a gauge', 'a 1', 'a 2'], 'want a sample of "a" once, have it twice'],
    [['# TYPE a gauge', 'a 1 1', 'a 1'], 'want timestamps for all samples of a metric of "a" or for none'],
    [
      ['# TYPE a gauge', 'a 1 1.1', 'a 1 1'],
      'want timestamps of a metric of "a" in order, have 1 behind 1.1',
    ],
    [
      ['# TYPE a histogram', 'a_bucket{le="1"} 1'],
      'line 3, column 1: want a bucket of "a" with le="+Inf", have none',
    ],
    [
      ['# TYPE a histogram', 'a_bucket{le="2"} 1', 'a_bucket{le="1"} 1'],
      'want the buckets of "a" in the order of le, have 1 behind 2',
    ],
    [[...buckets, 'a_count 4', 'a_sum 1'], 'want "a_count" to be the last bucket, 3, have 4'],
    [
      ['# TYPE a histogram', 'a_bucket{le="1"} 2', 'a_bucket{le="+Inf"} 1'],
      'want no bucket of "a" below the one before it',
    ],
    [[...buckets, 'a_count 3'], 'want "a_count" and "a_sum" together, have one of them'],
    [
      ['# TYPE a histogram', 'a_bucket{le="-1"} 1', 'a_bucket{le="+Inf"} 1', 'a_count 1', 'a_sum 1'],
      'want no "a_sum" beside buckets below zero',
    ],
    [
      ['# TYPE a gaugehistogram', 'a_bucket{le="+Inf"} 1', 'a_gcount 1', 'a_gsum -1'],
      'want "a_gsum" not negative without buckets below zero',
    ],
    [
      [...buckets, 'a_bucket{b="c",le="1"} 1', 'b 1'],
      'line 5, column 1: want a bucket of "a" with le="+Inf"',
    ],
  ])('%j', (lines, fault) => {
    expect(faultOf(bytesOf(lines), true)).toContain(fault)
    expect(faultOf(bytesOf(lines), false)).toBeNull()
  })

  test('a label that stands twice is refused even where nobody asks for labels', () => {
    expect(faultOf(bytesOf(['a{b="1",b="2"} 1']), true)).toContain('label name "b" is not unique')
  })
})

// The project's own cases, where they are at hand.
const cases = join(import.meta.dirname, '../../../../shared/upstream/openmetrics')

describe.runIf(existsSync(cases))("OpenMetrics' own cases", () => {
  const names = existsSync(cases) ? readdirSync(cases) : []

  test.each(names)('%s', name => {
    const { shouldParse } = JSON.parse(readFileSync(join(cases, name, 'test.json'), 'utf8')) as {
      shouldParse: boolean
    }
    const fault = faultOf(readFileSync(join(cases, name, 'metrics')), true)
    expect(fault === null, fault ?? 'nothing wrong was found').toBe(shouldParse)
  })
})
