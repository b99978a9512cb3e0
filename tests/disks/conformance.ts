import { expect } from 'vitest'
import { NotFoundError, stagingSuffix, type Disk } from '../../src/engine/disk/disk.ts'
import { collectCases, type Case } from './cases.ts'

export interface OpenedDisk {
  readonly disk: Disk
  /** Opens the same storage again, after `disk` has been closed. */
  reopen(): Promise<Disk>
  /** Removes the storage, when all disks are closed. */
  dispose?(): void | Promise<void>
}

/** What every disk must do: the promises of `Disk`, one case each. `open` gives an empty disk each time. */
export function diskCases(open: () => Promise<OpenedDisk>): readonly Case[] {
  const { cases, describe, test, beforeEach, afterEach } = collectCases()
  let opened: OpenedDisk
  let disk: Disk
  beforeEach(async () => {
    opened = await open()
    disk = opened.disk
  })
  afterEach(async () => {
    await disk.close()
    await opened.dispose?.()
  })
  const closeAndReopen = async () => {
    await disk.close()
    disk = await opened.reopen()
  }

  describe('append', () => {
    test('creates a file at 0 and adds to its end', async () => {
      await disk.append('wal/00000000', 0, pattern(0, 10), 'relaxed')
      await disk.append('wal/00000000', 10, pattern(10, 5), 'strict')
      expect(await disk.size('wal/00000000')).toBe(15)
      expect(await disk.read('wal/00000000')).toEqual(pattern(0, 15))
    })

    // Stores that keep rows cut at 60 KB or so; others have pages and blobs.
    const edges = [1, 4095, 4096, 4097, 61_439, 61_440, 61_441, 65_535, 65_536, 65_537, 122_880, 122_881]
    test.each(edges)('of %s bytes is read back whole, and a second one behind it', async length => {
      await disk.append('f', 0, pattern(0, length), 'relaxed')
      await disk.append('f', length, pattern(length, 3), 'relaxed')
      expect(await disk.size('f')).toBe(length + 3)
      expectSame(await disk.read('f'), pattern(0, length + 3))
      expectSame(await disk.read('f', length - 1, length + 2), pattern(length - 1, 3))
    })

    test('of 1 MiB is read back whole', async () => {
      await disk.append('f', 0, pattern(0, 7), 'relaxed')
      await disk.append('f', 7, pattern(7, 1 << 20), 'strict')
      expectSame(await disk.read('f'), pattern(0, (1 << 20) + 7))
    })

    test('takes a copy: the caller may reuse its bytes', async () => {
      const bytes = pattern(0, 100)
      await disk.append('f', 0, bytes, 'relaxed')
      bytes.fill(0xff)
      expect(await disk.read('f')).toEqual(pattern(0, 100))
    })

    test('takes only its part of a larger buffer', async () => {
      await disk.append('f', 0, pattern(0, 1000).subarray(300, 310), 'relaxed')
      expect(await disk.read('f')).toEqual(pattern(300, 10))
    })

    test('of no bytes changes nothing', async () => {
      await disk.append('f', 0, pattern(0, 4), 'relaxed')
      await disk.append('f', 4, new Uint8Array(0), 'relaxed')
      expect(await disk.size('f')).toBe(4)
    })

    test.each([
      ['before the end', 99],
      ['behind the end', 101],
      ['at 0 of a file that has bytes', 0],
    ])('%s is refused and leaves nothing', async (_, at) => {
      await disk.append('f', 0, pattern(0, 100), 'relaxed')
      await expect(disk.append('f', at, pattern(0, 200_000), 'relaxed')).rejects.toThrow(Error)
      expect(await disk.size('f')).toBe(100)
      expect(await disk.read('f')).toEqual(pattern(0, 100))
      await disk.append('f', 100, pattern(100, 1), 'relaxed')
      expect(await disk.size('f')).toBe(101)
    })

    test('behind 0 of a file that is not there is refused and creates nothing', async () => {
      await expect(disk.append('f', 5, pattern(0, 5), 'relaxed')).rejects.toThrow(Error)
      expect(await disk.list('')).toEqual([])
    })

    test('to two files at a time does not mix them up', async () => {
      await Promise.all([
        disk.append('wal/00000000', 0, pattern(0, 70_000), 'relaxed'),
        disk.append('wal/00000001', 0, pattern(5, 70_000), 'strict'),
      ])
      expectSame(await disk.read('wal/00000000'), pattern(0, 70_000))
      expectSame(await disk.read('wal/00000001'), pattern(5, 70_000))
    })

    test('a hundred times gives the sum', async () => {
      let at = 0
      for (let i = 0; i < 100; i++) {
        const length = (i * 7919) % 3000
        await disk.append('f', at, pattern(at, length), 'relaxed')
        at += length
      }
      expectSame(await disk.read('f'), pattern(0, at))
    })
  })

  describe('read', () => {
    const size = 200_000
    beforeEach(async () => {
      let at = 0
      for (const length of [10, 61_440, 1, 65_536, size - 61_440 - 65_536 - 11]) {
        await disk.append('f', at, pattern(at, length), 'relaxed')
        at += length
      }
    })

    test.each([
      [0, 0],
      [0, 1],
      [9, 11],
      [10, 61_450],
      [61_449, 61_452],
      [50_000, 150_000],
      [size - 1, size],
      [size - 5, size + 100],
      [size, size + 5],
      [size + 10, size + 20],
    ])('from %i to %i gives the bytes that are there', async (from, to) => {
      const end = Math.min(to, size)
      const bytes = await disk.read('f', from, to)
      expectSame(bytes, pattern(from, Math.max(0, end - from)))
    })

    test('without an end goes to the end', async () => {
      expectSame(await disk.read('f', 150_000), pattern(150_000, size - 150_000))
    })

    test('gives bytes that the caller owns', async () => {
      const bytes = await disk.read('f', 0, 20)
      bytes.fill(0xff)
      expect(await disk.read('f', 0, 20)).toEqual(pattern(0, 20))
    })

    test('of a file that is not there throws NotFoundError', async () => {
      await expect(disk.read('wal/7')).rejects.toThrow(NotFoundError)
      await expect(disk.size('wal/7')).rejects.toThrow(NotFoundError)
    })
  })

  describe('truncate', () => {
    test.each([0, 1, 9, 10, 11, 61_440, 61_449, 61_450, 61_451, 99_999, 100_000])(
      'to %i keeps what is before, and appending goes on there',
      async size => {
        await disk.append('f', 0, pattern(0, 10), 'relaxed')
        await disk.append('f', 10, pattern(10, 61_440), 'relaxed')
        await disk.append('f', 61_450, pattern(61_450, 38_550), 'relaxed')
        await disk.truncate('f', size)
        await disk.append('f', size, pattern(1, 100), 'relaxed')
        const expected = new Uint8Array(size + 100)
        expected.set(pattern(0, size))
        expected.set(pattern(1, 100), size)
        expect(await disk.size('f')).toBe(size + 100)
        expectSame(await disk.read('f'), expected)
        await closeAndReopen()
        expectSame(await disk.read('f'), expected)
      },
    )
  })

  describe('write', () => {
    test.each([0, 1, 61_440, 61_441, 1 << 20])('of %i bytes creates and replaces', async length => {
      await disk.write('config/prometheus.yml', pattern(0, length))
      expectSame(await disk.read('config/prometheus.yml'), pattern(0, length))
      await disk.write('config/prometheus.yml', pattern(9, 20))
      expect(await disk.size('config/prometheus.yml')).toBe(20)
      expect(await disk.read('config/prometheus.yml')).toEqual(pattern(9, 20))
    })

    test('is whole for a reader at the same time: the old file or the new one', async () => {
      await disk.write('f', pattern(0, 1000))
      const writing = disk.write('f', pattern(1, 2000))
      const seen = await disk.read('f')
      await writing
      expect([pattern(0, 1000), pattern(1, 2000)]).toContainEqual(seen)
    })

    test('takes a copy', async () => {
      const bytes = pattern(0, 10)
      await disk.write('f', bytes)
      bytes.fill(0)
      expect(await disk.read('f')).toEqual(pattern(0, 10))
    })
  })

  describe('remove', () => {
    test('takes the file away, and the name can be used again', async () => {
      await disk.append('wal/00000000', 0, pattern(0, 70_000), 'relaxed')
      await disk.remove('wal/00000000')
      await expect(disk.size('wal/00000000')).rejects.toThrow(NotFoundError)
      expect(await disk.list('wal')).toEqual([])
      await disk.append('wal/00000000', 0, pattern(3, 5), 'relaxed')
      expect(await disk.read('wal/00000000')).toEqual(pattern(3, 5))
    })

    test('of a written file takes it away', async () => {
      await disk.write('f', pattern(0, 5))
      await disk.remove('f')
      await expect(disk.read('f')).rejects.toThrow(NotFoundError)
    })

    test('of a file that is not there does nothing', async () => {
      await disk.remove('wal/nothing')
      expect(await disk.list('')).toEqual([])
    })

    test('leaves its neighbours alone', async () => {
      for (const name of ['a', 'ab', 'a.b']) await disk.append(`d/${name}`, 0, pattern(0, 3), 'relaxed')
      await disk.remove('d/a')
      expect(await disk.list('d')).toEqual(['a.b', 'ab'])
    })
  })

  describe('list', () => {
    test('of a folder that is not there is empty', async () => {
      expect(await disk.list('nowhere')).toEqual([])
    })

    test('gives files and folders alike, each once, sorted', async () => {
      await disk.append('wal/00000001', 0, pattern(0, 1), 'relaxed')
      await disk.append('wal/00000000', 0, pattern(0, 1), 'relaxed')
      await disk.append('wal/checkpoint.00000003/00000000', 0, pattern(0, 1), 'relaxed')
      await disk.append('wal/checkpoint.00000003/00000001', 0, pattern(0, 1), 'relaxed')
      await disk.write('walrus', pattern(0, 1))
      expect(await disk.list('wal')).toEqual(['00000000', '00000001', 'checkpoint.00000003'])
      expect(await disk.list('wal/checkpoint.00000003')).toEqual(['00000000', '00000001'])
      expect(await disk.list('')).toEqual(['wal', 'walrus'])
    })
  })

  describe('close', () => {
    test('keeps everything for the next who opens', async () => {
      await disk.append('wal/00000000', 0, pattern(0, 70_000), 'relaxed')
      await disk.append('wal/00000001', 0, pattern(1, 5), 'strict')
      await disk.write('prometheus.yml', pattern(2, 50))
      await disk.append('gone', 0, pattern(0, 5), 'relaxed')
      await disk.remove('gone')
      await closeAndReopen()
      expect(await disk.list('')).toEqual(['prometheus.yml', 'wal'])
      expectSame(await disk.read('wal/00000000'), pattern(0, 70_000))
      expect(await disk.read('wal/00000001')).toEqual(pattern(1, 5))
      expect(await disk.read('prometheus.yml')).toEqual(pattern(2, 50))
      await disk.append('wal/00000000', 70_000, pattern(70_000, 10), 'relaxed')
      expectSame(await disk.read('wal/00000000'), pattern(0, 70_010))
    })

    test('waits for writes that are running', async () => {
      const writing = disk.append('f', 0, pattern(0, 100_000), 'relaxed')
      await disk.close()
      await writing
      disk = await opened.reopen()
      expectSame(await disk.read('f'), pattern(0, 100_000))
    })
  })

  describe('a file in a staging folder', () => {
    test('is seen by nobody who lists, and read by its path once it is closed', async () => {
      await disk.append('f', 0, pattern(0, 1), 'relaxed')
      const index = await disk.create(`${staging('A')}/index`)
      const chunks = await disk.create(`${staging('A')}/chunks/000001`)
      await index.write(pattern(0, 100))
      await expect(disk.read(`${staging('A')}/index`)).rejects.toThrow(NotFoundError)
      await expect(disk.size(`${staging('A')}/index`)).rejects.toThrow(NotFoundError)
      expect(await disk.list(staging('A'))).not.toContain('index')
      await index.close()
      await chunks.write(pattern(1, 10))
      await chunks.close()
      expect(await disk.list('')).toEqual(['f'])
      expect(await disk.list(staging('A'))).toEqual(['chunks', 'index'])
      expect(await disk.list(`${staging('A')}/chunks`)).toEqual(['000001'])
      expect(await disk.size(`${staging('A')}/index`)).toBe(100)
      expect(await disk.read(`${staging('A')}/index`)).toEqual(pattern(0, 100))
      expect(await disk.read(`${staging('A')}/chunks/000001`, 3, 6)).toEqual(pattern(4, 3))
    })

    test('is gone when the disk is opened again, whether closed or not', async () => {
      await stage('A', { index: 100 })
      const open = await disk.create(`${staging('B')}/index`)
      await open.write(pattern(0, 10))
      await closeAndReopen()
      expect(await disk.list('')).toEqual([])
      for (const name of ['A', 'B']) {
        expect(await disk.list(staging(name))).toEqual([])
        await expect(disk.size(`${staging(name)}/index`)).rejects.toThrow(NotFoundError)
      }
      await stage('A', { index: 3 })
    })

    test('is written in pieces of any size', async () => {
      const sizes = [0, 1, 100_000, 0, 262_144, 600_000, 5, 524_288, 1_100_000, 17]
      const writer = await disk.create(`${staging('A')}/f`)
      let at = 0
      for (const size of sizes) {
        const bytes = pattern(at, size)
        await writer.write(bytes)
        bytes.fill(0xff)
        at += size
      }
      await writer.close()
      await disk.publish([{ from: staging('A'), to: 'A' }])
      expect(await disk.size('A/f')).toBe(at)
      expectSame(await disk.read('A/f'), pattern(0, at))
      expectSame(await disk.read('A/f', 99_999, 1_700_000), pattern(99_999, 1_600_001))
      expectSame(await disk.read('A/f', at - 3), pattern(at - 3, 3))
      expect(await disk.read('A/f', at + 5, at + 10)).toEqual(new Uint8Array(0))
    })

    test('is gone when it is aborted, and can be created again', async () => {
      const writer = await disk.create(`${staging('A')}/f`)
      await writer.write(pattern(0, 700_000))
      await writer.abort()
      await writer.abort()
      await expect(disk.read(`${staging('A')}/f`)).rejects.toThrow(NotFoundError)
      expect(await disk.list(staging('A'))).toEqual([])
      await stage('A', { f: 10 })
      expect(await disk.size(`${staging('A')}/f`)).toBe(10)
    })

    test('is not created twice', async () => {
      const writer = await disk.create(`${staging('A')}/f`)
      await expect(disk.create(`${staging('A')}/f`)).rejects.toThrow(Error)
      await writer.write(pattern(0, 3))
      await writer.close()
      await expect(disk.create(`${staging('A')}/f`)).rejects.toThrow(Error)
      expect(await disk.read(`${staging('A')}/f`)).toEqual(pattern(0, 3))
    })

    test('takes no bytes once it is closed', async () => {
      const writer = await disk.create(`${staging('A')}/f`)
      await writer.close()
      await expect(writer.write(pattern(0, 1))).rejects.toThrow(`${staging('A')}/f`)
      expect(await disk.size(`${staging('A')}/f`)).toBe(0)
    })

    test.each(['f', 'A/f', staging('A'), `A/${staging('A')}`])(
      'is the only kind that is created: %s is refused',
      async path => {
        await expect((async () => disk.create(path))()).rejects.toThrow(`create ${path}`)
      },
    )

    test('is not written any other way', async () => {
      const path = `${staging('A')}/f`
      await expect((async () => disk.append(path, 0, pattern(0, 1), 'relaxed'))()).rejects.toThrow(path)
      await expect((async () => disk.write(path, pattern(0, 1)))()).rejects.toThrow(path)
      await expect((async () => disk.truncate(path, 0))()).rejects.toThrow(path)
      await expect((async () => disk.remove(path))()).rejects.toThrow(path)
    })
  })

  describe('publish', () => {
    test('makes whole folders appear, and they are there for the next who opens', async () => {
      await stage('A', { index: 100, 'chunks/000001': 70_000, 'meta.json': 0 })
      await stage('wal/checkpoint.00000002', { '00000000': 10 })
      await disk.publish([
        { from: staging('A'), to: 'A' },
        { from: staging('wal/checkpoint.00000002'), to: 'wal/checkpoint.00000002' },
      ])
      const check = async () => {
        expect(await disk.list('')).toEqual(['A', 'wal'])
        expect(await disk.list('A')).toEqual(['chunks', 'index', 'meta.json'])
        expect(await disk.read('A/index')).toEqual(pattern(0, 100))
        expectSame(await disk.read('A/chunks/000001'), pattern(0, 70_000))
        expect(await disk.size('A/meta.json')).toBe(0)
        expect(await disk.read('A/meta.json')).toEqual(new Uint8Array(0))
        expect(await disk.read('wal/checkpoint.00000002/00000000', 5, 7)).toEqual(pattern(5, 2))
        await expect(disk.read(`${staging('A')}/index`)).rejects.toThrow(NotFoundError)
      }
      await check()
      await closeAndReopen()
      await check()
    })

    test('of a folder whose name is taken is refused and changes nothing', async () => {
      await stage('A', { index: 5 })
      await disk.publish([{ from: staging('A'), to: 'A' }])
      await stage('A', { index: 7 })
      await stage('B', { index: 8 })
      await disk.append('C', 0, pattern(0, 1), 'relaxed')
      const moves = (to: string) => [
        { from: staging('B'), to: 'B' },
        { from: staging('A'), to },
      ]
      for (const to of ['A', 'C']) await expect(disk.publish(moves(to))).rejects.toThrow(/^publish .*there/)
      expect(await disk.list('')).toEqual(['A', 'C'])
      expect(await disk.size('A/index')).toBe(5)
      expect(await disk.size('C')).toBe(1)
      await disk.publish(moves('D'))
      expect(await disk.list('')).toEqual(['A', 'B', 'C', 'D'])
      expect(await disk.size('D/index')).toBe(7)
    })

    test('is refused while a file is being written', async () => {
      const writer = await disk.create(`${staging('A')}/f`)
      const publish = () => disk.publish([{ from: staging('A'), to: 'A' }])
      await expect(publish()).rejects.toThrow(`${staging('A')}/f`)
      expect(await disk.list('')).toEqual([])
      await writer.close()
      await publish()
      expect(await disk.list('A')).toEqual(['f'])
    })

    test('of a folder that is not there is refused', async () => {
      await expect(disk.publish([{ from: staging('A'), to: 'A' }])).rejects.toThrow(NotFoundError)
      expect(await disk.list('')).toEqual([])
    })

    test.each([
      ['from a folder that is none for staging', 'A', 'B'],
      ['from inside one', `${staging('A')}/chunks`, 'B'],
      ['to another staging folder', staging('A'), staging('B')],
      ['to a path that leads out', staging('A'), '../B'],
      ['from a path that leads out', `../${staging('A')}`, 'B'],
    ])('%s is refused', async (_, from, to) => {
      await stage('A', { 'chunks/000001': 5 })
      await expect((async () => disk.publish([{ from, to }]))()).rejects.toThrow(Error)
      expect(await disk.list('')).toEqual([])
    })

    test('of no folder does nothing', async () => {
      await disk.publish([])
      expect(await disk.list('')).toEqual([])
    })
  })

  describe('a finished file', () => {
    beforeEach(async () => {
      await stage('A', { index: 100, 'meta.json': 50 })
      await disk.publish([{ from: staging('A'), to: 'A' }])
    })

    test('is replaced as a whole', async () => {
      await disk.read('A/meta.json')
      await disk.write('A/meta.json', pattern(7, 20))
      expect(await disk.size('A/meta.json')).toBe(20)
      expect(await disk.read('A/meta.json')).toEqual(pattern(7, 20))
      await closeAndReopen()
      expect(await disk.read('A/meta.json')).toEqual(pattern(7, 20))
      expect(await disk.read('A/index')).toEqual(pattern(0, 100))
    })

    test('can be removed alone', async () => {
      await disk.remove('A/index')
      expect(await disk.list('A')).toEqual(['meta.json'])
      await expect(disk.read('A/index')).rejects.toThrow(NotFoundError)
    })

    test('gives bytes that the caller owns', async () => {
      const bytes = await disk.read('A/index')
      bytes.fill(0xff)
      expect(await disk.read('A/index')).toEqual(pattern(0, 100))
    })
  })

  describe('removeFolder', () => {
    test('takes everything in it away, and the name can be used again', async () => {
      await stage('A', { index: 100, 'chunks/000001': 10 })
      await stage('AB', { index: 3 })
      await disk.publish(['A', 'AB'].map(name => ({ from: staging(name), to: name })))
      await disk.read('A/index')
      await disk.append('A/growing', 0, pattern(0, 10), 'relaxed')
      await disk.write('A/small', pattern(0, 10))
      await disk.removeFolder('A')
      const check = async () => {
        expect(await disk.list('')).toEqual(['AB'])
        expect(await disk.list('A')).toEqual([])
        for (const name of ['index', 'growing', 'small', 'chunks/000001']) {
          await expect(disk.read(`A/${name}`)).rejects.toThrow(NotFoundError)
        }
      }
      await check()
      await closeAndReopen()
      await check()
      await stage('A', { index: 7 })
      await disk.publish([{ from: staging('A'), to: 'A' }])
      expect(await disk.read('A/index')).toEqual(pattern(0, 7))
    })

    test('of a folder that is not there does nothing', async () => {
      await disk.append('f', 0, pattern(0, 3), 'relaxed')
      await disk.removeFolder('A')
      await disk.removeFolder('f')
      expect(await disk.list('')).toEqual(['f'])
    })

    test('of a staging folder takes its files, unless one is being written', async () => {
      await stage('A', { index: 100 })
      const writer = await disk.create(`${staging('A')}/f`)
      await expect(disk.removeFolder(staging('A'))).rejects.toThrow(`${staging('A')}/f`)
      expect(await disk.size(`${staging('A')}/index`)).toBe(100)
      await writer.abort()
      await disk.removeFolder(staging('A'))
      expect(await disk.list(staging('A'))).toEqual([])
      await stage('A', { index: 3 })
      expect(await disk.size(`${staging('A')}/index`)).toBe(3)
    })
  })

  // The root itself is a folder, but no file and none to remove.
  test.each(['', '/wal', 'wal/', 'wal//0', './f', 'wal/../f', '..', '../f', 'a\\..\\f', 'f\0'])(
    'the path %s is refused',
    async path => {
      const acts: (() => Promise<unknown>)[] = [
        () => disk.append(path, 0, pattern(0, 1), 'relaxed'),
        () => disk.write(path, pattern(0, 1)),
        () => disk.truncate(path, 0),
        () => disk.remove(path),
        () => disk.read(path),
        () => disk.size(path),
        () => disk.create(`${path}/${staging('A')}/f`),
        () => disk.create(`${staging('A')}/${path}`),
        () => disk.removeFolder(path),
        ...(path === '' ? [] : [() => disk.list(path)]),
      ]
      for (const act of acts) await expect((async () => act())()).rejects.toThrow('want a relative path')
      expect(await disk.list('')).toEqual([])
    },
  )

  test('a file written as a whole has a limit', async () => {
    const write = async () => disk.write('f', pattern(0, (1 << 20) + 1))
    await expect(write()).rejects.toThrow('at most 1048576 bytes')
  })

  /** Writes finished files of so many bytes. */
  const stage = async (name: string, files: Readonly<Record<string, number>>) => {
    for (const [path, size] of Object.entries(files)) {
      const writer = await disk.create(`${staging(name)}/${path}`)
      await writer.write(pattern(0, size))
      await writer.close()
    }
  }
  return cases
}

function staging(name: string): string {
  return name + stagingSuffix
}

/** Bytes [from, from + length) of an endless file in which every place is different enough. */
function pattern(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(from + i + 1, 0x9e3779b1) >>> 24
  return bytes
}

/** Like `toEqual`, which takes seconds for large arrays. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length)
  const different = actual.findIndex((byte, i) => byte !== expected[i])
  expect(different, 'first byte that differs').toBe(-1)
}
