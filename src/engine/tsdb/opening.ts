import type { Disk } from '../disk/disk.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Host } from '../model/host.ts'
import { openBlocks, type Blocks } from './blocks.ts'
import { ExemplarStore } from './exemplars/exemplars.ts'
import { Head } from './head/head.ts'
import { openHeadChunks, type HeadChunks } from './headchunks/headchunks.ts'
import { readCut, type Cut } from './lastcut.ts'
import { OutOfOrder } from './outoforder/outoforder.ts'
import { OutOfOrderReplay } from './outoforder/replay.ts'
import { Replay } from './replay.ts'
import { endOfCutBlocks } from './transfer/importer.ts'
import { openWal, type Wal } from './wal/wal.ts'

export interface OpeningOptions {
  readonly disk: Disk
  readonly host: Host
  readonly metrics: Registry
  readonly segmentBytes: number
  readonly chunkRangeMs: number
  readonly outOfOrderWindowMs: number
  readonly maxExemplars: number
}

/** The store as it was when it was closed, or when it died. */
export interface OpenedStore {
  readonly blocks: Blocks
  readonly head: Head
  readonly exemplars: ExemplarStore
  readonly outOfOrder: OutOfOrder
  readonly headChunks: HeadChunks
  readonly wal: Wal
  readonly wbl: Wal
  /** What is wrong with the note of how far the head was written. */
  readonly cutDamage: string | null
  /** Records of types that nobody knows. */
  readonly unknownRecords: number
}

/** Opens what is on the disk and fills the head: with its chunks, then from its log, then with what came out of order
 *  (upstream `Head.Init`). What is damaged is repaired, and told in `damagesOf`.
 *  @throws what the disk throws */
export async function openStore(options: OpeningOptions): Promise<OpenedStore> {
  const { disk, host, metrics, chunkRangeMs, segmentBytes, outOfOrderWindowMs } = options
  const blocks = await openBlocks(disk, metrics)
  const exemplars = new ExemplarStore(options.maxExemplars, metrics)
  exemplars.setWindow(outOfOrderWindowMs)
  const outOfOrder = new OutOfOrder({ chunkRangeMs })
  const { cut, damage: cutDamage } = await readCut(disk)
  const start = headStart(cut, blocks)
  const head = new Head(host, metrics, chunkRangeMs, start, { outOfOrderWindowMs, outOfOrder, exemplars })
  const late = new OutOfOrderReplay(head, metrics)
  const folder = { disk, host, metrics }
  const headChunks = await openHeadChunks(
    { ...folder, folder: 'chunks_head', fileBytes: segmentBytes },
    chunk => {
      // What came out of order is in its log as a whole. Prometheus keeps chunks of it here, too, some of which may have
      // become blocks since, and there have been deleted.
      if (!chunk.outOfOrder) head.restoreChunk(chunk)
    },
  )
  const replay = new Replay(head, metrics)
  const wal = await openWal({ ...folder, folder: 'wal', segmentBytes }, replay)
  const wbl = await openWal({ ...folder, folder: 'wbl', segmentBytes, outOfOrder: true }, late)
  head.restored()
  const unknownRecords = replay.skippedRecords
  return { blocks, head, exemplars, outOfOrder, headChunks, wal, wbl, cutDamage, unknownRecords }
}

/** What had to be repaired in logs and chunks of the head, a sentence each. */
export function damagesOf({ wal, wbl, headChunks, cutDamage }: OpenedStore): readonly string[] {
  const found = [...wal.damages, ...wbl.damages, ...headChunks.damages]
  return cutDamage === null ? found : [...found, `${cutDamage}; went by the blocks`]
}

/** Where the head begins: what is older is in blocks. A block that was lost in a power cut is still in the log. Prometheus
 *  does not write down where that is; of its folders we go, as it does, by the blocks. */
function headStart(cut: Cut | null, blocks: Blocks): number {
  if (cut) return blocks.broken().some(({ ulid }) => ulid === cut.block) ? cut.before : cut.t
  const own = blocks.infos().filter(({ pinned }) => !pinned)
  return endOfCutBlocks(own.flatMap(({ ulid }) => blocks.metaOf(ulid) ?? []))
}
