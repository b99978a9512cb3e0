import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { parseMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { markFailed, merged } from '../../../../src/engine/tsdb/compact/meta.ts'
import { metasOf, ulidOf } from './metas.ts'

describe('what blocks become', () => {
  test('covers all of them, one level up, with each source once and all parents', () => {
    const [a, b, c] = metasOf('2:20-40L2 1:0-20 3:10-70L3')
    const twice = { ...c!, compaction: { ...c!.compaction, sources: ['9', '1', '3'].map(ulidOf) } }
    expect(merged([a!, b!, twice])).toEqual({
      minTime: 0,
      maxTime: 70,
      compaction: {
        level: 4,
        sources: ['1', '2', '3', '9'].map(ulidOf),
        parents: [
          { ulid: ulidOf('2'), minTime: 20, maxTime: 40 },
          { ulid: ulidOf('1'), minTime: 0, maxTime: 20 },
          { ulid: ulidOf('3'), minTime: 10, maxTime: 70 },
        ],
      },
    })
  })

  test('has neither failed nor is it to be deleted, and its tombstones are gone', () => {
    const { compaction } = merged(metasOf('1:0-20! 2:20-40x†1/2'))
    expect(Object.keys(compaction)).toEqual(['level', 'sources', 'parents'])
  })

  test.each([
    ['1:0-20~ooo', ['from-out-of-order']],
    ['1:0-20~ooo 2:0-20~ooo', ['from-out-of-order']],
    ['1:0-20~ooo 2:0-20', undefined],
    ['1:0-20~stale 2:0-20', ['from-stale-series']],
    ['1:0-20~selected 2:0-20', ['from-selected-series']],
    ['1:0-20~stale~ooo 2:0-20~ooo', ['from-out-of-order', 'from-stale-series']],
    ['1:0-20~stale 2:0-20~selected', ['from-selected-series', 'from-stale-series']],
  ])('of %s has the hints %j', (blocks, hints) => {
    expect(merged(metasOf(blocks)).compaction.hints).toEqual(hints)
  })
})

test('that a compaction failed is noted in the meta.json of each block', async () => {
  const disk = new MemoryDisk()
  const metas = metasOf('1:0-20 2:20-40L2')
  await markFailed(disk, metas)
  for (const meta of metas) {
    const found = parseMeta(await disk.read(`${meta.ulid}/meta.json`))
    expect(found.compaction).toMatchObject({ failed: true, level: meta.compaction.level })
    expect(found.stats.numSamples).toBe(1)
  }
})
