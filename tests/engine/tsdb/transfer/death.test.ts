import { beforeAll, describe, expect, test } from 'vitest'
import type { ArchiveFormat, ImportSource } from '../../../../src/engine/model/blocks.ts'
import type { Disk, FileWriter } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { shelfOf } from '../block/blockdisk.ts'
import { archiveOf, blockFiles, published, Store, ulids } from './blocks.ts'
import { logFiles, samplesRecord, seriesRecord } from './logs.ts'

/** A data directory with a block and logs, of which two more are made. */
const sources: Partial<Record<ArchiveFormat, ImportSource>> = {}
let whole: Record<string, string> = {}
let names: string[] = []
beforeAll(async () => {
  const files = {
    ...(await blockFiles(ulids[0])),
    ...(await logFiles('wal', [seriesRecord('a'), samplesRecord([1, 2_000_000, 1])])),
    ...(await logFiles('wbl', [samplesRecord([1, 5, 1])])),
  }
  for (const format of ['zip', 'tar.gz'] as const) sources[format] = await archiveOf(files, format)
  const store = await Store.open()
  names = [...(await store.take(sources.zip!)).published]
  whole = await published(store.disk)
  expect(names).toHaveLength(3)
})

/** A disk whose operations pass through a hand that may let them fail before or after they took effect. */
function handled(disk: MemoryDisk, hand: <T>(act: () => Promise<T>) => Promise<T>): Disk {
  const writer = (file: FileWriter): FileWriter => ({
    write: bytes => hand(() => file.write(bytes)),
    close: () => hand(() => file.close()),
    abort: () => hand(() => file.abort()),
  })
  return {
    list: folder => hand(() => disk.list(folder)),
    size: path => hand(() => disk.size(path)),
    read: (path, from, to) => hand(() => disk.read(path, from, to)),
    append: (path, at, bytes, durability) => hand(() => disk.append(path, at, bytes, durability)),
    truncate: (path, size) => hand(() => disk.truncate(path, size)),
    write: (path, bytes) => hand(() => disk.write(path, bytes)),
    remove: path => hand(() => disk.remove(path)),
    create: async path => {
      const created: FileWriter[] = []
      try {
        return writer(await hand(() => disk.create(path).then(file => (created.push(file), file))))
      } catch (error) {
        // A disk that could not create a file keeps nothing open.
        for (const file of created) await file.abort()
        throw error
      }
    },
    publish: moves => hand(() => disk.publish(moves)),
    removeFolder: folder => hand(() => disk.removeFolder(folder)),
    close: () => hand(() => disk.close()),
  }
}

const when = ['before', 'after'] as const
type When = (typeof when)[number]

/** Runs an import in which something happens at the n-th operation of the disk; n counts from 1. Answers how many
 *  operations there were. */
async function importing(
  disk: MemoryDisk,
  at: (n: number) => { before?: () => void; after?: () => void },
  format: 'zip' | 'tar.gz' = 'zip',
  signal?: AbortSignal,
): Promise<{ operations: number; error: unknown; store: Store }> {
  let n = 0
  let opened = false
  const hand = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!opened) return act()
    const { before, after } = at(++n)
    before?.()
    const result = await act()
    after?.()
    return result
  }
  const store = await Store.open(handled(disk, hand))
  opened = true
  const error = await store
    .take(sources[format]!, () => undefined, signal)
    .then(
      () => null,
      (error: unknown) => error,
    )
  return { operations: n, error, store }
}

function failing(moment: When, failure: Error) {
  return {
    [moment]: () => {
      throw failure
    },
  }
}

async function operations(): Promise<number> {
  const { operations, error } = await importing(new MemoryDisk(), () => ({}))
  expect(error).toBeNull()
  return operations
}

describe.each(when)('at every operation of the disk, %s it took effect', moment => {
  test('a killed import is there whole or not at all, and never without its pin', async () => {
    const total = await operations()
    const found = new Set<number>()
    for (let n = 1; n <= total; n++) {
      const disk = new MemoryDisk()
      // Nothing that comes later reaches the disk.
      const { error } = await importing(disk, i => (i >= n ? failing(i > n ? 'before' : moment, dead) : {}))
      expect(error).toBe(dead)
      const after = disk.crash('process')
      const store = await Store.open(after)
      const left = await published(after)
      const blocks = names.filter(ulid => Object.keys(left).some(path => path.startsWith(ulid)))
      found.add(blocks.length)
      expect(left).toEqual(blocks.length === 0 ? {} : whole)
      for (const ulid of blocks) {
        expect(store.pins.has(ulid)).toBe(true)
        await (await openBlock(shelfOf(after), ulid)).verify()
      }
      // What is left does not stand in the way of another try.
      if (blocks.length === 0) {
        expect((await store.take(sources.zip!)).published).toEqual(names)
        expect(await published(after)).toEqual(whole)
      }
    }
    expect(found).toEqual(new Set(moment === 'after' ? [0, 3] : [0]))
  })

  test('an import that fails once leaves nothing, and the error is that of the disk', async () => {
    const total = await operations()
    for (let n = 1; n <= total; n++) {
      const disk = new MemoryDisk()
      const { error, store } = await importing(disk, i => (i === n ? failing(moment, dead) : {}))
      expect(error).toBe(dead)
      expect(await disk.list('')).toEqual((await disk.list('brazier')).length > 0 ? ['brazier'] : [])
      expect(names.map(ulid => store.pins.has(ulid))).toEqual([false, false, false])
      // A file of pins is all that may be there.
      expect(disk.used).toBeLessThan(120)
      expect((await (await Store.open(disk)).take(sources.zip!)).published).toEqual(names)
    }
  })
})

test.each(['zip', 'tar.gz'] as const)(
  'a %s import that is given up at any moment leaves nothing',
  async format => {
    const total = await operations()
    const reason = new Error('given up')
    let late = 0
    for (let n = 1; n <= total; n++) {
      const disk = new MemoryDisk()
      const stop = new AbortController()
      const at = (i: number) => (i === n ? { before: () => stop.abort(reason) } : {})
      const { error } = await importing(disk, at, format, stop.signal)
      if (error === null) {
        // Publishing had begun: then it is done.
        late++
        expect(await published(disk)).toEqual(whole)
      } else {
        expect(error).toBe(reason)
        expect(disk.used).toBe(0)
      }
    }
    expect(late).toBe(2)
  },
)

const dead = new Error('the disk is dead')
