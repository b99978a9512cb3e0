import { beforeAll, describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { DiskFullError } from '../../../../src/engine/disk/disk.ts'
import { ImportError } from '../../../../src/engine/model/errors.ts'
import { parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { digests, utf8, type Files } from '../../archive/files.ts'
import { forgeTar } from '../../archive/forge.ts'
import { archiveOf, blockFiles, folderOf, published, Store, ulids } from './blocks.ts'

const [a, b] = ulids
let one: Files = {}
let two: Files = {}
beforeAll(async () => {
  one = await blockFiles(a)
  two = { ...one, ...(await blockFiles(b, 'down')) }
})

function under(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]))
}

function without(path: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).filter(([other]) => other !== path))
}

function withByte(path: string, at: number, files: Files): Files {
  const bytes = files[path]!.slice()
  bytes[at]! ^= 0xff
  return { ...files, [path]: bytes }
}

describe('taken in as they are', () => {
  const sources: [string, () => Promise<Parameters<Store['take']>[0]>][] = [
    ['a zip', () => archiveOf(two)],
    ['a tar.gz', () => archiveOf(two, 'tar.gz')],
    [
      'a tar',
      async () => {
        const bytes = forgeTar(...Object.entries(two).map(([name, body]) => ({ name, body })))
        return { kind: 'archive', name: 'blocks.tar', bytes }
      },
    ],
    ['a folder', async () => folderOf(two)],
    ['a data directory', async () => folderOf(under('prometheus/data', two))],
    [
      'a snapshot',
      async () => archiveOf(under('snapshots/20240229T123000Z-0123456789abcdef', two), 'tar.gz'),
    ],
    ['files in another order', async () => folderOf(Object.fromEntries(Object.entries(two).toReversed()))],
  ]
  test.each(sources)(
    'blocks of %s',
    async (_, source) => {
      const store = await Store.open()
      expect(await store.take(await source())).toEqual({ published: [a, b], known: [], remarks: [] })
      expect(await published(store.disk)).toEqual(digests(two))
      expect(ulids.map(ulid => store.pins.has(ulid))).toEqual([true, true])
    },
    60_000,
  )

  test('a block without tombstones', async () => {
    const store = await Store.open()
    const files = without(`${a}/tombstones`, one)
    await store.take(await archiveOf(files))
    expect(await published(store.disk)).toEqual(digests(files))
  })

  test('and what is no part of a block is ignored', async () => {
    const others = {
      'README.md': utf8('hello'),
      [`${a}/no-compact-mark.json`]: utf8('{}'),
      [`${a}/chunks/notes.txt`]: utf8('x'),
      [`${a}.tmp-for-creation/index`]: utf8('x'),
      'chunk_snapshot.000003.0000032768/00000000': utf8('x'),
      index: utf8('x'),
      'web/meta.json': utf8('x'),
    }
    const store = await Store.open()
    const taken = { published: [a], known: [], remarks: [] }
    expect(await store.take(await archiveOf({ ...others, ...one }))).toEqual(taken)
    expect(await published(store.disk)).toEqual(digests(one))
    expect(await store.disk.list('')).toEqual([a, 'brazier'])
  })
})

describe('blocks that the store has', () => {
  test('are known when their meta.json is the same', async () => {
    const store = await Store.open()
    await store.take(await archiveOf(one))
    store.metas.set(a, parseMeta(one[`${a}/meta.json`]!))
    expect(await store.take(folderOf(two))).toEqual({ published: [b], known: [a], remarks: [] })
    expect(await store.take(folderOf(one))).toEqual({ published: [], known: [a], remarks: [] })
  })

  test('are not replaced by others of the same name', async () => {
    const store = await Store.open()
    await store.take(await archiveOf(one))
    const meta = parseMeta(one[`${a}/meta.json`]!)
    store.metas.set(a, { ...meta, maxTime: meta.maxTime + 1 })
    await expect(store.take(await archiveOf(two))).rejects.toThrow(
      `blocks.zip: ${a}/meta.json: want what the store has under this name, have another block`,
    )
    expect(await published(store.disk)).toEqual(digests(one))
    expect(ulids.map(ulid => store.pins.has(ulid))).toEqual([true, false])
  })

  test('and that cannot be opened are not touched', async () => {
    const store = await Store.open()
    await store.take(await archiveOf(one))
    await expect(store.take(await archiveOf(two))).rejects.toThrow(
      `${a}: want no such block in the store, have one that could not be opened`,
    )
    expect(await published(store.disk)).toEqual(digests(one))
  })
})

describe('refused, and nothing is left', () => {
  const meta = `${a}/meta.json`
  const rows: [string, () => Files, string][] = [
    [
      'nothing',
      () => ({}),
      'want blocks, folders <ULID> with meta.json, index and chunks, or a log, have none',
    ],
    ['other files', () => ({ 'a.txt': utf8('x') }), 'or a log, have none'],
    ['no meta.json', () => without(meta, two), `${a}: want a file meta.json, have none`],
    ['no index', () => without(`${b}/index`, two), `${b}: want a file index, have none`],
    ['no chunks', () => without(`${b}/chunks/000001`, two), `${b}/index: want `],
    ['no JSON in meta.json', () => ({ ...two, [meta]: utf8('{') }), `${meta}: want JSON, have `],
    [
      'another block in its meta.json',
      () => ({ ...two, [meta]: two[`${b}/meta.json`]! }),
      `${meta}: want the ulid of its folder, ${a}, have ${b}`,
    ],
    [
      'a meta.json of megabytes',
      () => ({ ...two, [meta]: new Uint8Array(2_000_000).fill(0x20) }),
      `${meta}: want at most 1048576 bytes, have 2000000`,
    ],
    [
      'a block twice',
      () => ({ ...under('x', one), ...under('y', two) }),
      `y/${a}: want every block once, have it in x/${a}, too`,
    ],
    ['a damaged index', () => withByte(`${b}/index`, 70, two), `${b}/index: want `],
    ['a damaged chunk', () => withByte(`${b}/chunks/000001`, 20, two), `${b}/chunks/000001: want checksum `],
    ['damaged tombstones', () => withByte(`${a}/tombstones`, 1, two), `${a}/tombstones: want `],
  ]

  test.each(rows)('%s', async (_, files, message) => {
    for (const source of [await archiveOf(files()), await archiveOf(files(), 'tar.gz'), folderOf(files())]) {
      const disk = new MemoryDisk()
      const store = await Store.open(disk)
      const error = await store.take(source).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(ImportError)
      expect((error as Error).message).toContain(message)
      expect((error as Error).message.startsWith(`${source.name}: `)).toBe(true)
      expect((error as Error).message).not.toContain('tmp-for-creation')
      expect(disk.used).toBe(0)
    }
  })

  test('a path that leads out of the folder', async () => {
    const store = await Store.open()
    await expect(store.take(folderOf({ ...one, [`../${b}/index`]: utf8('x') }))).rejects.toThrow(
      `data: "../${b}/index": want a relative path`,
    )
    expect(await store.disk.list('')).toEqual([])
  })

  test('more than the disk can hold, with the error of the disk', async () => {
    const needed = Object.values(two).reduce((sum, bytes) => sum + bytes.length, 0)
    for (const share of [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1]) {
      // The whole of it leaves no room for the pins.
      const capacity = Math.floor(share * needed)
      const disk = new MemoryDisk({ capacity })
      const store = await Store.open(disk)
      await expect(store.take(await archiveOf(two))).rejects.toBeInstanceOf(DiskFullError)
      expect(disk.used).toBe(0)
    }
  })
})

test('progress goes from reading over checking to publishing, and never backwards', async () => {
  for (const source of [await archiveOf(two), await archiveOf(two, 'tar.gz'), folderOf(two)]) {
    const store = await Store.open()
    const told: [string, number, number][] = []
    await store.take(source, (...now) => told.push(now))
    expect([...new Set(told.map(([phase]) => phase))]).toEqual(['reading', 'checking', 'publishing'])
    for (const phase of ['reading', 'checking']) {
      const rows = told.filter(([other]) => other === phase)
      const done = rows.map(([, done]) => done)
      expect(done).toEqual(done.toSorted((a, b) => a - b))
      expect(new Set(rows.map(([, , total]) => total)).size).toBe(1)
      expect(done.at(-1)).toBe(rows[0]![2])
    }
  }
})
