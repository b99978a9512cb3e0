import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { findProblems, format, languageTerms, nodesOf } from '../../src/engine/language.ts'
import type { NodeStats } from '../../src/engine/model/answers.ts'
import { QueryError } from '../../src/engine/model/errors.ts'
import { aggregators } from '../../src/engine/promql/syntax/aggregators.ts'
import { functions } from '../../src/engine/promql/syntax/functions.ts'
import { FakeHost } from '../fakehost.ts'

describe('problems', () => {
  test('an expression that can be read has none', () => {
    expect(findProblems('sum by (job) (rate(up[5m]))')).toEqual([])
  })

  test('each has its text and its place', () => {
    expect(findProblems('rate(up)')).toEqual([
      {
        message:
          '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
        span: { from: 5, to: 7 },
      },
    ])
  })

  test('all are found, not the first alone', () => {
    expect(findProblems('rate(up) + irate(up)').map(({ span }) => span?.from)).toEqual([5, 17])
  })
})

describe('the format', () => {
  test('is Prometheus’s', () => {
    expect(format('sum  by(job)(rate( up [5m] ))')).toBe('sum by (job) (rate(up[5m]))')
  })

  test('of nothing is refused', () => {
    expect(() => format('sum(')).toThrow(QueryError)
  })
})

describe('the nodes of an expression', () => {
  const shown = (expr: string) =>
    nodesOf(expr).map(({ depth, span, text, type }) => {
      return `${' '.repeat(depth)}${text} | ${expr.slice(span.from, span.to)} | ${type}`
    })

  test('come in front of their parts, with parentheses and literals left out', () => {
    expect(shown('topk(5, rate(a{b="c"}[5m])) / on (x) (-max_over_time(up[1h:1m] offset 1d))')).toEqual([
      '… / on (x) … | topk(5, rate(a{b="c"}[5m])) / on (x) (-max_over_time(up[1h:1m] offset 1d)) | instant vector',
      ' topk(5, …) | topk(5, rate(a{b="c"}[5m])) | instant vector',
      '  rate(…) | rate(a{b="c"}[5m]) | instant vector',
      '   a{b="c"}[5m] | a{b="c"}[5m] | range vector',
      ' -… | -max_over_time(up[1h:1m] offset 1d) | instant vector',
      '  max_over_time(…) | max_over_time(up[1h:1m] offset 1d) | instant vector',
      '   …[1h:1m] offset 1d | up[1h:1m] offset 1d | range vector',
      '    up | up | instant vector',
    ])
  })

  test('of a literal are the literal', () => {
    expect(shown('(1)')).toEqual(['1 | 1 | scalar'])
    expect(shown('"x"')).toEqual(['"x" | "x" | string'])
  })

  test('of what cannot be read are refused', () => {
    expect(() => nodesOf('sum(')).toThrow(QueryError)
  })
})

const terms = languageTerms()

describe('the terms of the language', () => {
  test('are all functions and aggregations, each once', () => {
    const names = [...Object.keys(functions), ...Object.keys(aggregators)]
    expect(terms.map(({ name }) => name)).toEqual(names)
    expect(new Set(names).size).toBe(names.length)
  })

  test.each([
    ['rate', '(range vector)'],
    ['time', '()'],
    ['hour', '([instant vector])'],
    ['round', '(instant vector[, scalar])'],
    ['label_join', '(instant vector, string, string[, string …])'],
    ['histogram_quantile', '(scalar, instant vector)'],
    ['sum', '(instant vector)'],
    ['count_values', '(string, instant vector)'],
  ])('%s has the signature %s', (name, signature) => {
    expect(terms.find(term => term.name === name)?.signature).toBe(signature)
  })

  test('say what they do in one sentence', () => {
    for (const { doc } of terms) expect(doc).toMatch(/^[^ ].+\.$/)
  })
})

describe('an engine that scrapes itself', () => {
  async function start() {
    const host = new FakeHost()
    const about = { kind: 'test', version: '0', build: 1, engineId: 'test' } as const
    const selfUrl = 'http://localhost:9099/metrics'
    const engine = await openEngine({ host, disk: new MemoryDisk(), ...about, selfUrl, sidecarUrl: null })
    await host.advance(21_000)
    return { engine, host }
  }

  test('tells what each node of an expression did, found by its place', async () => {
    const { engine, host } = await start()
    const expr =
      '(sum by (job) (rate(up[20s])) / (count(up) + 1)) > bool 0 or -max_over_time(up[10s:5s] offset 1s)'
    const end = host.now()
    const range = { expr, start: end - 10_000, end, step: 5000 }
    const { stats } = await engine.queryRange({ ...range, statistics: { perNode: true } })
    const placesOf = (all: readonly NodeStats[]): string[] =>
      all.flatMap(({ span, parts }) => [`${span.from}-${span.to}`, ...placesOf(parts)])
    const told = new Set(placesOf(stats.nodes ?? []))
    const untold = (await engine.queryNodes(expr)).filter(({ span }) => !told.has(`${span.from}-${span.to}`))
    expect(untold).toEqual([])
    await engine.close()
  })

  test('answers what an editor asks', async () => {
    const { engine } = await start()
    expect((await engine.queryProblems('rate(up)')).length).toBe(1)
    expect(await engine.formatQuery('up==1')).toBe('up == 1')
    expect((await engine.languageTerms()).length).toBe(terms.length)
    expect(await engine.metadata()).toBeInstanceOf(Map)
    await engine.close()
  })
})
