import { regroup } from '../../archive/pieces.ts'
import type { Disk, FileWriter } from '../../disk/disk.ts'

/** Bytes that are written at once: a file in the browser wants few and large writes. */
const writeBytes = 1024 * 1024

/** Writes files into staging folders, one after the other, and takes the folders away again. */
export class StagedFiles {
  private readonly disk: Disk
  private writer: FileWriter | null = null

  constructor(disk: Disk) {
    this.disk = disk
  }

  /** @param seen is told each piece that has been written, which is lent
   *  @throws what the bytes and the disk throw, and the signal's reason */
  async write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
    seen?: (piece: Uint8Array) => void,
  ): Promise<void> {
    this.writer = await this.disk.create(path)
    for await (const piece of regroup(bytes, writeBytes)) {
      await this.writer.write(piece)
      seen?.(piece)
      signal?.throwIfAborted()
    }
    await this.writer.close()
    this.writer = null
  }

  /** Gives up the file that is being written and removes folders. Answers whether nothing is left: a disk may refuse. */
  async discard(folders: readonly string[]): Promise<boolean> {
    const steps = [() => this.writer?.abort(), ...folders.map(folder => () => this.disk.removeFolder(folder))]
    let clean = true
    for (const step of steps) {
      await step()?.catch(() => {
        clean = false
      })
    }
    this.writer = null
    return clean
  }
}
