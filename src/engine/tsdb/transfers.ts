import { stagingSuffix } from '../disk/disk.ts'
import type {
  BlockInfo,
  BlockJob,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
} from '../model/blocks.ts'
import type { Host } from '../model/host.ts'
import type { Querier, TimeRange } from '../model/store.ts'
import { openBlock } from './block/block.ts'
import type { BlockMeta } from './block/meta.ts'
import { newUlid } from './block/ulid.ts'
import { writeBlock } from './block/writer.ts'
import type { Blocks } from './blocks.ts'
import { recoded } from './recode.ts'
import { Exports } from './transfer/exports.ts'
import { importBlocks } from './transfer/importer.ts'

export interface TransferOptions {
  readonly host: Host
  readonly blocks: Blocks
  readonly chunkRangeMs: number
  /** Of everything in the store. */
  readonly querier: () => Querier
  /** Times of the first and the last sample in the store; null when there is none. */
  readonly span: () => TimeRange | null
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
    this.exports = new Exports(options.blocks.shelf.disk, options.host, () => ++this.lastId)
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
  async export(request: ExportRequest, signal?: AbortSignal): Promise<ExportTicket> {
    if (request.kind === 'blocks') return this.exportKept(request)
    const written = this.exportRange(request, this.until(signal))
    this.writing.add(written)
    return written.finally(() => this.writing.delete(written))
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
    const { blocks } = this.options
    const { shelf, pins } = blocks
    const existing = (ulid: string) => blocks.metaOf(ulid)
    const { published, ...rest } = await importBlocks({ shelf, pins, existing }, source, told, signal)
    for (const ulid of published) await blocks.open(ulid)
    const imported = blocks.infos().filter(({ ulid }: BlockInfo) => published.includes(ulid))
    return { imported, ...rest }
  }

  private exportKept({ ulids, format }: ExportRequest & { kind: 'blocks' }): ExportTicket {
    const held = this.options.blocks.hold(ulids)
    if (!held || ulids.length === 0)
      throw new Error(`want blocks of the store, have ${ulids.join(', ') || 'none'}`)
    return this.exports.open({ blocks: held.blocks, format, release: () => held.release() })
  }

  /** Written as a block into a staging folder, which is read from there and removed. */
  private async exportRange(
    { minT, maxT, format }: ExportRequest & { kind: 'range' },
    signal: AbortSignal,
  ): Promise<ExportTicket> {
    const { host, blocks } = this.options
    const { shelf } = blocks
    const range = this.within(minT, maxT - 1)
    if (!range) throw new Error('there are no samples in this range')
    const ulid = newUlid(host)
    const folder = `${ulid}${stagingSuffix}`
    const release = () => shelf.disk.removeFolder(folder)
    const { stats } = await this.writeRange(ulid, range, signal)
    try {
      signal.throwIfAborted()
      if (stats.numSamples === 0) throw new Error('there are no samples in this range')
      return this.exports.open({ blocks: [await openBlock(shelf, folder)], format, release })
    } catch (error) {
      await release()
      throw error
    }
  }

  private async writeRange(ulid: string, range: TimeRange, signal: AbortSignal): Promise<BlockMeta> {
    const { blocks, chunkRangeMs } = this.options
    const querier = this.options.querier()
    try {
      const spec = { ulid, minT: range.minT, maxT: range.maxT + 1 }
      return await writeBlock(blocks.shelf.disk, spec, recoded(querier, range, chunkRangeMs), signal)
    } finally {
      querier.close?.()
    }
  }

  /** The part of a range in which the store has samples. */
  private within(minT: number, maxT: number): TimeRange | null {
    const span = this.options.span()
    if (!span) return null
    const range = { minT: Math.max(minT, span.minT), maxT: Math.min(maxT, span.maxT) }
    return range.minT <= range.maxT ? range : null
  }
}
