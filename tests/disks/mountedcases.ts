import { expect } from 'vitest'
import { openMounted } from '../../src/disks/mounted.ts'
import { stagingSuffix, StolenError, type Disk } from '../../src/engine/disk/disk.ts'
import { collectCases, type Case } from './cases.ts'
import { diskCases } from './conformance.ts'

export type Finished = 'opfs' | 'indexeddb'

/** What the browser's disk must do, with finished files in one place or the other. */
export function mountedCases(finished: Finished): readonly Case[] {
  const conformance = diskCases(async () => {
    const scope = freshScope()
    const open = () => openMounted({ scope, finished })
    return { disk: await open(), reopen: open, dispose: () => clear(scope) }
  })
  return [...conformance, ...ownCases(finished)]
}

function ownCases(finished: Finished): readonly Case[] {
  const { cases, describe, test, beforeEach, afterEach } = collectCases()
  let scope = ''
  let opened: Disk[] = []
  beforeEach(() => {
    scope = freshScope()
  })
  afterEach(async () => {
    for (const disk of opened) await disk.close()
    opened = []
    await clear(scope)
  })
  const open = async (name = scope) => {
    const disk = await openMounted({ scope: name, finished })
    opened.push(disk)
    return disk
  }
  /** A disk with the block A, of two files. */
  const openWithBlock = async () => {
    const disk = await open()
    await stage(disk, 'A')
    await disk.publish([{ from: `A${stagingSuffix}`, to: 'A' }])
    return disk
  }

  describe('a store that another engine takes over', () => {
    test.each<[string, (disk: Disk) => Promise<void>]>([
      ['add to a file', disk => disk.append('wal/00000000', 10, bytes(5), 'relaxed')],
      ['sync a file', disk => disk.append('wal/00000000', 10, bytes(0), 'strict')],
      ['create a file', disk => disk.append('wal/00000001', 0, bytes(5), 'relaxed')],
      ['cut a file', disk => disk.truncate('wal/00000000', 3)],
      ['remove a file', disk => disk.remove('wal/00000000')],
      ['write a small file', disk => disk.write('prometheus.yml', bytes(5))],
      ['publish a folder', disk => disk.publish([{ from: `B${stagingSuffix}`, to: 'B' }])],
      ['remove a folder', disk => disk.removeFolder('A')],
      ['replace a finished file', disk => disk.write('A/meta.json', bytes(5))],
    ])('does not let the first one %s', async (_, act) => {
      const first = await openWithBlock()
      await first.append('wal/00000000', 0, bytes(10), 'relaxed')
      await stage(first, 'B')
      const second = await open()
      await expect(act(first)).rejects.toThrow(StolenError)
      expect(await second.list('')).toEqual(['A', 'wal'])
      expect(await second.list('wal')).toEqual(['00000000'])
      expect(await second.size('wal/00000000')).toBe(10)
      expect(await second.read('A/meta.json')).toEqual(bytes(20))
      await second.append('wal/00000000', 10, bytes(1), 'strict')
    })

    test('lets the second one remove what the first one holds open', async () => {
      const first = await openWithBlock()
      await first.append('wal/00000000', 0, bytes(10), 'relaxed')
      await first.read('A/index')
      const second = await open()
      await second.remove('wal/00000000')
      await second.append('wal/00000000', 0, bytes(3), 'relaxed')
      await expect(first.append('wal/00000000', 10, bytes(1), 'relaxed')).rejects.toThrow(StolenError)
      expect(await second.size('wal/00000000')).toBe(3)
      await second.removeFolder('A')
      expect(await second.list('')).toEqual(['wal'])
    })
  })

  describe('the databases', () => {
    test('of one scope are not seen by a scope below it', async () => {
      const above = await open(`${scope}/`)
      const below = await open(`${scope}/b/`)
      await above.append('f', 0, bytes(1), 'relaxed')
      await stage(above, 'A')
      await above.publish([{ from: `A${stagingSuffix}`, to: 'A' }])
      expect(await below.list('')).toEqual([])
      await open(`${scope}/b/`)
      expect(await above.size('f')).toBe(1)
      expect(await above.read('A/meta.json')).toEqual(bytes(20))
    })

    test('go with their files', async () => {
      const disk = await open()
      await disk.append('wal/00000000', 0, bytes(10), 'relaxed')
      expect(await databasesOf(scope)).toHaveLength(2)
      await disk.remove('wal/00000000')
      expect(await databasesOf(scope)).toEqual([`${scope}#files`])
    })

    test('that no file names are swept at the next opening', async () => {
      const disk = await open()
      await disk.append('f', 0, bytes(10), 'relaxed')
      await settled(indexedDB.open(`${scope}#wal/00000007@1.7`), ({ result }) => result.close())
      expect(await databasesOf(scope)).toHaveLength(3)
      await disk.close()
      const again = await open()
      expect(await databasesOf(scope)).toHaveLength(2)
      expect(await again.size('f')).toBe(10)
    })
  })

  describe('finished files', () => {
    test(`lie in ${finished}, and go with their folder`, async () => {
      const disk = await openWithBlock()
      const places = async () => [(await placesOf(scope)).length, (await databasesOf(scope)).length]
      expect(await places()).toEqual(finished === 'opfs' ? [2, 1] : [0, 3])
      await disk.removeFolder('A')
      expect(await places()).toEqual([0, 1])
    })

    test('that are staged when the engine dies are swept at the next opening', async () => {
      const disk = await open()
      await stage(disk, 'B')
      const writer = await disk.create(`B${stagingSuffix}/open`)
      await writer.write(bytes(600_000))
      await writer.close()
      // Not closed: whoever dies does not close.
      const again = await open()
      expect(await again.list('')).toEqual([])
      expect(await placesOf(scope)).toEqual([])
      expect(await databasesOf(scope)).toEqual([`${scope}#files`])
    })

    test('are read by a store that puts new ones elsewhere', async () => {
      await (await openWithBlock()).close()
      const other = finished === 'opfs' ? 'indexeddb' : 'opfs'
      const disk = await openMounted({ scope, finished: other })
      opened.push(disk)
      expect(await disk.read('A/index')).toEqual(bytes(1000))
      await stage(disk, 'B')
      await disk.publish([{ from: `B${stagingSuffix}`, to: 'B' }])
      expect(await disk.read('B/index')).toEqual(bytes(1000))
    })

    if (finished === 'opfs') {
      test.each<[string, (place: string) => Promise<void>, string]>([
        ['is missing', async place => (await folderOf(scope)).removeEntry(place), 'read A/index: '],
        ['is too short', async place => overwrite(scope, place, bytes(999)), 'want 1000 bytes, have 999'],
        ['is too long', async place => overwrite(scope, place, bytes(1001)), 'want 1000 bytes, have 1001'],
        ['has other bytes', async place => overwrite(scope, place, bytes(1000, 8)), 'want checksum 0x'],
      ])('of which one %s fail when it is read, by name, and not before', async (_, damage, message) => {
        await (await openWithBlock()).close()
        const [index = ''] = await placesOf(scope)
        await damage(index)
        const disk = await open()
        expect(await disk.list('A')).toEqual(['index', 'meta.json'])
        await expect(disk.read('A/index')).rejects.toThrow(message)
        await expect(disk.read('A/index')).rejects.toThrow('A/index')
        expect(await disk.read('A/meta.json')).toEqual(bytes(20))
        await disk.removeFolder('A')
        expect(await placesOf(scope)).toEqual([])
      })
    }
  })

  test('appends that do not wait for each other are written in their order', async () => {
    const disk = await open()
    const sizes = [200_000, 0, 1, 61_440, 12_345]
    let at = 0
    const writes = sizes.map((size, i) => {
      const write = disk.append('f', at, bytes(size, i + 1), i % 2 ? 'strict' : 'relaxed')
      at += size
      return write
    })
    await Promise.all(writes)
    const all = await disk.read('f')
    expect(all.length).toBe(at)
    expect([0, 199_999, 200_000, 200_001, 261_440, 261_441].map(i => all[i])).toEqual([1, 1, 3, 4, 4, 5])
  })

  return cases
}

/** Stages the files of a block: `index` first, so that its bytes lie first. */
export async function stage(disk: Disk, name: string): Promise<void> {
  for (const [file, size] of [['index', 1000] as const, ['meta.json', 20] as const]) {
    const writer = await disk.create(`${name}${stagingSuffix}/${file}`)
    await writer.write(bytes(size))
    await writer.close()
  }
}

export function freshScope(): string {
  return `test:${crypto.randomUUID()}`
}

/** Removes everything of a scope and of those below it. */
export async function clear(scope: string): Promise<void> {
  for (const name of await databasesOf(scope)) await settled(indexedDB.deleteDatabase(name), () => undefined)
  const root = await navigator.storage.getDirectory()
  const folders: string[] = []
  for await (const name of root.keys()) {
    if (decodeURIComponent(name).startsWith(scope)) folders.push(name)
  }
  for (const name of folders) await root.removeEntry(name, { recursive: true })
}

export async function databasesOf(scope: string): Promise<string[]> {
  return (await indexedDB.databases()).map(({ name = '' }) => name).filter(name => name.startsWith(scope))
}

/** Names of the finished files, in the order of their creation. */
export async function placesOf(scope: string): Promise<string[]> {
  const names: string[] = []
  for await (const name of (await folderOf(scope)).keys()) names.push(name)
  return names.sort()
}

async function folderOf(scope: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(encodeURIComponent(scope), { create: true })
}

async function overwrite(scope: string, place: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
  const file = await (await folderOf(scope)).getFileHandle(place)
  const stream = await file.createWritable()
  await stream.write(content)
  await stream.close()
}

function settled<R extends IDBRequest>(request: R, then: (request: R) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      then(request)
      resolve()
    }
    request.onerror = () => reject(new Error('the request failed', { cause: request.error }))
  })
}

function bytes(length: number, value = 7): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(value)
}
