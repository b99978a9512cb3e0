import { NotFoundError, type Disk } from '../../disk/disk.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Querier, TimeRange } from '../../model/store.ts'
import { damage, within } from './damage.ts'
import { afterDeletion } from './deletion.ts'
import { BlockFile, type BlockShelf } from './file.ts'
import { openIndex } from './indexreader.ts'
import { maxMetaBytes, parseMeta, type BlockMeta } from './meta.ts'
import type { Pace } from './pace.ts'
import { BlockQuerier, type BlockParts } from './querier.ts'
import { Segments } from './segments.ts'
import { storedSeries, type StoredSeries } from './stored.ts'
import { maxTombstoneBytes, parseTombstones, Tombstones } from './tombstones.ts'
import { verifyBlock } from './verify.ts'

export type { BlockShelf } from './file.ts'
export type { StoredSeries, StoredSeriesChunk } from './stored.ts'

/** One file of a block. */
export interface BlockFileInfo {
  /** Within the block's folder. */
  readonly path: string
  readonly size: number
}

/** Opens a block: reads meta.json, tombstones, and of the index symbols and postings table. Its folder is a published
 *  one, or a staging folder whose files are closed.
 *  @throws CorruptionError that names file, offset, what was wanted and what was found
 *  @throws NotFoundError where meta.json or the index is missing */
export async function openBlock(shelf: BlockShelf, folder: string): Promise<Block> {
  const { disk } = shelf
  const metaFile = new BlockFile(shelf, `${folder}/meta.json`, await disk.size(`${folder}/meta.json`))
  const metaBytes = await metaFile.readDirect(0, Math.min(metaFile.size, maxMetaBytes + 1))
  const meta = within(metaFile.path, 0, () => parseMeta(metaBytes))
  const indexFile = new BlockFile(shelf, `${folder}/index`, await disk.size(`${folder}/index`))
  const index = await openIndex(indexFile)
  const segments = new Segments(`${folder}/chunks`, await segmentFiles(shelf, `${folder}/chunks`))
  const stones = await sizeOf(disk, `${folder}/tombstones`)
  const tombstones = await readTombstones(shelf, `${folder}/tombstones`, stones)
  const files = [metaFile, indexFile, ...segments.files.values()]
  const inside = files.map(({ path, size }) => ({ path: path.slice(folder.length + 1), size }))
  if (stones !== null) inside.push({ path: 'tombstones', size: stones })
  return new Block(folder, inside, { meta, index, segments, tombstones })
}

/** Segments by their number from 0 on, ascending. Files with other names are not the block's. */
async function segmentFiles(shelf: BlockShelf, folder: string): Promise<Map<number, BlockFile>> {
  const files = new Map<number, BlockFile>()
  const names = (await shelf.disk.list(folder)).filter(name => /^\d{6,9}$/.test(name) && Number(name) > 0)
  for (const name of names.sort((a, b) => Number(a) - Number(b))) {
    const path = `${folder}/${name}`
    const size = await shelf.disk.size(path)
    // Offsets in a segment have 32 bits.
    if (size > 2 ** 32) throw damage(path, 0, `at most ${2 ** 32} bytes`, String(size))
    files.set(Number(name) - 1, new BlockFile(shelf, path, size))
  }
  return files
}

async function sizeOf(disk: Disk, path: string): Promise<number | null> {
  try {
    return await disk.size(path)
  } catch (error) {
    if (error instanceof NotFoundError) return null
    throw error
  }
}

/** A block without the file has none. */
async function readTombstones(shelf: BlockShelf, path: string, size: number | null): Promise<Tombstones> {
  if (size === null) return Tombstones.of([])
  if (size > maxTombstoneBytes) throw damage(path, 0, `at most ${maxTombstoneBytes} bytes`, String(size))
  return parseTombstones(path, await new BlockFile(shelf, path, size).readDirect(0, size))
}

/** An opened block. It holds no resources of the disk: one that is not needed any more is let go of. */
export class Block {
  readonly folder: string
  readonly meta: BlockMeta
  /** In the order in which an archive should hold them. */
  readonly files: readonly BlockFileInfo[]
  /** Of all files. */
  readonly bytes: number
  private readonly parts: BlockParts

  constructor(folder: string, files: readonly BlockFileInfo[], parts: BlockParts) {
    this.folder = folder
    this.meta = parts.meta
    this.files = files
    this.bytes = files.reduce((sum, file) => sum + file.size, 0)
    this.parts = parts
  }

  querier(): Querier {
    return new BlockQuerier(this.parts)
  }

  /** Everything as it is stored, for who makes another block of it.
   *  @throws CorruptionError */
  series(): AsyncGenerator<readonly StoredSeries[]> {
    return storedSeries(this.parts)
  }

  /** How many intervals are deleted of its series. */
  get tombstones(): number {
    return this.parts.tombstones.count
  }

  /** Which intervals are deleted of its series once those that match are deleted in the range, too. Null when that
   *  deletes nothing that is not deleted already.
   *  @throws CorruptionError, or what ends the pace */
  deletion(matchers: readonly Matcher[], range: TimeRange, pace: Pace): Promise<Tombstones | null> {
    return afterDeletion(this.parts, matchers, range, pace)
  }

  /** The same block with other tombstones than it has on the disk. */
  with(tombstones: Tombstones): Block {
    return new Block(this.folder, this.files, { ...this.parts, tombstones })
  }

  /** Reads the whole block and checks it: every checksum, order, references and time ranges. Chunks of encodings
   *  1–6 are let pass, whether they can be queried or not.
   *  @param progress is told bytes read, and all bytes
   *  @throws CorruptionError, or the signal's reason */
  async verify(progress?: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    const { meta, index, segments } = this.parts
    let done = 0
    await verifyBlock(meta, index, segments, bytes => {
      signal?.throwIfAborted()
      done = Math.min(this.bytes, done + bytes)
      progress?.(done, this.bytes)
    })
    progress?.(this.bytes, this.bytes)
  }
}
