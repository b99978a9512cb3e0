import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { crc32c } from '../../../../src/engine/bytes/crc32c.ts'
import { DiskFullError, type Durability } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import {
  openHeadChunks,
  type HeadChunk,
  type HeadChunks,
} from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { FakeHost } from '../../../fakehost.ts'

const folder = 'chunks_head'
const first = 'chunks_head/000001'
const second = 'chunks_head/000002'

interface Opened {
  readonly chunks: HeadChunks
  readonly found: HeadChunk[]
  readonly refs: number[]
  readonly host: FakeHost
  readonly metrics: Registry
}

async function open(
  disk: MemoryDisk,
  fileBytes = 1 << 20,
  check: (chunk: HeadChunk) => void = () => undefined,
): Promise<Opened> {
  const found: HeadChunk[] = []
  const refs: number[] = []
  const host = new FakeHost()
  const metrics = new Registry()
  const chunks = await openHeadChunks({ disk, host, metrics, folder, fileBytes }, (chunk, ref) => {
    check(chunk)
    found.push({ ...chunk, bytes: chunk.bytes.slice() })
    refs.push(ref)
  })
  return { chunks, found, refs, host, metrics }
}

/** A chunk that starts at `t`, of a series of that number. */
function chunkAt(t: number, options: { size?: number; outOfOrder?: boolean } = {}): HeadChunk {
  const { size = 100, outOfOrder = false } = options
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i < 2 ? i : i * t + 1))
  return { ref: t, minT: t, maxT: t + 9, encoding: 1, outOfOrder, samples: 1, bytes }
}

const value = (metrics: Registry, name: string) =>
  Number(new RegExp(`^${name} (.*)$`, 'm').exec(metrics.text())?.[1])
const corruptions = (metrics: Registry) => value(metrics, 'prometheus_tsdb_mmap_chunk_corruptions_total')

/** Puts other bytes into a file. */
async function replace(disk: MemoryDisk, path: string, bytes: Uint8Array): Promise<void> {
  await disk.remove(path)
  await disk.append(path, 0, bytes, 'strict')
}

async function edit(disk: MemoryDisk, path: string, change: (bytes: Uint8Array) => void): Promise<void> {
  const bytes = await disk.read(path)
  change(bytes)
  await replace(disk, path, bytes)
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('a file is laid out as the specification says', async () => {
  const disk = new MemoryDisk()
  const { chunks } = await open(disk)
  const bytes = Uint8Array.of(0, 3, 0xaa, 0xbb)
  await chunks.write([
    { ref: 258, minT: 1000, maxT: 2000, encoding: 1, outOfOrder: false, samples: 3, bytes },
    { ref: 7, minT: -5, maxT: -1, encoding: 2, outOfOrder: true, samples: 3, bytes },
  ])
  const plain = '0000000000000102 00000000000003e8 00000000000007d0 01 04 0003aabb'
  const outOfOrder = '0000000000000007 fffffffffffffffb ffffffffffffffff 82 04 0003aabb'
  const withChecksum = (text: string) => {
    const content = Buffer.from(text.replaceAll(' ', ''), 'hex')
    return content.toString('hex') + crc32c(content).toString(16).padStart(8, '0')
  }
  expect(hex(await disk.read(first))).toBe(
    `0130bc9101000000${withChecksum(plain)}${withChecksum(outOfOrder)}`,
  )
})

describe('chunks', () => {
  test('come back in the order in which they were written, with their numbers', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    const all = [chunkAt(5), chunkAt(1, { outOfOrder: true, size: 3000 }), chunkAt(7, { size: 4 })]
    const refs = await chunks.write(all)
    expect([...refs]).toEqual([2 ** 32 + 8, 2 ** 32 + 138, 2 ** 32 + 3169])
    const again = await open(disk)
    expect(again.found).toEqual(all.map(chunk => ({ ...chunk, samples: chunk.bytes[1] })))
    expect(again.refs).toEqual([...refs])
    expect(again.chunks.damages).toEqual([])
    expect(corruptions(again.metrics)).toBe(0)
  })

  test('of many pieces come back, long ones too', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk, 16 << 20)
    const sizes = [900_000, 200_000, 3_000_000, 100, 1_048_000, 500, 1_048_576]
    const all = sizes.map((size, i) => chunkAt(i + 1, { size }))
    const many = Array.from({ length: 30_000 }, (_, i) => chunkAt(i + 100, { size: 50 + (i % 90) }))
    await chunks.write(all)
    await chunks.write(many)
    const again = await open(disk)
    expect(again.found.map(({ minT, bytes }) => [minT, bytes.length])).toEqual(
      [...all, ...many].map(({ minT, bytes }) => [minT, bytes.length]),
    )
    expect(again.chunks.damages).toEqual([])
  })

  test('are counted', async () => {
    const disk = new MemoryDisk()
    const { chunks, metrics } = await open(disk)
    await chunks.write([chunkAt(1), chunkAt(2)])
    expect(value(metrics, 'prometheus_tsdb_mmap_chunks_total')).toBe(2)
    expect(value(metrics, 'prometheus_tsdb_head_chunks_storage_size_bytes')).toBe(disk.used)
    expect(chunks.stats()).toEqual({ files: 1, bytes: disk.used })
  })

  test('none of them make no file', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    expect(await chunks.write([])).toHaveLength(0)
    await chunks.sync()
    await chunks.truncate(Infinity)
    expect(await disk.list(folder)).toEqual([])
  })
})

describe('files', () => {
  test('are begun anew by each writer, and when they are full', async () => {
    const disk = new NotingDisk()
    await (await open(disk)).chunks.write([chunkAt(1)])
    const { chunks } = await open(disk, 300)
    await chunks.write([chunkAt(2)])
    await chunks.write([chunkAt(3)])
    await chunks.write([chunkAt(4)])
    await chunks.write([5, 6, 7, 8, 9].map(t => chunkAt(t)))
    await chunks.write([chunkAt(10, { size: 1000 })])
    expect(disk.appends).toEqual([
      '000001 0 relaxed',
      '000002 0 strict',
      '000002 138 relaxed',
      '000003 0 strict',
      '000003 138 relaxed',
      '000004 0 strict',
      '000005 0 strict',
      '000006 0 strict',
    ])
    const { found } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('end where they are cut, behind what is being written', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    await chunks.cutFile()
    await Promise.all([
      chunks.write([chunkAt(1)]),
      chunks.cutFile(),
      chunks.write([chunkAt(2)]),
      chunks.cutFile(),
    ])
    await chunks.cutFile()
    await chunks.write([chunkAt(3)])
    expect(await disk.list(folder)).toEqual(['000001', '000002', '000003'])
  })

  test('are durable after a sync, all of them', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk, 300)
    for (const t of [1, 2, 3]) await chunks.write([chunkAt(t)])
    await chunks.sync()
    await chunks.write([chunkAt(4)])
    const { found } = await open(disk.crash('power'))
    expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3])
  })

  test('never have a gap after a power cut, and keep a beginning of what was written', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new MemoryDisk()
      const { chunks } = await open(disk, 300)
      for (let t = 1; t <= 7; t++) await chunks.write([chunkAt(t)])
      const { found, chunks: after } = await open(disk.crash('power', chance(seed)))
      expect(after.damages).toEqual([])
      expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3, 4, 5, 6, 7].slice(0, found.length))
    }
  })

  test('that are no files of chunks are left alone', async () => {
    const disk = new MemoryDisk()
    await disk.write('chunks_head/notes', Uint8Array.of(1))
    const { chunks } = await open(disk)
    await chunks.write([chunkAt(1)])
    expect(await disk.list(folder)).toEqual(['000001', 'notes'])
  })
})

describe('zeros', () => {
  test.each([1, 23, 24, 33, 34, 1000, 3 << 20])(
    'behind the last chunk, %i of them, are no chunk',
    async count => {
      const disk = new MemoryDisk()
      await (await open(disk)).chunks.write([chunkAt(1)])
      await disk.append(first, await disk.size(first), new Uint8Array(count), 'strict')
      const { found, chunks, metrics } = await open(disk)
      expect(found).toHaveLength(1)
      expect(chunks.damages).toEqual([])
      expect(corruptions(metrics)).toBe(0)
      await chunks.write([chunkAt(2)])
      expect(await disk.list(folder)).toEqual(['000001', '000002'])
    },
  )

  test('and nothing else in the last file are a file that was never written', async () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 0x30, 0xbc), new Uint8Array(1000)]) {
      const disk = new MemoryDisk()
      await (await open(disk)).chunks.write([chunkAt(1)])
      await disk.append(second, 0, bytes, 'strict')
      const { found, chunks, metrics } = await open(disk)
      expect(found).toHaveLength(1)
      expect(chunks.damages).toEqual([])
      expect(corruptions(metrics)).toBe(0)
      expect(await disk.list(folder)).toEqual(['000001'])
    }
  })
})

describe('a damage', () => {
  async function threeFiles(): Promise<MemoryDisk> {
    const disk = new MemoryDisk()
    for (const t of [1, 3, 5]) await (await open(disk)).chunks.write([chunkAt(t), chunkAt(t + 1)])
    return disk
  }

  test('cuts its file there, and removes all files behind it', async () => {
    const disk = await threeFiles()
    await edit(disk, second, bytes => (bytes[200] = 1))
    const { found, chunks, metrics } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3])
    expect(chunks.damages).toEqual([
      expect.stringMatching(
        /^chunks_head\/000002: chunk at byte 138: want checksum [0-9a-f]{8}, have [0-9a-f]{8} at byte 126; kept its first 138 bytes$/,
      ),
    ])
    expect(corruptions(metrics)).toBe(1)
    expect(await disk.list(folder)).toEqual(['000001', '000002'])
    expect(chunks.stats().bytes).toBe(disk.used)
    await chunks.write([chunkAt(7)])
    const again = await open(disk)
    expect(again.found.map(({ minT }) => minT)).toEqual([1, 2, 3, 7])
    expect(again.chunks.damages).toEqual([])
  })

  test('in the first chunk, or in the header, removes the file', async () => {
    const faults: [number, number, RegExp][] = [
      [20, 9, /chunk at byte 8: want checksum .*; kept its first 8 bytes/],
      [2, 9, /want magic number 0130bc91, have 01300991 at byte 0; kept its first 0 bytes/],
      [4, 2, /want version 1, have 2/],
    ]
    for (const [at, byte, message] of faults) {
      const disk = await threeFiles()
      await edit(disk, second, bytes => (bytes[at] = byte))
      const { found, chunks } = await open(disk)
      expect(found.map(({ minT }) => minT)).toEqual([1, 2])
      expect(chunks.damages).toEqual([expect.stringMatching(message)])
      expect(await disk.list(folder)).toEqual(['000001'])
    }
  })

  test('is what the visitor says it is', async () => {
    const disk = await threeFiles()
    const { found, chunks } = await open(disk, undefined, ({ minT }) => {
      if (minT === 4) throw new CorruptionError('not again', 0)
    })
    expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3])
    expect(chunks.damages).toEqual([expect.stringContaining('chunk at byte 138: not again')])
  })

  test('is a file that is missing; those before it stay', async () => {
    const disk = await threeFiles()
    await disk.remove(second)
    const { found, chunks, metrics } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([1, 2])
    expect(chunks.damages).toEqual(['chunks_head: files before 3 are missing; removed those from there on'])
    expect(corruptions(metrics)).toBe(1)
    expect(await disk.list(folder)).toEqual(['000001'])
  })

  test('is a file that ends within a chunk with others behind it', async () => {
    const disk = await threeFiles()
    await disk.truncate(second, (await disk.size(second)) - 1)
    const { found, chunks } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([1, 2, 3])
    expect(chunks.damages).toHaveLength(1)
  })

  test('is not what a crash leaves at the very end, at any byte, but it is counted', async () => {
    const whole = new MemoryDisk()
    await (await open(whole)).chunks.write([chunkAt(1), chunkAt(2)])
    const bytes = await whole.read(first)
    // A few zeros, the first bytes of its number, might be room taken in advance.
    for (let size = 138 + 8; size < bytes.length; size++) {
      const disk = new MemoryDisk()
      await disk.append(first, 0, bytes.subarray(0, size), 'strict')
      const { found, chunks, host, metrics } = await open(disk)
      expect(found, `${size} bytes`).toHaveLength(1)
      expect(chunks.damages).toEqual([])
      expect(corruptions(metrics)).toBe(1)
      expect(host.logs.map(({ level }) => level)).toEqual(['info'])
      expect(await disk.size(first)).toBe(138)
    }
  })

  test('of any one byte costs no chunk in front of it, and is never taken for a chunk', async () => {
    const whole = new MemoryDisk()
    const all = [chunkAt(1, { size: 20 }), chunkAt(2, { size: 20 }), chunkAt(3, { size: 20 })]
    await (await open(whole)).chunks.write(all)
    const bytes = await whole.read(first)
    for (let at = 8; at < bytes.length; at++) {
      const disk = new MemoryDisk()
      const damaged = bytes.slice()
      damaged[at]! ^= 0x55
      await disk.append(first, 0, damaged, 'strict')
      const { found, metrics } = await open(disk)
      const before = Math.floor((at - 8) / 50)
      expect(
        found.map(({ minT }) => minT),
        `byte ${at}`,
      ).toEqual([1, 2, 3].slice(0, before))
      expect(corruptions(metrics)).toBe(1)
    }
  })

  test('that promises a chunk of any length takes no memory for it', async () => {
    const lengths = ['ffffffff0f', 'ffffffff7f', 'ffffffffffffffffff01', 'ffffffffffffffffffffff', '00', '01']
    for (const length of lengths) {
      const disk = new MemoryDisk()
      const front = `0130bc9101000000000000000000000100000000000000010000000000000001 01${length}`
      await disk.append(first, 0, Buffer.from(front.replace(' ', '').padEnd(200, 'a'), 'hex'), 'strict')
      const { found, chunks, metrics } = await open(disk)
      expect(found).toEqual([])
      expect(chunks.damages.length + corruptions(metrics), length).toBeGreaterThan(0)
      expect(await disk.list(folder)).toEqual([])
    }
  })

  test('is a chunk with a good checksum that is too short to have a count', async () => {
    const disk = new MemoryDisk()
    const content = Buffer.from(`${'00'.repeat(7)}01${'00'.repeat(16)}0101aa`, 'hex')
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE(crc32c(content))
    const bytes = Buffer.concat([Buffer.from('0130bc9101000000', 'hex'), content, checksum, Buffer.alloc(50)])
    await disk.append(first, 0, bytes, 'strict')
    const { chunks } = await open(disk)
    expect(chunks.damages).toEqual([expect.stringContaining('want a chunk of 2 bytes or more, have 1')])
  })
})

describe('truncate', () => {
  const names = (disk: MemoryDisk) => disk.list(folder)

  test('removes files from the front whose chunks are all over, and starts a new one', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk, 200)
    for (const t of [10, 20, 15, 40]) await chunks.write([chunkAt(t)])
    await chunks.truncate(19)
    expect(await names(disk)).toEqual(['000001', '000002', '000003', '000004'])
    await chunks.truncate(20)
    // The third is over, too, but behind one that is needed.
    expect(await names(disk)).toEqual(['000002', '000003', '000004'])
    await chunks.truncate(30)
    expect(await names(disk)).toEqual(['000004'])
    await chunks.write([chunkAt(50, { size: 2 })])
    expect(await names(disk)).toEqual(['000004', '000005'])
    expect(chunks.stats().bytes).toBe(disk.used)
  })

  test('never removes the file being written', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    await chunks.write([chunkAt(1)])
    await chunks.truncate(1000)
    expect(await names(disk)).toEqual(['000001'])
    await chunks.truncate(1000)
    expect(await names(disk)).toEqual([])
    expect([...(await chunks.write([chunkAt(2)]))]).toEqual([2 * 2 ** 32 + 8])
  })

  test('knows of files that were there when it was opened', async () => {
    const disk = new MemoryDisk()
    for (const t of [10, 20]) await (await open(disk)).chunks.write([chunkAt(t)])
    const { chunks } = await open(disk)
    await chunks.truncate(20)
    expect(await names(disk)).toEqual(['000002'])
  })

  test('leaves no gap when the power is cut in the middle', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = chance(seed)
      const disk = new MemoryDisk()
      const { chunks } = await open(disk, 200)
      for (let t = 1; t <= 6; t++) await chunks.write([chunkAt(t)])
      await chunks.sync()
      const end = chunks.truncate(5 + Math.floor(random() * 12))
      for (let turns = Math.floor(random() * 40); turns > 0; turns--) await Promise.resolve()
      const { chunks: after } = await open(disk.crash('power', random))
      expect(after.damages).toEqual([])
      await end
    }
  })
})

describe('a write that fails', () => {
  test('for want of space writes nothing, and the next goes on', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    await chunks.write([chunkAt(1)])
    disk.capacity = disk.used + 10
    await expect(chunks.write([chunkAt(2)])).rejects.toThrow(DiskFullError)
    disk.capacity = Infinity
    await chunks.write([chunkAt(3)])
    const { found, chunks: again } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([1, 3])
    expect(again.damages).toEqual([])
  })

  test('in its second file leaves nothing of the first', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk, 300)
    await chunks.write([chunkAt(1)])
    disk.capacity = disk.used + 500
    await expect(chunks.write([2, 3, 4, 5, 6, 7].map(t => chunkAt(t)))).rejects.toThrow(DiskFullError)
    disk.capacity = Infinity
    expect(chunks.stats()).toEqual({ files: 1, bytes: 138 })
    const [ref] = await chunks.write([chunkAt(8)])
    expect(ref).toBe(2 ** 32 + 138)
    await chunks.write([chunkAt(9)])
    expect((await open(disk)).found.map(({ minT }) => minT)).toEqual([1, 8, 9])
  })

  test('and was written in part all the same is cut off before the next', async () => {
    const disk = new HalfDisk()
    const { chunks } = await open(disk, 300)
    for (const [t, halve] of [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
      [6, false],
    ] as const) {
      disk.halve = halve
      await chunks.write([chunkAt(t)]).catch(() => undefined)
    }
    const { found, chunks: again } = await open(disk)
    expect(found.map(({ minT }) => minT)).toEqual([2, 4, 6])
    expect(again.damages).toEqual([])
  })

  test('does not stop those that wait behind it', async () => {
    const disk = new MemoryDisk()
    const { chunks } = await open(disk)
    disk.failNextAppend(new Error('no'))
    const results = await Promise.allSettled([chunks.write([chunkAt(1)]), chunks.write([chunkAt(2)])])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect((await open(disk)).found.map(({ minT }) => minT)).toEqual([2])
  })
})

test('reading lets other tasks run', async () => {
  const disk = new MemoryDisk()
  const { chunks } = await open(disk, 1 << 24)
  await chunks.write(Array.from({ length: 8 }, (_, i) => chunkAt(i + 1, { size: 1 << 20 })))
  const host = new FakeHost()
  let time = 0
  let yields = 0
  host.monotonic = () => (time += 15)
  host.yield = async () => {
    yields++
  }
  await openHeadChunks({ disk, host, metrics: new Registry(), folder, fileBytes: 1 << 20 }, () => undefined)
  expect(yields).toBeGreaterThan(2)
})

/** A disk that notes every append: file, size before, durability. */
class NotingDisk extends MemoryDisk {
  readonly appends: string[] = []
  override append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    this.appends.push(`${path.slice(folder.length + 1)} ${at} ${durability}`)
    return super.append(path, at, bytes, durability)
  }
}

class HalfDisk extends MemoryDisk {
  halve = false
  override async append(path: string, at: number, bytes: Uint8Array, durability: Durability): Promise<void> {
    if (!this.halve) return super.append(path, at, bytes, durability)
    this.halve = false
    await super.append(path, at, bytes.subarray(0, bytes.length >> 1), durability)
    throw new Error('the cable is loose')
  }
}

/** Numbers in [0, 1) that are the same in every run. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
