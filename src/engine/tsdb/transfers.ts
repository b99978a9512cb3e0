import { stagingSuffix, type Disk } from '../disk/disk.ts'
import type {
  ArchiveFormat,
  BlockInfo,
  BlockJob,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
} from '../model/blocks.ts'
import type { Host } from '../model/host.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Querier, TimeRange } from '../model/store.ts'
import { dumpOpenMetrics, leftOut } from './backfill/dump.ts'
import { openBlock, type Block } from './block/block.ts'
import type { BlockMeta } from './block/meta.ts'
import { Pace } from './block/pace.ts'
import { newUlid } from './block/ulid.ts'
import { writeBlock } from './block/writer.ts'
import type { Blocks } from './blocks.ts'
import { recoded } from './recode.ts'
import type { Snapshots } from './snapshots.ts'
import { blocksOut, directoryOut, textOut } from './transfer/exporter.ts'
import { Exports } from './transfer/exports.ts'
import { endOfCutBlocks, importSource } from './transfer/importer.ts'
import { logFiles, type GrowingFolders } from './transfer/logfiles.ts'

export interface TransferOptions {
  readonly host: Host
  readonly blocks: Blocks
  readonly chunkRangeMs: number
  /** Of everything in the store. */
  readonly querier: () => Querier
  /** Times of the first and the last sample in the store; null when there is none. */
  readonly span: () => TimeRange | null
  /** Of what is in no block yet. */
  readonly headQuerier: () => Querier
  /** Its times; null when there is nothing. */
  readonly headSpan: () => TimeRange | null
  readonly snapshots: Snapshots
  readonly growing: GrowingFolders
  /** Keeps every file of the growing folders on the disk, until the function that it answers is called. Waits for what
   *  is being removed. */
  readonly keepGrowing: () => Promise<() => void>
}

/** Blocks on their way in and out. */
export class Transfers {
  private readonly options: TransferOptions
  private readonly exports: Exports
  private readonly imports = new Map<number, BlockJob>()
  private lastId = 0
  /** Imports come one after the other: two of the same block would meet in its staging folder. */
  private lastImport: Promise<unknown> = Promise.resolve()
  /** Ranges that are being written. */
  private readonly writing = new Set<Promise<unknown>>()
  private readonly stopped = new AbortController()

  constructor(options: TransferOptions) {
    this.options = options
    this.exports = new Exports(options.host, () => ++this.lastId)
  }

  jobs(): BlockJob[] {
    return [...this.imports.values(), ...this.exports.jobs]
  }

  /** @throws ImportError, and then nothing of it is in the store; DiskFullError; the signal's reason */
  async import(source: ImportSource, signal?: AbortSignal): Promise<ImportReport> {
    const id = ++this.lastId
    const { name } = source
    const told = (phase: BlockJob['phase'], done: number, total: number | null) =>
      this.imports.set(id, { id, kind: 'import', name, phase, done, total })
    told('reading', 0, null)
    const mine = this.lastImport.then(() => this.take(source, told, this.until(signal)))
    this.lastImport = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      this.imports.delete(id)
    }
  }

  /** @throws Error when there is no such block, or nothing in the range; DiskFullError; the signal's reason */
  async export(request: ArchiveRequest, signal?: AbortSignal): Promise<ExportTicket> {
    const { kind } = request
    if (kind === 'blocks') return this.exportKept(request)
    if (kind === 'snapshot') return this.exportSnapshot(request)
    const signals = this.until(signal)
    const opened =
      kind === 'range' ? this.exportRange(request, signals) : this.exportDirectory(request.format, signals)
    this.writing.add(opened)
    return opened.finally(() => this.writing.delete(opened))
  }

  /** Samples as OpenMetrics text (`dumpOpenMetrics` says what is left out).
   *  @param selectors each sample that one of them matches, once; none match all
   *  @param range both ends belong to it */
  exportText(selectors: readonly (readonly Matcher[])[], range: TimeRange): ExportTicket {
    const { host } = this.options
    const querier = this.options.querier()
    const dump = async function* () {
      const left = leftOut(yield* dumpOpenMetrics(querier, selectors, range))
      if (left !== null) host.log('warn', left)
    }
    return this.exports.open(textOut(host.now(), dump), () => querier.close?.())
  }

  readExport(id: number): Promise<Uint8Array | null> {
    return this.exports.read(id)
  }

  closeExport(id: number): Promise<void> {
    return this.exports.close(id)
  }

  /** Gives up what is under way; nothing of it is left. */
  async stop(): Promise<void> {
    this.stopped.abort(new Error('the store is closing'))
    await Promise.allSettled([this.lastImport, ...this.writing])
    await this.exports.stop()
  }

  private until(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([this.stopped.signal, signal]) : this.stopped.signal
  }

  private async take(
    source: ImportSource,
    told: (phase: BlockJob['phase'], done: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<ImportReport> {
    signal.throwIfAborted()
    const { host, blocks, chunkRangeMs } = this.options
    const { shelf, pins } = blocks
    const existing = (ulid: string) => blocks.metaOf(ulid)
    const target = { shelf, host, pins, chunkRangeMs, existing }
    const { published, ...rest } = await importSource(target, source, told, signal)
    for (const ulid of published) await blocks.open(ulid)
    const imported = blocks.infos().filter(({ ulid }: BlockInfo) => published.includes(ulid))
    return { imported, ...rest }
  }

  private exportKept({ ulids, format }: ExportRequest & { kind: 'blocks' }): ExportTicket {
    const held = this.options.blocks.hold(ulids)
    if (!held || ulids.length === 0)
      throw new Error(`want blocks of the store, have ${ulids.join(', ') || 'none'}`)
    return this.exports.open(blocksOut(this.disk, held.blocks, format), () => held.release())
  }

  /** Deleted meanwhile, it ends there. */
  private async exportSnapshot({
    name,
    format,
  }: ExportRequest & { kind: 'snapshot' }): Promise<ExportTicket> {
    const { blocks, snapshots } = this.options
    const folders = await snapshots.blockFolders(name)
    const all = await Promise.all(folders.map(folder => openBlock(blocks.shelf, folder)))
    return this.exports.open(blocksOut(this.disk, all, format, name), () => undefined)
  }

  /** Written as a block into a staging folder, which is read from there and removed. */
  private async exportRange(
    { minT, maxT, format }: ExportRequest & { kind: 'range' },
    signal: AbortSignal,
  ): Promise<ExportTicket> {
    const range = this.within(minT, maxT - 1)
    const written = range && (await this.writeRange(this.options.querier(), range, signal))
    if (!written) throw new Error('there are no samples in this range')
    return this.exports.open(blocksOut(this.disk, [written.block], format), () => written.remove())
  }

  /** Prometheus finds in it what is in the store. */
  private async exportDirectory(format: ArchiveFormat, signal: AbortSignal): Promise<ExportTicket> {
    const { host, blocks, growing, keepGrowing } = this.options
    const releases: (() => void | Promise<void>)[] = []
    const release = async () => {
      for (const each of releases.splice(0)) await each()
    }
    try {
      releases.push(await keepGrowing())
      const others = await logFiles(this.disk, growing)
      signal.throwIfAborted()
      // Later than the log: what has become a block in between is in both.
      const held = blocks.holdAll()
      releases.push(held.release)
      const beside = await this.besideBlocks(held.blocks, signal)
      if (beside) releases.push(() => beside.remove())
      const all = beside ? [...held.blocks, beside.block] : held.blocks
      return this.exports.open(
        directoryOut(this.disk, format, { blocks: all, others, now: host.now() }),
        release,
      )
    } catch (error) {
      await release()
      throw error
    }
  }

  /** Prometheus does not read from the log what is older than its newest block ends. Here a block from elsewhere may reach
   *  beyond the beginning of the head: then what the head has beside it becomes a block, too. */
  private async besideBlocks(blocks: readonly Block[], signal: AbortSignal): Promise<WrittenRange | null> {
    const { headSpan, headQuerier } = this.options
    const end = endOfCutBlocks(blocks.map(({ meta }) => meta))
    const span = headSpan()
    if (!span || span.minT >= end) return null
    const range = { minT: span.minT, maxT: Math.min(span.maxT, end - 1) }
    return this.writeRange(headQuerier(), range, signal)
  }

  /** Null when there are no samples, and then nothing is left. */
  private async writeRange(
    querier: Querier,
    range: TimeRange,
    signal: AbortSignal,
  ): Promise<WrittenRange | null> {
    const { shelf } = this.options.blocks
    const ulid = newUlid(this.options.host)
    const folder = `${ulid}${stagingSuffix}`
    const remove = () => shelf.disk.removeFolder(folder)
    const { stats } = await this.writeBlock(ulid, querier, range, signal)
    try {
      signal.throwIfAborted()
      if (stats.numSamples > 0) return { block: await openBlock(shelf, folder), remove }
    } catch (error) {
      await remove()
      throw error
    }
    await remove()
    return null
  }

  /** Closes the querier. */
  private async writeBlock(
    ulid: string,
    querier: Querier,
    range: TimeRange,
    signal: AbortSignal,
  ): Promise<BlockMeta> {
    const { host, chunkRangeMs } = this.options
    try {
      const spec = { ulid, minT: range.minT, maxT: range.maxT + 1 }
      const series = recoded(querier, range, chunkRangeMs)
      return await writeBlock(this.disk, spec, series, new Pace(host, signal))
    } finally {
      querier.close?.()
    }
  }

  private get disk(): Disk {
    return this.options.blocks.shelf.disk
  }

  /** The part of a range in which the store has samples. */
  private within(minT: number, maxT: number): TimeRange | null {
    const span = this.options.span()
    if (!span) return null
    const range = { minT: Math.max(minT, span.minT), maxT: Math.min(maxT, span.maxT) }
    return range.minT <= range.maxT ? range : null
  }
}

/** What is exported as an archive. */
export type ArchiveRequest = Exclude<ExportRequest, { kind: 'text' }>

/** A part of the store as a block in a staging folder. */
interface WrittenRange {
  readonly block: Block
  remove(): Promise<void>
}
