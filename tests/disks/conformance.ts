import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NotFoundError, type Disk } from '../../src/engine/disk/disk.ts'

export interface OpenedDisk {
  readonly disk: Disk
  /** Opens the same storage again, after `disk` has been closed. */
  reopen(): Promise<Disk>
}

/** What every disk must do: the promises of `Disk`, one test each. `open` gives an empty disk each time. */
export function testDisk(name: string, open: () => Promise<OpenedDisk>): void {
  describe(name, () => {
    let disk: Disk
    let reopen: () => Promise<Disk>
    beforeEach(async () => {
      const opened = await open()
      disk = opened.disk
      reopen = () => opened.reopen()
    })
    afterEach(() => disk.close())

    const closeAndReopen = async () => {
      await disk.close()
      disk = await reopen()
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
      test.each(edges)('of %i bytes is read back whole, and a second one behind it', async length => {
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
        disk = await reopen()
        expectSame(await disk.read('f'), pattern(0, 100_000))
      })
    })
  })
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
