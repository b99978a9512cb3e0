import { NotFoundError, type Disk } from '../disk/disk.ts'

// Prometheus looks at nothing in its data directory but what it knows.
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
 *  are in blocks, too, which costs memory and nothing else. */
export async function readCut(disk: Disk): Promise<Cut | null> {
  try {
    const value = JSON.parse(new TextDecoder().decode(await disk.read(path))) as Partial<Cut> | null
    const { t, block, before } = value ?? {}
    const sound = Number.isSafeInteger(t) && Number.isSafeInteger(before) && typeof block === 'string'
    return sound ? ({ t, block, before } as Cut) : null
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof SyntaxError) return null
    throw error
  }
}

/** Strictly durable when it resolves. */
export function writeCut(disk: Disk, cut: Cut): Promise<void> {
  return disk.write(path, new TextEncoder().encode(`${JSON.stringify(cut)}\n`))
}
