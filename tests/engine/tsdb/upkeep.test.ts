import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openNodeFs } from '../../../src/disks/nodefs.ts'
import type { Disk } from '../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import type { Db, DbOptions } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'
import { peer, startPrometheus } from '../../peers.ts'
import { always, everything, openStore, put, series } from './store.ts'

const hour = 3_600_000
const start = 1_700_000_000_000 - (1_700_000_000_000 % (2 * hour))
const minute = 60_000
const options: DbOptions = { segmentBytes: 32 * 1024 }

/** Samples of two series every minute, those of a third for the first hour only. */
async function fill(db: Db, fromHour: number, toHour: number): Promise<void> {
  for (let t = start + fromHour * hour; t < start + toHour * hour; t += minute) {
    await put(db, series('a'), [t, t % 997])
    await put(db, series('b'), [t, t % 7 === 0 ? 'stale' : 1])
    if (t < start + hour) await put(db, series('gone'), [t, 3])
  }
}

async function filled(disk: Disk, hours: number, more: DbOptions = {}) {
  const store = await openStore(disk, { ...options, ...more })
  await fill(store.db, 0, hours)
  return store
}

const ranges = (db: Db) =>
  db.blocks.infos().map(({ minT, maxT, level }) => [(minT - start) / hour, (maxT - start) / hour, level])

describe('the head', () => {
  test('becomes blocks of two hours, the last three stay, and nothing is lost', async () => {
    const { db, metric } = await filled(new MemoryDisk(), 8)
    const before = await everything(db.querier())
    await db.upkeep.run()
    expect(ranges(db)).toEqual([
      [0, 2, 1],
      [2, 4, 1],
      [4, 6, 1],
    ])
    expect(await everything(db.querier())).toEqual(before)
    expect(db.stats().head).toMatchObject({ series: 2, minT: start + 6 * hour })
    expect(metric('prometheus_tsdb_head_truncations_total')).toBe(3)
    expect(metric('prometheus_tsdb_compactions_total')).toBe(3)
  })

  test('is after a restart what it was before, and the log is shorter', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk, options)
    for (let t = start; t < start + 12 * hour; t += minute) {
      const appender = db.appender()
      for (let i = 0; i < 50; i++)
        appender.append(appender.series(series('wide', { i: String(i) })), t, (t * i) % 997)
      await appender.commit()
    }
    const before = await everything(db.querier())
    const { bytes } = db.stats().wal
    await db.upkeep.run()
    const after = db.stats()
    // The last range stays in the log, and the third of the segments that upstream leaves.
    expect(after.wal.bytes).toBeLessThan(0.6 * bytes)
    await db.close()
    const again = await openStore(disk, options)
    expect(again.db.stats().head).toEqual(after.head)
    expect(await everything(again.db.querier())).toEqual(before)
    expect(again.db.notices()).toEqual([])
  })

  test('takes back from the log what a block has lost in a power cut', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk, 4)
    const before = await everything(db.querier())
    await db.upkeep.run()
    const [block] = db.blocks.infos()
    await db.close()
    await disk.write(`${block!.ulid}/index`, new Uint8Array(10))
    const again = await openStore(disk, options)
    expect(again.db.blocks.broken()).toMatchObject([{ ulid: block!.ulid }])
    expect(await everything(again.db.querier())).toEqual(before)
  })

  test('keeps what a query needs that began before', async () => {
    const { db, host } = await filled(new MemoryDisk(), 4)
    const querier = db.querier()
    const kept = db.upkeep.run()
    // As far as it gets without the querier's leave.
    await host.settle()
    expect(db.blocks.infos()).toHaveLength(1)
    const found = await everything(querier, [matcher('__name__', '=', 'gone')])
    expect(Object.values(found)[0]?.split(' ')).toHaveLength(60)
    await kept
    expect(db.stats().head.series).toBe(2)
  })
})

describe('blocks', () => {
  test('are merged as upstream merges them, and give the same', async () => {
    const { db, metric } = await filled(new MemoryDisk(), 16, { retentionMs: null })
    const before = await everything(db.querier())
    await db.upkeep.run()
    const merged = ranges(db).filter(([, , level]) => level! > 1)
    expect(merged.length).toBeGreaterThan(0)
    // The newest stays alone for a while.
    expect(ranges(db).at(-1)?.[2]).toBe(1)
    expect(await everything(db.querier())).toEqual(before)
    expect(metric('prometheus_tsdb_compactions_failed_total')).toBe(0)
  })

  test('go when they are older than the retention, but not the pinned ones', async () => {
    const { db } = await filled(new MemoryDisk(), 10, { retentionMs: 3 * hour })
    await db.upkeep.run()
    expect(Math.min(...ranges(db).map(([from]) => from!))).toBe(4)
    const [oldest] = db.blocks.infos()
    await db.blocks.pins.set([oldest!.ulid], true)
    await fill(db, 10, 18)
    await db.upkeep.run()
    expect(ranges(db)[0]).toEqual([4, 6, 1])
    expect(ranges(db).filter(([from]) => from! > 4 && from! < 12)).toEqual([])
  })

  test('go when all together are too large, the oldest first', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk, 12)
    await db.upkeep.run()
    const all = db.blocks.infos()
    const { wal, headChunks } = await db.storage()
    const room = all.slice(-2).reduce((sum, { bytes }) => sum + bytes, wal + headChunks)
    await db.close()
    const again = await openStore(disk, { ...options, maxBytes: room + 1 })
    await again.db.upkeep.run()
    expect(again.db.blocks.infos()).toEqual(all.slice(-2))
    expect(again.metric('prometheus_tsdb_size_retentions_total')).toBe(1)
  })
})

test('a full disk is told, nothing is lost, and the next round goes on', async () => {
  const disk = new MemoryDisk()
  const { db } = await filled(disk, 6)
  const before = await everything(db.querier())
  disk.capacity = disk.used + 500
  await db.upkeep.run()
  expect(db.notices()).toMatchObject([{ kind: 'upkeep-failed' }])
  expect(db.blocks.infos()).toEqual([])
  expect(await everything(db.querier())).toEqual(before)
  disk.capacity = Infinity
  await db.upkeep.run()
  expect(db.notices()).toEqual([])
  expect(db.blocks.infos()).toHaveLength(2)
  expect(await everything(db.querier())).toEqual(before)
})

test('on a full disk old blocks go all the same, and make room', async () => {
  const disk = new MemoryDisk()
  const { db } = await filled(disk, 6)
  await db.upkeep.run()
  const before = ranges(db)
  await fill(db, 6, 9)
  disk.capacity = disk.used
  await db.budget.set(1).catch(() => undefined)
  expect(db.budget.own).toBeNull()
  disk.capacity = disk.used + 100
  await db.budget.set(1)
  disk.capacity = disk.used
  await db.upkeep.run()
  expect(db.notices()).toMatchObject([{ kind: 'upkeep-failed' }])
  expect(ranges(db).length).toBeLessThan(before.length)
  expect(disk.used).toBeLessThan(disk.capacity)
})

test('it goes by itself every minute until the store is closed', async () => {
  const host = new FakeHost()
  const { db } = await openStore(new MemoryDisk(), options, host)
  await fill(db, 0, 4)
  await host.advance(61_000)
  await expect.poll(() => db.blocks.infos().length).toBe(1)
  await fill(db, 4, 6)
  await db.close()
  await host.advance(120_000)
  expect(db.blocks.infos()).toHaveLength(1)
})

const prometheus = peer('prometheus')

test.skipIf(prometheus.missing)('prometheus opens the folder with every sample', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-upkeep-'))
  try {
    const disk = await openNodeFs(folder)
    const { db } = await filled(disk, 16)
    await db.upkeep.run()
    expect(db.blocks.infos().length).toBeGreaterThan(2)
    const wanted = await everything(db.querier())
    await db.close()
    await disk.close()
    const running = await startPrometheus({ dataDir: folder })
    try {
      for (const [name, samples] of Object.entries(wanted)) {
        const at = String((start + 16 * hour) / 1000)
        const params = new URLSearchParams({ query: `${name}[17h]`, time: at })
        const response = await fetch(`${running.url}/api/v1/query?${params.toString()}`)
        const { data } = (await response.json()) as { data: { result: { values: [number, string][] }[] } }
        const found = data.result[0]?.values.map(([t, v]) => `${Math.round(t * 1000)}:${v}`)
        // The API leaves stale markers out.
        expect(found).toEqual(samples.split(' ').filter(sample => !sample.endsWith('stale')))
      }
      expect(running.log()).not.toMatch(/level=(warn|error)|corrupt/i)
    } finally {
      await running.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an empty store needs nothing', async () => {
  const { db } = await openStore(new MemoryDisk())
  await db.upkeep.run()
  expect(db.notices()).toEqual([])
  expect(await everything(db.querier(), [], always)).toEqual({})
})
