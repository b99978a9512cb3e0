import { regroup } from '../../archive/pieces.ts'
import type { ArchiveEntry } from '../../archive/archive.ts'
import { stagingSuffix, type Move } from '../../disk/disk.ts'
import { ImportError } from '../../model/errors.ts'
import { openBlock, type BlockShelf } from '../block/block.ts'
import { formatMeta, maxMetaBytes, parseMeta, type BlockMeta } from '../block/meta.ts'
import { folderAbove, snapshotOf, type BlockPath } from './blockpath.ts'
import type { StagedFiles } from './stagedfiles.ts'

/** Blocks on their way in. Each is written into a staging folder of its own, until all are published or discarded. */
export class Staging {
  private readonly shelf: BlockShelf
  private readonly files: StagedFiles
  private readonly existing: (ulid: string) => BlockMeta | null
  private readonly blocks = new Map<string, IncomingBlock>()
  /** Data directories that have blocks or a log, by their folder in the source. */
  private readonly directories = new Set<string>()
  private readonly repeated = new Set<string>()
  private publishing = false

  constructor(shelf: BlockShelf, files: StagedFiles, existing: (ulid: string) => BlockMeta | null) {
    this.shelf = shelf
    this.files = files
    this.existing = existing
  }

  /** Takes in a file of a block, or checks it when the store has that block already. A snapshot within a data directory
   *  repeats what that has: it is left out once the directory is known.
   *  @throws ImportError */
  async take(entry: ArchiveEntry, { ulid, folder, file }: BlockPath, signal?: AbortSignal): Promise<void> {
    const above = folderAbove(folder)
    const repeated = snapshotOf(above)
    if (repeated !== null && this.directories.has(repeated)) return void this.repeated.add(above)
    if (repeated === null) await this.noteDirectory(above)
    let bytes = entry.bytes
    const block = this.blocks.get(ulid) ?? (await this.admit(ulid, folder))
    if (block.folder !== folder) {
      throw new ImportError(`${folder}: want every block once, have it in ${block.folder}, too`)
    }
    block.files.add(file)
    if (file === 'meta.json') bytes = once(await readMeta(block, entry.size, bytes))
    // Of a block that the store has, the metas are compared; nothing else is read.
    if (block.known) return
    await this.files.write(`${staged(ulid)}/${file}`, bytes, signal)
    block.bytes += entry.size
  }

  /** There is a data directory in this folder of the source: what has been taken in of its snapshots goes. */
  async noteDirectory(directory: string): Promise<void> {
    if (this.directories.has(directory)) return
    this.directories.add(directory)
    for (const { ulid, folder, known } of this.blocks.values()) {
      const above = folderAbove(folder)
      if (snapshotOf(above) !== directory) continue
      this.repeated.add(above)
      this.blocks.delete(ulid)
      if (!known) await this.shelf.disk.removeFolder(staged(ulid))
    }
  }

  /** Takes in a block that its caller writes, unless the store has it.
   *  @param folder what it comes from in the source
   *  @param write writes it into its staging folder and answers its meta
   *  @throws ImportError, and what `write` throws */
  async make(ulid: string, folder: string, write: () => Promise<BlockMeta>): Promise<void> {
    const block = await this.admit(ulid, folder)
    if (block.known) return
    block.meta = await write()
    if (block.meta.stats.numSamples > 0) {
      block.bytes = (await openBlock(this.shelf, staged(ulid))).bytes
    } else {
      this.blocks.delete(ulid)
      await this.shelf.disk.removeFolder(staged(ulid))
    }
  }

  /** Takes in blocks that lie in their staging folders. */
  async adopt(ulids: readonly string[]): Promise<void> {
    const adopted = ulids.map(ulid => this.note(ulid, ulid, null))
    for (const block of adopted) {
      const { meta, bytes } = await openBlock(this.shelf, staged(block.ulid))
      block.meta = meta
      block.bytes = bytes
    }
  }

  /** Metas of the blocks of a data directory. */
  metasIn(directory: string): BlockMeta[] {
    const inside = [...this.blocks.values()].filter(({ folder }) => folderAbove(folder) === directory)
    return inside.flatMap(({ meta }) => meta ?? [])
  }

  /** Checks that the blocks have the files without which there is none.
   *  @throws ImportError */
  checkComplete(): void {
    for (const block of this.blocks.values()) checkComplete(block)
  }

  /** Reads the blocks whole.
   *  @param progress is told bytes read, and all bytes
   *  @throws CorruptionError with the path of a file in a staging folder */
  async check(progress: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    let before = 0
    const total = [...this.blocks.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    // One after the other: the symbols of an opened block are in memory.
    for (const ulid of this.fresh) {
      const block = await openBlock(this.shelf, staged(ulid))
      signal?.throwIfAborted()
      const base = before
      await block.verify(done => progress(base + done, total), signal)
      before += block.bytes
    }
  }

  /** Makes the blocks appear. */
  async publish(): Promise<void> {
    const moves: Move[] = this.fresh.map(ulid => ({ from: staged(ulid), to: ulid }))
    if (moves.length === 0) return
    this.publishing = true
    await this.shelf.disk.publish(moves)
  }

  /** Folders that may be there when the import fails. */
  get folders(): string[] {
    // A disk that publishes one folder after the other may have come some way.
    return this.fresh.flatMap(ulid => (this.publishing ? [staged(ulid), ulid] : [staged(ulid)]))
  }

  /** ULIDs of the blocks that are new to the store, sorted. */
  get fresh(): string[] {
    return this.ulidsOf(({ known }) => !known)
  }

  /** ULIDs of those that it has, sorted. */
  get known(): string[] {
    return this.ulidsOf(({ known }) => known !== null)
  }

  /** Folders of snapshots that were left out, sorted. */
  get snapshots(): string[] {
    return [...this.repeated].sort()
  }

  get empty(): boolean {
    return this.blocks.size === 0
  }

  private ulidsOf(which: (block: IncomingBlock) => boolean): string[] {
    const found = [...this.blocks.values()].filter(which)
    return found.map(({ ulid }) => ulid).sort()
  }

  private async admit(ulid: string, folder: string): Promise<IncomingBlock> {
    const known = this.existing(ulid)
    if (!known && (await this.shelf.disk.list(ulid)).length > 0) {
      throw new ImportError(`${folder}: want no such block in the store, have one that could not be opened`)
    }
    return this.note(ulid, folder, known)
  }

  private note(ulid: string, folder: string, known: BlockMeta | null): IncomingBlock {
    const block = { ulid, folder, known, meta: known, bytes: 0, files: new Set<string>() }
    this.blocks.set(ulid, block)
    return block
  }
}

interface IncomingBlock {
  readonly ulid: string
  /** In the source. */
  readonly folder: string
  /** What the store has under this name. */
  readonly known: BlockMeta | null
  /** Once it has been read, or the block has been made. */
  meta: BlockMeta | null
  /** Of all files that are staged. */
  bytes: number
  readonly files: Set<string>
}

/** The bytes of a meta.json that is that of its block, the one that the store has where it has one. */
async function readMeta(
  block: IncomingBlock,
  size: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const { ulid, folder, known } = block
  const path = `${folder}/meta.json`
  if (size > maxMetaBytes) throw new ImportError(`${path}: want at most ${maxMetaBytes} bytes, have ${size}`)
  let whole = new Uint8Array(0)
  for await (const piece of regroup(bytes, maxMetaBytes)) whole = piece
  const meta = parsed(path, whole)
  if (meta.ulid !== ulid) {
    throw new ImportError(`${path}: want the ulid of its folder, ${ulid}, have ${meta.ulid}`)
  }
  if (known && !sameMeta(meta, known)) {
    throw new ImportError(`${path}: want what the store has under this name, have another block`)
  }
  block.meta = meta
  return whole
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function staged(ulid: string): string {
  return ulid + stagingSuffix
}

function checkComplete({ folder, known, files }: IncomingBlock): void {
  for (const file of known ? ['meta.json'] : ['meta.json', 'index']) {
    if (!files.has(file)) throw new ImportError(`${folder}: want a file ${file}, have none`)
  }
}

function parsed(path: string, bytes: Uint8Array): BlockMeta {
  try {
    return parseMeta(bytes)
  } catch (cause) {
    throw new ImportError(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** As written, so that absent and zero fields are the same. */
function sameMeta(a: BlockMeta, b: BlockMeta): boolean {
  const text = new TextDecoder()
  return text.decode(formatMeta(a)) === text.decode(formatMeta(b))
}
