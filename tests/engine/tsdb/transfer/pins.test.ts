import { describe, expect, test } from 'vitest'
import { DiskFullError } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { openPins } from '../../../../src/engine/tsdb/transfer/pins.ts'
import { utf8 } from '../../archive/files.ts'

const [a, b, c] = [
  '01J0000000000000000000000A',
  '01J0000000000000000000000B',
  '01J0000000000000000000000C',
] as const
const all = [a, b, c]

async function pinnedIn(disk: MemoryDisk, present: readonly string[] = all): Promise<string[]> {
  const pins = await openPins(disk, present)
  return all.filter(ulid => pins.has(ulid))
}

test('nothing is pinned at first', async () => {
  expect(await pinnedIn(new MemoryDisk())).toEqual([])
})

test('pins outlive a power cut', async () => {
  const disk = new MemoryDisk()
  const pins = await openPins(disk, all)
  await pins.set([a, c], true)
  await pins.set([a], false)
  expect(await pinnedIn(disk.crash('power'))).toEqual([c])
})

test('changes at the same time are all made', async () => {
  const disk = new MemoryDisk()
  const pins = await openPins(disk, all)
  await Promise.all([pins.set([a], true), pins.set([b], true), pins.set([c], true), pins.set([b], false)])
  expect(await pinnedIn(disk)).toEqual([a, c])
})

test('pins of blocks that are gone are forgotten', async () => {
  const disk = new MemoryDisk()
  await (await openPins(disk, all)).set(all, true)
  expect(await pinnedIn(disk, [b])).toEqual([b])
})

test('what changes nothing is not written', async () => {
  const disk = new MemoryDisk()
  await (await openPins(disk, all)).set([a, b], false)
  expect(await disk.list('')).toEqual([])
})

test('a pin that cannot be written is not set, and the next one can be', async () => {
  const disk = new MemoryDisk({ capacity: 10 })
  const pins = await openPins(disk, all)
  await expect(pins.set([a], true)).rejects.toBeInstanceOf(DiskFullError)
  expect(pins.has(a)).toBe(false)
  disk.capacity = 1000
  await pins.set([b], true)
  expect(await pinnedIn(disk)).toEqual([b])
})

describe('a damaged file', () => {
  test.each([
    ['', 'want JSON'],
    ['{"pinned":', 'want JSON'],
    ['null', 'want {"pinned":[…ULIDs]}, have null'],
    ['[]', 'have []'],
    ['{"pinned":"01J0000000000000000000000A"}', 'have {"pinned":"01J'],
    ['{"pinned":[1]}', 'have {"pinned":[1]}'],
    ['{"pinned":["../wal"]}', 'have {"pinned":["../wal"]}'],
  ])('of %j pins all blocks', async (text, damage) => {
    const disk = new MemoryDisk()
    await disk.write('brazier/pinned.json', utf8(text))
    const pins = await openPins(disk, [a, b])
    expect(pins.damage).toContain(`brazier/pinned.json: `)
    expect(pins.damage).toContain(damage)
    expect(all.map(ulid => pins.has(ulid))).toEqual([true, true, false])
  })

  test('is whole after the next change', async () => {
    const disk = new MemoryDisk()
    await disk.write('brazier/pinned.json', utf8('?'))
    await (await openPins(disk, [a, b])).set([a], false)
    const pins = await openPins(disk, all)
    expect(pins.damage).toBeNull()
    expect(all.map(ulid => pins.has(ulid))).toEqual([false, true, false])
  })
})
