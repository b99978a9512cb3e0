import { expect, test } from 'vitest'
import type { SeriesQuery } from '../../../src/engine/api/service.ts'
import { QueryError } from '../../../src/engine/model/errors.ts'
import type { Labels } from '../../../src/engine/model/labels.ts'
import { matchSelectors } from '../../../src/ui/store/selectors.ts'
import { labels } from '../fakeclient.ts'

const range = { minT: 1, maxT: 9 }
const [a, b, c] = ['a', 'b', 'c'].map(x => labels({ x })) as [Labels, Labels, Labels]

function client(answers: Readonly<Record<string, readonly Labels[] | Error>>) {
  const asked: SeriesQuery[] = []
  const series = async (query: SeriesQuery): Promise<Labels[]> => {
    asked.push(query)
    const answer = answers[query.match[0] ?? ''] ?? []
    if (answer instanceof Error) throw answer
    return [...answer].slice(0, query.limit)
  }
  return { asked, series }
}

test('a series that several selectors match counts once', async () => {
  const engine = client({ one: [a, b], two: [b, c] })
  expect(await matchSelectors(engine, ['one', 'two'], range, 5)).toEqual({
    matched: { series: [a, b, c], more: false },
  })
  expect(engine.asked[0]).toEqual({ match: ['one'], start: 1, end: 9, limit: 6 })
})

test('it is told when there are more series than were asked for', async () => {
  expect(await matchSelectors(client({ one: [a, b, c] }), ['one'], range, 2)).toMatchObject({
    matched: { more: true },
  })
  expect(await matchSelectors(client({ one: [a, b, c] }), ['one'], range, 3)).toMatchObject({
    matched: { more: false },
  })
})

test('a selector that is none is told at its place', async () => {
  const bad = new QueryError('bad_data', '1:3: parse error', { from: 2, to: 3 })
  expect(await matchSelectors(client({ one: [a], two: bad }), ['one', 'two'], range, 5)).toEqual({
    problems: [null, { message: '1:3: parse error', expr: 'two', span: { from: 2, to: 3 } }],
  })
})

test('what is not the fault of a selector rejects', async () => {
  const engine = client({ one: new Error('the disk is gone') })
  await expect(matchSelectors(engine, ['one'], range, 5)).rejects.toThrow('the disk is gone')
})

test('without selectors nothing is asked', async () => {
  const engine = client({})
  expect(await matchSelectors(engine, [], range, 5)).toEqual({ matched: { series: [], more: false } })
  expect(engine.asked).toEqual([])
})
