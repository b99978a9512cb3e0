import { describe, expect, test } from 'vitest'
import type { Disk } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import { retained } from '../../../../src/engine/tsdb/compact/retention.ts'
import { MergedQuerier } from '../../../../src/engine/tsdb/merge.ts'
import { made, shelfOf, type Made } from '../block/blockdisk.ts'
import { everything } from '../reading.ts'
import { bury, compacted, handled, openAll } from './compacting.ts'
import { ulidOf } from './metas.ts'

const parents = ['1', '2', '3'].map(ulidOf)
const child = ulidOf('9')

async function diskWithParents(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  for (const [i, ulid] of parents.entries()) {
    const from = 8 * i
    const samples = Array.from({ length: 12 }, (_, k) => [from + k, 100 * i + k] as const)
    const series: Made[] = ['a', 'b'].map(name => [name, { i: String(i % 2) }, samples])
    await made(series, { ulid, minT: from, maxT: from + 12 }, disk)
  }
  await bury(disk, parents[1]!, { 'a{i="1"}': [[10, 14]] })
  return disk
}

/** Compacts as a store does: the new block is published, then its parents go. */
async function compactAndClear(disk: Disk): Promise<void> {
  await compacted(disk, parents, child)
  for (const parent of parents) await disk.removeFolder(parent)
}

async function answers(disk: Disk): Promise<Record<string, string>> {
  const blocks = await openAll(shelfOf(disk), (await disk.list('')).filter(isUlid))
  for (const block of blocks) await block.verify()
  const gone = retained(
    blocks.map(block => block.meta),
    { retentionMs: null, maxBytes: null, bytesOf: () => 0 },
  )
  const left = blocks.filter(block => !gone.includes(block.meta.ulid))
  return everything(new MergedQuerier(left.map(block => block.querier())))
}

const dead = new Error('the disk is dead')

/** Runs it on a disk whose n-th operation fails, before or after it took effect, and with `forGood` all later ones. */
async function failing(
  disk: MemoryDisk,
  n: number,
  moment: 'before' | 'after',
  forGood: boolean,
): Promise<{ operations: number; error: unknown }> {
  let count = 0
  const hand = async (_: string, act: () => Promise<unknown>): Promise<unknown> => {
    count++
    const fails = count === n || (forGood && count > n)
    if (fails && (moment === 'before' || count > n)) throw dead
    const result = await act()
    if (!fails) return result
    // A file that could not be created is not open.
    if (result !== undefined && typeof result === 'object' && result !== null && 'abort' in result) {
      await (result as { abort: () => Promise<void> }).abort()
    }
    throw dead
  }
  const error = await compactAndClear(handled<Disk>(disk, hand)).then(
    () => null,
    (error: unknown) => error,
  )
  return { operations: count, error }
}

describe.each(['before', 'after'] as const)('at every operation of the disk, %s it took effect', moment => {
  test('a death leaves every sample, once, and no half block', async () => {
    const wanted = await answers(await diskWithParents())
    const { operations } = await failing(await diskWithParents(), Infinity, moment, true)
    const found = new Set<string>()
    for (let n = 1; n <= operations; n++) {
      const disk = await diskWithParents()
      expect((await failing(disk, n, moment, true)).error).toBe(dead)
      const after = disk.crash('process')
      expect(await answers(after)).toEqual(wanted)
      const names = await after.list('')
      expect(names.every(isUlid)).toBe(true)
      found.add(names.map(name => name.replace(/^0+/, '')).join(' '))
      // Nothing stands in the way of another try.
      if (!names.includes(child)) await compactAndClear(after)
      expect(await answers(after)).toEqual(wanted)
    }
    expect([...found]).toEqual(
      moment === 'before' ? ['1 2 3', '1 2 3 9', '2 3 9', '3 9'] : ['1 2 3', '1 2 3 9', '2 3 9', '3 9', '9'],
    )
  })

  test('a failure leaves what was there, or has made the new block', async () => {
    const wanted = await answers(await diskWithParents())
    const { operations } = await failing(await diskWithParents(), Infinity, moment, false)
    for (let n = 1; n <= operations; n++) {
      const disk = await diskWithParents()
      const before = disk.used
      expect((await failing(disk, n, moment, false)).error).toBe(dead)
      expect(await answers(disk)).toEqual(wanted)
      if (!(await disk.list('')).includes(child)) {
        expect(disk.used - (await stagedBytes(disk))).toBe(before)
        await compactAndClear(disk)
        expect(await disk.list('')).toEqual([child])
      }
    }
  })
})

/** Of a block that is complete and could not be published. */
async function stagedBytes(disk: MemoryDisk): Promise<number> {
  const used = disk.used
  await disk.removeFolder(`${child}.tmp-for-creation`)
  return used - disk.used
}
