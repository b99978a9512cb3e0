import { stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import type { Querier } from '../../../../src/engine/model/store.ts'
import { backfill, type BackfillOptions } from '../../../../src/engine/tsdb/backfill/backfill.ts'
import { openBlock, type Block } from '../../../../src/engine/tsdb/block/block.ts'
import { MergedQuerier } from '../../../../src/engine/tsdb/merge.ts'
import { FakeHost } from '../../../fakehost.ts'
import { shelfOf } from '../block/blockdisk.ts'

export interface Filled {
  readonly disk: MemoryDisk
  readonly blocks: readonly Block[]
}

/** Blocks of a text, published and read whole. */
export async function fill(
  text: string | ReadableStream<Uint8Array>,
  options: BackfillOptions = {},
): Promise<Filled> {
  const disk = new MemoryDisk()
  const source = typeof text === 'string' ? new Blob([text]) : text
  const ulids = await backfill({ disk, host: new FakeHost() }, source, options)
  await disk.publish(ulids.map(ulid => ({ from: `${ulid}${stagingSuffix}`, to: ulid })))
  const blocks: Block[] = []
  for (const ulid of ulids) {
    const block = await openBlock(shelfOf(disk), ulid)
    await block.verify()
    blocks.push(block)
  }
  return { disk, blocks }
}

export function querierOf({ blocks }: Filled): Querier {
  return new MergedQuerier(blocks.map(block => block.querier()))
}

/** A text in pieces of so many bytes. */
export function pieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += size)))
      else controller.close()
    },
  })
}
