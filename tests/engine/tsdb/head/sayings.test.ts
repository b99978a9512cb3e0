import { describe, expect, test } from 'vitest'
import type { Exemplar } from '../../../../src/engine/model/exemplar.ts'
import { formatLabels } from '../../../../src/engine/model/labels.ts'
import type { Metadata } from '../../../../src/engine/model/metadata.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { ExemplarStore } from '../../../../src/engine/tsdb/exemplars/exemplars.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, series } from '../store.ts'
import { LoggedHead } from './harness.ts'

// What is said of series beside their samples: metadata and exemplars.

const range = 7_200_000
const counter: Metadata = { type: 'counter', unit: 'bytes', help: 'What passed.' }
const gauge: Metadata = { ...counter, type: 'gauge' }

describe('metadata', () => {
  test('is there once it is committed, and logged only when it changes', async () => {
    const store = new LoggedHead(range)
    const say = async (metadata: Metadata, t: number) => {
      const appender = store.appender()
      const ref = appender.series(series('a'))
      appender.append(ref, t, t)
      appender.setMetadata(ref, metadata)
      await appender.commit()
      return ref
    }
    const ref = await say(counter, 1)
    await say({ ...counter }, 2)
    expect(store.head.metadataOf(ref)).toEqual(counter)
    await say(gauge, 3)
    expect(store.head.metadataOf(ref)).toEqual(gauge)
    expect(store.records.map(record => record[0])).toEqual([1, 6, 2, 2, 6, 2])
    expect(store.restart().again.head.metadataOf(ref)).toEqual(gauge)
  })

  test('is not kept when the commit is rolled back, or of a series that nobody knows', () => {
    const store = new LoggedHead(range)
    const appender = store.appender()
    const ref = appender.series(series('a'))
    appender.setMetadata(ref, counter)
    appender.setMetadata(99, counter)
    appender.rollback()
    expect([store.head.metadataOf(ref), store.head.metadataOf(99)]).toEqual([null, null])
    expect(store.metric('prometheus_tsdb_head_series_not_found_total')).toBe(1)
  })

  test('is told by metric, each thing once, of series that have samples', async () => {
    const store = new LoggedHead(range)
    const said: [string, Record<string, string>, Metadata][] = [
      ['a', { n: '1' }, counter],
      ['a', { n: '2' }, { ...counter }],
      ['a', { n: '3' }, gauge],
      ['b', {}, counter],
      // Not the same, although it reads alike.
      ['c', {}, { type: 'counter', unit: 'bytesWhat', help: ' passed.' }],
      ['c', { n: '2' }, { type: 'counter', unit: 'bytes', help: 'What passed.' }],
    ]
    const appender = store.appender()
    for (const [name, labels, metadata] of said) {
      const ref = appender.series(series(name, labels))
      appender.append(ref, 1, 1)
      appender.setMetadata(ref, metadata)
    }
    await appender.commit()
    const found = store.head.metadataByMetric()
    expect([...found.keys()].sort()).toEqual(['a', 'b', 'c'])
    expect([found.get('a'), found.get('b'), found.get('c')?.length]).toEqual([[counter, gauge], [counter], 2])
    store.head.truncate(2)
    expect(store.head.metadataByMetric().size).toBe(0)
  })

  test('survives a checkpoint', async () => {
    const store = new LoggedHead(range)
    const appender = store.appender()
    const ref = appender.series(series('a'))
    appender.append(ref, 1, 1)
    appender.setMetadata(ref, counter)
    await appender.commit()
    await store.put('a', [range * 2, 1])
    store.checkpoint(range, store.records.length)
    expect(store.restart().again.head.metadataOf(ref)).toEqual(counter)
  })
})

describe('exemplars', () => {
  const exemplar = (t: number, v = 1, id = 'x'): Exemplar => ({ t, v, labels: ['trace_id', id] })
  const opened = (capacity = 10) => {
    const exemplars = new ExemplarStore(capacity, new Registry())
    return { exemplars, store: new LoggedHead(range, -Infinity, new FakeHost(), { exemplars }) }
  }
  const shown = (exemplars: ExemplarStore) =>
    exemplars.select([[]], always).map(({ labels, exemplars: all }) => {
      return `${formatLabels(labels)} ${all.map(({ t, v, labels: [, id] }) => `${t}:${v}:${id}`).join(' ')}`
    })

  test('are in the store once they are committed, and logged behind the samples', async () => {
    const { exemplars, store } = opened()
    const appender = store.appender()
    const ref = appender.series(series('a'))
    appender.append(ref, 1, 1)
    expect(appender.appendExemplar(ref, exemplar(1))).toBe('appended')
    expect(shown(exemplars)).toEqual([])
    await appender.commit()
    expect(shown(exemplars)).toEqual(['a 1:1:x'])
    expect(store.records.map(record => record[0])).toEqual([1, 2, 4])
  })

  test('are refused as the store says', async () => {
    const { store } = opened()
    const appender = store.appender()
    const ref = appender.series(series('a'))
    appender.appendExemplar(ref, exemplar(5))
    await appender.commit()
    const next = store.appender()
    const results = [exemplar(5), exemplar(4, 2), exemplar(6, 1, 'y'.repeat(200)), exemplar(2 ** 52)].map(
      each => next.appendExemplar(ref, each),
    )
    expect(results).toEqual(['duplicate', 'outOfOrder', 'tooLong', 'outOfOrder'])
    expect(next.appendExemplar(99, exemplar(7))).toBe('unknownSeries')
  })

  test('are not taken without a store', () => {
    const { appender } = new LoggedHead(range)
    const one = appender()
    expect(one.appendExemplar(one.series(series('a')), exemplar(1))).toBe('disabled')
    expect(() => one.appendExemplar(1, exemplar(0.5))).toThrow('BUG')
  })

  test('come back from the log, unless they are older than the head', async () => {
    const { store } = opened()
    const appender = store.appender()
    const ref = appender.series(series('a'))
    for (const t of [1, 5]) {
      appender.append(ref, t, t)
      appender.appendExemplar(ref, exemplar(t))
    }
    await appender.commit()
    const restored = opened()
    for (const record of store.records) restored.store.records.push(record)
    const { again } = restored.store.restart(3)
    expect(shown(restored.exemplars)).toEqual(['a 5:1:x'])
    expect(again.metric('prometheus_tsdb_wal_replay_unknown_refs_total')).toBe(0)
  })
})
