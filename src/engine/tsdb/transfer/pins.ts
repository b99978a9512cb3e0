import type { Disk } from '../../disk/disk.ts'
import { isUlid } from '../block/ulid.ts'
import { readOwn, unwanted, writeOwn } from '../ownfile.ts'

const path = 'brazier/pinned.json'

/** Reads which blocks are pinned, and forgets those that are not there any more. When the file is damaged all blocks
 *  are taken for pinned: what is kept too long can be deleted, what is deleted cannot be kept.
 *  @param present ULIDs of all blocks in the store, broken ones too */
export async function openPins(disk: Disk, present: readonly string[]): Promise<Pins> {
  const { pinned, damage } = await readPins(disk)
  return new Pins(disk, damage === null ? present.filter(ulid => pinned.has(ulid)) : present, damage)
}

/** The blocks that retention and compaction leave alone. */
export class Pins {
  /** What was wrong with the file when it was opened. */
  readonly damage: string | null
  private readonly disk: Disk
  private ulids: ReadonlySet<string>
  /** Changes are made one after the other. */
  private last: Promise<void> = Promise.resolve()

  constructor(disk: Disk, ulids: Iterable<string>, damage: string | null) {
    this.disk = disk
    this.ulids = new Set(ulids)
    this.damage = damage
  }

  has(ulid: string): boolean {
    return this.ulids.has(ulid)
  }

  /** Strictly durable when it resolves; when it rejects nothing has changed. */
  set(ulids: readonly string[], pinned: boolean): Promise<void> {
    const change = this.last.then(() => this.change(ulids, pinned))
    this.last = change.catch(() => undefined)
    return change
  }

  private async change(ulids: readonly string[], pinned: boolean): Promise<void> {
    if (ulids.every(ulid => this.ulids.has(ulid) === pinned)) return
    const next = new Set(this.ulids)
    for (const ulid of ulids) {
      if (pinned) next.add(ulid)
      else next.delete(ulid)
    }
    await writeOwn(this.disk, path, { pinned: [...next].sort() })
    this.ulids = next
  }
}

interface PinsFile {
  readonly pinned: ReadonlySet<string>
  readonly damage: string | null
}

async function readPins(disk: Disk): Promise<PinsFile> {
  const { value, damage } = await readOwn(disk, path)
  if (value === undefined) return { pinned: new Set(), damage }
  const { pinned } = (value ?? {}) as { readonly pinned?: unknown }
  if (Array.isArray(pinned) && pinned.every(ulid => typeof ulid === 'string' && isUlid(ulid)))
    return { pinned: new Set(pinned as string[]), damage: null }
  return { pinned: new Set(), damage: unwanted(path, '{"pinned":[…ULIDs]}', value) }
}
