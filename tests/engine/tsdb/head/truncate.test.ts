import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../../src/engine/config/parse.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { ScrapeManager } from '../../../../src/engine/scrape/manager.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, series } from '../store.ts'
import { LoggedHead } from './harness.ts'

const hour = 3600_000
const range = 2 * hour

describe('the next block', () => {
  test.each<[string, number, number, boolean, number]>([
    ['one and a half ranges: not yet', 0, 3 * hour, false, 2 * hour],
    ['a moment more', 0, 3 * hour + 1, true, 2 * hour],
    ['from the middle of a range to its end', 9 * hour, 13 * hour, true, 10 * hour],
    ['from the beginning of a range to the next', 10 * hour, 14 * hour, true, 12 * hour],
    // Go divides toward zero: the two ranges around 1970 are one.
    ['before 1970', -hour, 3 * hour, true, 2 * hour],
    ['long before 1970', -5 * hour, 0, true, -2 * hour],
  ])('%s', async (_, first, last, compactable, end) => {
    const store = new LoggedHead(range)
    await store.put('a', [first, 1], [last, 1])
    expect(store.head.compactable()).toBe(compactable)
    expect(store.head.nextBlockRange()).toEqual({ minT: first, maxT: end })
  })

  test('there is none while the head is empty', () => {
    expect(new LoggedHead(range).head.compactable()).toBe(false)
  })

  test('has all series with samples in the range, cut to it, in label order', async () => {
    const store = new LoggedHead(range)
    await store.put('b', [hour, 1], [2 * hour - 1, 2], [2 * hour, 3])
    await store.put('a', [hour, 1])
    await store.put('late', [2 * hour, 1])
    const found: unknown[] = []
    for await (const { labels, chunks } of store.head.seriesChunks(hour + 1, 2 * hour)) {
      found.push([
        labels[1],
        chunks.map(({ minT, maxT, encoding, samples }) => [minT, maxT, encoding, samples]),
      ])
    }
    expect(found).toEqual([['b', [[2 * hour - 1, 2 * hour - 1, 1, 1]]]])
  })

  test('waits for appenders that may still write to it, and for no others', async () => {
    const store = new LoggedHead(range)
    const early = store.appender()
    await store.put('a', [4 * hour, 1])
    const later = store.appender()
    const steps: string[] = []
    const waiting = store.head.appenders.settled(2 * hour).then(() => steps.push('settled'))
    early.append(early.series(series('b')), hour, 1)
    steps.push('committing')
    await early.commit()
    await waiting
    expect(steps).toEqual(['committing', 'settled'])
    expect(store.metric('prometheus_tsdb_head_active_appenders')).toBe(1)
    later.rollback()
    expect(store.metric('prometheus_tsdb_head_active_appenders')).toBe(0)
  })
})

describe('truncate', () => {
  test('lets go of chunks and series before the time, and counts them', async () => {
    const store = new LoggedHead(range)
    await store.put('gone', [hour, 1])
    await store.put('stays', [hour, 1], [2 * hour, 2], [4 * hour, 3])
    store.head.truncate(2 * hour)
    expect(await store.everything()).toEqual({ stays: `${2 * hour}:2 ${4 * hour}:3` })
    expect([store.head.minT, store.head.maxT]).toEqual([2 * hour, 4 * hour])
    const counts = {
      prometheus_tsdb_head_series: 1,
      prometheus_tsdb_head_chunks: 2,
      prometheus_tsdb_head_series_created_total: 2,
      prometheus_tsdb_head_series_removed_total: 1,
      prometheus_tsdb_head_chunks_created_total: 4,
      prometheus_tsdb_head_chunks_removed_total: 2,
      prometheus_tsdb_head_truncations_total: 1,
      prometheus_tsdb_head_truncations_failed_total: 0,
      prometheus_tsdb_head_gc_duration_seconds_count: 1,
    }
    expect(Object.fromEntries(Object.keys(counts).map(name => [name, store.metric(name)]))).toEqual(counts)
  })

  test('in steps lets others have their turn, who see what it leaves', async () => {
    const store = new LoggedHead(range)
    for (const name of ['gone', 'back']) await store.put(name, [hour, 1])
    await store.put('stays', [hour, 1], [3 * hour, 2])
    const { ref } = store.head.findOrCreate(series('back'))
    const truncating = store.head.truncateInSteps(2 * hour)
    expect(await store.everything()).toEqual({ stays: `${3 * hour}:2` })
    await store.put('back', [3 * hour, 3])
    await truncating
    expect(await store.everything()).toEqual({ back: `${3 * hour}:3`, stays: `${3 * hour}:2` })
    expect(store.head.seriesOf(ref)?.ref).toBe(ref)
    expect(store.metric('prometheus_tsdb_head_gc_duration_seconds_count')).toBe(1)
  })

  test('does nothing where there is nothing before the time, but closes it for samples', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [3 * hour, 1])
    store.head.truncate(3 * hour)
    expect(store.metric('prometheus_tsdb_head_truncations_total')).toBe(0)
    await store.put('b', [3 * hour - 1, 1])
    expect(await store.everything()).toEqual({ a: `${3 * hour}:1` })
    expect(store.metric('prometheus_tsdb_out_of_bound_samples_total')).toBe(1)
  })

  test('keeps a chunk that reaches over the time whole', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1], [hour + 1, 2], [hour + 2, 3])
    store.head.truncate(hour + 1)
    expect(await store.everything()).toEqual({ a: `${hour}:1 ${hour + 1}:2 ${hour + 2}:3` })
    expect(store.head.minT).toBe(hour + 1)
  })

  test('may leave nothing; the bound stays', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    store.head.truncate(4 * hour)
    expect([store.head.seriesCount, store.head.minT, store.head.maxT]).toEqual([0, Infinity, -Infinity])
    expect(await new HeadQuerier(store.head).labelNames([], always)).toEqual([])
    await store.put('a', [4 * hour - 1, 1], [4 * hour, 2])
    expect(await store.everything()).toEqual({ a: `${4 * hour}:2` })
  })

  test('takes names and values that nobody carries any more from the readers', async () => {
    const store = new LoggedHead(range)
    await store.put(series('a', { job: 'x', old: 'y' }), [hour, 1])
    await store.put(series('a', { job: 'z' }), [4 * hour, 1])
    await store.put(series('b', { job: 'x' }), [4 * hour, 1])
    store.head.truncate(2 * hour)
    const querier = new HeadQuerier(store.head)
    expect(await querier.labelNames([], always)).toEqual(['__name__', 'job'])
    expect(await querier.labelValues('job', [], always)).toEqual(['x', 'z'])
    expect(await querier.labelValues('__name__', [matcher('job', '=', 'x')], always)).toEqual(['b'])
  })

  test('gives a series that comes back another number and logs it again', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    await store.put('other', [4 * hour, 1])
    const before = store.head.findOrCreate(series('a')).ref
    store.head.truncate(2 * hour)
    expect(store.appender().append(before, 4 * hour, 1)).toBe('unknownSeries')
    await store.put('a', [4 * hour, 2])
    expect(store.head.findOrCreate(series('a')).ref).not.toBe(before)
    const { again, unknown } = store.restart()
    expect(unknown).toBe(0)
    expect(await again.everything()).toEqual(await store.everything())
  })

  test('keeps a series whose sample is being committed', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    await store.put('other', [2.5 * hour, 1])
    const { ref } = store.head.findOrCreate(series('a'))
    let log = (): void => undefined
    store.gate = new Promise(resolve => (log = resolve))
    const appender = store.appender()
    expect(appender.append(ref, 3 * hour, 2)).toBe('appended')
    const committing = appender.commit()
    store.head.truncate(2 * hour)
    expect(await store.everything()).toEqual({ other: `${2.5 * hour}:1` })
    expect(await new HeadQuerier(store.head).labelValues('__name__', [], always)).toEqual(['other'])
    log()
    await committing
    expect(await store.everything()).toEqual({ a: `${3 * hour}:2`, other: `${2.5 * hour}:1` })
    expect(store.head.findOrCreate(series('a')).ref).toBe(ref)
  })

  test('refuses samples before it that were appended before it', async () => {
    const store = new LoggedHead(range)
    const appender = store.appender()
    const ref = appender.series(series('a'))
    for (const t of [hour, 3 * hour]) expect(appender.append(ref, t, 1)).toBe('appended')
    await store.put('other', [hour, 1], [4 * hour, 1])
    store.head.truncate(2 * hour)
    await appender.commit()
    expect(await store.everything()).toEqual({ a: `${3 * hour}:1`, other: `${4 * hour}:1` })
    expect(store.metric('prometheus_tsdb_out_of_bound_samples_total')).toBe(1)
    expect(await store.restart().again.everything()).toEqual(await store.everything())
  })

  test('forgets series that never had a sample', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1], [2 * hour, 1], [4 * hour, 1])
    const appender = store.appender()
    const ref = appender.series(series('never'))
    store.head.truncate(1.5 * hour)
    expect(store.head.seriesOf(ref)?.labels).toEqual(series('never'))
    appender.rollback()
    store.head.truncate(2 * hour + 1)
    expect(store.head.seriesOf(ref)).toBeUndefined()
  })
})

describe('the log', () => {
  test('keeps the record of a series that has gone until the next truncation', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    await store.put('other', [hour, 1], [4 * hour, 1], [6 * hour, 1])
    const { ref } = store.head.findOrCreate(series('a'))
    expect(store.head.keepsInLog(ref, 0)).toBe(true)
    store.head.truncate(2 * hour)
    expect(store.head.keepsInLog(ref, 2 * hour)).toBe(true)
    store.head.truncate(6 * hour)
    expect(store.head.keepsInLog(ref, 6 * hour)).toBe(false)
    expect(store.head.keepsInLog(99, 0)).toBe(false)
  })

  test('keeps both records of a series that had gone, as long as samples may refer to them', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    await store.put('other', [4 * hour, 1])
    const first = store.head.findOrCreate(series('a')).ref
    store.head.truncate(2 * hour)
    await store.put('a', [4 * hour, 2])
    const second = store.head.findOrCreate(series('a')).ref
    const { head } = store.restart().again
    expect([first, second].map(ref => head.keepsInLog(ref, 4 * hour))).toEqual([true, true])
    head.truncate(4 * hour + 1)
    expect([first, second].map(ref => head.keepsInLog(ref, 4 * hour + 1))).toEqual([true, false])
  })

  test('restores nothing from before the end of the newest block', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1])
    await store.put('b', [hour, 1], [2 * hour - 1, 2], [2 * hour, 3])
    const { again } = store.restart(2 * hour)
    expect(await again.everything()).toEqual({ b: `${2 * hour}:3` })
    expect(again.head.minT).toBe(2 * hour)
    await again.put('c', [2 * hour - 1, 1])
    expect(again.metric('prometheus_tsdb_out_of_bound_samples_total')).toBe(1)
  })

  test('that gives two series one number gives its samples to the later one', async () => {
    const { head } = new LoggedHead(range)
    head.restoreSeries(7, series('a'))
    head.restoreSample(7, hour, 0, 0)
    head.restoreSeries(7, series('b'))
    head.restoreSample(7, hour + 1, 0, 0)
    const found = head.snapshot([], always).map(({ labels }) => labels[1])
    expect(found).toEqual(['a', 'b'])
    expect(head.findOrCreate(series('b'))).toMatchObject({ ref: 8, logged: false })
  })
})

describe('a target that was silent while its series went', () => {
  const minute = 60_000

  test('has all its later samples stored, in memory and in the log', async () => {
    const start = 1_700_000_000_000
    const host = new FakeHost({ now: start })
    const store = new LoggedHead(10 * minute, -Infinity, host)
    const manager = new ScrapeManager({ host, metrics: new Registry(), appender: store.appender })
    let silent = false
    let value = 0
    host.onFetch = url => {
      if (silent && url.includes('silent')) return Promise.reject(new TypeError('Failed to fetch'))
      return new Response(`m{n="1"} ${++value}\nm{n="2"} 7\n`, { headers: { 'content-type': 'text/plain' } })
    }
    const job = (name: string) =>
      `{job_name: ${name}, scrape_interval: 60s, static_configs: [{targets: [${name}:80]}]}`
    manager.apply(parseConfig(`scrape_configs: [${job('silent')}, ${job('steady')}]`).jobs)

    await host.advance(5 * minute)
    silent = true
    await host.advance(40 * minute)
    const known = store.head.seriesCount
    store.head.truncate(host.now() - 5 * minute)
    expect(store.head.seriesCount).toBe(known - 2)
    silent = false
    const back = host.now()
    await host.advance(5 * minute)
    await manager.stop()

    const all = await store.everything()
    for (const n of [1, 2]) {
      const samples = (all[`m{instance="silent:80", job="silent", n="${n}"}`] ?? '').split(' ')
      expect(samples).toHaveLength(5)
      for (const sample of samples) expect(Number(sample.split(':')[0])).toBeGreaterThan(back)
    }
    const { again, unknown } = store.restart()
    expect(unknown).toBe(0)
    const replayed = await again.everything()
    expect(Object.keys(replayed)).toEqual(Object.keys(all))
    expect(replayed['m{instance="silent:80", job="silent", n="1"}']).toBe(
      all['m{instance="silent:80", job="silent", n="1"}'],
    )
  })

  test('has its report stored when everything of it had gone', async () => {
    const host = new FakeHost({ now: 1_700_000_000_000 })
    const store = new LoggedHead(10 * minute, -Infinity, host)
    const manager = new ScrapeManager({ host, metrics: new Registry(), appender: store.appender })
    host.onFetch = () => new Response('m 1\n', { headers: { 'content-type': 'text/plain' } })
    manager.apply(parseConfig('scrape_configs: [{job_name: a, static_configs: [{targets: [a:80]}]}]').jobs)
    await host.advance(minute / 2)
    host.freeze(60 * minute)
    store.head.truncate(host.now() - minute)
    expect(store.head.seriesCount).toBe(0)
    await host.advance(2 * minute)
    await manager.stop()
    const all = await store.everything()
    expect(Object.keys(all)).toHaveLength(6)
    for (const samples of Object.values(all)) expect(samples.split(' ').length).toBeGreaterThanOrEqual(2)
  })
})
