import { describe, expect, test } from 'vitest'
import { DiskFullError } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { Pace } from '../../../../src/engine/tsdb/block/pace.ts'
import { writeBlock, type SeriesChunks } from '../../../../src/engine/tsdb/block/writer.ts'
import { FakeHost } from '../../../fakehost.ts'
import { everything, series } from '../reading.ts'
import {
  chunkOf,
  expectSameBytes,
  made,
  madeSeries,
  madeUlid as ulid,
  openFiles,
  shelfOf,
  type Made,
} from './blockdisk.ts'

const spec = { ulid, minT: 0, maxT: 10_000 }
const staging = `${ulid}.tmp-for-creation`
const three: Made[] = [
  [
    'b',
    { x: '1' },
    [
      [1000, 1],
      [2000, 2.5],
      [3000, 'stale'],
    ],
  ],
  [
    'a',
    {},
    [
      [0, -0],
      [9999, NaN],
    ],
  ],
  ['b', { x: '' }, [[5, Infinity]]],
]

test('what is written is read, and its meta.json counts it', async () => {
  const { ulid: name, files } = await made(three, { maxT: 10_000, compaction: { level: 2, sources: [ulid] } })
  const block = await openFiles(name, files)
  await block.verify()
  expect(await everything(block.querier())).toEqual({
    a: '0:-0 9999:NaN',
    b: '5:Infinity',
    'b{x="1"}': '1000:1 2000:2.5 3000:stale',
  })
  expect(block.meta).toEqual({
    ulid,
    minTime: 0,
    maxTime: 10_000,
    stats: { numSamples: 6, numFloatSamples: 6, numSeries: 3, numChunks: 3 },
    compaction: { level: 2, sources: [ulid] },
    version: 1,
  })
  expect(block.bytes).toBe([...files.values()].reduce((sum, bytes) => sum + bytes.length, 0))
})

test('it can be opened and checked before it is published, and nobody else sees it', async () => {
  const disk = new MemoryDisk()
  await writeBlock(disk, spec, madeSeries(three))
  expect(await disk.list('')).toEqual([])
  const block = await openBlock(shelfOf(disk), staging)
  await block.verify()
  expect(Object.keys(await everything(block.querier()))).toHaveLength(3)
})

test('a block without series is a block', async () => {
  const { ulid: name, files } = await made([['a', {}, []]])
  const block = await openFiles(name, files)
  await block.verify()
  expect(block.files.map(file => file.path)).toEqual(['meta.json', 'index', 'tombstones'])
  expect(await everything(block.querier())).toEqual({})
  expect(block.meta.stats).toEqual({ numSamples: 0, numSeries: 0, numChunks: 0 })
})

test('others get their turn while the index is written, and the bytes are the same', async () => {
  const many = Array.from({ length: 5000 }, (_, i): Made => ['m', { i: String((i * 7919) % 5003) }, [[5, i]]])
  const hurried = await made(many)
  const disk = new MemoryDisk()
  const host = new FakeHost()
  let now = 0
  let turns = 0
  host.monotonic = () => (now += 1)
  host.yield = () => {
    turns++
    return Promise.resolve()
  }
  await writeBlock(disk, { ulid, minT: 0, maxT: 1e6 }, madeSeries(many), new Pace(host))
  await disk.publish([{ from: staging, to: ulid }])
  // A look at the clock for each series, and five for each 64 of them in the index: an eighth of them are turns.
  expect(turns).toBeGreaterThan((5000 + (5 * 5000) / 64) / 10)
  for (const [path, bytes] of hurried.files) expectSameBytes(await disk.read(`${ulid}/${path}`), bytes)
})

describe('nothing is left of a block', () => {
  const large = Array.from({ length: 300 }, (_, i): Made => {
    return [
      'm',
      { i: String(i).padStart(3, '0') },
      Array.from({ length: 9 }, (_, k) => [k * 1000, Math.sin(k + i)]),
    ]
  })

  test('when the disk is full, wherever that happens', async () => {
    const enough = new MemoryDisk()
    await writeBlock(enough, spec, madeSeries(large))
    await enough.publish([{ from: staging, to: ulid }])
    for (let capacity = 0; capacity < enough.used; capacity += Math.ceil(enough.used / 40)) {
      const disk = new MemoryDisk({ capacity })
      await expect(writeBlock(disk, spec, madeSeries(large))).rejects.toThrow(DiskFullError)
      expect(disk.used).toBe(0)
    }
  })

  test('when it is given up', async () => {
    const disk = new MemoryDisk()
    const controller = new AbortController()
    async function* ending() {
      for await (const one of madeSeries(large)) {
        yield one
        controller.abort(new Error('enough'))
      }
    }
    await expect(
      writeBlock(disk, spec, ending(), new Pace(new FakeHost(), controller.signal)),
    ).rejects.toThrow('enough')
    expect(disk.used).toBe(0)
  })

  test.each([
    ['series out of order', [series('b'), series('a')], 'series are not in label order'],
    ['a series twice', [series('a'), series('a')], 'series are not in label order'],
  ])('with %s', async (_, labels, message) => {
    async function* wrong(): AsyncGenerator<SeriesChunks> {
      for (const one of labels) yield { labels: one, chunks: [chunkOf([[1000, 1]])] }
    }
    const disk = new MemoryDisk()
    await expect(writeBlock(disk, spec, wrong())).rejects.toThrow(message)
    expect(disk.used).toBe(0)
  })

  test.each([
    [
      'overlap',
      [
        [1000, 2000],
        [2000, 3000],
      ],
      'chunks of a series overlap',
    ],
    ['lie behind the block', [[1000, 10_000]], 'is outside its block'],
    ['lie in front of the block', [[-1, 10]], 'is outside its block'],
  ])('whose chunks %s', async (_, times, message) => {
    async function* wrong(): AsyncGenerator<SeriesChunks> {
      yield {
        labels: series('a'),
        chunks: times.map(([a, b]) =>
          chunkOf([
            [a!, 1],
            [b!, 2],
          ]),
        ),
      }
    }
    await expect(writeBlock(new MemoryDisk(), spec, wrong())).rejects.toThrow(message)
  })
})
