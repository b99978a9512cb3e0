import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatLabels } from '../../../src/engine/model/labels.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import type { Querier, SeriesBatch } from '../../../src/engine/model/store.ts'
import { openBlock } from '../../../src/engine/tsdb/block/block.ts'
import type { SeriesChunks } from '../../../src/engine/tsdb/block/writer.ts'
import { MergedQuerier } from '../../../src/engine/tsdb/merge.ts'
import { made, madeSeries, shelfOf, type Made } from './block/blockdisk.ts'
import { mixedEverything, mixedSeries, somePoints, textOf, together, type Point as Mixed } from './mixed.ts'
import { always, everything, series } from './reading.ts'

type Point = readonly [number, number | 'stale']

/** A querier over one block for each argument, from series to samples. */
async function mergedOf(...stores: readonly Record<string, readonly Point[]>[]): Promise<MergedQuerier> {
  return mergedBlocks(
    stores.map(store => madeSeries(Object.entries(store).map(([i, points]): Made => ['m', { i }, points]))),
  )
}

async function mergedBlocks(blocks: readonly AsyncIterable<SeriesChunks>[]): Promise<MergedQuerier> {
  const queriers = blocks.map(async all => {
    const { disk, ulid } = await made(all)
    return (await openBlock(shelfOf(disk), ulid)).querier()
  })
  return new MergedQuerier(await Promise.all(queriers))
}

describe('select', () => {
  test('joins the samples of a series that lie one after the other', async () => {
    const querier = await mergedOf(
      {
        a: [
          [3, 3],
          [4, 'stale'],
        ],
      },
      {
        a: [
          [1, 1],
          [2, 2],
        ],
      },
      { a: [[5, 5]] },
    )
    expect(await everything(querier)).toEqual({ 'm{i="a"}': '1:1 2:2 3:3 4:stale 5:5' })
  })

  test('weaves samples that overlap; of two at one time the earlier querier’s counts', async () => {
    const querier = await mergedOf(
      {
        a: [
          [1, 10],
          [4, 'stale'],
          [6, 60],
        ],
      },
      {
        a: [
          [1, 11],
          [3, 31],
          [4, 41],
          [7, 71],
        ],
      },
    )
    expect(await everything(querier)).toEqual({ 'm{i="a"}': '1:10 3:31 4:stale 6:60 7:71' })
  })

  test('keeps the order of labels and gives each series once', async () => {
    const querier = await mergedOf(
      { b: [[1, 1]], d: [[1, 1]] },
      { a: [[1, 1]], d: [[2, 2]] },
      {},
      { c: [[1, 1]] },
    )
    expect(Object.entries(await everything(querier))).toEqual([
      ['m{i="a"}', '1:1'],
      ['m{i="b"}', '1:1'],
      ['m{i="c"}', '1:1'],
      ['m{i="d"}', '1:1 2:2'],
    ])
  })

  test('of any stores is what one store with all of it would give', async () => {
    // Times and values from a few, so that stores overlap; a value is a function of its time, so that any may count.
    const points = fc
      .uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })
      .map(times => times.sort((x, y) => x - y).map(t => [t, t % 7 === 0 ? 'stale' : t * 3] as Point))
    const store = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'é', '\u{1f525}'), points, { maxKeys: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(store, { minLength: 1, maxLength: 4 }), async stores => {
        const all: Record<string, readonly Point[]> = {}
        for (const one of stores) {
          for (const [i, more] of Object.entries(one)) {
            const known = new Map([...(all[i] ?? []), ...more].map(point => [point[0], point]))
            all[i] = [...known.values()].sort((x, y) => x[0] - y[0])
          }
        }
        const [found, wanted] = [await mergedOf(...stores), await mergedOf(all)]
        expect(Object.entries(await everything(found))).toEqual(Object.entries(await everything(wanted)))
      }),
      { numRuns: 60 },
    )
  })

  test('crosses the borders of batches', async () => {
    const many = (from: number, step: number, t: number) =>
      Object.fromEntries(
        Array.from({ length: 1300 }, (_, k) => [
          String(from + k * step).padStart(5, '0'),
          [[t, k]] as Point[],
        ]),
      )
    const querier = await mergedOf(many(0, 2, 1), many(1, 2, 1), many(0, 1, 2))
    const found = Object.entries(await everything(querier))
    expect(found).toHaveLength(2600)
    expect(found.map(([labels]) => labels)).toEqual(found.map(([labels]) => labels).sort())
    expect(found[1299]?.[1]).toBe('1:649 2:1299')
    expect(found[1300]?.[1]).toBe('1:650')
  })

  test('lets go of every selection when the reader leaves early', async () => {
    let left = 0
    const batch: SeriesBatch = {
      count: 1,
      labels: () => series('m'),
      columns: () => ({
        count: 0,
        t: new Float64Array(0),
        v: new Float64Array(0),
        stale: null,
        histograms: null,
      }),
    }
    const source: Querier = {
      async *select() {
        try {
          for (;;) yield batch
        } finally {
          left++
        }
      },
      labelSets: async () => [],
      labelNames: async () => [],
      labelValues: async () => [],
    }
    for await (const found of new MergedQuerier([source, source, source]).select([], always)) {
      expect(found.count).toBe(1)
      break
    }
    expect(left).toBe(3)
  })
})

describe('histograms', () => {
  const merged = (...sources: readonly Record<string, readonly Mixed[]>[]) =>
    mergedBlocks(sources.map(source => mixedSeries(source, 120)))

  test('are joined with floats in the order of their times', async () => {
    const querier = await merged(
      {
        a: [
          [1, 'float', 1],
          [5, 'int', 5],
        ],
      },
      {
        a: [
          [2, 'int', 2],
          [3, 'stale', 0],
          [6, 'frac', 6],
        ],
      },
    )
    expect(await mixedEverything(querier)).toEqual({ a: '1:1 2:int2 3:stale 5:int5 6:frac6' })
  })

  test('yield to a float of an earlier querier at the same time, and the other way round', async () => {
    const float = { a: [[1, 'float', 1] as const] }
    const both = {
      a: [
        [1, 'int', 10],
        [2, 'int', 20],
      ] as const,
    }
    expect(await mixedEverything(await merged(float, both))).toEqual({ a: '1:1 2:int20' })
    expect(await mixedEverything(await merged(both, float))).toEqual({ a: '1:int10 2:int20' })
  })

  test('say nothing of a reset behind a sample from elsewhere, and what they know behind their own', async () => {
    const row = (from: number, step: number): Mixed[] =>
      Array.from({ length: 4 }, (_, i) => [from + i * step, 'int', from + i * step])
    const hintsOf = async (...sources: readonly Record<string, readonly Mixed[]>[]) =>
      (await mixedEverything(await merged(...sources), always, 'hints'))['a']
    expect(await hintsOf({ a: row(1, 1) })).toBe('1:int1? 2:int2= 3:int3= 4:int4=')
    expect(await hintsOf({ a: row(1, 1) }, { a: row(5, 1) })).toBe(
      '1:int1? 2:int2= 3:int3= 4:int4= 5:int5? 6:int6= 7:int7= 8:int8=',
    )
    expect(await hintsOf({ a: row(1, 2) }, { a: row(4, 1) })).toBe(
      '1:int1? 3:int3= 4:int4? 5:int5? 6:int6? 7:int7?',
    )
    expect(await hintsOf({ a: row(10, 10) }, { a: [[25, 'float', 0]] })).toBe(
      '10:int10? 20:int20= 25:0 30:int30? 40:int40=',
    )
    const gauges = row(1, 2).map(([t, , n]): Mixed => [t, 'gauge', n])
    expect(await hintsOf({ a: gauges }, { a: [[2, 'float', 0]] })).toBe(
      '1:gauge1 2:0 3:gauge3 5:gauge5 7:gauge7',
    )
  })

  test('and floats of any sources are what one source with all of it would give', async () => {
    const source = fc.dictionary(fc.constantFrom('a', 'b'), somePoints(0, 40))
    await fc.assert(
      fc.asyncProperty(fc.array(source, { minLength: 1, maxLength: 4 }), async sources => {
        const found = await mixedEverything(await merged(...sources))
        const names = [...new Set(sources.flatMap(one => Object.keys(one)))].sort()
        const wanted = names.map(name => [name, textOf(together(sources.map(one => one[name] ?? [])))])
        expect(found).toEqual(Object.fromEntries(wanted))
      }),
      { numRuns: 100 },
    )
  })
})

test('label sets, names and values are those of all stores, each once', async () => {
  const querier = await mergedOf({ b: [[1, 1]] }, { a: [[1, 1]], b: [[2, 2]] })
  const labelSets = await querier.labelSets([matcher('i', '!=', '')], always)
  expect(labelSets.map(formatLabels).sort()).toEqual(['m{i="a"}', 'm{i="b"}'])
  expect(await querier.labelNames([], always)).toEqual(['__name__', 'i'])
  expect(await querier.labelValues('i', [], always)).toEqual(['a', 'b'])
  expect(await querier.labelValues('i', [matcher('i', '!=', 'a')], always)).toEqual(['b'])
})
