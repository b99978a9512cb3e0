import { NotFoundError, stagingSuffix, type Disk } from '../disk/disk.ts'
import type { Host } from '../model/host.ts'
import type { SnapshotInfo } from '../model/storage.ts'
import type { Block } from './block/block.ts'
import { isUlid } from './block/ulid.ts'

const folder = 'snapshots'
const pieceBytes = 1024 * 1024

/** Copies of the store's blocks, each snapshot in a folder of its own (upstream's `DB.Snapshot`, where its admin API puts
 *  them). Prometheus looks at them no more than Brazier does; started on one, it finds a data directory. */
export class Snapshots {
  private readonly disk: Disk
  private readonly host: Host

  constructor(disk: Disk, host: Host) {
    this.disk = disk
    this.host = host
  }

  /** Takes one; nothing is left of it when this rejects.
   *  @param blocks of the store or of a staging folder; they stay on the disk meanwhile
   *  @throws DiskFullError, or the signal's reason */
  async take(blocks: readonly Block[], signal: AbortSignal): Promise<SnapshotInfo> {
    if (blocks.length === 0) throw new Error('there is nothing to take a snapshot of')
    const name = newName(this.host)
    const from = `${folder}/${name}${stagingSuffix}`
    try {
      for (const block of blocks) {
        for (const { path, size } of block.files) {
          signal.throwIfAborted()
          await this.copy(`${block.folder}/${path}`, `${from}/${block.meta.ulid}/${path}`, size)
        }
      }
      await this.disk.publish([{ from, to: `${folder}/${name}` }])
    } catch (error) {
      await this.disk.removeFolder(from)
      throw error
    }
    return this.info(name)
  }

  /** The newest first. */
  async list(): Promise<SnapshotInfo[]> {
    const names = await this.disk.list(folder)
    return Promise.all(names.reverse().map(name => this.info(name)))
  }

  /** @throws Error when there is none of this name */
  async remove(name: string): Promise<void> {
    await this.disk.removeFolder(await this.folderOf(name))
  }

  /** The folders of its blocks.
   *  @throws Error when there is none of this name */
  async blockFolders(name: string): Promise<string[]> {
    const path = await this.folderOf(name)
    return (await this.disk.list(path)).filter(isUlid).map(ulid => `${path}/${ulid}`)
  }

  private async folderOf(name: string): Promise<string> {
    if ((await this.disk.list(folder)).includes(name)) return `${folder}/${name}`
    throw new Error(`want a snapshot, have ${name}`)
  }

  private async copy(from: string, to: string, size: number): Promise<void> {
    const writer = await this.disk.create(to)
    try {
      for (let at = 0; at < size; at += pieceBytes) {
        await writer.write(await this.disk.read(from, at, Math.min(at + pieceBytes, size)))
      }
      await writer.close()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  private async info(name: string): Promise<SnapshotInfo> {
    const path = `${folder}/${name}`
    const blocks = (await this.disk.list(path)).filter(isUlid).length
    return { name, blocks, bytes: await this.bytesIn(path) }
  }

  private async bytesIn(path: string): Promise<number> {
    let bytes = 0
    for (const name of await this.disk.list(path)) {
      const inside = `${path}/${name}`
      bytes += (await this.sizeOf(inside)) ?? (await this.bytesIn(inside))
    }
    return bytes
  }

  /** Null for a folder. */
  private async sizeOf(path: string): Promise<number | null> {
    try {
      return await this.disk.size(path)
    } catch (error) {
      if (error instanceof NotFoundError) return null
      throw error
    }
  }
}

/** As upstream names them: the time, and 16 digits that nobody else has. */
function newName(host: Pick<Host, 'now' | 'random'>): string {
  const time = new Date(host.now()).toISOString().replace(/[-:]|\.\d+/g, '')
  const digits = Array.from({ length: 16 }, () => Math.floor(host.random() * 16).toString(16))
  return `${time}-${digits.join('')}`
}
