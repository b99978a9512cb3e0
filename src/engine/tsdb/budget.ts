import type { Disk } from '../disk/disk.ts'
import type { Host } from '../model/host.ts'
import { readOwn, unwanted, writeOwn } from './ownfile.ts'

const path = 'brazier/budget.json'

/** Reads what the user set. When that cannot be read, nothing is set and nothing is too much: what is kept too long can be
 *  deleted, what is deleted cannot be kept. */
export async function openBudget(disk: Disk, host: Host): Promise<Budget> {
  const { own, damage } = await readBudget(disk)
  return new Budget(disk, await host.capacity(), own, damage)
}

/** How many bytes the store may use: what upstream takes the size of the file system for, which a browser does not
 *  tell. */
export class Budget {
  /** What the user set; null while that is nothing. */
  own: number | null
  /** What was wrong with the file when it was opened, until another is written. */
  damage: string | null
  private readonly disk: Disk
  private readonly capacity: number

  constructor(disk: Disk, capacity: number, own: number | null, damage: string | null) {
    this.disk = disk
    this.capacity = capacity
    this.own = own
    this.damage = damage
  }

  get bytes(): number {
    return this.own ?? this.capacity
  }

  /** Beyond which blocks go. */
  get limit(): number {
    return this.damage === null ? this.bytes : Infinity
  }

  /** Strictly durable when it resolves.
   *  @param bytes null leaves it to the host
   *  @throws RangeError where it is not a positive number of bytes */
  async set(bytes: number | null): Promise<void> {
    if (bytes !== null && !isBudget(bytes))
      throw new RangeError(`want a positive number of bytes, have ${String(bytes)}`)
    await writeOwn(this.disk, path, { bytes })
    this.own = bytes
    this.damage = null
  }
}

async function readBudget(disk: Disk): Promise<{ own: number | null; damage: string | null }> {
  const { value, damage } = await readOwn(disk, path)
  if (value === undefined) return { own: null, damage }
  const { bytes } = (value ?? {}) as { readonly bytes?: unknown }
  if (bytes === null || isBudget(bytes)) return { own: bytes, damage: null }
  return { own: null, damage: unwanted(path, '{"bytes":…}', value) }
}

function isBudget(bytes: unknown): bytes is number {
  return Number.isSafeInteger(bytes) && (bytes as number) > 0
}
