// The store in a folder, for a program that works on it and ends.
import { openNodeFs } from '../disks/nodefs.ts'
import type { EngineService } from '../engine/api/service.ts'
import { openEngine } from '../engine/engine.ts'
import { StartError } from './node.ts'
import { nodeHost } from './nodehost.ts'

export interface NodeStoreOptions {
  /** Of the data, in Prometheus's layout; made when it is missing. */
  readonly folder: string
  readonly version: string
  /** Seconds since the epoch. */
  readonly build: number
  /** Takes the log, line by line. */
  readonly log: (line: string) => void
}

export interface NodeStore {
  readonly service: EngineService
  /** Brings everything to the disk for good and lets go of the folder. */
  close(): Promise<void>
}

/** Opens the store in a folder. Nothing is scraped, nothing happens by itself, and nothing is let go because it is old: the
 *  folder may be somebody's archive.
 *  @throws StartError when the folder cannot be had */
export async function openNodeStore({ folder, version, build, log }: NodeStoreOptions): Promise<NodeStore> {
  const disk = await openNodeFs(folder).catch((cause: unknown) => {
    throw new StartError(cause instanceof Error ? cause.message : String(cause), { cause })
  })
  try {
    const engine = await openEngine({
      // Timers are what makes the store do something by itself.
      host: {
        ...nodeHost({ userAgent: `Brazier/${version}`, folder, write: log }),
        after: () => () => undefined,
      },
      disk,
      kind: 'node',
      version,
      build,
      engineId: crypto.randomUUID(),
      selfUrl: null,
      sidecarUrl: null,
      config: '',
      store: { retentionMs: null, maxPercentage: null },
    })
    return { service: engine, close: () => engine.close() }
  } catch (error) {
    await disk.close()
    throw error
  }
}
