import { describe, expect, test } from 'vitest'
import type { Histogram } from '../../../../src/engine/model/histogram.ts'
import { formatLabels } from '../../../../src/engine/model/labels.ts'
import { series } from '../store.ts'
import { LoggedHead, type Value } from './harness.ts'
import { chunksText, histogram, histogramText, snapshotText } from './text.ts'

const hour = 3600_000
const range = 2 * hour
const outOfOrder = 'prometheus_tsdb_out_of_order_samples_total'
const outOfBounds = 'prometheus_tsdb_out_of_bound_samples_total'
const invalid = 'brazier_tsdb_invalid_histograms_total'

const small = histogram({ 1: 1 })
const large = histogram({ 1: 2, 3: 4 })
const contradictory: Histogram = { ...small, count: 7 }

describe('a histogram', () => {
  // The series "h" has 10 h: large, "f" has a float at that time; chunk ranges are 2 h.
  const rows: [string, string, number, Value, string, string?][] = [
    ['later than the last', 'h', 10 * hour + 1, small, 'appended'],
    ['that is there already', 'h', 10 * hour, large, 'appended'],
    ['that is there already, with another hint', 'h', 10 * hour, { ...large, hint: 1 }, 'appended'],
    ['of the same time', 'h', 10 * hour, small, 'duplicate'],
    ['of the same time, of floats', 'h', 10 * hour, { ...large, float: true }, 'duplicate'],
    ['where a float is', 'f', 10 * hour, small, 'duplicate'],
    ['behind a float', 'f', 10 * hour + 1, small, 'appended'],
    ['that is earlier', 'h', 10 * hour - 1, small, 'outOfOrder', outOfOrder],
    ['more than half a range back', 'new', 9 * hour - 1, small, 'outOfBounds', outOfBounds],
    ['that contradicts itself', 'h', 10 * hour + 1, contradictory, 'invalid', invalid],
    ['that contradicts itself, of a new series', 'new', 10 * hour, contradictory, 'invalid', invalid],
  ]

  test.each(rows)('%s', async (_, name, t, v, expected, counter) => {
    const store = new LoggedHead(range)
    await store.put('h', [10 * hour, large])
    await store.put('f', [10 * hour, 5])
    expect(await store.put(name, [t, v])).toEqual([expected])
    for (const each of [outOfOrder, outOfBounds, invalid]) {
      expect(store.metric(each, each === invalid ? null : 'histogram')).toBe(each === counter ? 1 : 0)
    }
  })

  test('is refused as a float where one is', async () => {
    const store = new LoggedHead(range)
    await store.put('h', [1, small])
    expect(await store.put('h', [1, 5], [0, 5])).toEqual(['duplicate', 'outOfOrder'])
  })

  test('may be changed by its owner once it was committed', async () => {
    const store = new LoggedHead(range)
    const own = histogram({ 1: 1, 2: 2 })
    await store.put('h', [1, own])
    own.positive.fill(9)
    expect(await store.everything()).toEqual({ h: '1:h1=1,2=2' })
  })

  test('is counted as one when it is appended', async () => {
    const store = new LoggedHead(range)
    await store.put('h', [1, small], [2, large], [3, 7])
    const name = 'prometheus_tsdb_head_samples_appended_total'
    expect([store.metric(name, 'histogram'), store.metric(name, 'float')]).toEqual([2, 1])
  })
})

describe('a series that changes between kinds', () => {
  const mixed: [number, Value][] = [
    [1, 1],
    [2, small],
    [3, large],
    [4, 4],
    [5, 'stale'],
    [6, histogram({ 2: 9 }, { float: true })],
    [7, histogram({ 2: 9 }, { schema: -53 })],
    [8, 'stale'],
    [9, small],
    [10, 'stale'],
    [11, 11],
  ]
  const text = '1:1 2:h1=1 3:h1=2,3=4 4:4 5:stale 6:fh2=9 7:ch2=9 8:stale-h 9:h1=1 10:stale-h 11:11'

  test('keeps the order of one commit, in memory and in the log', async () => {
    const store = new LoggedHead(range)
    await store.put('a', ...mixed)
    expect(await store.everything()).toEqual({ a: text })
    expect(await store.restart().again.everything()).toEqual({ a: text })
  })

  test('keeps it over commits, too, with records of one kind each', async () => {
    const store = new LoggedHead(range)
    for (const sample of mixed) await store.put('a', sample)
    expect(await store.everything()).toEqual({ a: text })
    expect(await store.restart().again.everything()).toEqual({ a: text })
    // As upstream: a marker by itself is logged as a float's, whatever it becomes.
    expect(store.records.map(record => record[0])).toEqual([1, 2, 7, 7, 2, 2, 8, 9, 2, 7, 2, 2])
  })

  test('leaves those that do not change in few records', async () => {
    const store = new LoggedHead(range)
    const appender = store.appender()
    const refs = ['f', 'h', 'fh', 'c', 'cf'].map(name => appender.series(series(name)))
    for (let t = 1; t <= 3; t++) {
      appender.append(refs[0]!, t, t)
      appender.appendHistogram(refs[1]!, t, small)
      appender.appendHistogram(refs[2]!, t, { ...small, float: true })
      appender.appendHistogram(refs[3]!, t, histogram({ 1: t }, { schema: -53 }))
      appender.appendHistogram(refs[4]!, t, histogram({ 1: t }, { schema: -53, float: true }))
    }
    await appender.commit()
    expect(store.records.map(record => record[0])).toEqual([1, 2, 7, 9, 8, 10])
    expect(await store.restart().again.everything()).toEqual(await store.everything())
  })

  test('loses no marker when it goes on in the same commit', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [1, small])
    await store.put('a', [2, 'stale'], [3, large])
    expect(await store.everything()).toEqual({ a: '1:h1=1 2:stale-h 3:h1=2,3=4' })
  })

  test('is told of in parts, in order', async () => {
    const store = new LoggedHead(range)
    const told: string[] = []
    store.applied = ({ count, refs, t, v, stale, histograms, labels }) => {
      const part: string[] = []
      for (let i = 0; i < count; i++) {
        part.push(`${formatLabels(labels(refs[i]!))} ${t[i]}:${stale?.[i] ? 'stale' : v[i]}`)
      }
      for (let i = 0; i < (histograms?.count ?? 0); i++) {
        const { columns, rows } = histograms!
        const row = rows[i]!
        const text = histogramText(columns.t[row]!, columns.at(row))
        part.push(`${formatLabels(labels(histograms!.refs[i]!))} ${text}`)
      }
      told.push(part.join(', '))
    }
    await store.put('a', [1, 1], [2, small], [1, 7], [3, 3])
    await store.put('a', [4, large])
    await store.put('a', [5, 'stale'], [4, small], [6, small])
    expect(told).toEqual(['a 1:1, a 2:h1=1', 'a 3:3', 'a 4:h1=2,3=4', 'a 5:stale-h, a 6:h1=1'])
  })
})

describe('a stale marker', () => {
  test('that is there already is a histogram’s where the series has histograms', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [1, small], [2, 'stale'])
    expect(await store.put('a', [2, 'stale'])).toEqual(['appended'])
    expect(await store.put('a', [2, small])).toEqual(['duplicate'])
    expect(store.metric('prometheus_tsdb_head_samples_appended_total')).toBe(2)
  })

  test('becomes a histogram’s at a replay whose samples are in a chunk on disk', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, { ...small, float: true }])
    await store.put('a', [3 * hour, { ...small, float: true }])
    store.save()
    await store.put('a', [3 * hour + 1, 'stale'])
    const { again } = store.restart(-Infinity, store.disk)
    expect(await again.everything()).toEqual(await store.everything())
    expect(await store.everything()).toEqual({
      a: `${hour}:fh1=1 ${3 * hour}:fh1=1 ${3 * hour + 1}:stale-fh`,
    })
  })
})

describe('a query', () => {
  test('sees the histograms of the moment in which it began', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [1, small])
    const [snapshot] = store.head.snapshot([], { minT: 0, maxT: 9 })
    const before = snapshotText(snapshot!)
    // New buckets: the chunk is written anew.
    await store.put('a', [2, histogram({ 0: 3, 1: 2, 7: 1 })], [3, large])
    expect(snapshotText(snapshot!)).toBe(before)
    expect(before).toBe('1:h1=1')
    expect(await store.everything()).toEqual({ a: '1:h1=1 2:h0=3,1=2,7=1 3:h1=2,3=4' })
  })

  test('reads only chunks of its range, and what lies in it', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [1, small], [2, large], [range + 1, histogram({ 1: 9, 3: 9 })])
    const found = store.head.snapshot([], { minT: range, maxT: 2 * range })
    expect(found.map(snapshotText)).toEqual([`${range + 1}:h1=9,3=9`])
  })
})

describe('a block of the head', () => {
  test('has chunks of all encodings, cut at its ends', async () => {
    const store = new LoggedHead(range)
    await store.put('f', [hour, 1], [hour + 1, 2])
    await store.put('h', [hour, small], [hour + 1, large], [hour + 2, histogram({ 1: 3, 3: 5 })])
    await store.put(
      'fh',
      [hour, { ...small, float: true, hint: 3 }],
      [hour + 1, { ...small, float: true, hint: 3 }],
    )
    await store.put('mixed', [hour, 1], [hour + 1, small], [hour + 2, 3])
    const found: Record<string, unknown> = {}
    for await (const { labels, chunks } of store.head.seriesChunks(hour + 1, hour + 2)) {
      found[labels[1]!] = [
        chunks.map(({ minT, maxT, encoding, samples }) => [minT, maxT, encoding, samples]),
        chunksText(chunks),
      ]
    }
    const t = hour + 1
    expect(found).toEqual({
      f: [[[t, t, 1, 1]], `${t}:2`],
      h: [[[t, t, 2, 1]], `${t}:h1=2,3=4`],
      fh: [[[t, t, 3, 1]], `${t}:fh1=1g`],
      mixed: [[[t, t, 2, 1]], `${t}:h1=1`],
    })
  })
})
