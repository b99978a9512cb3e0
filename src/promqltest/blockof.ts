import { stagingSuffix } from '../engine/disk/disk.ts'
import { MemoryDisk } from '../engine/disk/memory.ts'
import type { Host } from '../engine/model/host.ts'
import type { Querier, TimeRange } from '../engine/model/store.ts'
import { openBlock, type Block } from '../engine/tsdb/block/block.ts'
import { ChunkCache } from '../engine/tsdb/block/cache.ts'
import { newUlid } from '../engine/tsdb/block/ulid.ts'
import { writeBlock } from '../engine/tsdb/block/writer.ts'
import { recoded } from '../engine/tsdb/recode.ts'

const cacheBytes = 16 * 1024 * 1024

/** A block of all samples of a store, on a disk of its own. */
export async function blockOf(querier: Querier, range: TimeRange, host: Host): Promise<Block> {
  const disk = new MemoryDisk()
  const ulid = newUlid(host)
  // A block's range is open at its end.
  const spec = { ulid, minT: range.minT, maxT: range.maxT + 1 }
  await writeBlock(disk, spec, recoded(querier, range, Infinity))
  await disk.publish([{ from: `${ulid}${stagingSuffix}`, to: ulid }])
  return openBlock({ disk, cache: new ChunkCache(cacheBytes) }, ulid)
}
