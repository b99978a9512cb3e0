import { describe, expect, test } from 'vitest'
import { staleBits } from '../../../../src/engine/chunks/columns.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { OutOfOrder } from '../../../../src/engine/tsdb/outoforder/outoforder.ts'
import { always, series } from '../store.ts'
import { columnsOf, histogram, readAll, readBatches, readChunks, SeriesOnly, wordsOf } from './lateseries.ts'

const all = ['a', 'b', 'c'].map((name, i) => ({ ref: i + 1, labels: series(name, { job: name }) }))

function lateSamples(capacity = 4) {
  const late = new OutOfOrder({ chunkRangeMs: 1000, capacity })
  const head = new SeriesOnly(late, all)
  const insert = (ref: number, t: number, v: number) => head.insert(head.at(ref), t, ...wordsOf(v))
  const insertHistogram = (...[ref, t, count, options]: [number, number, number, object?]) =>
    head.insertHistogram(head.at(ref), columnsOf(t, histogram(count, options)), 0)
  const texts = async () => Object.values(await readAll(late.querier(head)))
  return { late, head, insert, insertHistogram, texts }
}

describe('a sample', () => {
  test('is seen at its place, whatever came when', async () => {
    const { insert, texts } = lateSamples()
    for (const t of [50, 10, 40, -20, 30, 45]) expect(insert(1, t, t)).toBe(true)
    expect(await texts()).toEqual([['-20:-20', '10:10', '30:30', '40:40', '45:45', '50:50']])
  })

  test('of a time that the open chunk has is a duplicate, of either kind', async () => {
    const { insert, insertHistogram, texts } = lateSamples()
    insert(1, 10, 1)
    insertHistogram(1, 20, 5)
    expect(insert(1, 10, 2)).toBe(false)
    expect(insertHistogram(1, 10, 2)).toBe(false)
    expect(insert(1, 20, 2)).toBe(false)
    expect(await texts()).toEqual([['10:1', '20:integer 5']])
  })

  test('of a time that a finished chunk has is taken and not seen', async () => {
    const { insert, insertHistogram, texts } = lateSamples(2)
    insert(1, 10, 1)
    insert(1, 20, 2)
    expect(insert(1, 10, 3)).toBe(true)
    expect(insertHistogram(1, 20, 3)).toBe(true)
    expect(await texts()).toEqual([['10:1', '20:2']])
  })

  test('may be a stale marker', async () => {
    const { insert, head, texts } = lateSamples(2)
    head.insert(head.at(1), 5, staleBits.high, staleBits.low)
    insert(1, 4, NaN)
    insert(1, 3, 1)
    expect(await texts()).toEqual([['3:1', '4:NaN', '5:stale']])
  })
})

test('a chunk that is full is finished: one for each kind in turn', async () => {
  const { late, head, insert, insertHistogram, texts } = lateSamples(6)
  insert(1, 1, 1)
  insertHistogram(1, 2, 2)
  insertHistogram(1, 4, 4)
  insertHistogram(1, 3, 3)
  insertHistogram(1, 5, 5, { float: true })
  const runs = () => late.runs(head.at(1), -Infinity, Infinity).map(({ minT, maxT }) => [minT, maxT])
  expect(runs()).toEqual([[1, 5]])
  insert(1, 6, 6)
  expect(runs()).toEqual([
    [1, 1],
    [2, 4],
    [5, 5],
    [6, 6],
  ])
  expect(await texts()).toEqual([['1:1', '2:integer 2', '3:integer 3', '4:integer 4', '5:float 5', '6:6']])
})

test('of histograms nothing is known of resets, except that a gauge has none', async () => {
  const { insertHistogram, late, head } = lateSamples(2)
  for (const t of [10, 30, 20, 40]) insertHistogram(1, t, t)
  for (const t of [10, 30, 20, 40]) insertHistogram(2, t, t, { gauge: true })
  const hints: number[][] = []
  for await (const batch of late.querier(head).select([], always)) {
    for (let i = 0; i < batch.count; i++) hints.push([...batch.columns(i).histograms!.hint.subarray(0, 4)])
  }
  expect(hints).toEqual([
    [0, 0, 0, 0],
    [3, 3, 3, 3],
  ])
})

test('a selection sees what was there when it was made, and only what matches', async () => {
  const { late, head, insert, insertHistogram } = lateSamples(3)
  for (const t of [3, 1]) insert(1, t, t)
  insertHistogram(1, 2, 9)
  insert(1, 7, 7)
  insertHistogram(1, 5, 9)
  insert(2, 2, 2)
  insert(3, 500, 2)
  const querier = late.querier(head)
  const before = querier.select([matcher('job', '!=', 'b')], { minT: 2, maxT: 100 })
  insert(1, 6, 6)
  insertHistogram(1, 4, 9)
  insert(3, 50, 2)
  late.begin(head)!.done()
  expect(await readBatches(before)).toEqual({
    'a{job="a"}': ['2:integer 9', '3:3', '5:integer 9', '7:7'],
  })
  expect(late.empty).toBe(true)
})

test('labels are those of series that have late samples around the range', async () => {
  const { late, head, insert } = lateSamples()
  for (const { ref } of all) head.show(head.at(ref))
  insert(1, 100, 1)
  insert(3, 900, 1)
  const querier = late.querier(head)
  const range = { minT: 0, maxT: 500 }
  expect(await querier.labelSets([], range)).toEqual([all[0]!.labels])
  expect(await querier.labelNames([], range)).toEqual(['__name__', 'job'])
  expect(await querier.labelValues('job', [], { minT: 0, maxT: 900 })).toEqual(['a', 'c'])
  expect(await querier.labelValues('job', [], { minT: 901, maxT: 1000 })).toEqual([])
})

test('series without late samples are not known', () => {
  const { late, head, insert } = lateSamples()
  expect([late.empty, late.minT, late.maxT]).toEqual([true, Infinity, -Infinity])
  insert(1, 5, 1)
  insert(1, -7, 1)
  expect(head.seriesFor([]).map(one => late.has(one))).toEqual([true])
  expect(late.has(head.at(2))).toBe(false)
  expect([late.empty, late.minT, late.maxT]).toEqual([false, -7, 5])
})

describe('a compaction', () => {
  test('is of nothing when there is nothing', () => {
    const { late, head } = lateSamples()
    expect(late.begin(head)).toBeNull()
  })

  test('tells aligned ranges, before 0 and over gaps, too', () => {
    const { late, head, insert } = lateSamples()
    for (const t of [1000, -1, 999, 50_000, -1001]) insert(1, t, t)
    const starts = late.begin(head)!.ranges.map(({ minT }) => minT)
    expect(starts).toEqual([-2000, -1000, 0, 1000, 50_000])
  })

  test('makes one row of overlapping chunks, in chunks of 120 samples at the most', async () => {
    const { late, head, insert, insertHistogram } = lateSamples()
    for (let i = 0; i < 300; i++) insert(1, (i * 7) % 300, i)
    insertHistogram(2, 5, 1)
    insert(2, 4, 1)
    insert(2, 6, 1)
    const [a, b] = await readChunks(late.begin(head)!.seriesChunks(0, 1000))
    expect(a!.chunks.map(({ samples }) => samples)).toEqual([120, 120, 60])
    expect(a!.texts[7]).toBe('7:1')
    expect(b!.texts).toEqual(['4:1', '5:integer 1', '6:1'])
    expect(b!.chunks.map(({ encoding }) => encoding)).toEqual([1, 2, 1])
  })

  test('is one at a time, and ends once', () => {
    const { late, head, insert } = lateSamples()
    insert(1, 1, 1)
    const compaction = late.begin(head)!
    insert(1, 2, 2)
    expect(() => late.begin(head)).toThrow('under way')
    compaction.done()
    expect(() => compaction.abandon()).toThrow('ended twice')
  })

  test('leaves alone what came meanwhile', async () => {
    const { late, head, insert, texts } = lateSamples()
    insert(1, 1, 1)
    const compaction = late.begin(head)!
    insert(1, 1, 2)
    insert(2, 5, 5)
    expect(await texts()).toEqual([['1:1'], ['5:5']])
    compaction.done()
    expect(await texts()).toEqual([['1:2'], ['5:5']])
  })

  test('that is abandoned was never there', async () => {
    const { late, head, insert, texts } = lateSamples()
    insert(1, 1, 1)
    insert(2, 3, 3)
    const compaction = late.begin(head)!
    insert(1, 1, 2)
    insert(1, 2, 2)
    compaction.abandon()
    expect(await texts()).toEqual([['1:1', '2:2'], ['3:3']])
    expect(late.begin(head)!.ranges).toEqual([{ minT: 0, maxT: 1000 }])
  })
})

test.each([0, 256])('chunks of %i samples are a mistake', capacity => {
  expect(() => new OutOfOrder({ chunkRangeMs: 1000, capacity })).toThrow('BUG')
})
