import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/engine/model/errors.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine, type QueryEngineOptions } from '../../../src/engine/promql/engine.ts'
import { nodeHost } from '../../../src/hosts/nodehost.ts'
import { MemoryQuerier } from '../../../src/promqltest/memory.ts'
import { evaluations, instants, series } from './differentialdata.ts'
import { mistaken } from './generatormutations.ts'

// Whatever is asked ends soon, and with an answer or a query's error. Most of it takes milliseconds; the limit is for
// machines that have much else to do.

const soonMs = 10_000

const host = nodeHost({ userAgent: 'tests', folder: '.', write: () => undefined })

function engineWith(options: Partial<QueryEngineOptions> = {}): QueryEngine {
  const store = new MemoryQuerier(series, 50)
  return new QueryEngine({ querier: () => store, host, metrics: new Registry(), ...options })
}

/** Asks at an instant and over a range: the kind of each answer, or the error's text.
 *  @throws any other error, and when it takes long */
async function outcomes(expr: string, engine = engineWith()): Promise<string[]> {
  const { start, step, steps } = evaluations
  const range = { expr, start, end: start + (steps - 1) * step, step }
  const began = host.monotonic()
  const both = [
    await outcome(engine.instant({ expr, time: instants[0]! })),
    await outcome(engine.range(range)),
  ]
  expect(host.monotonic() - began).toBeLessThan(soonMs)
  return both
}

async function outcome(answer: Promise<{ readonly kind: string }>): Promise<string> {
  try {
    return (await answer).kind
  } catch (error) {
    if (error instanceof QueryError) return error.message
    throw error
  }
}

function nested(depth: number, open: string, close: string, inner = 'limit'): string {
  return open.repeat(depth) + inner + close.repeat(depth)
}

/** `f(…f(limit)…)`. */
function around(depth: number, wrap: (inner: string) => string): string {
  return Array.from({ length: depth }).reduce<string>(wrap, 'limit')
}

const million = 1_000_000
const tooLong = '1:1: parse error: expression is longer than 1048576 characters'
const tooDeep = (at: number) => `1:${at}: parse error: expression is nested more than 500 levels deep`
const tooMany = 'query processing would load too many samples into memory in query execution'
const names = (count: number) => Array.from({ length: count }, (_, i) => `a${i}`).join(', ')

describe('text without end', () => {
  test.each([
    ['a sum of 10 MB', 'a + '.repeat(2.5 * million) + 'a', tooLong],
    ['10 MB of spaces', ' '.repeat(10 * million) + '1', tooLong],
    ['a text of 10 MB', `"${'x'.repeat(10 * million)}"`, tooLong],
    ['10 MB of parentheses', '('.repeat(10 * million), tooLong],
    ['1,000 parentheses', nested(1000, '(', ')'), tooDeep(501)],
    ['100,000 parentheses', nested(100_000, '(', ')'), tooDeep(501)],
    ['parentheses that nobody closes', '('.repeat(million), tooDeep(501)],
    ['100,000 signs', nested(100_000, '-', ''), tooDeep(501)],
    ['a million signs', '+-'.repeat(million / 2) + '1', tooDeep(501)],
    ['100,000 calls', nested(100_000, 'abs(', ')'), tooDeep(2001)],
    ['100,000 aggregations', nested(100_000, 'sum(', ')'), tooDeep(2001)],
    ['100,000 powers', '1' + ' ^ 1'.repeat(100_000), tooDeep(2001)],
    [
      'a sum of 100,000',
      '1' + ' + 1'.repeat(100_000),
      '1:1: parse error: expression is nested more than 1000 levels deep',
    ],
    ['100,000 braces', '{'.repeat(100_000), "1:2: parse error: unexpected left brace '{'"],
    [
      'a duration in 100,000 parentheses',
      `limit[${nested(100_000, '(', ')', '1m')}]`,
      '1:508: parse error: duration is nested more than 500 levels deep',
    ],
    [
      'a duration with 100,000 signs',
      `limit[${nested(100_000, '-', '', '1m')}]`,
      '1:508: parse error: duration is nested more than 500 levels deep',
    ],
    [
      '100,000 offsets',
      'limit' + ' offset 1m'.repeat(100_000),
      '1:1: parse error: offset may not be set multiple times',
    ],
    [
      '80,000 arguments',
      `abs(${'limit, '.repeat(80_000)}limit)`,
      '1:1: parse error: expected 1 argument(s) in call to "abs", got 80001',
    ],
    ['a million commas', `sum(${','.repeat(million)}`, '1:5: parse error: unexpected "," in aggregation'],
    ['250,000 texts', '"a" '.repeat(250_000), '1:5: parse error: unexpected string "\\"a\\""'],
    [
      'a million lines',
      '\n'.repeat(million) + ')',
      "1000001:2: parse error: unexpected right parenthesis ')'",
    ],
    [
      'escapes with a wrong one at the end',
      `"${'\\n'.repeat(500_000)}\\q"`,
      "1:1: parse error: unknown escape sequence U+0071 'q'",
    ],
    [
      'half a million lone surrogates',
      `"${'\ud800'.repeat(500_000)}"`,
      '1:1: parse error: invalid UTF-8 rune',
    ],
  ])('%s', async (_, expr, message) => {
    expect(await outcomes(expr)).toEqual([message, message])
  })

  test.each([
    ['499 parentheses', nested(499, '(', ')')],
    ['490 calls', nested(490, 'abs(', ')')],
    ['490 aggregations', nested(490, 'sum by (job) (', ')')],
    ['a sum of 900', 'limit' + ' + limit'.repeat(900)],
    ['a name of a million letters', 'a'.repeat(million)],
    ['100,000 labels to group by', `sum by (${names(100_000)}) (requests_total)`],
    ['100,000 labels to match by', `limit * ignoring (${names(100_000)}) limit`],
    ['30,000 matchers', `requests_total{${names(30_000).replaceAll(',', '="",')}=""}`],
    ['10,000 labels to join', `label_join(limit, "x", ",", ${'"job", '.repeat(10_000)}"job")`],
    ['300 unions', 'requests_total' + ' or requests_total'.repeat(300)],
    ['20 subqueries, one in the other', around(20, inner => `sum_over_time(${inner}[1m:10s])`)],
  ])('%s are no reason to refuse', async (_, expr) => {
    expect(await outcomes(expr)).toEqual(['vector', 'matrix'])
  })

  test('half a million escapes are read', async () => {
    const [instant] = await outcomes(`"${'\\n'.repeat(500_000)}"`)
    expect(instant).toBe('string')
  })

  test('a number of a million digits is out of range', async () => {
    for (const message of await outcomes('1'.repeat(million)))
      expect(message).toMatch(/: value out of range$/)
  })
})

describe('regular expressions', () => {
  test('one that makes others hang takes no time', async () => {
    expect(await outcomes('{__name__=~".+", job=~"(x+x+)+y"}')).toEqual(['vector', 'matrix'])
    expect(await outcomes(`label_replace(limit, "x", "$1", "job", "(a*)*(a|b)*(.*)*")`)).toEqual([
      'vector',
      'matrix',
    ])
  })

  test.each([
    ['of 1 MB', 'ab*'.repeat(300_000)],
    ['that is large once it is written out', '(([a-z]{100}){10}){66}'],
    ['with 300,000 groups', nested(300_000, '(', ')', '')],
  ])('one %s is refused', async (_, regex) => {
    const size = 'want a size of at most 65536, found a larger one'
    const message = `1:7: parse error: error parsing regexp: ${size}`
    expect(await outcomes(`limit{job=~"${regex}"}`)).toEqual([message, message])
    const invalid = `invalid regular expression in label_replace(): ${regex}`
    expect(await outcomes(`label_replace(limit, "x", "", "job", "${regex}")`)).toEqual([invalid, invalid])
  })

  test('a list of 1 MB is as good as a short one', async () => {
    const hosts = Array.from({ length: 100_000 }, (_, i) => `h-${i}`).join('|')
    expect(await outcomes(`limit{job=~"api|${hosts}"}`)).toEqual(['vector', 'matrix'])
  })
})

describe('answers without end', () => {
  test.each([
    [
      'limit[100y:1ms]',
      [tooMany, 'invalid expression type "range vector" for range query, must be Scalar or instant Vector'],
    ],
    ['count_over_time(limit[100y:1ms])', [tooMany, tooMany]],
    ['count_over_time(vector(1)[100y:1ms])', [tooMany, tooMany]],
    ['sum_over_time(sum_over_time(vector(1)[1d:1ms])[1d:1ms])', [tooMany, tooMany]],
    [
      'rate(limit[1e300])',
      ['1:12: parse error: duration out of range', '1:12: parse error: duration out of range'],
    ],
    ['topk(Inf, limit)', ['Scalar value +Inf overflows int64', 'Scalar value +Inf overflows int64']],
    [
      'label_replace(requests_total, "code", "", "code", ".*")',
      Array(2).fill('vector cannot contain metrics with the same labelset'),
    ],
    [
      'label_join(requests_total, "code", "", "job")',
      Array(2).fill('vector cannot contain metrics with the same labelset'),
    ],
  ])('%s', async (expr, messages) => {
    expect(await outcomes(expr)).toEqual(messages)
  })

  test.each([
    'requests_total',
    'requests_total * 2',
    'rate(requests_total[5m])',
    'topk(100, requests_total)',
    'vector(1)',
  ])('what %s needs is too much when there is no room', async expr => {
    const [, range] = await outcomes(expr, engineWith({ maxSamples: 71 }))
    expect(range).toBe(tooMany)
  })

  test.each([
    ['label_replace', around(30, inner => `label_replace(${inner}, "x", "$1$1$1$1$1$1$1$1", "x", "(.*)")`)],
    ['label_join', around(30, inner => `label_join(${inner}, "x", "......", "x", "x", "x", "x")`)],
  ])('labels that %s makes longer and longer are refused before they fill the memory', async (name, expr) => {
    const grown = expr.replace('limit', 'label_replace(limit, "x", "12345678", "", "")')
    const message = `label value in ${name}() is longer than 65536 characters`
    expect(await outcomes(grown)).toEqual([message, message])
  })

  test('what takes too long ends when its time is over', async () => {
    const expr = around(12, inner => `sum_over_time(${inner}[1h:1s])`)
    const engine = engineWith({ timeoutMs: 200 })
    const message = 'query timed out in expression evaluation'
    expect(await outcomes(expr, engine)).toEqual([message, message])
  })
})

describe('chance', () => {
  test('an expression with a mistake in it has an answer or a query’s error', async () => {
    const engine = engineWith({ maxSamples: 200_000, timeoutMs: 2000 })
    const found = []
    for (const expr of mistaken(300, 7)) found.push(...(await outcomes(expr, engine)))
    expect(found.filter(text => text.includes('parse error')).length).toBeGreaterThan(300)
    expect(found.filter(text => text === 'vector' || text === 'matrix').length).toBeGreaterThan(30)
  })

  test('and so has any text', async () => {
    const engine = engineWith({ maxSamples: 200_000, timeoutMs: 2000 })
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ maxLength: 30 }))
    await fc.assert(
      fc.asyncProperty(text, async expr => {
        expect(await outcomes(expr, engine)).toHaveLength(2)
      }),
      { numRuns: 300 },
    )
  })
})
