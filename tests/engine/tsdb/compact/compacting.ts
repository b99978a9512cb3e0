import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { decodeXor, xorCount } from '../../../../src/engine/chunks/xor.ts'
import { stagingSuffix, type Disk, type FileWriter } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import type { Host } from '../../../../src/engine/model/host.ts'
import { formatLabels } from '../../../../src/engine/model/labels.ts'
import { openBlock, type Block, type BlockShelf } from '../../../../src/engine/tsdb/block/block.ts'
import type { BlockMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { formatTombstones, Tombstones } from '../../../../src/engine/tsdb/block/tombstones.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import type { SeriesChunks } from '../../../../src/engine/tsdb/block/writer.ts'
import { compact } from '../../../../src/engine/tsdb/compact/compactor.ts'
import { plan } from '../../../../src/engine/tsdb/compact/plan.ts'
import { FakeHost } from '../../../fakehost.ts'
import { allSeries, partsOf, rawSeries, shelfOf } from '../block/blockdisk.ts'

// Blocks, the compactor, and what comes out of it.

export function openAll(shelf: BlockShelf, ulids: readonly string[]): Promise<Block[]> {
  return Promise.all(ulids.map(ulid => openBlock(shelf, ulid)))
}

/** Merges published blocks into one that is published, too, and checks it; the others stay. Null when it would be
 *  empty. */
export async function compacted(
  disk: Disk,
  ulids: readonly string[],
  ulid: string,
  host: Host = new FakeHost(),
): Promise<Block | null> {
  const shelf = shelfOf(disk)
  const meta = await compact(shelf, host, await openAll(shelf, ulids), ulid)
  if (meta === null) return null
  await disk.publish([{ from: `${ulid}${stagingSuffix}`, to: ulid }])
  const block = await openBlock(shelf, ulid)
  await block.verify()
  return block
}

/** Plans and merges until there is nothing to do, as a store does; parents go. */
export async function compactAll(disk: Disk, ranges: readonly number[]): Promise<BlockMeta[]> {
  for (let round = 1; ; round++) {
    const blocks = await openAll(shelfOf(disk), (await disk.list('')).filter(isUlid))
    const metas = blocks.map(block => block.meta)
    const parents = plan(metas, { ranges }).map(({ ulid }) => ulid)
    if (parents.length === 0) return metas
    await compacted(disk, parents, `01JC0MPACTED${String(round).padStart(14, '0')}`)
    for (const parent of parents) await disk.removeFolder(parent)
  }
}

/** Every series of a block with each of its chunks: its times, and its samples as text with the bits of their values. */
export async function chunksOf(disk: Disk, folder: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for await (const { labels, chunks } of rawSeries(disk, folder)) {
    found[formatLabels(labels)] = chunks.map(chunkText)
  }
  return found
}

function chunkText({ minT, maxT, encoding, bytes }: SeriesChunks['chunks'][number]): string {
  const samples = new SampleColumns()
  decodeXor(bytes, xorCount(bytes), samples)
  const texts = Array.from({ length: samples.count }, (_, i) => {
    return `${samples.t[i]!}:${samples.bits[2 * i + 1]!},${samples.bits[2 * i]!}`
  })
  return `${encoding} ${minT}-${maxT} ${texts.join(' ')}`
}

/** A memory disk with the blocks of a folder of the file system. */
export async function diskOf(folder: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  for (const ulid of readdirSync(folder).filter(isUlid)) {
    const staging = `${ulid}${stagingSuffix}`
    for (const path of readdirSync(join(folder, ulid), { recursive: true }).map(String)) {
      if (!statSync(join(folder, ulid, path)).isFile()) continue
      const file = await disk.create(`${staging}/${path}`)
      await file.write(readFileSync(join(folder, ulid, path)))
      await file.close()
    }
    await disk.publish([{ from: staging, to: ulid }])
  }
  return disk
}

export function copyBlocks(from: string, to: string): void {
  for (const ulid of readdirSync(from).filter(isUlid))
    cpSync(join(from, ulid), join(to, ulid), { recursive: true })
}

/** Deletes closed intervals of a block's series, by the series' names. */
export async function bury(
  disk: Disk,
  ulid: string,
  deleted: Readonly<Record<string, readonly (readonly [minT: number, maxT: number])[]>>,
): Promise<void> {
  const { index } = await partsOf(disk, ulid)
  const stones = (await allSeries(index)).map(({ ref, labels }) => {
    const intervals = deleted[formatLabels(labels)] ?? []
    return [ref, intervals.map(([minT, maxT]) => ({ minT, maxT }))] as const
  })
  await disk.write(`${ulid}/tombstones`, formatTombstones(Tombstones.of(stones)))
}

type Hand = (operation: string, act: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>

/** Hands every operation of a disk, and of the files that it creates, to somebody who may let it fail. It is told as
 *  `read index`. */
export function handled<T extends Disk | FileWriter>(target: T, hand: Hand, path = ''): T {
  return new Proxy(target, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key)
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        const place = typeof args[0] === 'string' ? args[0] : path
        const act = () => member.apply(target, args) as Promise<unknown>
        const result = await hand(`${String(key)} ${basename(place)}`, act, args)
        return key === 'create' ? handled(result as FileWriter, hand, place) : result
      }
    },
  })
}

/** A disk that takes down what is asked of it, and how many bytes were read or written. */
export function tracked(disk: Disk): { disk: Disk; log: { operation: string; bytes: number }[] } {
  const log: { operation: string; bytes: number }[] = []
  const hand: Hand = async (operation, act, [argument]) => {
    const result = await act()
    const [bytes = 0] = [result, argument].flatMap(value =>
      value instanceof Uint8Array ? [value.length] : [],
    )
    log.push({ operation, bytes })
    return result
  }
  return { disk: handled(disk, hand), log }
}
