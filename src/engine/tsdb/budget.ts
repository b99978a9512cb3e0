import { NotFoundError, type Disk } from '../disk/disk.ts'
import type { Host } from '../model/host.ts'

// Prometheus looks at nothing in its data directory but what it knows.
const path = 'brazier/budget.json'

/** Reads what the user set; what cannot be read counts as nothing set. */
export async function openBudget(disk: Disk, host: Host): Promise<Budget> {
  return new Budget(disk, await host.capacity(), await readOwn(disk))
}

/** How many bytes the store may use: what upstream takes the size of the file system for, which a browser does not
 *  tell. */
export class Budget {
  /** What the user set; null while that is nothing. */
  own: number | null
  private readonly disk: Disk
  private readonly capacity: number

  constructor(disk: Disk, capacity: number, own: number | null) {
    this.disk = disk
    this.capacity = capacity
    this.own = own
  }

  get bytes(): number {
    return this.own ?? this.capacity
  }

  /** Strictly durable when it resolves.
   *  @param bytes null leaves it to the host
   *  @throws RangeError where it is not a positive number of bytes */
  async set(bytes: number | null): Promise<void> {
    if (bytes !== null && !isBudget(bytes))
      throw new RangeError(`want a positive number of bytes, have ${String(bytes)}`)
    await this.disk.write(path, new TextEncoder().encode(`${JSON.stringify({ bytes })}\n`))
    this.own = bytes
  }
}

async function readOwn(disk: Disk): Promise<number | null> {
  try {
    const text = new TextDecoder().decode(await disk.read(path))
    const bytes = (JSON.parse(text) as { readonly bytes?: unknown } | null)?.bytes
    return isBudget(bytes) ? bytes : null
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof SyntaxError) return null
    throw error
  }
}

function isBudget(bytes: unknown): bytes is number {
  return Number.isSafeInteger(bytes) && (bytes as number) > 0
}
