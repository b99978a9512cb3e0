import { describe, expect, test } from 'vitest'
import { DiskFullError } from '../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { formatLabels } from '../../../src/engine/model/labels.ts'
import { everything, openStore, put, sampleText, series } from './store.ts'

describe('a restart', () => {
  test('finds every sample as it was', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk, { segmentBytes: 64 * 1024 })
    for (let i = 0; i < 300; i++) {
      await put(
        db,
        series('up', { i: String(i % 7) }),
        [i * 60_000, i * 0.1],
        [i * 60_000 + 1, i % 5 ? -0 : NaN],
      )
      await put(db, series('gone', { i: String(i % 3) }), [i * 60_000, 'stale'])
    }
    const before = await everything(db.querier())
    await db.close()
    const again = await openStore(disk)
    expect(await everything(again.db.querier())).toEqual(before)
    expect(again.db.stats().head).toEqual(db.stats().head)
    expect(again.db.notices()).toEqual([])
    expect(again.metric('prometheus_tsdb_head_series')).toBe(10)
    expect(again.metric('prometheus_tsdb_head_max_time')).toBe(299 * 60_000 + 1)
  })

  test('counts samples without a series and skips them', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'a', [1, 1])
    const again = await openStore(disk)
    await put(again.db, 'a', [2, 2])
    await disk.remove('wal/00000000')
    const third = await openStore(disk)
    expect(await everything(third.db.querier())).toEqual({})
    // The sample, and the series.
    expect(third.metric('prometheus_tsdb_wal_replay_unknown_refs_total')).toBe(2)
  })

  test('after damage tells what was repaired', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'a', [1, 1])
    const size = await disk.size('wal/00000000')
    await put(db, 'a', [2, 2])
    const bytes = await disk.read('wal/00000000')
    bytes[size + 7]! ^= 1
    await disk.truncate('wal/00000000', 0)
    await disk.append('wal/00000000', 0, bytes, 'strict')
    const again = await openStore(disk)
    expect(again.db.notices()).toEqual([
      { kind: 'wal-repaired', detail: expect.stringContaining(`kept its first ${size} bytes`) as string },
    ])
    expect(again.db.stats().wal.corruptions).toBe(1)
    expect(again.metric('prometheus_tsdb_wal_corruptions_total')).toBe(1)
    expect(again.host.logs.filter(({ level }) => level === 'warn')).toHaveLength(1)
    expect(await everything(again.db.querier())).toEqual({ a: '1:1' })
    expect((await openStore(disk)).db.notices()).toEqual([])
  })
})

describe('a full disk', () => {
  test('is told until a commit succeeds; queries go on', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'a', [1, 1])
    disk.capacity = disk.used
    for (const t of [2, 3]) await expect(put(db, 'a', [t, t])).rejects.toThrow(DiskFullError)
    expect(db.notices()).toEqual([{ kind: 'disk-full', detail: 'no space left to write wal/00000000' }])
    expect(await everything(db.querier())).toEqual({ a: '1:1' })
    disk.capacity = Infinity
    await put(db, 'a', [4, 4])
    expect(db.notices()).toEqual([])
    expect(await everything(db.querier())).toEqual({ a: '1:1 4:4' })
    expect(await everything((await openStore(disk)).db.querier())).toEqual({ a: '1:1 4:4' })
  })

  test('is told apart from another failure', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    disk.failNextAppend(new Error('the cable is loose'))
    await expect(put(db, 'a', [1, 1])).rejects.toThrow('the cable is loose')
    expect(db.notices()).toEqual([{ kind: 'disk-error', detail: 'the cable is loose' }])
  })
})

describe('onCommit', () => {
  test('tells what has become visible, and only that', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    const told: string[] = []
    const end = db.onCommit(({ count, refs, t, v, stale, labels }) => {
      for (let i = 0; i < count; i++) {
        told.push(`${formatLabels(labels(refs[i]!))} ${sampleText(t[i]!, v[i]!, stale?.[i] === 1)}`)
      }
    })
    await put(db, 'a', [1, 1], [1, 2], [0, 5], [2, 'stale'], [3, NaN])
    disk.failNextAppend(new DiskFullError('wal/00000000'))
    await put(db, 'a', [4, 4]).catch(() => undefined)
    await put(db, 'b', [1, 7])
    end()
    await put(db, 'b', [2, 8])
    expect(told).toEqual(['a 1:1', 'a 2:stale', 'a 3:NaN', 'b 1:7'])
  })

  test('a listener that fails takes neither the commit nor the others down', async () => {
    const { db, host } = await openStore(new MemoryDisk())
    let heard = 0
    db.onCommit(() => {
      throw new Error('no ears')
    })
    db.onCommit(() => heard++)
    await put(db, 'a', [1, 1])
    expect(heard).toBe(1)
    expect(host.logs).toEqual([
      { level: 'error', message: 'a listener failed', fields: { error: 'Error: no ears' } },
    ])
  })
})

describe('sync and close', () => {
  test('make everything safe from a power cut', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await put(db, 'a', [1, 1])
    expect(await everything((await openStore(disk.crash('power'))).db.querier())).toEqual({})
    await db.sync()
    await put(db, 'a', [2, 2])
    expect(await everything((await openStore(disk.crash('power'))).db.querier())).toEqual({ a: '1:1' })
    await db.close()
    expect(await everything((await openStore(disk.crash('power'))).db.querier())).toEqual({ a: '1:1 2:2' })
  })

  test('close waits for commits under way and refuses later ones', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    const committing = put(db, 'a', [1, 1])
    await db.close()
    await committing
    await expect(put(db, 'a', [2, 2])).rejects.toThrow('the store is closed')
    expect(await everything((await openStore(disk.crash('power'))).db.querier())).toEqual({ a: '1:1' })
  })

  test('close of a disk that fails lets go all the same', async () => {
    const disk = new MemoryDisk()
    const { db, host } = await openStore(disk)
    await put(db, 'a', [1, 1])
    disk.failNextAppend(new DiskFullError('wal/00000000'))
    await db.close()
    expect(host.logs.map(({ message }) => message)).toEqual(['the log could not be synced'])
  })
})
