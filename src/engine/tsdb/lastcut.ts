import type { Disk } from '../disk/disk.ts'
import { readOwn, unwanted, writeOwn } from './ownfile.ts'

const path = 'brazier/head.json'

/** How far the head has been written as blocks. */
export interface Cut {
  /** Samples before it are in blocks; the head begins here. */
  readonly t: number
  /** The block that made the cut, and where the head began before it. */
  readonly block: string
  readonly before: number
}

/** The last cut, or null when there was none. One that cannot be read is none: the log then gives the head samples that
 *  are in blocks, too, which costs memory and nothing else.
 *  @returns with what is wrong with the file */
export async function readCut(disk: Disk): Promise<{ cut: Cut | null; damage: string | null }> {
  const { value, damage } = await readOwn(disk, path)
  if (value === undefined) return { cut: null, damage }
  const { t, block, before } = (value ?? {}) as Partial<Cut>
  const sound = Number.isSafeInteger(t) && Number.isSafeInteger(before) && typeof block === 'string'
  if (sound) return { cut: { t, block, before } as Cut, damage: null }
  return { cut: null, damage: unwanted(path, '{"t":…,"block":"…","before":…}', value) }
}

/** Strictly durable when it resolves. */
export function writeCut(disk: Disk, cut: Cut): Promise<void> {
  return writeOwn(disk, path, cut)
}
