import { describe, expect, test } from 'vitest'
import { DiskFullError, stagingSuffix } from '../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { diskCases } from './conformance.ts'

describe('memory disk', () => {
  const cases = diskCases(async () => {
    const disk = new MemoryDisk()
    return { disk, reopen: async () => disk.crash('process') }
  })
  for (const { name, run } of cases) test(name, run)
})

const bytes = (length: number) => new Uint8Array(length).fill(7)
/** Numbers in [0, 1) that are always this one. */
const always = (value: number) => () => value

describe('memory disk, after a crash', () => {
  test('of the process has everything that was acknowledged', async () => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(10), 'relaxed')
    await disk.append('b', 0, bytes(20), 'strict')
    await disk.append('b', 20, bytes(5), 'relaxed')
    const after = disk.crash('process')
    expect(await after.size('a')).toBe(10)
    expect(await after.size('b')).toBe(25)
  })

  test.each([
    ['did not happen', 0.1, 10],
    ['did happen', 0.9, 15],
  ])('a write that was running %s', async (_, coin, size) => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(10), 'relaxed')
    const writing = disk.append('a', 10, bytes(5), 'relaxed')
    expect(await disk.crash('process', always(coin)).size('a')).toBe(size)
    await writing
    expect(await disk.crash('process', always(coin)).size('a')).toBe(15)
  })

  test.each([
    ['nothing', 0, 10],
    ['a part', 0.5, 13],
    ['everything', 0.999, 15],
  ])('of the power has %s of what was written since the last strict write', async (_, share, size) => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(4), 'relaxed')
    await disk.append('a', 4, bytes(6), 'strict')
    await disk.append('a', 10, bytes(5), 'relaxed')
    expect(await disk.crash('power', always(share)).size('a')).toBe(size)
  })

  test('of the power has relaxed writes that a strict one to another file followed', async () => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(10), 'relaxed')
    await disk.append('b', 0, bytes(1), 'strict')
    expect(await disk.crash('power').size('a')).toBe(10)
  })

  test('of the power may bring a removed file back, until a strict write', async () => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(10), 'strict')
    await disk.remove('a')
    expect(await disk.crash('power', always(0)).size('a')).toBe(10)
    await disk.write('b', bytes(1))
    expect(await disk.crash('power', always(0)).list('')).toEqual(['b'])
  })

  test('what is written to the old disk does not reach the new one', async () => {
    const disk = new MemoryDisk()
    await disk.append('a', 0, bytes(10), 'strict')
    const after = disk.crash('process')
    await disk.append('a', 10, bytes(10), 'strict')
    expect(await after.size('a')).toBe(10)
  })
})

describe('memory disk, after a crash while it', () => {
  const diskWith = async (...names: string[]) => {
    const disk = new MemoryDisk()
    for (const name of names) await stage(disk, name)
    return disk
  }
  const moves = (...names: string[]) => names.map(to => ({ from: to + stagingSuffix, to }))
  /** Coins that fall one after the other, the last one for ever: false is for "did not happen". */
  const coins = (...happened: boolean[]) => {
    let next = 0
    return () => ((happened[next++] ?? happened.at(-1)) ? 0.9 : 0.1)
  }

  test.each(['process', 'power'] as const)(
    'stages nothing of it is there, and what is published is (%s)',
    async kind => {
      const disk = await diskWith('A', 'B')
      await disk.append('wal', 0, bytes(5), 'relaxed')
      await disk.publish(moves('A'))
      await disk.create(`C${stagingSuffix}/index`)
      const after = disk.crash(kind)
      expect(await after.list('')).toEqual(['A', 'wal'])
      expect(await after.list('A')).toEqual(['empty', 'index'])
      expect(await after.size('A/index')).toBe(10)
      expect(await after.size('wal')).toBe(5)
      expect(after.used).toBe(15)
    },
  )

  test.each<[kind: 'process' | 'power', happened: boolean[], names: string[]]>([
    ['process', [true, true], ['A', 'B']],
    ['process', [true, false], ['A']],
    ['process', [false, true], ['B']],
    ['power', [false, false], []],
    ['power', [true, true], ['A', 'B']],
  ])('publishes, each folder is there as a whole or not at all (%s, %j)', async (kind, happened, names) => {
    const disk = await diskWith('A', 'B')
    const publishing = disk.publish(moves('A', 'B'))
    const after = disk.crash(kind, coins(...happened))
    expect(await after.list('')).toEqual(names)
    for (const name of names) expect(await after.list(name)).toEqual(['empty', 'index'])
    await publishing
    expect(await disk.crash(kind).list('')).toEqual(['A', 'B'])
  })

  test.each<[kind: 'process' | 'power', happened: boolean]>([
    ['process', true],
    ['process', false],
    ['power', true],
    ['power', false],
  ])('removes a folder, it is there as a whole or not at all (%s, %j)', async (kind, happened) => {
    const disk = await diskWith('A')
    await disk.publish(moves('A'))
    const removing = disk.removeFolder('A')
    const after = disk.crash(kind, coins(happened))
    expect(await after.list('A')).toEqual(happened ? [] : ['empty', 'index'])
    await removing
    expect(await disk.crash(kind).list('')).toEqual([])
  })

  const stage = async (disk: MemoryDisk, name: string) => {
    for (const [path, size] of [['index', 10] as const, ['empty', 0] as const]) {
      const writer = await disk.create(`${name}${stagingSuffix}/${path}`)
      await writer.write(bytes(size))
      await writer.close()
    }
  }
})

describe('memory disk, when it cannot write', () => {
  test('throws DiskFullError beyond its capacity and writes nothing of it', async () => {
    const disk = new MemoryDisk({ capacity: 100 })
    await disk.append('a', 0, bytes(60), 'relaxed')
    await expect(disk.append('a', 60, bytes(41), 'relaxed')).rejects.toThrow(DiskFullError)
    await expect(disk.write('b', bytes(41))).rejects.toThrow(DiskFullError)
    expect(await disk.size('a')).toBe(60)
    await disk.append('a', 60, bytes(40), 'relaxed')
    expect(disk.used).toBe(100)
    disk.capacity = 200
    await disk.append('a', 100, bytes(100), 'relaxed')
  })

  test('counts staged files, too, until they are aborted', async () => {
    const disk = new MemoryDisk({ capacity: 100 })
    const writer = await disk.create(`A${stagingSuffix}/index`)
    await writer.write(bytes(60))
    await expect(writer.write(bytes(41))).rejects.toThrow(DiskFullError)
    await expect(disk.append('a', 0, bytes(41), 'relaxed')).rejects.toThrow(DiskFullError)
    await writer.abort()
    expect(disk.used).toBe(0)
    await disk.append('a', 0, bytes(100), 'relaxed')
  })

  test('fails once when it was told to', async () => {
    const disk = new MemoryDisk()
    disk.failNextAppend(new Error('the cable is loose'))
    await expect(disk.append('a', 0, bytes(1), 'relaxed')).rejects.toThrow('the cable is loose')
    await disk.append('a', 0, bytes(1), 'relaxed')
    expect(await disk.size('a')).toBe(1)
  })
})
