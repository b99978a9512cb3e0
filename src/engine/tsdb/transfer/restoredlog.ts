import type { Disk } from '../../disk/disk.ts'
import { Registry } from '../../metrics/registry.ts'
import type { SampleColumns } from '../../chunks/columns.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Host } from '../../model/host.ts'
import type { Labels } from '../../model/labels.ts'
import type { SeriesRef } from '../../model/store.ts'
import { Head } from '../head/head.ts'
import { ChunkFileReader, fileNumbers, filePath } from '../headchunks/files.ts'
import { OutOfOrder } from '../outoforder/outoforder.ts'
import { OutOfOrderReplay } from '../outoforder/replay.ts'
import type { RecordVisitor } from '../wal/records.ts'
import { readWal } from '../wal/replay.ts'
import type { IncomingLog } from './logs.ts'

export interface RestoreOptions {
  readonly disk: Disk
  readonly host: Host
  readonly chunkRangeMs: number
  /** Where the blocks end that were cut from the head: samples of the log from before are in them. */
  readonly minValidT: number
}

/** What a data directory had in memory. */
export interface RestoredLog {
  readonly head: Head
  readonly outOfOrder: OutOfOrder
  /** What could not be read and what was left out, a sentence each. */
  readonly remarks: readonly string[]
}

/** Reads the log of a data directory as the Prometheus would that goes on with it, and changes nothing of it: first the
 *  chunks of the head, then the log with its checkpoint, then that of out-of-order samples (upstream `Head.Init`).
 *  @throws what the disk throws, or the signal's reason */
export async function restoreLog(
  { disk, host, chunkRangeMs, minValidT }: RestoreOptions,
  { directory, folder }: IncomingLog,
  signal?: AbortSignal,
): Promise<RestoredLog> {
  const metrics = new Registry()
  const outOfOrder = new OutOfOrder({ chunkRangeMs })
  const head = new Head(host, metrics, chunkRangeMs, minValidT, { outOfOrder })
  const late = new OutOfOrderReplay(head, metrics)
  const damages = await readChunks({ disk, host, folder: `${folder}/chunks_head` }, head, signal)
  const visitor = new LogVisitor(head)
  for (const [name, to] of [
    ['wal', visitor],
    ['wbl', late],
  ] as const) {
    damages.push(...(await readWal(disk, host, `${folder}/${name}`, to, signal)))
  }
  head.restored()
  const remarks = [...damages, ...visitor.remarks(`${folder}/wal`)]
  // Whoever reads of the files knows them by the names that they have in the source.
  const named = remarks.map(remark =>
    remark.replaceAll(`${folder}/`, directory === '' ? '' : `${directory}/`),
  )
  return { head, outOfOrder, remarks: named }
}

interface ChunkFolder {
  readonly disk: Disk
  readonly host: Host
  readonly folder: string
}

/** Hands the chunks on up to the first damage, or gap in the numbers of their files: the log has the samples of what
 *  follows, too, unless it has been damaged as well. Answers what was wrong. */
async function readChunks(
  { disk, host, folder }: ChunkFolder,
  head: Head,
  signal?: AbortSignal,
): Promise<string[]> {
  const reader = new ChunkFileReader(disk, host, folder, chunk => {
    // What came out of order is in its log as a whole; some of it may have become blocks since.
    if (!chunk.outOfOrder) head.restoreChunk(chunk)
  })
  let wanted: number | null = null
  const numbers = fileNumbers(await disk.list(folder))
  for (const number of numbers) {
    signal?.throwIfAborted()
    const path = filePath(folder, number)
    if (wanted !== null && number !== wanted) return [`${path}: want a file ${wanted} before it, have none`]
    const { damage } = await reader.read(number)
    if (damage?.torn && number === numbers.at(-1)) return []
    if (damage) return [`${path}: ${damage.message}; read its first ${damage.goodEnd} bytes`]
    wanted = number + 1
  }
  return []
}

/** Fills a head and counts what goes nowhere. */
class LogVisitor implements RecordVisitor {
  private readonly head: Head
  private samplesLost = 0
  private exemplars = 0
  private readonly described = new Set<SeriesRef>()
  private skippedRecords = 0

  constructor(head: Head) {
    this.head = head
  }

  series(ref: SeriesRef, labels: Labels): void {
    this.head.restoreSeries(ref, labels)
  }

  sample(ref: SeriesRef, t: number, high: number, low: number): void {
    if (!this.head.restoreSample(ref, t, high, low)) this.samplesLost++
  }

  samples(ref: SeriesRef, of: SampleColumns, from: number, to: number): void {
    this.samplesLost += this.head.restoreSamples(ref, of, from, to)
  }

  histogram(ref: SeriesRef, from: HistogramColumns, i: number): void {
    if (!this.head.restoreHistogram(ref, from, i)) this.samplesLost++
  }

  tombstone(ref: SeriesRef, minT: number, maxT: number): void {
    this.head.restoreTombstone(ref, minT, maxT)
  }

  exemplar(): void {
    this.exemplars++
  }

  metadata(ref: SeriesRef): void {
    this.described.add(ref)
  }

  skipped(): void {
    this.skippedRecords++
  }

  /** @param place the folder of the log */
  remarks(place: string): string[] {
    const said = (count: number, what: string) => (count === 0 ? [] : [`${place}: ${what}: ${count}`])
    return [
      ...said(this.samplesLost, 'samples left out, because it does not say of which series they are'),
      ...said(this.exemplars, 'exemplars left out, because blocks have none'),
      ...said(this.described.size, 'series whose metadata is left out, because blocks have none'),
      ...said(this.skippedRecords, 'records left out, of kinds that nobody here knows'),
    ]
  }
}
