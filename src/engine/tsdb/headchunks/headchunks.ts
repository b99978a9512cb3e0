import { ByteWriter } from '../../bytes/writer.ts'
import { DiskFullError, StolenError, type Disk } from '../../disk/disk.ts'
import type { Metric, Registry } from '../../metrics/registry.ts'
import { assert } from '../../model/errors.ts'
import type { Host } from '../../model/host.ts'
import {
  ChunkFileReader,
  emptyFile,
  fileNumbers,
  filePath,
  noteChunk,
  type ChunkFile,
  type ChunkVisitor,
} from './files.ts'
import { chunkRef, fileHeaderBytes, roomFor, writeChunk, writeFileHeader, type HeadChunk } from './format.ts'

export type { HeadChunk }

export interface HeadChunksOptions {
  readonly disk: Disk
  readonly host: Host
  readonly metrics: Registry
  readonly folder: string
  /** A file is larger only when a single chunk is. */
  readonly fileBytes: number
}

/** Tells all chunks in the order in which they were written, and opens the folder for writing. Where a file is damaged, its
 *  chunks from there on go, and so do all files behind it, or behind a gap in their numbers: the log has all that they had.
 *  Different from upstream: a damaged file keeps the chunks in front of the damage, neither a gap nor a bad header keeps the
 *  store from opening, and what a crash left at the very end is cut off and counted, but told as no damage. As upstream, a
 *  writer always starts a new file; it comes into being with the first chunk.
 *  @param visit takes each chunk with its number; with a `CorruptionError` it says that the chunk is damaged
 *  @throws what the disk and `visit` throw */
export async function openHeadChunks(options: HeadChunksOptions, visit: ChunkVisitor): Promise<HeadChunks> {
  assert(options.fileBytes < 2 ** 31, `files of ${options.fileBytes} bytes`)
  const { files, damages, cutShort } = await readAndRepair(options, visit)
  options.metrics
    .counter(
      'prometheus_tsdb_mmap_chunk_corruptions_total',
      'Total number of memory-mapped chunk corruptions.',
    )
    .inc(damages.length + (cutShort ? 1 : 0))
  return new HeadChunks(options, files, damages)
}

interface Found {
  readonly files: ChunkFile[]
  readonly damages: readonly string[]
  /** The last chunk was not written to its end. */
  readonly cutShort: boolean
}

async function readAndRepair(options: HeadChunksOptions, visit: ChunkVisitor): Promise<Found> {
  const { disk, host, folder } = options
  const reader = new ChunkFileReader(disk, host, folder, visit)
  const numbers = fileNumbers(await disk.list(folder))
  const files: ChunkFile[] = []
  for (const number of numbers) {
    const previous = files.at(-1)?.number ?? number - 1
    if (number !== previous + 1) {
      await cutBehind(options, numbers, previous)
      const text = `${folder}: files before ${number} are missing; removed those from there on`
      return { files, damages: [text], cutShort: false }
    }
    const { file, damage } = await reader.read(number)
    if (!damage) {
      files.push(file)
      continue
    }
    await cutBehind(options, numbers, number, damage.goodEnd)
    file.bytes = damage.goodEnd
    if (file.bytes > fileHeaderBytes) files.push(file)
    const text = `${filePath(folder, number)}: ${damage.message}; kept its first ${damage.goodEnd} bytes`
    if (!damage.torn || number !== numbers.at(-1)) return { files, damages: [text], cutShort: false }
    host.log('info', 'the last chunk of the head was not written to its end', { found: text })
    // Upstream does not count a last file without a header, either.
    return { files, damages: [], cutShort: damage.goodEnd > 0 }
  }
  return { files, damages: [], cutShort: false }
}

/** Removes what follows a file, the last one first: were it interrupted, the next start would find the damage again and go
 *  on, and the numbers stay without a gap.
 *  @param goodEnd what the file keeps, by default all; without a chunk it goes, too */
async function cutBehind(
  { disk, folder }: HeadChunksOptions,
  numbers: readonly number[],
  number: number,
  goodEnd = Infinity,
): Promise<void> {
  for (const other of numbers.toReversed()) if (other > number) await disk.remove(filePath(folder, other))
  if (goodEnd <= fileHeaderBytes) await disk.remove(filePath(folder, number))
  else if (goodEnd < Infinity) await disk.truncate(filePath(folder, number), goodEnd)
}

/** Chunks of the head on disk: with them, only what came after them has to be read from the log when the store opens.
 *  Calls take effect one after the other. */
export class HeadChunks {
  /** Damages found when opening, each in a sentence that says what was done about it. */
  readonly damages: readonly string[]
  private readonly options: HeadChunksOptions
  private readonly written: Metric
  /** In order, the one being written last. Only what is in here is true: bytes of files that are not, or behind what these
   *  have, are those of a write that failed. */
  private files: ChunkFile[]
  private nextNumber: number
  /** Whether the next chunk goes into a new file. */
  private ended = true
  /** Whether something was written, now or by an earlier writer, that a power cut could take. */
  private loose: boolean
  /** Whether there may be bytes of a write that failed. */
  private doubtful = false
  private last: Promise<unknown> = Promise.resolve()

  constructor(options: HeadChunksOptions, files: ChunkFile[], damages: readonly string[]) {
    const { metrics } = options
    this.options = options
    this.files = files
    this.damages = damages
    this.nextNumber = (files.at(-1)?.number ?? 0) + 1
    this.loose = files.length > 0
    this.written = metrics.counter(
      'prometheus_tsdb_mmap_chunks_total',
      'Total number of chunks that were memory-mapped.',
    )
    const size = () => this.stats().bytes
    const help = 'Size of the chunks_head directory.'
    metrics.computed('prometheus_tsdb_head_chunks_storage_size_bytes', help, 'gauge', size)
  }

  /** Appends chunks, all of them or none; resolves once they survive the death of the process. Those of a series that came
   *  in order must be in time order.
   *  @returns the number of each chunk: later ones have higher numbers
   *  @throws DiskFullError, StolenError or another error of the disk: then none is there */
  write(chunks: readonly HeadChunk[]): Promise<Float64Array> {
    return this.inTurn(async () => {
      const refs = new Float64Array(chunks.length)
      if (chunks.length === 0) return refs
      if (this.doubtful) await this.settleDoubt()
      const parts: ChunkFile[] = []
      for (let from = 0; from < chunks.length;) from = await this.writePart(chunks, from, refs, parts)
      this.accept(parts)
      this.written.inc(chunks.length)
      return refs
    })
  }

  /** Ends the file that is being written, once all that was written so far is in it; the next chunk goes into another. */
  cutFile(): Promise<void> {
    return this.inTurn(async () => {
      this.ended = true
    })
  }

  /** Resolves once everything written so far survives a power cut. */
  sync(): Promise<void> {
    return this.inTurn(() => this.makeDurable())
  }

  /** Removes the files, the oldest first, whose chunks all end before `minT`. Never one behind another that is needed, nor
   *  the one being written; as upstream, the next chunk goes into a new one, so that this one may be removed one day.
   *  @throws what the disk throws: then some may be left, and go the next time */
  truncate(minT: number): Promise<void> {
    return this.inTurn(async () => {
      while (this.removable && (this.files[0] as ChunkFile).maxT < minT) await this.removeFirst()
      this.ended = true
    })
  }

  stats(): { files: number; bytes: number } {
    return { files: this.files.length, bytes: this.files.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work)
    this.last = done.catch(() => undefined)
    return done
  }

  /** Whether there is a file that is not being written. */
  private get removable(): boolean {
    return this.files.length > (this.ended ? 0 : 1)
  }

  /** Appends the chunks from `from` on that fit into one file. Answers the index of the first that does not. */
  private async writePart(
    chunks: readonly HeadChunk[],
    from: number,
    refs: Float64Array,
    parts: ChunkFile[],
  ): Promise<number> {
    const { fileBytes } = this.options
    const buffer = new ByteWriter(16 * 1024)
    const open = this.openFile(parts, roomFor(chunks[from] as HeadChunk))
    const file = { ...open }
    if (open.bytes === 0) writeFileHeader(buffer)
    let next = from
    for (; next < chunks.length; next++) {
      const chunk = chunks[next] as HeadChunk
      const at = open.bytes + buffer.length
      if (next > from && at + roomFor(chunk) > fileBytes) break
      refs[next] = chunkRef(file.number, at)
      noteChunk(file, chunk)
      writeChunk(buffer, chunk)
    }
    await this.append(open, buffer.written(), parts.length > 0)
    file.bytes += buffer.length
    parts.push(file)
    return next
  }

  /** The file into which a chunk goes: the one being written, or a new one. */
  private openFile(parts: readonly ChunkFile[], room: number): ChunkFile {
    const current = parts.at(-1) ?? (this.ended ? undefined : this.files.at(-1))
    if (current && current.bytes + room <= this.options.fileBytes) return current
    return emptyFile(Math.max(this.nextNumber, (parts.at(-1)?.number ?? 0) + 1))
  }

  private async append(file: ChunkFile, bytes: Uint8Array, halfway: boolean): Promise<void> {
    const { disk, folder } = this.options
    // The first write of a file takes along what the one before it could still lose: never a gap.
    const strict = file.bytes === 0 && (this.loose || halfway)
    try {
      await disk.append(filePath(folder, file.number), file.bytes, bytes, strict ? 'strict' : 'relaxed')
      this.loose = true
    } catch (error) {
      this.doubtful = halfway || !(error instanceof DiskFullError || error instanceof StolenError)
      throw error
    }
  }

  private accept(parts: readonly ChunkFile[]): void {
    for (const part of parts) {
      if (this.files.at(-1)?.number === part.number) this.files.pop()
      this.files.push(part)
      this.nextNumber = part.number + 1
    }
    this.ended = false
  }

  /** Takes away what a failed write may have left. */
  private async settleDoubt(): Promise<void> {
    const { disk, folder } = this.options
    const found = fileNumbers(await disk.list(folder)).filter(number => number >= this.nextNumber)
    for (const number of found.reverse()) await disk.remove(filePath(folder, number))
    const current = this.files.at(-1)
    if (current) await this.cutToSize(current)
    this.doubtful = false
  }

  private async cutToSize({ number, bytes }: ChunkFile): Promise<void> {
    const { disk, folder } = this.options
    const path = filePath(folder, number)
    if ((await disk.size(path)) > bytes) await disk.truncate(path, bytes)
  }

  private async makeDurable(): Promise<void> {
    const newest = this.files.at(-1)
    if (!this.loose || !newest) return
    if (this.doubtful) await this.settleDoubt()
    await this.options.disk.truncate(filePath(this.options.folder, newest.number), newest.bytes)
    this.loose = false
  }

  private async removeFirst(): Promise<void> {
    const { disk, folder } = this.options
    const [first, second] = this.files
    if (first === undefined) return
    await disk.remove(filePath(folder, first.number))
    this.files.shift()
    // A power cut brings back what was removed: were that in any order, the numbers might have a gap.
    if (!second) return
    await disk.truncate(filePath(folder, second.number), second.bytes)
    this.loose = false
  }
}
