import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import type { HeadChunk } from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { series } from '../store.ts'
import { LoggedHead } from './harness.ts'
import { histogram } from './text.ts'

// Chunks that the head has put on disk, and that come back from there.

const hour = 3600_000
const range = 2 * hour

async function filled(): Promise<LoggedHead> {
  const store = new LoggedHead(range)
  const appender = store.appender()
  const [a, h] = [appender.series(series('a')), appender.series(series('h'))]
  for (const [v, t] of [hour, hour + 1, 3 * hour, 5 * hour, 5 * hour + 1].entries())
    appender.append(a, t, v + 1)
  appender.appendHistogram(h, hour, histogram({ 1: 1 }))
  appender.appendHistogram(h, 3 * hour, histogram({ 1: 2 }))
  await appender.commit()
  return store
}

describe('chunks that are finished', () => {
  test('are handed out until they are on disk', async () => {
    const store = await filled()
    const chunks = store.head.unsavedChunks()
    const shown = chunks.map(({ ref, minT, maxT, encoding, outOfOrder, samples }) => [
      ref,
      minT,
      maxT,
      encoding,
      outOfOrder,
      samples,
    ])
    expect(shown).toEqual([
      [1, hour, hour + 1, 1, false, 2],
      [1, 3 * hour, 3 * hour, 1, false, 1],
      [2, hour, hour, 2, false, 1],
    ])
    store.head.markSaved(chunks.slice(0, 1))
    expect(store.head.unsavedChunks()).toEqual(chunks.slice(1))
    store.head.markSaved(chunks)
    expect(store.head.unsavedChunks()).toEqual([])
    await store.put('h', [5 * hour, 1])
    expect(store.head.unsavedChunks().map(({ ref, minT }) => [ref, minT])).toEqual([[2, 3 * hour]])
  })

  test('may go while they are being written', async () => {
    const store = await filled()
    const chunks = store.head.unsavedChunks()
    store.head.truncate(2 * hour)
    store.head.markSaved(chunks)
    await store.put('a', [7 * hour, 6])
    store.head.truncate(4 * hour)
    expect(store.head.unsavedChunks().map(({ minT }) => minT)).toEqual([5 * hour])
  })
})

describe('a restart with chunks on disk', () => {
  test('gives what the log alone gives, and takes their samples from the log no more', async () => {
    const store = await filled()
    store.save()
    await store.put('a', [5 * hour + 2, 6])
    const all = await store.everything()
    const { again, unknown } = store.restart(-Infinity, store.disk)
    expect([await again.everything(), unknown]).toEqual([all, 0])
    expect(again.head.unsavedChunks()).toEqual([])
    expect([again.head.minT, again.head.maxT]).toEqual([hour, 5 * hour + 2])
    expect(again.head.chunkCount).toBe(store.head.chunkCount)
    expect(again.metric('prometheus_tsdb_head_chunks_created_total')).toBe(store.head.chunkCount)
    // Without the samples of the chunks in the log: that they are in there is not looked at.
    again.records.splice(0, again.records.length, ...store.records.filter(record => record[0] === 1))
    const alone = again.restart(-Infinity, store.disk).again
    expect(await alone.everything()).toEqual({
      a: `${hour}:1 ${hour + 1}:2 ${3 * hour}:3`,
      h: `${hour}:h1=1`,
    })
    await alone.put('a', [3 * hour, 3], [3 * hour, 4], [3 * hour + 1, 5])
    expect((await alone.everything()).a).toBe(`${hour}:1 ${hour + 1}:2 ${3 * hour}:3 ${3 * hour + 1}:5`)
  })

  test('leaves out chunks of the time of blocks, and those whose series never comes', async () => {
    const store = await filled()
    store.save()
    const stranger = { ...store.disk[0]!, ref: 77 }
    const { again } = store.restart(2 * hour, [...store.disk, stranger])
    expect(await again.everything()).toEqual({
      a: `${3 * hour}:3 ${5 * hour}:4 ${5 * hour + 1}:5`,
      h: `${3 * hour}:h1=2`,
    })
    expect(again.head.seriesCount).toBe(2)
  })

  test('copies their bytes', async () => {
    const store = await filled()
    store.save()
    const lent = store.disk.map(chunk => ({ ...chunk, bytes: chunk.bytes.slice() }))
    const { again } = store.restart(-Infinity, lent)
    for (const { bytes } of lent) bytes.fill(0xff)
    expect(await again.everything()).toEqual(await store.everything())
  })

  test('takes what was in a lost block from the log: in front of the chunks, and between them', async () => {
    const store = await filled()
    store.save()
    const all = await store.everything()
    for (const disk of [store.disk.slice(1), store.disk.filter(({ minT }) => minT !== 3 * hour)]) {
      expect(await store.restart(-Infinity, disk).again.everything()).toEqual(all)
    }
  })

  test('has the chunks of a series that had gone and came back', async () => {
    const store = new LoggedHead(range)
    await store.put('a', [hour, 1], [3 * hour, 2])
    await store.put('other', [7 * hour, 1])
    store.save()
    store.head.truncate(4 * hour)
    await store.put('a', [7 * hour, 3], [9 * hour, 4])
    store.save()
    expect(new Set(store.disk.map(({ ref }) => ref)).size).toBe(2)
    const now = store.restart(store.head.minValidT, store.disk).again
    expect((await now.everything()).a).toBe(`${7 * hour}:3 ${9 * hour}:4`)
    const lost = store.restart(-Infinity, store.disk).again
    expect((await lost.everything()).a).toBe(`${hour}:1 ${3 * hour}:2 ${7 * hour}:3 ${9 * hour}:4`)
  })
})

describe('a chunk from the disk is refused', () => {
  const chunk: HeadChunk = {
    ...{ ref: 1, minT: 10, maxT: 20, encoding: 1, outOfOrder: false, samples: 2 },
    bytes: new Uint8Array([0, 2]),
  }

  test.each<[string, Partial<HeadChunk>]>([
    ['when it begins where the one before it ends', { minT: 20, maxT: 30 }],
    ['when it is the one before it again', {}],
    ['when it ends before it begins', { minT: 40, maxT: 30 }],
    ['when it has no samples', { minT: 30, maxT: 40, samples: 0 }],
  ])('%s', (_, wrong) => {
    const { head } = new LoggedHead(range)
    head.restoreChunk(chunk)
    head.restoreChunk({ ...chunk, ref: 2 })
    expect(() => head.restoreChunk({ ...chunk, ...wrong })).toThrow(CorruptionError)
  })

  test('without a word when nobody can read it', async () => {
    const { head } = new LoggedHead(range)
    head.restoreChunk({ ...chunk, encoding: 5 })
    head.restoreChunk({ ...chunk, encoding: 5 })
    head.restoreSeries(1, series('a'))
    head.restored()
    expect(head.seriesCount).toBe(0)
  })
})
