import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { fillStore, writeLog } from './fill.ts'
import { ingest } from './ingest.ts'
import { occupy, type Occupied } from './memory.ts'
import type { Platform } from './platform.ts'
import { replayAndCut, replayOnly } from './replay.ts'
import { startAndQuery } from './start.ts'
import type { LogShape } from './shapes.ts'

/** What is measured, and what prepares it; called from outside by name. */
export function storeCases({ host, openDisk }: Platform) {
  const log = new Map<string, Uint8Array>()
  let occupied: Occupied | null = null
  return {
    ingest: (targets: number, shards: number, rounds: number) => ingest(host, { targets, shards, rounds }),

    /** Writes the log that `replay` reads. */
    async writeLog(place: string, shape: LogShape) {
      const disk = await openDisk(place)
      try {
        return await writeLog(disk, host, shape)
      } finally {
        await disk.close()
      }
    },

    /** Brings a log into memory. */
    async fetchLog(url: string, names: readonly string[]) {
      for (const name of names) {
        const response = await fetch(`${url}${name}`)
        if (!response.ok) throw new Error(`${url}${name}: ${response.status}`)
        log.set(name, new Uint8Array(await response.arrayBuffer()))
      }
    },

    /** Copies the log that is in memory to the real disk. */
    async storeLog(place: string) {
      const disk = await openDisk(place)
      for (const [name, bytes] of log) await disk.append(`wal/${name}`, 0, bytes, 'strict')
      await disk.close()
    },

    async replayAndCut(shape: LogShape) {
      const disk = new MemoryDisk()
      for (const [name, bytes] of log) await disk.append(`wal/${name}`, 0, bytes, 'strict')
      return replayAndCut(disk, host, shape)
    },

    /** From the real disk, its opening included. */
    replayFrom: (place: string, shape: LogShape) => replayOnly(() => openDisk(place), host, shape),

    async occupy(targets: number, rounds: number, withCaches: boolean) {
      occupied = await occupy(host, { targets, rounds, withCaches })
    },
    async release() {
      await occupied?.release()
      occupied = null
    },

    async fillStore(place: string, bytes: number) {
      const disk = await openDisk(place)
      try {
        return await fillStore(disk, host, bytes)
      } finally {
        await disk.close()
      }
    },
    startAndQuery: (place: string, expr: string, end: number) =>
      startAndQuery(() => openDisk(place), host, expr, end),
  }
}

export type StoreCases = ReturnType<typeof storeCases>
