import { stagingSuffix, type Disk } from '../../../../src/engine/disk/disk.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import type { Histogram } from '../../../../src/engine/model/histogram.ts'
import type { AppendResult, Querier } from '../../../../src/engine/model/store.ts'
import { openBlock, type Block, type BlockShelf } from '../../../../src/engine/tsdb/block/block.ts'
import { ChunkCache } from '../../../../src/engine/tsdb/block/cache.ts'
import { isUlid, newUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import { writeBlock } from '../../../../src/engine/tsdb/block/writer.ts'
import { HeadAppender } from '../../../../src/engine/tsdb/head/appender.ts'
import { Head } from '../../../../src/engine/tsdb/head/head.ts'
import { openHeadChunks, type HeadChunks } from '../../../../src/engine/tsdb/headchunks/headchunks.ts'
import { MergedQuerier } from '../../../../src/engine/tsdb/merge.ts'
import { OutOfOrder } from '../../../../src/engine/tsdb/outoforder/outoforder.ts'
import { OutOfOrderReplay } from '../../../../src/engine/tsdb/outoforder/replay.ts'
import { HeadQuerier } from '../../../../src/engine/tsdb/querier.ts'
import type { RecordVisitor } from '../../../../src/engine/tsdb/wal/records.ts'
import { openWal, type Wal } from '../../../../src/engine/tsdb/wal/wal.ts'
import { FakeHost } from '../../../fakehost.ts'
import { series } from '../store.ts'
import { readAll } from './lateseries.ts'

export const hour = 3_600_000
export const chunkRangeMs = 2 * hour

/** What happens one after the other when out-of-order samples become blocks. */
export const compactionSteps = [
  'cut the log',
  'wait for appenders',
  'begin',
  'write blocks',
  'publish them',
  'done',
  'drop the log',
] as const

/** Stores that were opened: each has chances of its own. */
let opened = 0

/** A store of head, out-of-order samples and blocks, with everything that makes them durable. */
export class LateStore {
  readonly head: Head
  readonly late: OutOfOrder
  readonly metrics = new Registry()
  blocks: Block[] = []
  private readonly host = new FakeHost({ seed: ++opened })
  private readonly shelf: BlockShelf
  private readonly disk: Disk
  private readonly replay: OutOfOrderReplay
  private wal!: Wal
  private wbl!: Wal
  private chunks!: HeadChunks

  private constructor(disk: Disk, capacity: number) {
    this.disk = disk
    this.shelf = { disk, cache: new ChunkCache(1 << 20) }
    this.late = new OutOfOrder({ chunkRangeMs, capacity })
    this.head = new Head(this.host, this.metrics, chunkRangeMs, -Infinity, {
      outOfOrder: this.late,
      outOfOrderWindowMs: 24 * hour,
    })
    this.replay = new OutOfOrderReplay(this.head, this.metrics)
  }

  static async open(disk: Disk, capacity = 32): Promise<LateStore> {
    const store = new LateStore(disk, capacity)
    await store.restore()
    return store
  }

  private async restore(): Promise<void> {
    const { disk, host, metrics, head, replay } = this
    const options = { disk, host, metrics, segmentBytes: 32 * 1024 }
    this.chunks = await openHeadChunks({ ...options, folder: 'chunks_head', fileBytes: 1 << 20 }, chunk => {
      if (!chunk.outOfOrder) head.restoreChunk(chunk)
    })
    const visitor: RecordVisitor = {
      series: (ref, labels) => head.restoreSeries(ref, labels),
      sample: (ref, t, high, low) => void head.restoreSample(ref, t, high, low),
      histogram: (ref, from, i) => void head.restoreHistogram(ref, from, i),
      tombstone: (ref, minT, maxT) => void head.restoreTombstone(ref, minT, maxT),
      skipped: () => undefined,
    }
    this.wal = await openWal({ ...options, folder: 'wal' }, visitor)
    this.wbl = await openWal({ ...options, folder: 'wbl', outOfOrder: true }, replay)
    head.restored()
    for (const ulid of (await disk.list('')).filter(isUlid))
      this.blocks.push(await openBlock(this.shelf, ulid))
  }

  get damages(): string[] {
    return [...this.wal.damages, ...this.wbl.damages, ...this.chunks.damages]
  }

  appender(): HeadAppender {
    return new HeadAppender(this.head, {
      log: records => this.wal.log(records),
      logOutOfOrder: records => this.wbl.log(records),
      applied: () => undefined,
    })
  }

  /** Commits samples of one series. */
  async put(
    name: string,
    ...samples: readonly (readonly [number, number | Histogram])[]
  ): Promise<AppendResult[]> {
    const appender = this.appender()
    const ref = appender.series(series(name))
    const results = samples.map(([t, v]) =>
      typeof v === 'number' ? appender.append(ref, t, v) : appender.appendHistogram(ref, t, v),
    )
    await appender.commit()
    return results
  }

  querier(): Querier {
    // In order first: of samples at one time that one counts which was there first.
    const blocks = this.blocks.map(block => block.querier())
    return new MergedQuerier([new HeadQuerier(this.head), ...blocks, this.late.querier(this.head)])
  }

  everything(): Promise<Record<string, string[]>> {
    return readAll(this.querier())
  }

  async sync(): Promise<void> {
    await Promise.all([this.wal.sync(), this.wbl.sync(), this.chunks.sync()])
  }

  /** Makes blocks of what came out of order, up to one of the steps. */
  async compact(last: (typeof compactionSteps)[number] = 'drop the log'): Promise<void> {
    for await (const step of this.steps()) if (step === last) return
  }

  private async *steps(): AsyncGenerator<(typeof compactionSteps)[number]> {
    const segment = await this.wbl.cut()
    yield 'cut the log'
    await this.head.appenders.ended()
    yield 'wait for appenders'
    const compaction = this.late.begin(this.head)
    yield 'begin'
    const ulids: string[] = []
    for (const { minT, maxT } of compaction?.ranges ?? []) {
      const ulid = newUlid(this.host)
      const from = { level: 1, sources: [ulid], hints: ['from-out-of-order'] }
      await writeBlock(
        this.disk,
        { ulid, minT, maxT, compaction: from },
        compaction!.seriesChunks(minT, maxT),
      )
      ulids.push(ulid)
    }
    yield 'write blocks'
    await this.disk.publish(ulids.map(ulid => ({ from: `${ulid}${stagingSuffix}`, to: ulid })))
    for (const ulid of ulids) this.blocks.push(await openBlock(this.shelf, ulid))
    yield 'publish them'
    compaction?.done()
    this.head.collectGarbage()
    yield 'done'
    await this.wbl.dropBefore(segment)
    yield 'drop the log'
  }
}
