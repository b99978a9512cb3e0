import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { formatLabels } from '../../../src/engine/model/labels.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import type { Querier, SeriesBatch } from '../../../src/engine/model/store.ts'
import { MergedQuerier } from '../../../src/engine/tsdb/merge.ts'
import { always, everything, openStore, put, series } from './store.ts'

type Point = readonly [number, number | 'stale']

/** A querier over one store for each argument, from series to samples. */
async function mergedOf(...stores: readonly Record<string, readonly Point[]>[]): Promise<MergedQuerier> {
  const queriers: Querier[] = []
  for (const store of stores) {
    const { db } = await openStore(new MemoryDisk())
    for (const [i, points] of Object.entries(store)) await put(db, series('m', { i }), ...points)
    queriers.push(db.querier())
  }
  return new MergedQuerier(queriers)
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
      columns: () => ({ count: 0, t: new Float64Array(0), v: new Float64Array(0), stale: null }),
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

test('label sets, names and values are those of all stores, each once', async () => {
  const querier = await mergedOf({ b: [[1, 1]] }, { a: [[1, 1]], b: [[2, 2]] })
  const labelSets = await querier.labelSets([matcher('i', '!=', '')], always)
  expect(labelSets.map(formatLabels).sort()).toEqual(['m{i="a"}', 'm{i="b"}'])
  expect(await querier.labelNames([], always)).toEqual(['__name__', 'i'])
  expect(await querier.labelValues('i', [], always)).toEqual(['a', 'b'])
  expect(await querier.labelValues('i', [matcher('i', '!=', 'a')], always)).toEqual(['b'])
})
