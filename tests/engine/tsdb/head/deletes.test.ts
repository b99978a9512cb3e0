import { describe, expect, test } from 'vitest'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import type { TimeRange } from '../../../../src/engine/model/store.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import { encodeTombstones } from '../../../../src/engine/tsdb/wal/records.ts'
import { always, series } from '../store.ts'
import { LoggedHead } from './harness.ts'
import { chunksText, histogram, snapshotText } from './text.ts'

const hour = 3600_000
const range = 2 * hour
const named = (name: string) => [matcher('__name__', '=~', name)]

async function filled(): Promise<LoggedHead> {
  const store = new LoggedHead(range)
  await store.put('a', [10, 1], [20, 2], [30, 3])
  await store.put('b', [20, 1], [40, 2])
  await store.put('h', [10, histogram({ 1: 1 })], [20, histogram({ 1: 2 })], [30, 3])
  return store
}

describe('delete', () => {
  test.each<[string, string, TimeRange, [number, number, number][]]>([
    [
      'cuts the range to the times of each series',
      '.*',
      always,
      [
        [1, 10, 30],
        [2, 20, 40],
        [3, 10, 30],
      ],
    ],
    [
      'keeps a range inside of them',
      'a|b',
      { minT: 15, maxT: 25 },
      [
        [1, 15, 25],
        [2, 20, 25],
      ],
    ],
    ['says nothing of series that lie beside it', '.*', { minT: 31, maxT: 50 }, [[2, 31, 40]]],
    ['says nothing of series that do not match', 'nobody', always, []],
  ])('%s', async (_, name, times, expected) => {
    const { head } = await filled()
    const found = head.delete(named(name), times).map(({ ref, minT, maxT }) => [ref, minT, maxT])
    expect(found.sort()).toEqual(expected)
  })

  test('leaves alone what is in blocks, although a chunk reaches there', async () => {
    const { head } = await filled()
    head.truncate(20)
    expect(head.delete(named('a'), always)).toEqual([{ ref: 1, minT: 20, maxT: 30 }])
  })

  test('changes nothing by itself: it is logged first', async () => {
    const store = await filled()
    const before = await store.everything()
    const stones = store.head.delete(named('.*'), always)
    expect(await store.everything()).toEqual(before)
    store.head.applyTombstones(stones)
    expect(await store.everything()).toEqual({})
  })
})

describe('what was deleted', () => {
  test('is not seen by queries that begin later, and by a restart neither', async () => {
    const store = await filled()
    const [snapshot] = store.head.snapshot(named('a'), always)
    store.delete(named('.*'), { minT: 20, maxT: 30 })
    const left = { a: '10:1', b: '40:2', h: '10:h1=1' }
    expect(await store.everything()).toEqual(left)
    expect(snapshotText(snapshot!)).toBe('10:1 20:2 30:3')
    expect(await store.restart().again.everything()).toEqual(left)
  })

  test('adds up, whatever the order of the ranges', async () => {
    const store = new LoggedHead(range)
    const times = Array.from({ length: 30 }, (_, t) => t)
    await store.put('a', ...times.map(t => [t, t] as const))
    for (const [minT, maxT] of [
      [20, 22],
      [3, 4],
      [5, 6],
      [10, 12],
      [11, 21],
      [28, 40],
      [0, 0],
    ] as const) {
      store.delete(named('a'), { minT, maxT })
    }
    const [found] = store.head.seriesFor(named('a'))
    expect(store.head.deletedOf(found!)).toEqual([
      { minT: 0, maxT: 0 },
      { minT: 3, maxT: 6 },
      { minT: 10, maxT: 22 },
      { minT: 28, maxT: 29 },
    ])
    const left = times.filter(t => ![0, 3, 4, 5, 6].includes(t) && (t < 10 || t > 22) && t < 28)
    expect(await store.everything()).toEqual({ a: left.map(t => `${t}:${t}`).join(' ') })
  })

  test('does not come into a block', async () => {
    const store = await filled()
    store.delete(named('.*'), { minT: 15, maxT: 25 })
    store.delete(named('b'), { minT: 40, maxT: 40 })
    const found: Record<string, string> = {}
    for await (const { labels, chunks } of store.head.seriesChunks(0, hour))
      found[labels[1]!] = chunksText(chunks)
    expect(found).toEqual({ a: '10:1 30:3', h: '10:h1=1 30:3' })
  })

  test('does not keep later samples out', async () => {
    const store = await filled()
    store.delete(named('a'), always)
    await store.put('a', [31, 4], [25, 5])
    expect(await store.everything()).toMatchObject({ a: '31:4' })
    expect(await store.restart().again.everything()).toEqual(await store.everything())
  })

  test('is still there for who asks for names, until the head is truncated', async () => {
    const store = await filled()
    store.delete(named('a|h'), always)
    const names = () => new HeadQuerier(store.head).labelValues('__name__', [], always)
    expect(await names()).toEqual(['a', 'b', 'h'])
    store.head.truncate(35)
    expect(await names()).toEqual(['b'])
  })

  test('is forgotten with the chunks that had it, and not before', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [1, 1], [2, 2], [hour, 3], [range, 4], [range + 1, 5])
    store.delete(named('a'), { minT: 1, maxT: 1 })
    store.delete(named('a'), { minT: range + 1, maxT: range + 1 })
    const [found] = store.head.seriesFor(named('a'))
    store.save()
    store.head.truncate(hour)
    expect(await store.everything()).toEqual({ a: `2:2 ${hour}:3 ${range}:4` })
    const { again } = store.restart(hour, store.disk)
    expect(await again.everything()).toEqual(await store.everything())
    store.head.truncate(range)
    expect(store.head.deletedOf(found!)).toEqual([{ minT: range + 1, maxT: range + 1 }])
    expect(await store.everything()).toEqual({ a: `${range}:4` })
  })

  test('is nothing where a range ends before it begins', async () => {
    const store = await filled()
    store.records.push(encodeTombstones([{ ref: 1, minT: 31, maxT: 5 }]))
    expect(await store.restart().again.everything()).toEqual(await store.everything())
  })
})

describe('a tombstone in the log', () => {
  test('of all times removes the series, which begins anew behind it', async () => {
    const store = await filled()
    store.records.push(encodeTombstones([{ ref: 1, minT: -Infinity, maxT: Infinity }]))
    const { again, unknown } = store.restart()
    expect(unknown).toBe(0)
    expect(Object.keys(await again.everything())).toEqual(['b', 'h'])
    expect(again.head.seriesCount).toBe(2)
    await store.put('a', [5, 7])
    store.records.push(encodeTombstones([{ ref: 77, minT: -Infinity, maxT: Infinity }]))
    const later = store.restart().again
    // The number was given out before.
    expect(later.head.findOrCreate(series('new')).ref).toBeGreaterThan(77)
  })

  test('of a series that nobody knows is counted, unless it is of a time that is in blocks', async () => {
    const store = await filled()
    store.records.push(
      encodeTombstones([
        { ref: 99, minT: 1, maxT: 5 },
        { ref: 99, minT: 1, maxT: 15 },
      ]),
    )
    const { again } = store.restart(10)
    const name = 'prometheus_tsdb_wal_replay_unknown_refs_total'
    expect([again.metric(name, 'tombstones'), again.metric(name, 'series')]).toEqual([1, 1])
  })
})
