import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { matcher } from '../../../src/engine/model/matcher.ts'
import type { ArchiveRequest } from '../../../src/engine/tsdb/transfers.ts'
import type { Db } from '../../../src/engine/tsdb/db.ts'
import { unpack } from '../archive/files.ts'
import { always, everything, openStore, put, series } from './store.ts'

const hour = 3_600_000

async function archiveOf(db: Db, request: ArchiveRequest): Promise<Blob> {
  const { id } = await db.transfers.export(request)
  return read(db, id)
}

async function read(db: Db, id: number): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (;;) {
    const piece = await db.transfers.readExport(id)
    if (!piece) return new Blob(pieces)
    expect(piece.length).toBeLessThanOrEqual(1024 * 1024)
    pieces.push(piece as Uint8Array<ArrayBuffer>)
  }
}

function take(db: Db, bytes: Blob, signal?: AbortSignal) {
  return db.transfers.import({ kind: 'archive', name: 'blocks.zip', bytes }, signal)
}

/** Samples of every kind over five hours: more than one chunk range, more than one chunk. */
async function filled(disk = new MemoryDisk()) {
  const store = await openStore(disk)
  for (let k = 0; k < 300; k++) {
    const t = k * 60_000 + 17
    await put(store.db, series('up', { job: 'a' }), [t, k % 50 === 49 ? 'stale' : 1])
    await put(store.db, series('odd', { v: 'ü' }), [t, [NaN, -0, 1e300, Infinity][k % 4]!])
  }
  return store
}

const all = { kind: 'range', minT: -Infinity, maxT: Infinity } as const

describe('a range', () => {
  test.each(['zip', 'tar.gz'] as const)('comes back from a %s as it was', async format => {
    const { db } = await filled()
    const wanted = await everything(db.querier())
    const other = await openStore(new MemoryDisk())
    const { imported } = await take(other.db, await archiveOf(db, { ...all, format }))
    expect(imported).toMatchObject([
      { minT: 17, maxT: 299 * 60_000 + 18, series: 2, samples: 600, level: 1, pinned: true },
    ])
    expect(await everything(other.db.querier())).toEqual(wanted)
  })

  test('is cut to the millisecond, the end open', async () => {
    const { db } = await filled()
    const range = { minT: hour + 17, maxT: 2 * hour + 17 }
    const other = await openStore(new MemoryDisk())
    await take(other.db, await archiveOf(db, { kind: 'range', format: 'zip', ...range }))
    const wanted = await everything(db.querier(), [], { minT: range.minT, maxT: range.maxT - 1 })
    expect(await everything(other.db.querier())).toEqual(wanted)
    expect(wanted['up{job="a"}']?.split(' ')).toHaveLength(60)
  })

  test('without samples is refused, and nothing is left', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk)
    const used = disk.used
    const ranges = [
      { minT: 6 * hour, maxT: 7 * hour },
      { minT: 18, maxT: 60_017 },
      { minT: 5, maxT: 5 },
    ]
    for (const { minT, maxT } of ranges) {
      const request = db.transfers.export({ kind: 'range', format: 'zip', minT, maxT })
      await expect(request).rejects.toThrow('there are no samples in this range')
    }
    const empty = await openStore(new MemoryDisk())
    await expect(empty.db.transfers.export({ ...all, format: 'zip' })).rejects.toThrow('no samples')
    expect(disk.used).toBe(used)
  })

  test('leaves nothing on the disk once it is read, or closed', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk)
    const used = disk.used
    await archiveOf(db, { ...all, format: 'zip' })
    expect(disk.used).toBe(used)
    const { id } = await db.transfers.export({ ...all, format: 'zip' })
    expect(db.transfers.jobs()).toMatchObject([{ id, kind: 'export' }])
    await db.transfers.closeExport(id)
    expect(disk.used).toBe(used)
    expect(db.transfers.jobs()).toEqual([])
  })
})

describe('a range that is being written', () => {
  test('leaves nothing when it is given up', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk)
    const used = disk.used
    const stop = new AbortController()
    const stopped = db.transfers.export({ ...all, format: 'zip' }, stop.signal)
    stop.abort(new Error('given up'))
    await expect(stopped).rejects.toThrow('given up')
    expect(disk.used).toBe(used)
    expect(db.transfers.jobs()).toEqual([])
  })

  test('is waited for by the end of the store, which gives it up', async () => {
    const [disk, other] = [new MemoryDisk(), new MemoryDisk()]
    const [{ db }, without] = [await filled(disk), await filled(other)]
    let ended = false
    const stopped = db.transfers.export({ ...all, format: 'zip' }).finally(() => (ended = true))
    const told = expect(stopped).rejects.toThrow('the store is closing')
    await db.close()
    expect(ended).toBe(true)
    await told
    await without.db.close()
    expect(disk.used).toBe(other.used)
  })
})

describe('blocks', () => {
  test('are there after a restart, pinned, and are asked together with the head', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    await take(db, await archiveOf((await filled()).db, { ...all, format: 'zip' }))
    await put(db, series('up', { job: 'a' }), [400 * 60_000, 7])
    await put(db, series('new'), [400 * 60_000, 8])
    const before = await everything(db.querier())
    expect(Object.keys(before)).toEqual(['new', 'odd{v="ü"}', 'up{job="a"}'])
    expect(before['up{job="a"}']?.split(' ')).toHaveLength(301)
    await db.close()
    const again = await openStore(disk)
    expect(await everything(again.db.querier())).toEqual(before)
    expect(again.db.blocks.infos()).toMatchObject([{ pinned: true, series: 2 }])
    expect(again.metric('prometheus_tsdb_blocks_loaded')).toBe(1)
    expect(again.metric('prometheus_tsdb_storage_blocks_bytes')).toBeGreaterThan(500)
  })

  test('are exported as they are: the same block is known when it comes back', async () => {
    const { db } = await openStore(new MemoryDisk())
    const { imported } = await take(db, await archiveOf((await filled()).db, { ...all, format: 'zip' }))
    const ulid = imported[0]!.ulid
    const archive = await archiveOf(db, { kind: 'blocks', ulids: [ulid], format: 'tar.gz' })
    expect(await take(db, archive)).toEqual({ imported: [], known: [ulid], remarks: [] })
    const other = await openStore(new MemoryDisk())
    expect((await take(other.db, archive)).imported).toEqual(imported)
    expect(await everything(other.db.querier())).toEqual(await everything(db.querier()))
  })

  test('that are not there cannot be exported', async () => {
    const { db } = await openStore(new MemoryDisk())
    for (const ulids of [[], ['01J9ZZZZZZZZZZZZZZZZZZZZZZ']]) {
      await expect(db.transfers.export({ kind: 'blocks', ulids, format: 'zip' })).rejects.toThrow(
        'want blocks',
      )
    }
  })

  test('are looked at one alone', async () => {
    const { db } = await filled()
    const range = { kind: 'range', format: 'zip', minT: 0, maxT: hour } as const
    const { imported } = await take(db, await archiveOf(db, range))
    const alone = db.blockQuerier(imported[0]!.ulid)!
    expect((await everything(alone))['up{job="a"}']?.split(' ')).toHaveLength(60)
    expect(db.blockQuerier('01J9ZZZZZZZZZZZZZZZZZZZZZZ')).toBeNull()
    expect((await everything(db.querier()))['up{job="a"}']?.split(' ')).toHaveLength(300)
  })

  test('that overlap give each sample once', async () => {
    const { db } = await filled()
    const other = await openStore(new MemoryDisk())
    for (const [minT, maxT] of [
      [0, 3 * hour],
      [2 * hour, 5 * hour],
      [hour, 4 * hour],
    ] as const) {
      await take(other.db, await archiveOf(db, { kind: 'range', format: 'zip', minT, maxT }))
    }
    expect(other.db.blocks.infos().map(({ minT }) => minT)).toEqual([17, hour, 2 * hour])
    expect(await everything(other.db.querier())).toEqual(await everything(db.querier()))
  })

  test('go for good, but not while they are read', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    const { imported } = await take(db, await archiveOf((await filled()).db, { ...all, format: 'zip' }))
    const ulid = imported[0]!.ulid
    // A query selects one thing after the other: the block must stay until its last.
    const [querier, alone] = [db.querier(), db.blockQuerier(ulid)!]
    const before = await everything(querier)
    const removed = db.blocks.remove(ulid)
    expect(await everything(db.querier())).toEqual({})
    expect(db.blockQuerier(ulid)).toBeNull()
    expect(db.blocks.infos()).toEqual([])
    expect(await everything(querier)).toEqual(before)
    querier.close?.()
    expect(await disk.list(ulid)).not.toEqual([])
    expect(await everything(alone)).toEqual(before)
    expect(await removed).toBe(true)
    expect(await disk.list(ulid)).toEqual([])
    expect(await db.blocks.remove(ulid)).toBe(false)
    expect((await openStore(disk)).db.blocks.infos()).toEqual([])
  })

  test('that are damaged stay, and are told', async () => {
    const disk = new MemoryDisk()
    const { db } = await openStore(disk)
    const { imported } = await take(db, await archiveOf((await filled()).db, { ...all, format: 'zip' }))
    const ulid = imported[0]!.ulid
    await disk.write(`${ulid}/index`, new Uint8Array([1, 2, 3]))
    const { db: again, host } = await openStore(disk)
    expect(again.blocks.broken()).toMatchObject([{ ulid }])
    expect(again.notices()).toMatchObject([
      { kind: 'block-broken', detail: expect.stringContaining(`${ulid}/index`) },
    ])
    expect(host.logs.map(({ message }) => message)).toContain('block cannot be opened')
    expect(await everything(again.querier())).toEqual({})
    expect(await again.blocks.remove(ulid)).toBe(true)
    expect(await disk.list(ulid)).toEqual([])
  })
})

describe('the whole store', () => {
  const directory = { kind: 'directory', format: 'zip' } as const

  test.each(['zip', 'tar.gz'] as const)('comes back from a %s as it was', async format => {
    const { db } = await filled()
    await db.upkeep.run()
    expect(db.blocks.infos().length).toBeGreaterThan(0)
    await put(db, series('late'), [300 * 60_000, 1])
    const archive = await archiveOf(db, { ...directory, format })
    const other = await openStore(new MemoryDisk())
    const { remarks } = await take(other.db, archive)
    expect(remarks).toEqual([])
    expect(await everything(other.db.querier())).toEqual(await everything(db.querier()))
  })

  test('has what Prometheus knows, in a folder named as the archive', async () => {
    const { db, host } = await filled()
    await db.upkeep.run()
    const { id, fileName } = await db.transfers.export(directory)
    expect(fileName).toBe('brazier-20231114T221320Z.zip')
    const paths = Object.keys(await unpack(await read(db, id)))
    const known =
      /^brazier-20231114T221320Z\/(\w{26}\/(meta\.json|index|tombstones|chunks\/000001)|wal\/\d{8}|chunks_head\/\d{6})$/
    expect(paths.filter(path => !known.test(path))).toEqual([])
    expect(paths.some(path => path.includes('/wal/'))).toBe(true)
    expect(host.now()).toBe(Date.UTC(2023, 10, 14, 22, 13, 20))
  })

  test('is that of one moment, however long it takes to read it', async () => {
    const { db } = await filled()
    const before = await everything(db.querier())
    const { id } = await db.transfers.export(directory)
    await put(db, series('up', { job: 'a' }), [301 * 60_000, 2])
    const upkept = db.upkeep.run()
    const archive = await read(db, id)
    await upkept
    expect(db.blocks.infos().length).toBeGreaterThan(0)
    const other = await openStore(new MemoryDisk())
    await take(other.db, archive)
    expect(await everything(other.db.querier())).toEqual(before)
  })

  test('lets go of everything when it is closed, and when it cannot be opened', async () => {
    const disk = new MemoryDisk()
    const { db } = await filled(disk)
    const { id } = await db.transfers.export(directory)
    await db.transfers.closeExport(id)
    const stop = new AbortController()
    stop.abort(new Error('given up'))
    await expect(db.transfers.export(directory, stop.signal)).rejects.toThrow('given up')
    expect(db.transfers.jobs()).toEqual([])
    await db.upkeep.run()
    expect(db.blocks.infos().length).toBeGreaterThan(0)
    const ulid = db.blocks.infos()[0]!.ulid
    expect(await db.blocks.remove(ulid)).toBe(true)
    expect(await disk.list(ulid)).toEqual([])
  })
})

describe('text', () => {
  test('has the samples of a range, the end closed', async () => {
    const { db } = await filled()
    const matchers = [[matcher('__name__', '=', 'up')]]
    const { id, fileName, type } = db.transfers.exportText(matchers, { minT: 17, maxT: 60_017 })
    expect({ fileName, type }).toEqual({
      fileName: 'brazier-20231114T221320Z.txt',
      type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    })
    expect(db.transfers.jobs()).toMatchObject([{ name: fileName, total: null }])
    const text = await (await read(db, id)).text()
    expect(text).toBe('up{job="a"} 1 0.017\nup{job="a"} 1 60.017\n# EOF\n')
    expect(db.transfers.jobs()).toEqual([])
  })

  test('comes back as the same floats, without stale markers', async () => {
    const { db } = await filled()
    const { id } = db.transfers.exportText([], always)
    const bytes = await read(db, id)
    const other = await openStore(new MemoryDisk())
    await other.db.transfers.import({ kind: 'text', name: 'samples.txt', bytes })
    const wanted = Object.entries(await everything(db.querier())).map(([name, samples]) => {
      return [name, samples.replaceAll(/ ?\d+:stale/g, '')]
    })
    expect(await everything(other.db.querier())).toEqual(Object.fromEntries(wanted))
  })

  test('lets go of the store when it is closed', async () => {
    const { db } = await filled()
    const { id } = db.transfers.exportText([], always)
    await db.transfers.readExport(id)
    await db.transfers.closeExport(id)
    await db.upkeep.run()
    expect(db.blocks.infos().length).toBeGreaterThan(0)
  })
})

test('an import that is given up leaves nothing, and the next one is taken', async () => {
  const disk = new MemoryDisk()
  const { db } = await openStore(disk)
  const archive = await archiveOf((await filled()).db, { ...all, format: 'zip' })
  const used = disk.used
  const stop = new AbortController()
  const stopped = take(db, archive, stop.signal)
  const next = take(db, archive)
  stop.abort(new Error('given up'))
  await expect(stopped).rejects.toThrow('given up')
  expect((await next).imported).toHaveLength(1)
  expect(db.transfers.jobs()).toEqual([])
  await db.blocks.remove((await next).imported[0]!.ulid)
  // The file of the pins stays, and is empty.
  expect(disk.used - used).toBeLessThan(50)
})

test('closing the store gives up an import, of which nothing is left', async () => {
  const disk = new MemoryDisk()
  const { db } = await openStore(disk)
  const archive = await archiveOf((await filled()).db, { ...all, format: 'zip' })
  const stopped = take(db, archive)
  const told = expect(stopped).rejects.toThrow('the store is closing')
  await db.close()
  await told
  const again = await openStore(disk)
  expect(again.db.blocks.infos()).toEqual([])
})

test('damaged pins keep every block, and are told', async () => {
  const disk = new MemoryDisk()
  const { db } = await openStore(disk)
  const { imported } = await take(db, await archiveOf((await filled()).db, { ...all, format: 'zip' }))
  await db.blocks.pins.set([imported[0]!.ulid], false)
  await disk.write('brazier/pinned.json', new TextEncoder().encode('{"pinned":'))
  const again = await openStore(disk)
  expect(again.db.blocks.infos()).toMatchObject([{ pinned: true }])
  expect(again.db.notices()).toMatchObject([{ kind: 'pins-damaged' }])
})
