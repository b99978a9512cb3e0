import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { parseMetricSelector } from '../../../src/engine/promql/syntax/metricselector.ts'
import type { Db, DbOptions } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'
import { everything, openStore, put } from './store.ts'

const hour = 3_600_000
const minute = 60_000
const options: DbOptions = { chunkRangeMs: 10 * minute, outOfOrderWindowMs: 2 * hour }
const start = 1_700_000_400_000 - (1_700_000_400_000 % (10 * minute))

/** Two series with a sample a minute for an hour: five blocks, of which three are merged, and the rest in the head. */
async function filled(disk = new MemoryDisk()) {
  const store = await openStore(disk, options)
  for (let i = 0; i < 60; i++) {
    await put(store.db, 'a', [start + i * minute, i])
    await put(store.db, 'b', [start + i * minute, -i])
  }
  await store.db.upkeep.run()
  return { disk, ...store }
}

const selector = (text: string) => [parseMetricSelector(text)]

async function valuesOf(db: Db, name: string): Promise<number[]> {
  const text = (await everything(db.querier()))[name] ?? ''
  return text
    .split(' ')
    .filter(part => part !== '')
    .map(part => Number(part.split(':')[1]))
}

const upTo = (n: number, from = 0) => Array.from({ length: n - from }, (_, i) => i + from)

describe('a deletion', () => {
  test('hides the samples of the series that match, in blocks and head, both ends included', async () => {
    const { db, disk } = await filled()
    expect(db.blocks.infos().length).toBeGreaterThan(1)
    await db.admin.deleteSeries(selector('a'), { minT: start + 5 * minute, maxT: start + 54 * minute })
    const left = [...upTo(5), ...upTo(60, 55)]
    expect(await valuesOf(db, 'a')).toEqual(left)
    expect(await valuesOf(db, 'b')).toHaveLength(60)
    const again = await openStore(disk.crash('process'), options)
    expect(await valuesOf(again.db, 'a')).toEqual(left)
    expect(await valuesOf(again.db, 'b')).toHaveLength(60)
  })

  test('does not touch a query that began before', async () => {
    const { db } = await filled()
    const querier = db.querier()
    await db.admin.deleteSeries(selector('{__name__=~".+"}'), { minT: -Infinity, maxT: Infinity })
    expect(await valuesOf(db, 'a')).toEqual([])
    const before = await everything(querier)
    expect(before['b']?.split(' ').length).toBeGreaterThan(40)
  })

  test('takes samples along that came out of order', async () => {
    const { db, disk } = await filled()
    await put(db, 'late', [start + 59 * minute, 1], [start + 10 * minute, 2], [start + 20 * minute, 3])
    await db.admin.deleteSeries(selector('late'), { minT: start, maxT: start + 15 * minute })
    expect(await valuesOf(db, 'late')).toEqual([3, 1])
    // What comes later was not meant.
    await put(db, 'late', [start + 11 * minute, 4])
    expect(await valuesOf(db, 'late')).toEqual([4, 3, 1])
    const again = await openStore(disk.crash('process'), options)
    expect(await valuesOf(again.db, 'late')).toEqual([4, 3, 1])
  })

  test('of several selectors is that of each', async () => {
    const { db } = await filled()
    const all = { minT: start, maxT: start + 29 * minute }
    await db.admin.deleteSeries([...selector('a'), ...selector('{__name__="b"}')], all)
    expect(await valuesOf(db, 'a')).toEqual(upTo(60, 30))
    expect(await valuesOf(db, 'b')).toEqual(upTo(60, 30).map(n => -n))
  })

  test('survives that its block is merged with others', async () => {
    const { db } = await filled()
    await db.admin.deleteSeries(selector('a'), { minT: start, maxT: start + 29 * minute })
    for (let i = 60; i < 200; i++) await put(db, 'b', [start + i * minute, i])
    await db.upkeep.run()
    expect(await valuesOf(db, 'a')).toEqual(upTo(60, 30))
  })
})

describe('cleaning', () => {
  test('writes blocks anew of which something was deleted, and lets others be', async () => {
    const { db } = await filled()
    const before = db.blocks.infos()
    await db.admin.deleteSeries(selector('a'), { minT: start, maxT: start + 1 * minute })
    await db.admin.cleanTombstones()
    const after = db.blocks.infos()
    const kept = after.filter(({ ulid }) => before.some(block => block.ulid === ulid))
    expect(kept).toHaveLength(before.length - 1)
    const samples = (infos: typeof before) => infos.reduce((sum, { samples }) => sum + samples, 0)
    expect(samples(after)).toBe(samples(before) - 2)
    expect(await valuesOf(db, 'a')).toEqual(upTo(60, 2))
  })

  test('keeps a pinned block pinned, and removes one of which nothing is left', async () => {
    const { db } = await filled()
    const [first, second] = db.blocks.infos()
    await db.blocks.pins.set([first!.ulid], true)
    await db.admin.deleteSeries(selector('a'), { minT: first!.minT, maxT: first!.maxT - 1 })
    await db.admin.deleteSeries(selector('{__name__=~".+"}'), { minT: second!.minT, maxT: second!.maxT - 1 })
    await db.admin.cleanTombstones()
    const infos = db.blocks.infos()
    expect(infos.filter(({ pinned }) => pinned).map(({ minT, series }) => [minT, series])).toEqual([
      [first!.minT, 1],
    ])
    expect(infos.some(({ minT, pinned }) => minT === second!.minT && !pinned)).toBe(false)
  })
})

describe('a snapshot', () => {
  test('is a store of its own with every sample, the late ones too', async () => {
    const { db, disk } = await filled()
    await put(db, 'a', [start + 3 * minute + 1, 1000])
    const before = await everything(db.querier())
    const { name, blocks, bytes } = await db.admin.snapshot(false)
    expect(name).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{16}$/)
    expect(blocks).toBe(db.blocks.infos().length + 1)
    const copy = new MemoryDisk()
    let copied = 0
    for (const ulid of await disk.list(`snapshots/${name}`)) {
      for (const path of await filesIn(disk, `snapshots/${name}/${ulid}`)) {
        const file = await copy.create(`${ulid}.tmp-for-creation/${path}`)
        const found = await disk.read(`snapshots/${name}/${ulid}/${path}`)
        await file.write(found)
        await file.close()
        copied += found.length
      }
      await copy.publish([{ from: `${ulid}.tmp-for-creation`, to: ulid }])
    }
    expect(copied).toBe(bytes)
    expect(await everything((await openStore(copy, options)).db.querier())).toEqual(before)
  })

  test('without the head has the blocks alone', async () => {
    const { db } = await filled()
    expect((await db.admin.snapshot(true)).blocks).toBe(db.blocks.infos().length)
  })

  test('stays when blocks go, is listed, exported and removed', async () => {
    const { db } = await filled()
    const { name } = await db.admin.snapshot(true)
    for (const { ulid } of db.blocks.infos()) await db.blocks.remove(ulid)
    expect((await db.storage()).snapshots).toMatchObject([{ name }])
    const ticket = await db.transfers.export({ kind: 'snapshot', format: 'tar.gz', name })
    expect(ticket.fileName).toBe(`brazier-${name}.tar.gz`)
    let bytes = 0
    for (
      let piece = await db.transfers.readExport(ticket.id);
      piece;
      piece = await db.transfers.readExport(ticket.id)
    )
      bytes += piece.length
    expect(bytes).toBeGreaterThan(500)
    await db.admin.snapshots.remove(name)
    expect((await db.storage()).snapshots).toEqual([])
    await expect(db.admin.snapshots.remove(name)).rejects.toThrow(`want a snapshot, have ${name}`)
    await expect(db.transfers.export({ kind: 'snapshot', format: 'zip', name: '../wal' })).rejects.toThrow(
      'want a snapshot, have ../wal',
    )
  })

  test('of nothing is refused, and a full disk leaves nothing of one', async () => {
    const empty = await openStore(new MemoryDisk(), options)
    await expect(empty.db.admin.snapshot(false)).rejects.toThrow('nothing to take a snapshot of')
    const { db, disk } = await filled()
    const used = disk.used
    disk.capacity = used + 500
    await expect(db.admin.snapshot(false)).rejects.toThrow('no space left')
    disk.capacity = Infinity
    expect(disk.used).toBe(used)
    expect((await db.storage()).snapshots).toEqual([])
  })
})

describe('the budget', () => {
  test('is the host’s until the user says otherwise, also after a restart', async () => {
    const host = new FakeHost()
    const disk = new MemoryDisk()
    const { db } = await openStore(disk, options, host)
    expect(await db.storage()).toMatchObject({ budget: await host.capacity(), budgetIsOwn: false })
    await db.budget.set(5_000_000)
    const again = await openStore(disk.crash('power'), options, host)
    expect(await again.db.storage()).toMatchObject({ budget: 5_000_000, budgetIsOwn: true })
    await again.db.budget.set(null)
    expect(await again.db.storage()).toMatchObject({ budget: await host.capacity(), budgetIsOwn: false })
  })

  test.each([0, -1, 1.5, NaN, Infinity])('of %d bytes is none', async bytes => {
    const { db } = await openStore(new MemoryDisk(), options)
    await expect(db.budget.set(bytes)).rejects.toThrow('want a positive number of bytes')
  })

  test('lets the oldest blocks go that are beyond it, but not the pinned ones', async () => {
    const { db } = await filled()
    const [first, ...rest] = db.blocks.infos()
    await db.blocks.pins.set([first!.ulid], true)
    const { wal, wbl, headChunks } = await db.storage()
    await db.budget.set(wal + wbl + headChunks + rest.at(-1)!.bytes + 1)
    await db.upkeep.run()
    expect(db.blocks.infos().map(({ ulid }) => ulid)).toEqual([first!.ulid, rest.at(-1)!.ulid])
  })
})

async function filesIn(disk: MemoryDisk, folder: string): Promise<string[]> {
  const chunks = await disk.list(`${folder}/chunks`)
  const names = (await disk.list(folder)).filter(name => name !== 'chunks')
  return [...names, ...chunks.map(name => `chunks/${name}`)]
}
