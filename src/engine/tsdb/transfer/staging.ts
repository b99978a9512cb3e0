import { regroup } from '../../archive/pieces.ts'
import type { ArchiveEntry } from '../../archive/archive.ts'
import { stagingSuffix, type FileWriter, type Move } from '../../disk/disk.ts'
import { ImportError } from '../../model/errors.ts'
import { openBlock, type BlockShelf } from '../block/block.ts'
import { formatMeta, maxMetaBytes, parseMeta, type BlockMeta } from '../block/meta.ts'
import type { BlockPath } from './blockpath.ts'

/** Bytes that are written at once: a file in the browser wants few and large writes. */
const writeBytes = 1024 * 1024

/** Blocks on their way in. Each is written into a staging folder of its own, until all are published or discarded. */
export class Staging {
  private readonly shelf: BlockShelf
  private readonly existing: (ulid: string) => BlockMeta | null
  private readonly blocks = new Map<string, IncomingBlock>()
  private writer: FileWriter | null = null
  private publishing = false
  /** Of all staged files. */
  private bytes = 0

  constructor(shelf: BlockShelf, existing: (ulid: string) => BlockMeta | null) {
    this.shelf = shelf
    this.existing = existing
  }

  /** Takes in a file of a block, or checks it when the store has that block already.
   *  @throws ImportError */
  async take(entry: ArchiveEntry, { ulid, folder, file }: BlockPath, signal?: AbortSignal): Promise<void> {
    let bytes = entry.bytes
    const block = this.blocks.get(ulid) ?? (await this.admit(ulid, folder))
    if (block.folder !== folder) {
      throw new ImportError(`${folder}: want every block once, have it in ${block.folder}, too`)
    }
    block.files.add(file)
    if (file === 'meta.json') bytes = once(await readMeta(block, entry.size, bytes))
    // Of a block that the store has, the metas are compared; nothing else is read.
    if (block.known) return
    await this.write(`${staged(ulid)}/${file}`, bytes, signal)
    this.bytes += entry.size
  }

  /** Checks that the blocks are complete and reads them whole.
   *  @param progress is told bytes read, and all bytes
   *  @throws ImportError, CorruptionError with the path of a file in a staging folder */
  async check(progress: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    for (const block of this.blocks.values()) checkComplete(block)
    let before = 0
    // One after the other: the symbols of an opened block are in memory.
    for (const ulid of this.fresh) {
      const block = await openBlock(this.shelf, staged(ulid))
      signal?.throwIfAborted()
      const base = before
      await block.verify(done => progress(base + done, this.bytes), signal)
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

  /** Removes what was taken in. Answers whether nothing is left: a disk may refuse, and staging folders then go when
   *  it is opened the next time. */
  async discard(): Promise<boolean> {
    // A disk that publishes one folder after the other may have come some way.
    const folders = this.fresh.flatMap(ulid => (this.publishing ? [staged(ulid), ulid] : [staged(ulid)]))
    const steps = [
      () => this.writer?.abort(),
      ...folders.map(folder => () => this.shelf.disk.removeFolder(folder)),
    ]
    let clean = true
    for (const step of steps) {
      await step()?.catch(() => {
        clean = false
      })
    }
    return clean
  }

  /** ULIDs of the blocks that are new to the store, sorted. */
  get fresh(): string[] {
    return this.ulidsOf(({ known }) => !known)
  }

  /** ULIDs of those that it has, sorted. */
  get known(): string[] {
    return this.ulidsOf(({ known }) => known !== null)
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
    const block = { ulid, folder, known, files: new Set<string>() }
    this.blocks.set(ulid, block)
    return block
  }

  private async write(path: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    this.writer = await this.shelf.disk.create(path)
    for await (const piece of regroup(bytes, writeBytes)) {
      await this.writer.write(piece)
      signal?.throwIfAborted()
    }
    await this.writer.close()
    this.writer = null
  }
}

interface IncomingBlock {
  readonly ulid: string
  /** In the source. */
  readonly folder: string
  /** What the store has under this name. */
  readonly known: BlockMeta | null
  readonly files: Set<string>
}

/** The bytes of a meta.json that is that of its block, the one that the store has where it has one. */
async function readMeta(
  { ulid, folder, known }: IncomingBlock,
  size: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
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
