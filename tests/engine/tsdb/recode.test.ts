import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openBlock } from '../../../src/engine/tsdb/block/block.ts'
import type { SeriesChunks } from '../../../src/engine/tsdb/block/writer.ts'
import { recoded } from '../../../src/engine/tsdb/recode.ts'
import { made, shelfOf } from './block/blockdisk.ts'
import { mixedEverything, mixedSeries, somePoints, textOf, type Point } from './mixed.ts'
import { always } from './reading.ts'

async function blockOf(all: AsyncIterable<SeriesChunks>) {
  const { disk, ulid } = await made(all)
  return openBlock(shelfOf(disk), ulid)
}

test('a range of any series has the samples that lie in it, in chunks within their ranges', async () => {
  const all = fc.dictionary(fc.constantFrom('a', 'b', 'c'), somePoints(0, 60))
  const range = fc.tuple(fc.nat(60), fc.nat(60)).map(([minT, length]) => ({ minT, maxT: minT + length }))
  await fc.assert(
    fc.asyncProperty(all, range, fc.constantFrom(7, 1000), async (all, range, chunkRangeMs) => {
      const querier = (await blockOf(mixedSeries(all))).querier()
      const written: SeriesChunks[] = []
      for await (const one of recoded(querier, range, chunkRangeMs)) written.push(one)
      async function* again() {
        yield* written
      }
      const found = await mixedEverything((await blockOf(again())).querier())
      const inside = ([t]: Point) => t >= range.minT && t <= range.maxT
      const wanted = Object.entries(all).map(([name, points]) => [name, textOf(points.filter(inside))])
      expect(found).toEqual(Object.fromEntries(wanted.filter(([, text]) => text !== '')))
      for (const { minT, maxT } of written.flatMap(({ chunks }) => chunks))
        expect(Math.floor(minT / chunkRangeMs)).toBe(Math.floor(maxT / chunkRangeMs))
    }),
    { numRuns: 100 },
  )
})

test('a chunk has 120 samples at most', async () => {
  const points = Array.from({ length: 300 }, (_, t): Point => [t, t < 150 ? 'float' : 'int', t])
  const querier = (await blockOf(mixedSeries({ a: points }, 200))).querier()
  for await (const { chunks } of recoded(querier, always, 1000))
    expect(chunks.map(({ encoding, samples }) => [encoding, samples])).toEqual([
      [1, 120],
      [1, 30],
      [2, 120],
      [2, 30],
    ])
})
