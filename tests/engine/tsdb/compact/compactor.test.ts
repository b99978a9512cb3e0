import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { DiskFullError, stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { formatMeta, parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import type { SeriesChunks } from '../../../../src/engine/tsdb/block/writer.ts'
import { clean, compact } from '../../../../src/engine/tsdb/compact/compactor.ts'
import { MergedQuerier } from '../../../../src/engine/tsdb/merge.ts'
import { FakeHost } from '../../../fakehost.ts'
import { chunkOf, made, madeSeries, rawSeries, shelfOf, type Made } from '../block/blockdisk.ts'
import {
  mixedEverything,
  mixedSeries,
  somePoints,
  textOf,
  together,
  type Kind,
  type Point,
} from '../mixed.ts'
import { everything, series } from '../reading.ts'
import { xor2Chunks } from '../xor2chunks.ts'
import { bury, chunksOf, compacted, openAll, tracked } from './compacting.ts'
import { ulidOf } from './metas.ts'

const child = ulidOf('9')

/** Blocks named 1, 2, … on one disk: their range, and their series. */
async function diskWithBlocks(
  ...blocks: readonly { minT: number; maxT: number; series: readonly Made[] | AsyncIterable<SeriesChunks> }[]
): Promise<{ disk: MemoryDisk; ulids: string[] }> {
  const disk = new MemoryDisk()
  const ulids: string[] = []
  for (const [i, { minT, maxT, series }] of blocks.entries()) {
    const { ulid } = await made(series, { ulid: ulidOf(String(i + 1)), minT, maxT }, disk)
    ulids.push(ulid)
  }
  return { disk, ulids }
}

/** One sample each `step`, of value 1 more each time. */
function samples(from: number, to: number, step = 1): [number, number][] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => [from + i * step, i])
}

describe('blocks in a row', () => {
  test('become one with all series in order, and chunks as they were', async () => {
    const { disk, ulids } = await diskWithBlocks(
      {
        minT: 0,
        maxT: 10,
        series: [
          ['a', {}, samples(0, 10)],
          ['c', {}, samples(3, 5)],
        ],
      },
      {
        minT: 10,
        maxT: 20,
        series: [
          ['a', { x: '1' }, samples(10, 20)],
          [
            'a',
            {},
            [
              [12, 'stale'],
              [13, NaN],
            ],
          ],
        ],
      },
    )
    const block = (await compacted(disk, ulids.toReversed(), child))!
    expect(block.meta).toEqual({
      ulid: child,
      minTime: 0,
      maxTime: 20,
      stats: { numSamples: 24, numFloatSamples: 24, numSeries: 3, numChunks: 8 },
      compaction: {
        level: 2,
        sources: ulids,
        parents: [
          { ulid: ulids[0], minTime: 0, maxTime: 10 },
          { ulid: ulids[1], minTime: 10, maxTime: 20 },
        ],
      },
      version: 1,
    })
    const [first, second] = [await chunksOf(disk, ulids[0]!), await chunksOf(disk, ulids[1]!)]
    expect(await chunksOf(disk, child)).toEqual({
      a: [...first['a']!, ...second['a']!],
      'a{x="1"}': second['a{x="1"}'],
      c: first['c'],
    })
  })

  test('keep chunks of histograms', async () => {
    const histograms = (minT: number) => ({
      minT,
      maxT: minT + 3,
      encoding: 2,
      samples: 4,
      bytes: new Uint8Array([0, 4, 7]),
    })
    async function* one(minT: number) {
      yield { labels: series('h'), chunks: [histograms(minT), { ...histograms(minT + 4), encoding: 3 }] }
    }
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: one(0) },
      { minT: 10, maxT: 20, series: one(10) },
    )
    const { stats } = (await compacted(disk, ulids, child))!.meta
    expect(stats).toEqual({ numSamples: 16, numHistogramSamples: 16, numSeries: 1, numChunks: 4 })
  })
})

describe('blocks that overlap', () => {
  test('have the first one’s sample where several are at the same time, as queries had', async () => {
    const { disk, ulids } = await diskWithBlocks(
      {
        minT: 0,
        maxT: 10,
        series: [
          [
            'a',
            {},
            [
              [1, 10],
              [3, 10],
              [5, 10],
            ],
          ],
        ],
      },
      {
        minT: 0,
        maxT: 10,
        series: [
          [
            'a',
            {},
            [
              [0, 20],
              [3, 20],
              [6, 'stale'],
            ],
          ],
        ],
      },
      {
        minT: -5,
        maxT: 10,
        series: [
          [
            'a',
            {},
            [
              [2, 30],
              [5, 30],
              [6, 30],
            ],
          ],
        ],
      },
    )
    expect(await everything((await compacted(disk, ulids, child))!.querier())).toEqual({
      a: '0:20 1:10 2:30 3:10 5:30 6:30',
    })
  })

  test('have chunks of 120 samples where theirs overlapped, and the others as they were', async () => {
    const early = samples(0, 4)
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 2000, series: madeSeries([['a', {}, [...early, ...samples(1000, 1200, 2)]]], 4) },
      { minT: 0, maxT: 2000, series: madeSeries([['a', {}, samples(1001, 1399, 2)]], 199) },
    )
    const { a = [] } = await chunksOf(disk, (await compacted(disk, ulids, child))!.folder)
    // 25 chunks of the first block touch the only one of the second.
    expect(a.map(chunk => chunk.split(' ').length - 2)).toEqual([4, 120, 120, 59])
    expect(a[0]).toBe((await chunksOf(disk, ulids[0]!))['a']![0])
  })

  test('have identical chunks once, byte for byte, whatever they hold', async () => {
    const same = { minT: 0, maxT: 3, encoding: 2, samples: 4, bytes: new Uint8Array([0, 4, 7]) }
    async function* one() {
      yield { labels: series('h'), chunks: [same] }
    }
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: one() },
      { minT: 0, maxT: 10, series: one() },
    )
    expect((await compacted(disk, ulids, child))!.meta.stats).toMatchObject({ numChunks: 1, numSamples: 4 })
  })

  test('of an encoding that nobody can read cannot be merged: that is said, and nothing is left', async () => {
    async function* one(count: number) {
      const bytes = new Uint8Array([0, count, 7])
      yield { labels: series('h'), chunks: [{ minT: 0, maxT: 3, encoding: 5, samples: count, bytes }] }
    }
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: one(4) },
      { minT: 0, maxT: 10, series: one(3) },
    )
    const before = disk.used
    await expect(compacted(disk, ulids, child)).rejects.toThrow(
      `${ulids[0]}/chunks/000001: want encodings 1–4 where chunks overlap or are deleted in part, have 5 at byte 10`,
    )
    expect(disk.used).toBe(before)
  })

  test('of histograms and floats have chunks that end where the kind changes', async () => {
    const row = (kind: Kind, from: number, to: number): Point[] =>
      Array.from({ length: to - from }, (_, i) => [2 * (from + i), kind, from + i])
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 1000, series: mixedSeries({ a: row('int', 0, 200) }, 120) },
      { minT: 0, maxT: 1000, series: mixedSeries({ a: [[101, 'float', 7], ...row('frac', 150, 160)] }, 120) },
    )
    const block = (await compacted(disk, ulids, child))!
    const chunks: string[] = []
    for await (const one of rawSeries(disk, child))
      for (const { encoding, minT, maxT, samples } of one.chunks)
        chunks.push(`${encoding}:${minT}-${maxT} ${samples}`)
    expect(chunks).toEqual(['2:0-100 51', '1:101-101 1', '2:102-238 69', '2:240-398 80'])
    expect(block.meta.stats).toMatchObject({ numSamples: 201, numFloatSamples: 1, numHistogramSamples: 200 })
  })

  test.each(xor2Chunks().filter(({ samples }) => samples > 1))(
    'of XOR2 with $name are written as XOR; one that nothing overlaps stays as it is',
    async ({ minT, maxT, encoding, samples, bytes }) => {
      async function* one() {
        yield { labels: series('a'), chunks: [{ minT, maxT, encoding, samples, bytes }] }
      }
      const between: Made = ['a', {}, [[minT + 1, 1]]]
      const range = { minT, maxT: maxT + 1 }
      const { disk, ulids } = await diskWithBlocks(
        { ...range, series: one() },
        { ...range, series: [between] },
      )
      const blocks = await openAll(shelfOf(disk), ulids)
      const wanted = await everything(new MergedQuerier(blocks.map(block => block.querier())))
      await compacted(disk, [ulids[0]!], ulidOf('8'))
      expect(await chunkBytes(disk, ulidOf('8'))).toEqual([{ encoding, bytes }])
      const block = (await compacted(disk, ulids, child))!
      const written = await chunkBytes(disk, child)
      expect(written.every(chunk => chunk.encoding === 1)).toBe(true)
      expect(await everything(block.querier())).toEqual(wanted)
    },
  )
})

async function chunkBytes(
  disk: MemoryDisk,
  ulid: string,
): Promise<{ encoding: number; bytes: Uint8Array }[]> {
  const found: { encoding: number; bytes: Uint8Array }[] = []
  for await (const { chunks } of rawSeries(disk, ulid))
    found.push(...chunks.map(({ encoding, bytes }) => ({ encoding, bytes })))
  return found
}

describe('what was deleted', () => {
  test('is not in the new block, and the rest of a chunk stays one', async () => {
    const { disk, ulids } = await diskWithBlocks({
      minT: 0,
      maxT: 20,
      series: [
        ['a', {}, samples(0, 12)],
        ['b', {}, samples(0, 12)],
        ['c', {}, samples(0, 12)],
      ],
    })
    await bury(disk, ulids[0]!, {
      a: [[2, 6]],
      b: [[-100, 100]],
      c: [
        [5, 5],
        [6, 6],
        [20, 30],
      ],
    })
    const block = (await compacted(disk, ulids, child))!
    expect(await everything(block.querier())).toEqual({
      a: '0:0 1:1 7:7 8:8 9:9 10:10 11:11',
      c: '0:0 1:1 2:2 3:3 4:4 7:7 8:8 9:9 10:10 11:11',
    })
    expect(block.meta.stats.numChunks).toBe(6)
    expect(block.meta.compaction.level).toBe(2)
  })

  test('may be everything: then there is no new block, and nothing on the disk', async () => {
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: [['a', {}, samples(0, 10)]] },
      { minT: 10, maxT: 20, series: [] },
    )
    await bury(disk, ulids[0]!, {
      a: [
        [0, 4],
        [5, 9],
      ],
    })
    const before = disk.used
    expect(await compacted(disk, ulids, child)).toBeNull()
    expect(disk.used).toBe(before)
  })

  test('hides nothing of another block', async () => {
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: [['a', {}, samples(0, 4)]] },
      {
        minT: 0,
        maxT: 10,
        series: [
          [
            'a',
            {},
            [
              [2, 20],
              [3, 20],
              [4, 20],
            ],
          ],
        ],
      },
    )
    await bury(disk, ulids[0]!, { a: [[1, 2]] })
    expect(await everything((await compacted(disk, ulids, child))!.querier())).toEqual({
      a: '0:0 2:20 3:3 4:20',
    })
  })
})

test('samples at or behind the end of all blocks are cut off, as some versions wrote one there', async () => {
  const { disk, ulids } = await diskWithBlocks({ minT: 0, maxT: 11, series: [['a', {}, samples(0, 11)]] })
  const path = `${ulids[0]!}/meta.json`
  await disk.write(path, formatMeta({ ...parseMeta(await disk.read(path)), minTime: 1, maxTime: 10 }))
  expect(await everything((await compacted(disk, ulids, child))!.querier())).toEqual({
    a: '1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9',
  })
})

describe('any blocks', () => {
  const times = { min: -8, max: 30 }
  const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('stale' as const, NaN, -0, Infinity))
  const interval = fc
    .tuple(fc.integer(times), fc.nat(9))
    .map(([from, length]) => [from, from + length] as const)
  const one = fc.record({
    samples: fc.dictionary(fc.integer(times).map(String), value, { minKeys: 1, maxKeys: 25 }),
    deleted: fc.array(interval, { maxLength: 3 }),
  })
  const block = fc.record({
    early: fc.nat(3),
    late: fc.nat(3),
    perChunk: fc.integer({ min: 1, max: 6 }),
    all: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), one),
  })

  test('become a block with what queries found in them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 4 }), async blocks => {
        const specs = blocks.map(({ early, late, perChunk, all }) => {
          const rows = Object.entries(all).map(([name, { samples }]): Made => {
            const sorted = Object.entries(samples).map(([t, v]) => [Number(t), v] as const)
            return [name, {}, sorted.sort(([a], [b]) => a - b)]
          })
          const [minT, maxT] = [times.min - early, times.max + 1 + late]
          return { minT, maxT, series: madeSeries(rows, perChunk) }
        })
        const { disk, ulids } = await diskWithBlocks(...specs)
        for (const [i, ulid] of ulids.entries()) {
          const stones = Object.entries(blocks[i]!.all).map(([name, { deleted }]) => [name, deleted] as const)
          await bury(disk, ulid, Object.fromEntries(stones))
        }
        const parents = (await openAll(shelfOf(disk), ulids)).sort(
          (a, b) => a.meta.minTime - b.meta.minTime || (a.folder < b.folder ? -1 : 1),
        )
        const wanted = await everything(new MergedQuerier(parents.map(parent => parent.querier())))
        const found = await compacted(disk, ulids, child)
        const left = Object.entries(wanted).filter(([, samples]) => samples !== '')
        expect(found ? await everything(found.querier()) : {}).toEqual(Object.fromEntries(left))
        expect(found?.meta.stats.numSamples ?? 0).toBe(
          left.flatMap(([, samples]) => samples.split(' ')).length,
        )
      }),
      { numRuns: 150 },
    )
  })
})

describe('any blocks of histograms and floats', () => {
  const interval = fc.tuple(fc.nat(40), fc.nat(9)).map(([from, length]) => [from, from + length] as const)
  const one = fc.record({ points: somePoints(0, 40), deleted: fc.array(interval, { maxLength: 2 }) })
  const block = fc.record({
    perChunk: fc.integer({ min: 1, max: 6 }),
    all: fc.dictionary(fc.constantFrom('a', 'b'), one),
  })

  test('become a block with every sample that was not deleted, of several at one time the first block’s', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 4 }), async blocks => {
        const specs = blocks.map(({ perChunk, all }) => {
          const points = Object.entries(all).map(([name, { points }]) => [name, points] as const)
          return { minT: 0, maxT: 41, series: mixedSeries(Object.fromEntries(points), perChunk) }
        })
        const { disk, ulids } = await diskWithBlocks(...specs)
        for (const [i, ulid] of ulids.entries()) {
          const stones = Object.entries(blocks[i]!.all).map(([name, { deleted }]) => [name, deleted] as const)
          await bury(disk, ulid, Object.fromEntries(stones))
        }
        const names = [...new Set(blocks.flatMap(({ all }) => Object.keys(all)))].sort()
        const wanted = names.map(name => {
          const left = blocks.map(({ all }) => {
            const { points = [], deleted = [] } = all[name] ?? {}
            return points.filter(([t]) => !deleted.some(([from, to]) => t >= from && t <= to))
          })
          return [name, textOf(together(left))] as const
        })
        const found = await compacted(disk, ulids, child)
        expect(found ? await mixedEverything(found.querier()) : {}).toEqual(
          Object.fromEntries(wanted.filter(([, text]) => text !== '')),
        )
      }),
      { numRuns: 120 },
    )
  })
})

describe('a block that is cleaned', () => {
  test('has what was not deleted, and counts as one that was never compacted', async () => {
    const { disk, ulids } = await diskWithBlocks({
      minT: 0,
      maxT: 20,
      series: [
        ['a', {}, samples(0, 12)],
        ['b', {}, samples(0, 12)],
      ],
    })
    await bury(disk, ulids[0]!, { a: [[2, 11]], b: [[0, 100]] })
    const shelf = shelfOf(disk)
    const [block] = await openAll(shelf, ulids)
    expect(block!.tombstones).toBe(2)
    const meta = await clean(shelf, new FakeHost(), block!, child)
    expect(meta?.compaction).toEqual({
      level: 1,
      sources: [child],
      parents: [{ ulid: ulids[0], minTime: 0, maxTime: 20 }],
    })
    await disk.publish([{ from: `${child}${stagingSuffix}`, to: child }])
    const [cleaned] = await openAll(shelf, [child])
    expect(await everything(cleaned!.querier())).toEqual({ a: '0:0 1:1' })
    expect(cleaned!.tombstones).toBe(0)
  })

  test('is none when nothing is left', async () => {
    const { disk, ulids } = await diskWithBlocks({ minT: 0, maxT: 20, series: [['a', {}, samples(0, 12)]] })
    await bury(disk, ulids[0]!, { a: [[0, 11]] })
    const shelf = shelfOf(disk)
    const before = disk.used
    expect(await clean(shelf, new FakeHost(), (await openAll(shelf, ulids))[0]!, child)).toBeNull()
    expect(disk.used).toBe(before)
  })
})

describe('while it runs', () => {
  /** Two blocks of many series, 3.5 KB a series. */
  async function large(count = 800): Promise<{ disk: MemoryDisk; ulids: string[] }> {
    const random = new FakeHost()
    async function* all(minT: number): AsyncGenerator<SeriesChunks> {
      for (let i = 1000; i < 1000 + count; i++) {
        const chunks = Array.from({ length: 6 }, (_, k) =>
          chunkOf(Array.from({ length: 120 }, (_, n) => [minT + k * 120 + n, random.random()])),
        )
        yield { labels: series('a', { i: String(i) }), chunks }
      }
    }
    return diskWithBlocks({ minT: 0, maxT: 720, series: all(0) }, { minT: 720, maxT: 1440, series: all(720) })
  }

  test('others get their turn whenever 8 ms have passed', async () => {
    const { disk, ulids } = await diskWithBlocks({
      minT: 0,
      maxT: 10,
      series: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(name => [name, {}, samples(0, 10)] as const),
    })
    const host = new FakeHost()
    let turns = 0
    host.yield = () => {
      turns++
      return Promise.resolve()
    }
    // Each look at the clock takes 5 ms, so that every second one is a turn.
    let now = 0
    let looks = 0
    host.monotonic = () => {
      looks++
      return (now += 5)
    }
    await compacted(disk, ulids, child, host)
    // A turn looks at the clock itself when it ends.
    expect(turns).toBe(Math.floor((looks - 1) / 3))
    expect(turns).toBeGreaterThan(8)
  })

  test('it holds a few megabytes of chunks, however large the blocks are', async () => {
    const { disk, ulids } = await large(1600)
    const { disk: watched, log } = tracked(disk)
    await compact(shelfOf(watched), new FakeHost(), await openAll(shelfOf(watched), ulids), child)
    let held = 0
    let most = 0
    let written = 0
    for (const { operation, bytes } of log) {
      if (operation === 'read 000001') held += bytes
      if (operation === 'write 000001') held -= bytes
      if (operation === 'write 000001') written += bytes
      most = Math.max(most, held)
    }
    expect(written).toBeGreaterThan(10_000_000)
    expect(most).toBeLessThan(5_000_000)
  })

  test('it leaves the cache of the opened blocks alone', async () => {
    const { disk, ulids } = await large()
    const shelf = shelfOf(disk)
    const blocks = await openAll(shelf, ulids)
    const before = shelf.cache.bytes
    await compact(shelf, new FakeHost(), blocks, child)
    expect(shelf.cache.bytes).toBe(before)
  })

  test('it can be given up at any turn, and leaves nothing', async () => {
    const { disk, ulids } = await large()
    const shelf = shelfOf(disk)
    const before = disk.used
    const reason = new Error('given up')
    for (const turn of [1, 40, 200]) {
      const stop = new AbortController()
      const host = new FakeHost()
      let turns = 0
      host.yield = () => {
        if (++turns === turn) stop.abort(reason)
        return Promise.resolve()
      }
      let now = 0
      host.monotonic = () => (now += 100)
      await expect(compact(shelf, host, await openAll(shelf, ulids), child, stop.signal)).rejects.toBe(reason)
      expect(disk.used).toBe(before)
    }
  })

  test('a disk that is full ends it, and nothing is left', async () => {
    const { disk, ulids } = await large()
    const before = disk.used
    for (const more of [0, 100, 1_500_000, 4_000_000]) {
      disk.capacity = before + more
      await expect(compacted(disk, ulids, child)).rejects.toBeInstanceOf(DiskFullError)
      expect(disk.used).toBe(before)
    }
    disk.capacity = Infinity
    expect(await compacted(disk, ulids, child)).not.toBeNull()
  })
})

describe('a damaged block', () => {
  test('ends it with the place of the damage, and nothing is left', async () => {
    const { files, ulid } = await made([['a', {}, samples(0, 10)]], { ulid: ulidOf('1'), maxT: 10 })
    const segment = files.get('chunks/000001')!
    segment[20]! ^= 1
    const disk = new MemoryDisk()
    const copy = await disk.create(`x.tmp-for-creation/chunks/000001`)
    await copy.write(segment)
    await copy.close()
    for (const path of ['meta.json', 'index', 'tombstones']) {
      const file = await disk.create(`x.tmp-for-creation/${path}`)
      await file.write(files.get(path)!)
      await file.close()
    }
    await disk.publish([{ from: 'x.tmp-for-creation', to: ulid }])
    const before = disk.used
    const failure: unknown = await compacted(disk, [ulid], child).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CorruptionError)
    expect(String(failure)).toMatch(/chunks\/000001: want checksum [0-9a-f]{8}, have [0-9a-f]{8} at byte \d+/)
    expect(disk.used).toBe(before)
  })

  test('whose index lies about the times of a chunk that has to be merged ends it, too', async () => {
    const lying = { ...chunkOf(samples(0, 5)), maxT: 3 }
    async function* one() {
      yield { labels: series('a'), chunks: [lying] }
    }
    const { disk, ulids } = await diskWithBlocks(
      { minT: 0, maxT: 10, series: one() },
      { minT: 0, maxT: 10, series: [['a', {}, samples(2, 8)]] },
    )
    await expect(compacted(disk, ulids, child)).rejects.toThrow(/want samples within 0 … 3, have 0 … 4/)
  })
})
