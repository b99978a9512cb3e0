import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import { always, everything, openStore, put, series } from './store.ts'

async function threeSeries() {
  const { db } = await openStore(new MemoryDisk())
  await put(db, series('up', { job: 'b' }), [1000, 1], [2000, 2], [3000, 'stale'])
  await put(db, series('up', { job: 'a' }), [2000, 5])
  await put(db, series('down', { instance: 'x' }), [3000, 7])
  return db
}

describe('select', () => {
  test('gives the series in the order of their labels', async () => {
    const db = await threeSeries()
    expect(Object.entries(await everything(db.querier()))).toEqual([
      ['down{instance="x"}', '3000:7'],
      ['up{job="a"}', '2000:5'],
      ['up{job="b"}', '1000:1 2000:2 3000:stale'],
    ])
  })

  test.each([
    [1000, 1000, { 'up{job="b"}': '1000:1' }],
    [1001, 1999, {}],
    [2000, 2999, { 'up{job="a"}': '2000:5', 'up{job="b"}': '2000:2' }],
    [3000, 9999, { 'down{instance="x"}': '3000:7', 'up{job="b"}': '3000:stale' }],
    [3001, 9999, {}],
    [-50, 999, {}],
  ])('of [%i, %i] gives the samples in it, ends included', async (minT, maxT, expected) => {
    const db = await threeSeries()
    const found = await everything(db.querier(), [], { minT, maxT })
    // A chunk that overlaps the range may have no sample in it.
    expect(Object.fromEntries(Object.entries(found).filter(([, samples]) => samples !== ''))).toEqual(
      expected,
    )
  })

  test('sees what was there when it was called, however slowly it is read', async () => {
    const { db } = await openStore(new MemoryDisk())
    for (let i = 0; i < 1500; i++) await put(db, series('up', { i: String(i) }), [1000, i])
    const selection = db.querier().select([], always)
    const seen: number[] = []
    let t = 1001
    for await (const batch of selection) {
      expect(batch.count).toBeLessThanOrEqual(1000)
      for (let i = 0; i < 300; i++) await put(db, series('up', { i: '1499' }), [t++, t])
      await put(db, series('up', { i: `new${t}` }), [t, 1])
      for (let i = 0; i < batch.count; i++) seen.push(batch.columns(i).count)
    }
    expect(seen).toHaveLength(1500)
    expect(Math.max(...seen)).toBe(1)
  })

  test('lends one set of columns for the whole selection', async () => {
    const db = await threeSeries()
    for await (const batch of db.querier().select([], always)) {
      const first = batch.columns(0)
      expect(batch.columns(1)).toBe(first)
      expect(() => batch.columns(3)).toThrow(RangeError)
    }
  })

  test('tells stale markers per series', async () => {
    const db = await threeSeries()
    const markers: (string | null)[] = []
    for await (const batch of db.querier().select([], always)) {
      for (let i = 0; i < batch.count; i++) {
        const { stale, v, count } = batch.columns(i)
        markers.push(stale && String(stale.subarray(0, count)))
        if (stale) expect(v[2]).toBeNaN()
      }
    }
    expect(markers).toEqual([null, null, '0,0,1'])
  })
})

describe('label names and values', () => {
  test.each([
    [[], always, ['__name__', 'instance', 'job'], ['a', 'b']],
    [[matcher('job', '!=', '')], always, ['__name__', 'job'], ['a', 'b']],
    [[matcher('__name__', '=', 'down')], always, ['__name__', 'instance'], []],
    [[], { minT: 1000, maxT: 1500 }, ['__name__', 'job'], ['b']],
    [[], { minT: 4000, maxT: 9000 }, [], []],
    [[matcher('job', '=', 'nobody')], always, [], []],
  ])('%# with matchers and a range', async (matchers, range, names, jobs) => {
    const querier = (await threeSeries()).querier()
    expect(await querier.labelNames(matchers, range)).toEqual(names)
    expect(await querier.labelValues('job', matchers, range)).toEqual(jobs)
  })

  test('are the caller’s to change', async () => {
    const querier = (await threeSeries()).querier()
    ;(await querier.labelValues('job', [], always)).length = 0
    expect(await querier.labelValues('job', [], always)).toEqual(['a', 'b'])
  })
})
