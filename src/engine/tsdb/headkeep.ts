import { stagingSuffix } from '../disk/disk.ts'
import type { Host } from '../model/host.ts'
import { Pace } from './block/pace.ts'
import { newUlid } from './block/ulid.ts'
import { writeBlock } from './block/writer.ts'
import type { Blocks } from './blocks.ts'
import { hint } from './compact/meta.ts'
import type { CompactionMetrics } from './compact/metrics.ts'
import type { Head } from './head/head.ts'
import type { HeadChunks } from './headchunks/headchunks.ts'
import { writeCut } from './lastcut.ts'
import type { OutOfOrderCompaction } from './outoforder/compaction.ts'
import type { OutOfOrder } from './outoforder/outoforder.ts'
import type { Readers } from './readers.ts'
import type { Wal } from './wal/wal.ts'

/** Chunks that are written at once: a few milliseconds' work. */
const chunksAtOnce = 2000

/** The newest part of the store: what is in memory, and what keeps it safe. */
export interface HeadParts {
  readonly host: Host
  readonly blocks: Blocks
  readonly readers: Readers
  readonly head: Head
  readonly wal: Wal
  readonly headChunks: HeadChunks
  readonly outOfOrder: OutOfOrder
  /** The log of samples that came out of order. */
  readonly wbl: Wal
}

/** Keeps the head from growing for ever: its older part becomes blocks, and its logs are shortened. One call at a time. */
export class HeadKeeper {
  private readonly parts: HeadParts
  private readonly metrics: CompactionMetrics
  /** Whether the log has records of types that nobody knows: nothing of such a log is dropped. */
  private readonly keepLog: boolean

  constructor(parts: HeadParts, metrics: CompactionMetrics, keepLog: boolean) {
    this.parts = parts
    this.metrics = metrics
    this.keepLog = keepLog
  }

  /** Puts finished chunks on the disk, so that the next start need not make them again from the log. */
  async saveChunks(): Promise<void> {
    const { host, head, headChunks } = this.parts
    const chunks = head.unsavedChunks()
    for (let i = 0; i < chunks.length; i += chunksAtOnce) {
      const some = chunks.slice(i, i + chunksAtOnce)
      await headChunks.write(some)
      head.markSaved(some)
      await host.yield()
    }
  }

  /** Makes blocks of all that the head can spare. The log keeps the samples of the last block, should that turn out to be
   *  lost after a power cut. */
  async shorten(signal: AbortSignal): Promise<void> {
    const { head, wal } = this.parts
    let before: number | null = null
    while (!signal.aborted && head.compactable()) before = await this.cutHead(signal)
    if (before === null || signal.aborted) return
    await this.blocksOfLate(signal)
    await this.dropChunks()
    const minT = before
    if (!this.keepLog) await wal.truncate(minT, ref => head.keepsInLog(ref, minT), signal)
  }

  /** Makes blocks of the samples that came out of order (upstream `DB.compactOOOHead`), one for each range that has some. A
   *  crash on the way leaves them in blocks and log alike, where they are seen once. */
  async blocksOfLate(signal: AbortSignal): Promise<void> {
    const { head, wbl, outOfOrder, readers } = this.parts
    if (outOfOrder.empty) return
    const segment = await wbl.cut()
    // What they log from here on lies behind the cut.
    await unlessAborted(head.appenders.ended(), signal)
    const compaction = outOfOrder.begin(head)
    if (!compaction) return
    try {
      await this.publishLate(compaction, signal)
      // Queriers that began before the blocks were there would miss their samples.
      await unlessAborted(readers.settled(), signal)
    } catch (error) {
      compaction.abandon()
      throw error
    }
    compaction.done()
    head.collectGarbage()
    await wbl.dropBefore(segment)
  }

  /** Makes a block of the head's oldest range. The order makes a crash harmless: the block is durable before the head
   *  gives its samples up. Answers where the block begins. */
  private async cutHead(signal: AbortSignal): Promise<number> {
    const { host, head, blocks, readers } = this.parts
    const { minT, maxT } = head.nextBlockRange()
    await unlessAborted(head.appenders.settled(maxT), signal)
    const ulid = newUlid(host)
    const write = () =>
      writeBlock(
        blocks.shelf.disk,
        { ulid, minT, maxT },
        head.seriesChunks(minT, maxT),
        new Pace(host, signal),
      )
    const meta = await this.metrics.measured(host, [], write)
    await blocks.publish([{ ulid, empty: meta.stats.numSamples === 0 }])
    await writeCut(blocks.shelf.disk, { t: maxT, block: ulid, before: minT })
    // Queriers that began before the block was there would miss its samples.
    await unlessAborted(readers.settled(), signal)
    await head.truncateInSteps(maxT)
    return minT
  }

  private async publishLate(compaction: OutOfOrderCompaction, signal: AbortSignal): Promise<void> {
    const { host, blocks } = this.parts
    const written: { ulid: string; empty: boolean }[] = []
    try {
      for (const range of compaction.ranges) {
        const ulid = newUlid(host)
        const spec = { ulid, ...range, compaction: { level: 1, sources: [ulid], hints: [hint.outOfOrder] } }
        const write = () =>
          writeBlock(
            blocks.shelf.disk,
            spec,
            compaction.seriesChunks(range.minT, range.maxT),
            new Pace(host, signal),
          )
        const { stats } = await this.metrics.measured(host, [], write)
        written.push({ ulid, empty: stats.numSamples === 0 })
      }
    } catch (error) {
      for (const { ulid } of written) await blocks.shelf.disk.removeFolder(`${ulid}${stagingSuffix}`)
      throw error
    }
    await blocks.publish(written)
  }

  private dropChunks(): Promise<void> {
    const { head, headChunks } = this.parts
    return headChunks.truncate(head.minT)
  }
}

/** @throws the signal's reason */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  let stop: () => void = () => undefined
  const aborted = new Promise<void>(resolve => {
    stop = resolve
    signal.addEventListener('abort', stop, { once: true })
  })
  await Promise.race([work, aborted])
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
}
