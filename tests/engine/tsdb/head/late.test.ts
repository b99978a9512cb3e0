import { describe, expect, test } from 'vitest'
import type { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { DiskFullError } from '../../../../src/engine/disk/disk.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import type { OutOfOrder } from '../../../../src/engine/tsdb/head/head.ts'
import type { MemSeries } from '../../../../src/engine/tsdb/head/series.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, series } from '../store.ts'
import { LoggedHead, type Value } from './harness.ts'
import { histogram, histogramText } from './text.ts'

// Samples that come out of order.

const hour = 3600_000
const range = 2 * hour
const tooOld = 'prometheus_tsdb_too_old_samples_total'
const appendedLate = 'prometheus_tsdb_head_out_of_order_samples_appended_total'

/** Keeps late samples as text. */
class Late implements OutOfOrder {
  readonly samples = new Map<MemSeries, Map<number, string>>()

  has(series: MemSeries): boolean {
    return this.samples.has(series)
  }

  insert(series: MemSeries, t: number, high: number): boolean {
    return this.put(series, t, high === 0x7ff00000 ? 'stale' : 'float')
  }

  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean {
    return this.put(series, from.t[i]!, histogramText(from.t[i]!, from.at(i)).replace(/^-?\d+:/, ''))
  }

  shown(): Record<string, string> {
    return Object.fromEntries(
      Array.from(this.samples, ([{ labels }, all]) => [
        labels[1]!,
        Array.from(all, ([t, text]) => `${t}:${text}`).join(' '),
      ]),
    )
  }

  private put(series: MemSeries, t: number, text: string): boolean {
    const all = this.samples.get(series) ?? new Map<number, string>()
    if (all.has(t)) return false
    this.samples.set(series, all.set(t, text))
    return true
  }
}

function opened(windowMs = 3 * hour): { store: LoggedHead; late: Late } {
  const late = new Late()
  const options = { outOfOrderWindowMs: windowMs, outOfOrder: late }
  return { store: new LoggedHead(range, -Infinity, new FakeHost(), options), late }
}

describe('a sample that is older than others', () => {
  // The head ends at 10 h, where "a" has a float and "h" a histogram.
  test.each<[string, string, number, Value, string, string | null]>([
    ['goes behind the last one where it can', 'a', 10 * hour + 1, 1, 'appended', null],
    ['goes apart', 'a', 10 * hour - 1, 1, 'appended', 'float'],
    ['goes apart when it is older than half a range', 'a', 8 * hour, 1, 'appended', 'float'],
    ['goes apart, although its series is new', 'new', 8 * hour, 1, 'appended', 'float'],
    ['goes apart as a histogram', 'h', 9 * hour, histogram({ 1: 1 }), 'appended', 'h1=1'],
    ['goes apart as a marker', 'a', 9 * hour, 'stale', 'appended', 'stale'],
    ['goes apart as a marker of histograms', 'h', 9 * hour, 'stale', 'appended', 'stale-h'],
    ['goes apart up to the end of the window', 'a', 7 * hour, 1, 'appended', 'float'],
    ['is too old beyond it', 'a', 7 * hour - 1, 1, 'tooOld', null],
    ['is too old beyond it as a histogram', 'h', 7 * hour - 1, histogram({ 1: 1 }), 'tooOld', null],
    ['is a duplicate at the time of the last one', 'a', 10 * hour, 7, 'duplicate', null],
  ])('%s', async (_, name, t, v, expected, text) => {
    const { store, late } = opened()
    await store.put('a', [10 * hour, 1])
    await store.put('h', [10 * hour, histogram({ 1: 9 })])
    expect(await store.put(name, [t, v])).toEqual([expected])
    expect(late.shown()).toEqual(text === null ? {} : { [name]: `${t}:${text}` })
    expect(store.metric(tooOld)).toBe(expected === 'tooOld' ? 1 : 0)
    expect(store.metric(appendedLate)).toBe(text === null ? 0 : 1)
  })

  test('is refused without a window', async () => {
    const { store, late } = opened(0)
    await store.put('a', [10 * hour, 1])
    expect(await store.put('a', [10 * hour - 1, 1], [8 * hour, 1])).toEqual(['outOfOrder', 'outOfBounds'])
    expect(late.shown()).toEqual({})
  })

  test('is counted once when there is one of its time', async () => {
    const { store } = opened()
    await store.put('a', [10 * hour, 1])
    await store.put('a', [9 * hour, 1], [9 * hour, 1])
    expect(store.metric(appendedLate)).toBe(1)
    expect(store.metric('prometheus_tsdb_head_samples_appended_total')).toBe(2)
  })

  test('may turn out so when it is committed', async () => {
    const { store, late } = opened()
    const appender = store.appender()
    const [a, h] = [appender.series(series('a')), appender.series(series('h'))]
    appender.append(a, 9 * hour, 1)
    appender.appendHistogram(h, 9 * hour, histogram({ 1: 1 }))
    await store.put('a', [10 * hour, 1])
    await store.put('h', [10 * hour, 1])
    await appender.commit()
    expect(late.shown()).toEqual({ a: `${9 * hour}:float`, h: `${9 * hour}:h1=1` })
  })
})

describe('the logs of a commit', () => {
  test('have in-order samples and new series in one, the others in the other', async () => {
    const { store } = opened()
    await store.put('a', [10 * hour, 1])
    store.records.length = 0
    await store.put('a', [10 * hour + 1, 2], [9 * hour, 3])
    await store.put('new', [8 * hour, 3], [8 * hour + 1, histogram({ 1: 1 })])
    expect(store.records.map(record => record[0])).toEqual([2, 1])
    expect(store.lateRecords.map(record => record[0])).toEqual([2, 2, 7])
    const found: string[] = []
    for (const record of store.lateRecords) {
      visitRecord(record, {
        series: () => undefined,
        sample: (ref, t) => found.push(`${ref}:${t}`),
        histogram: (ref, from, i) => found.push(`${ref}:${histogramText(from.t[i]!, from.at(i))}`),
        skipped: () => undefined,
      })
    }
    expect(found).toEqual([`1:${9 * hour}`, `2:${8 * hour}`, `2:${8 * hour + 1}:h1=1`])
  })

  test('show late samples when theirs has them, the others before', async () => {
    const { store, late } = opened()
    await store.put('a', [10 * hour, 1])
    let logged = (): void => undefined
    store.lateGate = new Promise(resolve => (logged = resolve))
    const told: number[] = []
    store.applied = ({ count, t }) => told.push(...t.subarray(0, count))
    const committing = store.put('a', [9 * hour, 1], [11 * hour, 1])
    await store.gate
    await Promise.resolve()
    expect(late.shown()).toEqual({})
    logged()
    await committing
    expect(late.shown()).toEqual({ a: `${9 * hour}:float` })
    expect(told).toEqual([11 * hour, 9 * hour])
  })

  test('lose the late ones when theirs fails', async () => {
    const { store, late } = opened()
    await store.put('a', [10 * hour, 1])
    store.lateGate = Promise.reject(new DiskFullError('wbl/00000000'))
    store.lateGate.catch(() => undefined)
    await expect(store.put('a', [9 * hour, 1], [11 * hour, 1])).rejects.toThrow(DiskFullError)
    expect(late.shown()).toEqual({})
    expect(await store.everything()).toEqual({ a: `${10 * hour}:1 ${11 * hour}:1` })
    expect(store.head.appenders.count).toBe(0)
  })
})

describe('a series that has only late samples', () => {
  test('is found by its labels, stays through truncation, and goes with them', async () => {
    const { store, late } = opened()
    await store.put('a', [10 * hour, 1])
    await store.put('new', [8 * hour, 3])
    const all = () => new HeadQuerier(store.head).labelValues('__name__', [], always)
    expect(await all()).toEqual(['a', 'new'])
    const { ref } = store.head.findOrCreate(series('new'))
    store.head.truncate(9 * hour + 1)
    expect(store.head.seriesOf(ref)).toBeDefined()
    expect(await all()).toEqual(['a', 'new'])
    late.samples.clear()
    store.head.collectGarbage()
    expect(store.head.seriesOf(ref)).toBeUndefined()
    expect(await all()).toEqual(['a'])
    expect(store.head.keepsInLog(ref, 9 * hour)).toBe(true)
  })
})
