import { afterEach, describe, expect, test, vi } from 'vitest'
import { cdp } from 'vitest/browser'
import { openIndexedDb } from '../../src/disks/indexeddb.ts'
import { DiskFullError, StolenError, type Disk } from '../../src/engine/disk/disk.ts'
import { testDisk } from './conformance.ts'

const opened: Disk[] = []
const scopes = new Set<string>()

afterEach(async () => {
  for (const disk of opened.splice(0)) await disk.close()
  for (const scope of scopes) for (const name of await databasesOf(scope)) indexedDB.deleteDatabase(name)
  scopes.clear()
})

testDisk('IndexedDB disk', async () => {
  const scope = freshScope()
  return { disk: await open(scope), reopen: () => open(scope) }
})

describe('a store that another engine takes over', () => {
  test.each<[string, (disk: Disk) => Promise<void>]>([
    ['add to a file', disk => disk.append('wal/00000000', 10, bytes(5), 'relaxed')],
    ['sync a file', disk => disk.append('wal/00000000', 10, bytes(0), 'strict')],
    ['create a file', disk => disk.append('wal/00000001', 0, bytes(5), 'relaxed')],
    ['cut a file', disk => disk.truncate('wal/00000000', 3)],
    ['remove a file', disk => disk.remove('wal/00000000')],
    ['write a small file', disk => disk.write('prometheus.yml', bytes(5))],
  ])('does not let the first one %s', async (_, act) => {
    const scope = freshScope()
    const first = await open(scope)
    await first.append('wal/00000000', 0, bytes(10), 'relaxed')
    const second = await open(scope)
    await expect(act(first)).rejects.toThrow(StolenError)
    expect(await second.list('')).toEqual(['wal'])
    expect(await second.list('wal')).toEqual(['00000000'])
    expect(await second.size('wal/00000000')).toBe(10)
    await second.append('wal/00000000', 10, bytes(1), 'strict')
  })

  test('lets the second one remove a file that the first one holds open', async () => {
    const scope = freshScope()
    const first = await open(scope)
    await first.append('wal/00000000', 0, bytes(10), 'relaxed')
    const second = await open(scope)
    await second.remove('wal/00000000')
    await second.append('wal/00000000', 0, bytes(3), 'relaxed')
    await expect(first.append('wal/00000000', 10, bytes(1), 'relaxed')).rejects.toThrow(Error)
    expect(await second.size('wal/00000000')).toBe(3)
  })
})

describe('the databases', () => {
  test('of one scope are not seen by a scope below it', async () => {
    const scope = freshScope()
    const above = await open(`${scope}/`)
    const below = await open(`${scope}/b/`)
    await above.append('f', 0, bytes(1), 'relaxed')
    expect(await below.list('')).toEqual([])
    await open(`${scope}/b/`)
    expect(await above.size('f')).toBe(1)
  })

  test('go with their files', async () => {
    const scope = freshScope()
    const disk = await open(scope)
    await disk.append('wal/00000000', 0, bytes(10), 'relaxed')
    expect(await databasesOf(scope)).toHaveLength(2)
    await disk.remove('wal/00000000')
    expect(await databasesOf(scope)).toEqual([`${scope}#files`])
  })

  test('that no file names are swept at the next opening', async () => {
    const scope = freshScope()
    const disk = await open(scope)
    await disk.append('f', 0, bytes(10), 'relaxed')
    await new Promise((resolve, reject) => {
      const request = indexedDB.open(`${scope}#wal/00000007@1.7`)
      request.onsuccess = () => {
        request.result.close()
        resolve(null)
      }
      request.onerror = () => reject(new Error('not opened', { cause: request.error }))
    })
    expect(await databasesOf(scope)).toHaveLength(3)
    await disk.close()
    const again = await open(scope)
    expect(await databasesOf(scope)).toHaveLength(2)
    expect(await again.size('f')).toBe(10)
  })
})

test('appends that do not wait for each other are written in their order', async () => {
  const disk = await open(freshScope())
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

test.each(['', '/wal', 'wal/', 'wal//0', './f', 'wal/../f'])('the path %j is refused', async path => {
  const disk = await open(freshScope())
  await expect((async () => disk.write(path, bytes(1)))()).rejects.toThrow('want a relative path')
})

test('a file written as a whole has a limit', async () => {
  const disk = await open(freshScope())
  await expect((async () => disk.write('f', bytes((1 << 20) + 1)))()).rejects.toThrow('at most 1048576 bytes')
})

describe('a full quota', () => {
  const session = cdp() as unknown as {
    send(method: string, params: object): Promise<{ usage: number }>
  }
  const { origin } = location
  /** Leaves room for so many bytes; without a number as much as there is. */
  const leave = async (room?: number) => {
    const { usage } = await session.send('Storage.getUsageAndQuota', { origin })
    const limit = room === undefined ? {} : { quotaSize: usage + room }
    await session.send('Storage.overrideQuotaForOrigin', { origin, ...limit })
  }
  afterEach(() => leave())

  test('throws DiskFullError, writes nothing of it, and removing a file makes room', async () => {
    const disk = await open(freshScope())
    await disk.append('old', 0, noise(2_000_000), 'strict')
    await disk.append('new', 0, bytes(100), 'strict')
    await leave(1_000_000)
    let at = 100
    // Chromium asks how much room there is every 30 s, and counts down in between.
    const fill = async () => {
      for (const end = Date.now() + 60_000; Date.now() < end; at += 500_000) {
        await disk.append('new', at, noise(500_000), 'relaxed')
        await new Promise(resolve => setTimeout(resolve, 500))
      }
    }
    await expect(fill()).rejects.toThrow(DiskFullError)
    expect(await disk.size('new')).toBe(at)
    expect((await disk.read('new')).length).toBe(at)
    await expect(disk.append('created', 0, noise(5_000_000), 'relaxed')).rejects.toThrow(DiskFullError)
    expect(await disk.list('')).toEqual(['new', 'old'])
    await disk.remove('new')
    // The browser takes its time to count what has gone.
    const append = () => disk.append('old', 2_000_000, noise(500_000), 'relaxed')
    await vi.waitFor(append, { timeout: 60_000, interval: 500 })
    expect((await disk.read('old')).length).toBe(2_500_000)
  }, 300_000)
})

function freshScope(): string {
  const scope = `test:${crypto.randomUUID()}`
  scopes.add(scope)
  return scope
}

async function open(scope: string): Promise<Disk> {
  const disk = await openIndexedDb({ scope })
  opened.push(disk)
  return disk
}

async function databasesOf(scope: string): Promise<string[]> {
  return (await indexedDB.databases()).map(({ name = '' }) => name).filter(name => name.startsWith(scope))
}

function bytes(length: number, value = 7): Uint8Array {
  return new Uint8Array(length).fill(value)
}

/** Bytes that cannot be compressed. */
function noise(length: number): Uint8Array {
  const all = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(all.subarray(at, at + 65_536))
  return all
}
