import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstQuery, readParams, writeParams } from '../../../src/ui/query/params.ts'

const defaults = {
  expr: 'up',
  tab: 'graph',
  rangeMs: 3600_000,
  end: null,
  refreshMs: 5000,
  tree: false,
  block: null,
}

test.each([
  ['g0.expr=up', {}],
  ['g0.expr=', { expr: '' }],
  ['g0.expr=up&g0.tab=table', { tab: 'table' }],
  ['g0.expr=up&g0.tab=1', { tab: 'table' }],
  ['g0.expr=up&g0.tab=0', {}],
  ['g0.expr=up&g0.tab=explain', {}],
  ['g0.expr=up&g0.range_input=1h30m', { rangeMs: 5_400_000 }],
  ['g0.expr=up&g0.range_input=nonsense', {}],
  ['g0.expr=up&g0.range_input=0s', {}],
  ['g0.expr=up&g0.end_input=2026-11-22+13%3A05%3A09', { end: Date.UTC(2026, 10, 22, 13, 5, 9) }],
  ['g0.expr=up&g0.moment_input=2026-11-22+13%3A05', { end: Date.UTC(2026, 10, 22, 13, 5) }],
  ['g0.expr=up&g0.refresh=1m', { refreshMs: 60_000 }],
  ['g0.expr=up&g0.refresh=0s', { refreshMs: 0 }],
  ['g0.expr=up&block=01KAMJ6V0000000000000000QX', { block: '01KAMJ6V0000000000000000QX' }],
  ['g0.expr=up&block=../wal', {}],
])('a link of Prometheus: %s', (search, expected) => {
  expect(readParams(search)).toEqual({ ...defaults, ...expected })
})

test('without an expression there is no query', () => {
  expect(readParams('g0.tab=graph&g1.expr=up')).toBeNull()
})

test('the first query writes and reads back as itself', () => {
  expect(readParams(writeParams(firstQuery))).toEqual(firstQuery)
})

test('every query reads back as written', () => {
  const second = (max: number) => fc.integer({ min: 1, max }).map(n => n * 1000)
  const query = fc.record({
    expr: fc.string(),
    tab: fc.constantFrom('graph' as const, 'table' as const),
    rangeMs: second(1e8),
    end: fc.option(second(4e9)),
    refreshMs: second(1e5),
    tree: fc.boolean(),
    block: fc.option(fc.constant('01KAMJ6V0000000000000000QX')),
  })
  fc.assert(
    fc.property(query, q => {
      expect(readParams(writeParams(q))).toEqual(q)
    }),
  )
})
