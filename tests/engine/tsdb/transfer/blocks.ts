import { writeArchive } from '../../../../src/engine/archive/archive.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import type { ArchiveFormat, ImportSource } from '../../../../src/engine/model/blocks.ts'
import type { BlockMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import {
  importSource,
  type ImportProgress,
  type Imported,
} from '../../../../src/engine/tsdb/transfer/importer.ts'
import { openPins, type Pins } from '../../../../src/engine/tsdb/transfer/pins.ts'
import type { Disk } from '../../../../src/engine/disk/disk.ts'
import { FakeHost } from '../../../fakehost.ts'
import { digests, entriesOf, type Files } from '../../archive/files.ts'
import { made, shelfOf, type Made } from '../block/blockdisk.ts'

export const ulids = ['01J0000000000000000000000A', '01J0000000000000000000000B'] as const

/** A small block's files, with the block's folder in front. */
export async function blockFiles(ulid: string, name = 'up'): Promise<Files> {
  const samples = Array.from({ length: 20 }, (_, i) => [1000 * i, i % 7] as const)
  const series: Made[] = ['a', 'b', 'c'].map(job => [name, { job }, samples])
  const { files } = await made(series, { ulid })
  return Object.fromEntries([...files].map(([path, bytes]) => [`${ulid}/${path}`, bytes]))
}

export async function archiveOf(files: Files, format: ArchiveFormat = 'zip'): Promise<ImportSource> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for await (const piece of writeArchive(format, entriesOf(files, 1000))) pieces.push(piece)
  return { kind: 'archive', name: `blocks.${format}`, bytes: new Blob(pieces) }
}

export function folderOf(files: Files): ImportSource {
  const all = Object.entries(files)
  return {
    kind: 'folder',
    name: 'data',
    files: all.map(([path, bytes]) => ({ path, bytes: new Blob([new Uint8Array(bytes)]) })),
  }
}

export const chunkRangeMs = 7_200_000

/** A store of nothing but a disk and its pins. */
export class Store {
  readonly host = new FakeHost()
  readonly disk: Disk
  readonly pins: Pins
  readonly metas = new Map<string, BlockMeta>()

  private constructor(disk: Disk, pins: Pins) {
    this.disk = disk
    this.pins = pins
  }

  static async open(disk: Disk = new MemoryDisk()): Promise<Store> {
    const present = (await disk.list('')).filter(isUlid)
    return new Store(disk, await openPins(disk, present))
  }

  take(
    source: ImportSource,
    progress: ImportProgress = () => undefined,
    signal?: AbortSignal,
  ): Promise<Imported> {
    const { disk, host, pins, metas } = this
    const existing = (ulid: string) => metas.get(ulid) ?? null
    const target = { shelf: shelfOf(disk), host, pins, chunkRangeMs, existing }
    return importSource(target, source, progress, signal)
  }
}

/** Everything in the published folders of blocks. */
export async function published(disk: Disk): Promise<Record<string, string>> {
  const files: Record<string, Uint8Array> = {}
  for (const ulid of (await disk.list('')).filter(isUlid)) await collect(disk, ulid, files)
  return digests(files)
}

async function collect(disk: Disk, folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`
    if ((await disk.list(path)).length > 0) await collect(disk, path, files)
    else files[path] = await disk.read(path)
  }
}
