import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { valueOf } from '../../../../src/engine/model/labels.ts'
import { matcher, type Matcher } from '../../../../src/engine/model/matcher.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { saveTombstones } from '../../../../src/engine/tsdb/block/deletion.ts'
import { Pace } from '../../../../src/engine/tsdb/block/pace.ts'
import { Tombstones } from '../../../../src/engine/tsdb/block/tombstones.ts'
import { mixedEverything, mixedSeries, somePoints, textOf, type Point } from '../mixed.ts'
import { everything } from '../reading.ts'
import { allSeries, made, madeSeries, partsOf, shelfOf, type Made } from './blockdisk.ts'

const all: Made[] = ['a', 'b', 'c'].map(name => [name, {}, Array.from({ length: 9 }, (_, i) => [10 + i, i])])

/** Deletes, opens the block again, and answers its tombstones by the names of their series. */
async function deleted(
  disk: MemoryDisk,
  ulid: string,
  matchers: readonly Matcher[],
  minT: number,
  maxT: number,
): Promise<string | null> {
  const before = await openBlock(shelfOf(disk), ulid)
  const stones = await before.deletion(matchers, { minT, maxT }, Pace.hurried)
  if (!stones) return null
  expect(await saveTombstones(disk, before.meta, stones)).toBe(true)
  const block = await openBlock(shelfOf(disk), ulid)
  expect(block.meta).toEqual({
    ...before.meta,
    stats: { ...before.meta.stats, numTombstones: stones.count },
  })
  expect(block.tombstones).toBe(stones.count)
  return textOfStones(disk, ulid, stones)
}

async function textOfStones(disk: MemoryDisk, ulid: string, stones: Tombstones): Promise<string> {
  const { index } = await partsOf(disk, ulid)
  const names = new Map((await allSeries(index)).map(({ ref, labels }) => [ref, valueOf(labels, '__name__')]))
  return [...stones.each()].map(({ ref, minT, maxT }) => `${names.get(ref)}:${minT}-${maxT}`).join(' ')
}

const named = (pattern: string) => [matcher('__name__', '=~', pattern)]

describe('a deletion', () => {
  test('takes the samples of the series that match away', async () => {
    const { disk, ulid } = await made(all)
    expect(await deleted(disk, ulid, named('a|b'), 12, 14)).toBe('a:12-14 b:12-14')
    const left = '10:0 11:1 15:5 16:6 17:7 18:8'
    const found = await everything((await openBlock(shelfOf(disk), ulid)).querier())
    expect(found).toEqual({ a: left, b: left, c: '10:0 11:1 12:2 13:3 14:4 15:5 16:6 17:7 18:8' })
  })

  test('takes no more than the series has', async () => {
    const { disk, ulid } = await made(all)
    expect(await deleted(disk, ulid, named('a'), -Infinity, Infinity)).toBe('a:10-18')
    expect(await deleted(disk, ulid, named('b'), 17, 1e9)).toBe('a:10-18 b:17-18')
  })

  test('passes over series that have no chunk in the range', async () => {
    // Chunks of four samples, with a gap.
    const gap: Made = ['g', {}, [1, 2, 3, 4, 20, 21].map(t => [t, t])]
    const { disk, ulid } = await made([gap, ...all])
    expect(await deleted(disk, ulid, [], 5, 9)).toBeNull()
    expect(await deleted(disk, ulid, named('g'), 3, 9)).toBe('g:3-9')
    expect(await deleted(disk, ulid, named('missing'), 0, 100)).toBeNull()
  })

  test('joins what was deleted before, where they touch', async () => {
    const { disk, ulid } = await made(all)
    await deleted(disk, ulid, named('a'), 11, 12)
    expect(await deleted(disk, ulid, named('a'), 16, 17)).toBe('a:11-12 a:16-17')
    expect(await deleted(disk, ulid, named('a'), 13, 13)).toBe('a:11-13 a:16-17')
    expect(await deleted(disk, ulid, named('a'), 14, 15)).toBe('a:11-17')
  })

  test('of what is deleted already writes nothing', async () => {
    const { disk, ulid } = await made(all)
    await deleted(disk, ulid, [], 0, 100)
    expect(await deleted(disk, ulid, named('b|c'), 11, 12)).toBeNull()
  })

  test('can be given up while it looks', async () => {
    const { disk, ulid } = await made(all)
    const stop = new AbortController()
    let now = 0
    const host = {
      monotonic: () => (now += 100),
      yield: () => {
        stop.abort(new Error('given up'))
        return Promise.resolve()
      },
    }
    const block = await openBlock(shelfOf(disk), ulid)
    const looking = block.deletion([], { minT: 0, maxT: 100 }, new Pace(host, stop.signal))
    await expect(looking).rejects.toThrow('given up')
  })
})

test('any deletions, one after the other, leave what none of them took', async () => {
  const series = fc.record({ a: somePoints(0, 40), b: somePoints(0, 40) })
  const deletion = fc.tuple(fc.constantFrom('a', 'b', 'a|b'), fc.nat(40), fc.nat(12))
  await fc.assert(
    fc.asyncProperty(series, fc.array(deletion, { maxLength: 5 }), async (series, deletions) => {
      const { disk, ulid } = await made(mixedSeries(series))
      for (const [names, from, length] of deletions)
        await deleted(disk, ulid, named(names), from, from + length)
      const left = (name: string, points: readonly Point[]) =>
        points.filter(
          ([t]) =>
            !deletions.some(
              ([names, from, length]) => names.includes(name) && t >= from && t <= from + length,
            ),
        )
      const wanted = Object.entries(series).map(([name, points]) => [name, left(name, points)] as const)
      const found = await mixedEverything((await openBlock(shelfOf(disk), ulid)).querier())
      const filled = Object.entries(found).filter(([, text]) => text !== '')
      const expected = wanted.filter(([, points]) => points.length > 0)
      expect(Object.fromEntries(filled)).toEqual(
        Object.fromEntries(expected.map(([name, points]) => [name, textOf(points)])),
      )
    }),
    { numRuns: 80 },
  )
})

describe('so many tombstones that they are no small file', () => {
  const many = Tombstones.of(
    Array.from({ length: 100_000 }, (_, i) => [i, [{ minT: 1_700_000_000_000, maxT: 1_700_007_199_999 }]]),
  )

  test('are not noted, and nothing is changed', async () => {
    const { disk, ulid, files } = await made(all)
    const block = await openBlock(shelfOf(disk), ulid)
    expect(await saveTombstones(disk, block.meta, many)).toBe(false)
    for (const [path, bytes] of files) expect(await disk.read(`${ulid}/${path}`)).toEqual(bytes)
  })

  test('can be given to a block in memory, to write it anew', async () => {
    const { disk, ulid } = await made(madeSeries(all))
    const block = await openBlock(shelfOf(disk), ulid)
    const stones = await block.deletion(named('a'), { minT: 0, maxT: 15 }, Pace.hurried)
    expect(await everything(block.with(stones!).querier(), named('a'))).toEqual({ a: '16:6 17:7 18:8' })
    expect(await everything(block.querier(), named('a'))).toEqual({
      a: '10:0 11:1 12:2 13:3 14:4 15:5 16:6 17:7 18:8',
    })
  })
})
