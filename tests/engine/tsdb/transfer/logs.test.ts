import { beforeAll, describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { ImportError } from '../../../../src/engine/model/errors.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { MergedQuerier } from '../../../../src/engine/tsdb/merge.ts'
import {
  encodeExemplars,
  encodeMarkers,
  encodeMetadata,
  encodeTombstones,
} from '../../../../src/engine/tsdb/wal/records.ts'
import { utf8, type Files } from '../../archive/files.ts'
import { made, shelfOf } from '../block/blockdisk.ts'
import { everything } from '../store.ts'
import { archiveOf, chunkRangeMs, folderOf, Store, ulids } from './blocks.ts'
import { chunkFiles, logFiles, samplesRecord, seriesRecord, under } from './logs.ts'

const minute = 60_000

interface Outcome {
  /** Series → "t:value" … of all blocks together. */
  readonly samples: Record<string, string>
  /** "minT-maxT level hints" by their ULIDs. */
  readonly blocks: readonly string[]
  readonly remarks: readonly string[]
  readonly store: Store
}

async function outcome(files: Files, store?: Store): Promise<Outcome> {
  const into = store ?? (await Store.open())
  const { published, remarks } = await into.take(await archiveOf(files))
  const blocks = await Promise.all(published.map(ulid => openBlock(shelfOf(into.disk), ulid)))
  for (const { meta } of blocks) {
    expect(into.pins.has(meta.ulid)).toBe(true)
    into.metas.set(meta.ulid, meta)
  }
  const samples = await everything(new MergedQuerier(blocks.map(block => block.querier())))
  const told = blocks.map(({ meta: { minTime, maxTime, compaction } }) =>
    [`${minTime}-${maxTime}`, compaction.level, ...(compaction.hints ?? [])].join(' '),
  )
  return { samples, blocks: told.sort(), remarks, store: into }
}

/** A block's files with the samples of one series, one each minute from `from` on. */
async function blockOf(ulid: string, from: number, count: number): Promise<Files> {
  const samples = Array.from({ length: count }, (_, i) => [from + i * minute, 7] as const)
  const { files } = await made([['a', {}, samples]], { ulid, minT: from, maxT: from + count * minute })
  return Object.fromEntries([...files].map(([path, bytes]) => [`${ulid}/${path}`, bytes]))
}

describe('a log', () => {
  test('becomes a block for each range that has samples', async () => {
    const samples = [0, 1, 119, 121, 500].map(i => [1, i * minute, i] as const)
    const files = await logFiles('wal', [
      seriesRecord('a', 'b'),
      samplesRecord(...samples, [2, 500 * minute, 'stale']),
    ])
    const { samples: found, blocks, remarks } = await outcome(under('data', files))
    expect(found).toEqual({
      a: samples.map(([, t, v]) => `${t}:${v}`).join(' '),
      b: `${500 * minute}:stale`,
    })
    expect(blocks).toEqual(
      [
        `0-${chunkRangeMs} 1`,
        `${121 * minute}-${2 * chunkRangeMs} 1`,
        `${500 * minute}-${5 * chunkRangeMs} 1`,
      ].sort(),
    )
    expect(remarks).toEqual([])
  })

  test('gives nothing of what is in blocks already', async () => {
    const files = await logFiles('wal', [
      seriesRecord('a'),
      samplesRecord(...Array.from({ length: 20 }, (_, i) => [1, i * minute, i] as const)),
    ])
    const block = await blockOf(ulids[0], 0, 10)
    const { samples, blocks } = await outcome({ ...under('data', files), ...under('data', block) })
    const times = Array.from({ length: 20 }, (_, i) => `${i * minute}:${i < 10 ? 7 : i}`)
    expect(samples).toEqual({ a: times.join(' ') })
    expect(blocks).toEqual([`0-${10 * minute} 1`, `${10 * minute}-${chunkRangeMs} 1`].sort())
  })

  test('gives what came late as a block that overlaps with others', async () => {
    const files = {
      ...(await logFiles('wal', [
        seriesRecord('a'),
        samplesRecord([1, 20 * minute, 20], [1, 5 * minute, 5]),
      ])),
      ...(await logFiles('wbl', [samplesRecord([1, 5 * minute, 5], [1, 2.5 * minute, 3])])),
      ...(await blockOf(ulids[0], 0, 5)),
    }
    const { samples, blocks } = await outcome(files)
    const first = ['0:7', '60000:7', '120000:7', '150000:3', '180000:7', '240000:7']
    expect(samples).toEqual({ a: [...first, `${5 * minute}:5`, `${20 * minute}:20`].join(' ') })
    expect(blocks).toEqual(
      [
        `0-${5 * minute} 1`,
        `0-${chunkRangeMs} 1 from-out-of-order`,
        `${20 * minute}-${chunkRangeMs} 1`,
      ].sort(),
    )
  })

  test('is completed by the chunks of the head, but for what came out of order: its log has all of it', async () => {
    const files = {
      ...(await chunkFiles(
        [1, 'in order', [minute, 1], [2 * minute, 2]],
        [1, 'out of order', [10, 4], [20, 5]],
      )),
      ...(await logFiles('wal', [seriesRecord('a'), samplesRecord([1, 2 * minute, 9], [1, 3 * minute, 3])])),
      ...(await logFiles('wbl', [
        samplesRecord([1, 10, 4], [1, 30, 6]),
        encodeMarkers([{ ref: 1, chunkRef: 1 }]),
      ])),
    }
    const { samples } = await outcome(files)
    expect(samples).toEqual({ a: `10:4 30:6 ${minute}:1 ${2 * minute}:2 ${3 * minute}:3` })
  })

  test('does not bring back what was deleted', async () => {
    const records = [
      seriesRecord('a', 'b'),
      samplesRecord([1, 1, 1], [1, 2, 2], [1, 3, 3], [2, 1, 1]),
      encodeTombstones([
        { ref: 1, minT: 2, maxT: 2 },
        { ref: 2, minT: 0, maxT: 9 },
      ]),
    ]
    const { samples } = await outcome(await logFiles('wal', records))
    expect(samples).toEqual({ a: '1:1 3:3' })
  })

  test('without samples gives no block', async () => {
    const disk = new MemoryDisk()
    const files = await logFiles('wal', [seriesRecord('a')])
    const { blocks, remarks } = await outcome(files, await Store.open(disk))
    expect(blocks).toEqual([])
    expect(remarks).toEqual([])
    expect(disk.used).toBe(0)
  })

  test('that comes again is known', async () => {
    const files = under('data', {
      ...(await logFiles('wal', [seriesRecord('a'), samplesRecord([1, minute, 1])])),
      ...(await logFiles('wbl', [samplesRecord([1, 1, 0])])),
    })
    const { store, blocks } = await outcome(files)
    expect(blocks).toHaveLength(2)
    const again = await store.take(folderOf(files))
    expect(again).toEqual({ published: [], known: [...store.metas.keys()].sort(), remarks: [] })
    // In another place, too; but not when it has grown.
    expect((await store.take(folderOf(under('x', files)))).published).toEqual([])
    const grown = await logFiles('wal', [
      seriesRecord('a'),
      samplesRecord([1, minute, 1], [1, 2 * minute, 2]),
    ])
    expect((await store.take(folderOf(grown))).published).toHaveLength(1)
  })

  test('of more ranges than any head has is refused', async () => {
    const samples = Array.from({ length: 1001 }, (_, i) => [1, i * chunkRangeMs, i] as const)
    const files = await logFiles('wal', [seriesRecord('a'), samplesRecord(...samples)])
    const disk = new MemoryDisk()
    const store = await Store.open(disk)
    const error = await store.take(await archiveOf(under('data', files))).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ImportError)
    expect((error as Error).message).toBe(
      'blocks.zip: data/wal: want samples for at most 1000 blocks, have more',
    )
    expect(disk.used).toBe(0)
  })
})

describe('what is left out is told', () => {
  test('exemplars, metadata, and samples of no series', async () => {
    const records = [
      seriesRecord('a'),
      samplesRecord([1, 1, 1], [5, 1, 1], [5, 2, 1]),
      encodeExemplars([{ ref: 1, t: 1, v: 1, labels: ['trace_id', 'x'] }]),
      encodeMetadata([{ ref: 1, metadata: { type: 'gauge', unit: '', help: 'A.' } }]),
      encodeMetadata([{ ref: 1, metadata: { type: 'gauge', unit: '', help: 'B.' } }]),
      Uint8Array.of(99, 1, 2),
    ]
    const { samples, remarks } = await outcome(under('data', await logFiles('wal', records)))
    expect(samples).toEqual({ a: '1:1' })
    expect(remarks).toEqual([
      'data/wal: samples left out, because it does not say of which series they are: 2',
      'data/wal: exemplars left out, because blocks have none: 1',
      'data/wal: series whose metadata is left out, because blocks have none: 1',
      'data/wal: records left out, of kinds that nobody here knows: 1',
    ])
  })

  test.each([
    ['wal/00000001', 'data/wal/00000001: '],
    ['wbl/00000000', 'data/wbl/00000000: '],
    ['chunks_head/000001', 'data/chunks_head/000001: '],
  ])('what is damaged in %s, with its place', async (path, place) => {
    const files: Record<string, Uint8Array> = {
      ...(await logFiles(
        'wal',
        [seriesRecord('a'), samplesRecord([1, 100, 1])],
        [samplesRecord([1, 200, 2])],
        [samplesRecord([1, 300, 3])],
      )),
      ...(await logFiles('wbl', [samplesRecord([1, 10, 1])])),
      ...(await chunkFiles([1, 'in order', [100, 1]])),
    }
    const bytes = files[path]!.slice()
    bytes[12]! ^= 0xff
    const { samples, remarks } = await outcome(under('data', { ...files, [path]: bytes }))
    expect(remarks).toHaveLength(1)
    expect(remarks[0]!.startsWith(place)).toBe(true)
    expect(remarks[0]).toMatch(/want .*, have /)
    expect(remarks[0]).not.toContain('tmp-for-creation')
    expect(samples['a']).toMatch(
      path.startsWith('wal')
        ? /^10:1 100:1$/
        : path.startsWith('wbl')
          ? /^100:1 200:2 300:3$/
          : /^10:1 100:1 200:2 300:3$/,
    )
  })

  test('segments that are not there', async () => {
    const files = await logFiles(
      'wal',
      [seriesRecord('a'), samplesRecord([1, 100, 1])],
      [samplesRecord([1, 200, 2])],
      [samplesRecord([1, 300, 3])],
    )
    const left = Object.fromEntries(Object.entries(files).filter(([path]) => path !== 'wal/00000001'))
    const { samples, remarks } = await outcome(under('data', left))
    expect(samples).toEqual({ a: '100:1 300:3' })
    expect(remarks).toEqual(['data/wal: segments before 2 are missing'])
  })

  test('but not a record that was being written when its writer died', async () => {
    const files = await logFiles(
      'wal',
      [seriesRecord('a'), samplesRecord([1, 100, 1])],
      [samplesRecord([1, 200, 2])],
    )
    const torn = { ...files, 'wal/00000001': files['wal/00000001']!.subarray(0, 20) }
    const { samples, remarks } = await outcome(torn)
    expect(samples).toEqual({ a: '100:1' })
    expect(remarks).toEqual([])
  })
})

describe('with others', () => {
  let log: Files
  beforeAll(async () => {
    log = await logFiles('wal', [seriesRecord('a'), samplesRecord([1, 20 * minute, 1])])
  })

  test('each data directory stands for itself', async () => {
    const other = await logFiles('wal', [seriesRecord('b'), samplesRecord([1, minute, 2])])
    // What one has as a block the other has not.
    const block = under('y/data', await blockOf(ulids[0], 0, 10))
    const { samples, blocks } = await outcome({ ...under('x/data', log), ...under('z', other), ...block })
    expect(samples).toEqual({
      a: [...Array.from({ length: 10 }, (_, i) => `${i * minute}:7`), `${20 * minute}:1`].join(' '),
      b: `${minute}:2`,
    })
    expect(blocks).toHaveLength(3)
  })

  test('a snapshot in a data directory is left out, whichever comes first', async () => {
    const block = await blockOf(ulids[0], 0, 10)
    const head = await blockOf(ulids[1], 10 * minute, 10)
    const snapshot = under('data/snapshots/20240229T123000Z-0123456789abcdef', { ...block, ...head })
    const directory = under('data', { ...log, ...block })
    for (const files of [
      { ...snapshot, ...directory },
      { ...directory, ...snapshot },
    ]) {
      const { samples, blocks, remarks } = await outcome(files)
      expect(samples['a']!.split(' ')).toHaveLength(11)
      expect(blocks).toHaveLength(2)
      expect(remarks).toEqual([
        'data/snapshots/20240229T123000Z-0123456789abcdef was left out, because it repeats what is beside it; alone it can be imported',
      ])
    }
    expect((await outcome(snapshot)).blocks).toHaveLength(2)
  })

  test('a damaged block refuses everything', async () => {
    const block = await blockOf(ulids[0], 0, 10)
    const bytes = block[`${ulids[0]}/index`]!.slice()
    bytes[70]! ^= 0xff
    const disk = new MemoryDisk()
    const store = await Store.open(disk)
    const all = { ...log, ...block, [`${ulids[0]}/index`]: bytes }
    await expect(store.take(await archiveOf(all))).rejects.toThrow(`blocks.zip: ${ulids[0]}/index: want `)
    expect(disk.used).toBe(0)
  })

  test('what only looks like a log is not touched', async () => {
    const others = {
      'wal/notes': utf8('x'),
      'wal/checkpoint.00000001.tmp/00000000': utf8('x'),
      'chunk_snapshot.000001.0000000000/00000000': utf8('x'),
    }
    const { samples, remarks } = await outcome({ ...others, ...log })
    expect(samples).toEqual({ a: `${20 * minute}:1` })
    expect(remarks).toEqual([])
  })
})

describe('text', () => {
  const source = (text: string) => ({ kind: 'text', name: 'samples.txt', bytes: new Blob([text]) }) as const

  test('becomes blocks', async () => {
    const store = await Store.open()
    const { published, known, remarks } = await store.take(
      source('# TYPE a gauge\na 1 1\na 2 10000\n# EOF\n'),
    )
    expect({ known, remarks }).toEqual({ known: [], remarks: [] })
    expect(published.map(ulid => store.pins.has(ulid))).toEqual([true, true])
    const blocks = await Promise.all(published.map(ulid => openBlock(shelfOf(store.disk), ulid)))
    const samples = await everything(new MergedQuerier(blocks.map(block => block.querier())))
    expect(samples).toEqual({ a: '1000:1 10000000:2' })
  })

  test.each([
    ['# EOF\n', 'samples.txt: want samples, have none'],
    ['a 1\n# EOF\n', 'samples.txt: line 1'],
    ['a 1 1\n', 'samples.txt: line 2'],
  ])('%j is refused, and nothing is left', async (text, message) => {
    const disk = new MemoryDisk()
    const store = await Store.open(disk)
    const error = await store.take(source(text)).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ImportError)
    expect((error as Error).message).toContain(message)
    expect(disk.used).toBe(0)
  })
})
