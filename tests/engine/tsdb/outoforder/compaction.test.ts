import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { histogram } from './lateseries.ts'
import { chunkRangeMs, compactionSteps, hour, LateStore } from './latestore.ts'

// The whole way of a late sample: appender, log, blocks; and the power that fails on every step of it.

const noon = Math.floor(1_700_000_000_000 / chunkRangeMs) * chunkRangeMs

/** A store with a series of six hours to now, and late samples. */
async function filled(disk: MemoryDisk): Promise<LateStore> {
  const store = await LateStore.open(disk, 4)
  await store.put('up', [noon - 6 * hour, 1], [noon - 10, 2], [noon, 3])
  for (let i = 1; i <= 9; i++) await store.put('up', [noon - i * hour, i])
  await store.put('up', [noon - 5, histogram(3)], [noon - 4, histogram(2)], [noon - 3, 7])
  await store.put('only_late', [noon - 20 * hour, 1], [noon - 3 * hour, 2])
  await store.sync()
  return store
}

const expected = {
  only_late: [`${noon - 20 * hour}:1`, `${noon - 3 * hour}:2`],
  up: [
    ...[9, 8, 7].map(i => `${noon - i * hour}:${i}`),
    `${noon - 6 * hour}:1`,
    ...[5, 4, 3, 2, 1].map(i => `${noon - i * hour}:${i}`),
    `${noon - 10}:2`,
    `${noon - 5}:integer 3`,
    `${noon - 4}:integer 2`,
    `${noon - 3}:7`,
    `${noon}:3`,
  ],
}

test('late samples are seen between the others, of one time the one that came in order', async () => {
  const store = await filled(new MemoryDisk())
  expect(await store.everything()).toEqual(expected)
})

test('the blocks of a compaction are aligned, and have what is not in the head', async () => {
  const store = await filled(new MemoryDisk())
  await store.compact()
  expect(store.late.empty).toBe(true)
  expect(store.blocks.map(({ meta }) => (noon - meta.minTime) / chunkRangeMs)).toEqual([10, 5, 4, 3, 2, 1])
  for (const { meta } of store.blocks) expect(meta.maxTime - meta.minTime).toBe(chunkRangeMs)
  expect(await store.everything()).toEqual(expected)
  // Its samples are all in blocks.
  expect(store.head.seriesCount).toBe(1)
})

describe.each(['process', 'power'] as const)('a crash (%s)', kind => {
  test.each(compactionSteps)(
    'after step "%s" of a compaction loses nothing and doubles nothing',
    async step => {
      for (let seed = 1; seed <= 5; seed++) {
        const disk = new MemoryDisk()
        const store = await filled(disk)
        await store.compact(step)
        const random = chance(seed)
        const found = disk.crash(kind, random)
        const again = await LateStore.open(found, 4)
        expect(again.damages).toEqual([])
        expect(await again.everything()).toEqual(expected)
        await again.compact()
        expect(await again.everything()).toEqual(expected)
        const third = await LateStore.open(found.crash(kind, random), 4)
        expect(await third.everything()).toEqual(expected)
      }
    },
  )

  test('keeps what was committed while blocks were made', async () => {
    const disk = new MemoryDisk()
    const store = await filled(disk)
    const late = store.appender()
    late.append(late.series(['__name__', 'slow']), noon - 7 * hour, 42)
    const compacting = store.compact()
    // The log may be cut before this is in it, or behind it.
    await late.commit()
    await store.put('up', [noon - 30, 8])
    await compacting
    await store.put('up', [noon - 20, 9])
    await store.sync()
    const again = await LateStore.open(disk.crash(kind, chance(1)), 4)
    const all = await again.everything()
    expect(all['slow']).toEqual([`${noon - 7 * hour}:42`])
    expect(all['up']).toEqual(expect.arrayContaining([`${noon - 30}:8`, `${noon - 20}:9`]))
  })
})

test('a series of which only late samples are left stays until those are in a block', async () => {
  const disk = new MemoryDisk()
  const store = await filled(disk)
  store.head.truncate(noon + 1)
  expect(Object.keys(await store.everything())).toEqual(['only_late', 'up'])
  const late = store.late.querier(store.head)
  expect(await late.labelValues('__name__', [], { minT: 0, maxT: noon })).toEqual(['only_late', 'up'])
  await store.compact()
  expect(store.head.seriesCount).toBe(0)
  expect(Object.keys(await store.everything())).toEqual(['only_late', 'up'])
})

test('a deletion in the head does not concern what came out of order', async () => {
  const store = await filled(new MemoryDisk())
  const before = await store.everything()
  const late = Object.keys(before).filter(name => name !== 'up')
  store.head.applyTombstones(store.head.delete([], { minT: noon - 3 * hour, maxT: noon - 2 * hour }))
  const after = await store.everything()
  for (const name of late) expect(after[name]).toEqual(before[name])
  await store.compact()
  expect(await store.everything()).toEqual(after)
})

function chance(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}
