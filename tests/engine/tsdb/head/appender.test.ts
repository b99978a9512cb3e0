import { describe, expect, test } from 'vitest'
import { DiskFullError } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { everything, openStore, put, series } from '../store.ts'

const hour = 3600_000
const outOfOrder = 'prometheus_tsdb_out_of_order_samples_total'
const outOfBounds = 'prometheus_tsdb_out_of_bound_samples_total'
const appended = 'prometheus_tsdb_head_samples_appended_total'

describe('append', () => {
  // The series "up" has 10 h: 1, and "old" 10 h - 30 min: NaN; the head ends at 10 h, chunk ranges are 2 h.
  const rows: [string, string, number, number | 'stale', string, string?][] = [
    ['a later sample', 'up', 10 * hour + 1, 2, 'appended'],
    ['the same sample again', 'up', 10 * hour, 1, 'appended'],
    ['another value at the same time', 'up', 10 * hour, 2, 'duplicate'],
    ['-0 where 0 is', 'zero', 10 * hour, -0, 'duplicate'],
    ['NaN where NaN is', 'old', 9.5 * hour, NaN, 'appended'],
    ['a stale marker where NaN is', 'old', 9.5 * hour, 'stale', 'duplicate'],
    ['an earlier sample', 'up', 10 * hour - 1, 1, 'outOfOrder', outOfOrder],
    ['an earlier stale marker', 'up', 10 * hour - 1, 'stale', 'outOfOrder', outOfOrder],
    ['a sample of another series half a range back', 'new', 9 * hour, 1, 'appended'],
    ['a sample more than half a range back', 'new', 9 * hour - 1, 1, 'outOfBounds', outOfBounds],
    ['the same of a series that has later ones', 'up', 9 * hour - 1, 1, 'outOfBounds', outOfBounds],
    ['a time that is too large to be exact', 'new', 2 ** 52, 1, 'outOfBounds', outOfBounds],
  ]

  test.each(rows)('%s', async (_, name, t, v, expected, counter) => {
    const { db, metric } = await openStore(new MemoryDisk())
    await put(db, 'old', [9.5 * hour, NaN])
    await put(db, 'up', [10 * hour, 1])
    await put(db, 'zero', [10 * hour, 0])
    const appender = db.appender()
    const ref = appender.series(series(name))
    expect(v === 'stale' ? appender.appendStale(ref, t) : appender.append(ref, t, v)).toBe(expected)
    for (const each of [outOfOrder, outOfBounds]) expect(metric(each)).toBe(each === counter ? 1 : 0)
  })

  test('takes anything while the head is empty, and the bound from when the appender was made', async () => {
    const { db } = await openStore(new MemoryDisk())
    const appender = db.appender()
    const ref = appender.series(series('up'))
    expect(appender.append(ref, -5 * hour, 1)).toBe('appended')
    await put(db, 'later', [10 * hour, 1])
    expect(appender.append(ref, 1 * hour, 1)).toBe('appended')
    await appender.commit()
    expect(await everything(db.querier())).toMatchObject({ up: `${-5 * hour}:1 ${hour}:1` })
  })

  test.each<[string, (store: Awaited<ReturnType<typeof openStore>>) => unknown]>([
    [
      'a fraction of a millisecond',
      ({ db }) => db.appender().append(db.appender().series(series('up')), 0.5, 1),
    ],
  ])('stops at %s: a mistake of the program', async (_, act) => {
    const store = await openStore(new MemoryDisk())
    expect(() => act(store)).toThrow('BUG')
  })

  test('answers that it does not know a series, and counts it', async () => {
    const { db, metric } = await openStore(new MemoryDisk())
    expect(db.appender().append(99, 1, 1)).toBe('unknownSeries')
    expect(db.appender().appendStale(99, 1)).toBe('unknownSeries')
    expect(metric('prometheus_tsdb_head_series_not_found_total')).toBe(2)
  })
})

describe('commit', () => {
  test('makes samples visible together, and not before', async () => {
    const { db, metric } = await openStore(new MemoryDisk())
    const appender = db.appender()
    const [a, b] = [appender.series(series('a')), appender.series(series('b'))]
    appender.append(a, 1, 1.5)
    appender.appendStale(b, 1)
    appender.append(a, 2, NaN)
    expect(await everything(db.querier())).toEqual({})
    expect(db.stats().head).toEqual({ series: 0, chunks: 0, minT: null, maxT: null })
    const committing = appender.commit()
    expect(await everything(db.querier())).toEqual({})
    await committing
    expect(await everything(db.querier())).toEqual({ a: '1:1.5 2:NaN', b: '1:stale' })
    expect(db.stats().head).toEqual({ series: 2, chunks: 2, minT: 1, maxT: 2 })
    expect(metric(appended)).toBe(3)
  })

  test('looks again: of two that append the same time the first to commit wins', async () => {
    const { db, metric } = await openStore(new MemoryDisk())
    const [first, second, third] = [db.appender(), db.appender(), db.appender()]
    const ref = first.series(series('up'))
    expect(second.append(ref, 10, 2)).toBe('appended')
    expect(first.append(ref, 10, 1)).toBe('appended')
    expect(third.append(ref, 5, 3)).toBe('appended')
    await first.commit()
    await second.commit()
    await third.commit()
    expect(await everything(db.querier())).toEqual({ up: '10:1' })
    expect(metric(appended)).toBe(1)
    expect(metric(outOfOrder)).toBe(1)
  })

  test('keeps the first of two samples with one time in one scrape', async () => {
    const { db } = await openStore(new MemoryDisk())
    await put(db, 'up', [10, 1], [10, 2], [11, 3])
    expect(await everything(db.querier())).toEqual({ up: '10:1 11:3' })
  })

  test('that fails shows nothing, and the next one logs the series again', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    disk.failNextAppend(new DiskFullError('wal/00000000'))
    await expect(put(db, 'up', [1, 1])).rejects.toThrow(DiskFullError)
    expect(await everything(db.querier())).toEqual({})
    expect(await db.querier().labelNames([], { minT: 0, maxT: 9 })).toEqual([])
    await put(db, 'up', [2, 2])
    const again = await openStore(disk.crash('process'))
    expect(await everything(again.db.querier())).toEqual({ up: '2:2' })
  })

  test('logs a series itself while another commit that may fail is logging it', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    disk.failNextAppend(new DiskFullError('wal/00000000'))
    const results = await Promise.allSettled([put(db, 'up', [1, 1]), put(db, 'up', [2, 2])])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    const again = await openStore(disk.crash('process'))
    expect(await everything(again.db.querier())).toEqual({ up: '2:2' })
  })

  test('of nothing writes nothing', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'up')
    expect(disk.used).toBe(0)
  })

  test('or rollback ends an appender', async () => {
    const { db } = await openStore(new MemoryDisk())
    const appender = db.appender()
    const ref = appender.series(series('up'))
    appender.append(ref, 1, 1)
    appender.rollback()
    expect(() => appender.append(ref, 2, 1)).toThrow('BUG')
    await expect(appender.commit()).rejects.toThrow('BUG')
    expect(await everything(db.querier())).toEqual({})
  })
})

describe('series', () => {
  test('gives equal label sets one number, whoever asks', async () => {
    const { db } = await openStore(new MemoryDisk())
    const ref = db.appender().series(series('up', { job: 'a' }))
    expect(db.appender().series(series('up', { job: 'a' }))).toBe(ref)
    expect(db.appender().series(series('up', { job: 'b' }))).not.toBe(ref)
    expect(db.appender().series(series('up'))).not.toBe(ref)
  })

  test('keeps apart what only runs together', async () => {
    const { db } = await openStore(new MemoryDisk())
    const appender = db.appender()
    const sets = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a', 'b', 'c', 'd'],
      ['a', 'b\u0000c'],
    ]
    expect(new Set(sets.map(labels => appender.series(labels))).size).toBe(sets.length)
  })

  test('goes on with its numbers after a restart', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'a', [1, 1])
    await put(db, 'b', [1, 1])
    const again = await openStore(disk)
    await put(again.db, 'c', [1, 1])
    await put(again.db, 'a', [2, 2])
    const third = await openStore(disk)
    expect(await everything(third.db.querier())).toEqual({ a: '1:1 2:2', b: '1:1', c: '1:1' })
  })
})
