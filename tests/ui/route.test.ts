import { expect, test } from 'vitest'
import { formatRoute, parseRoute } from '../../src/ui/route.ts'

test.each([
  ['', 'query', ''],
  ['#', 'query', ''],
  ['#/', 'query', ''],
  ['#/query', 'query', ''],
  ['#/query?g0.expr=up', 'query', 'g0.expr=up'],
  ['#query?a=1?b', 'query', 'a=1?b'],
  ['#/targets', 'targets', ''],
  ['#/targets/', 'targets', ''],
  ['#/blocks', 'blocks', ''],
  ['#/status?x=1', 'status', 'x=1'],
  ['#/elsewhere?g0.expr=up', 'query', ''],
])('%j is the page %s with %j', (hash, page, search) => {
  expect(parseRoute(hash)).toEqual({ page, search })
})

test('a route reads back as written', () => {
  const route = { page: 'query', search: 'g0.expr=up%7Ba%3D%22%3F%23%22%7D' } as const
  expect(parseRoute(formatRoute(route))).toEqual(route)
})
