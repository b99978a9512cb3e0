import { expect } from 'vitest'
import { DiskFullError } from '../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import type { Db } from '../../../src/engine/tsdb/db.ts'
import { FakeHost } from '../../fakehost.ts'
import { everything, openStore, sampleText, series } from './store.ts'

// The store against the simplest store there is: a map from series to samples. A seed decides what happens.

const options = { segmentBytes: 32 * 1024, chunkRangeMs: 120_000 }

/** Series → its samples, `[t, text]`, in time order. */
type Model = Map<string, [number, string][]>

/** One commit as the model sees it, in the order of the log. */
interface Batch {
  readonly samples: readonly { readonly name: string; readonly t: number; readonly text: string }[]
}

/** Runs one seed. Rejects with its steps when the store is not what the map is. */
export async function runSeed(seed: number): Promise<void> {
  const host = new FakeHost({ seed })
  const steps: string[] = []
  try {
    await run(host, steps)
  } catch (error) {
    throw new Error(`seed ${seed} after: ${steps.join(', ')}`, { cause: error })
  }
}

async function run(host: FakeHost, steps: string[]): Promise<void> {
  const below = (n: number) => Math.floor(host.random() * n)
  let disk = new MemoryDisk()
  let { db } = await openStore(disk, options, host)
  let acknowledged: Batch[] = []
  /** Batches that a power cut cannot take. */
  let safe = 0
  let now = 1_700_000_000_000

  const commit = async (db: Db): Promise<void> => {
    const appender = db.appender()
    const samples: Batch['samples'][number][] = []
    for (let n = 1 + below(6); n > 0; n--) {
      const name = `s${below(8)}`
      const ref = appender.series(series(name))
      for (let k = 1 + below(below(10) === 0 ? 200 : 3); k > 0; k--) {
        now += below(20_000)
        // Often on time, sometimes late, sometimes twice.
        const t = now - (below(5) === 0 ? below(150_000) : 0)
        const v = [1, now % 1000, host.random(), NaN, -0, 0][below(6)]!
        const stale = below(12) === 0
        const result = stale ? appender.appendStale(ref, t) : appender.append(ref, t, v)
        if (result === 'appended') samples.push({ name, t, text: sampleText(t, v, stale) })
      }
    }
    if (below(8) === 0) {
      appender.rollback()
      return
    }
    await appender.commit()
    acknowledged.push({ samples })
  }

  for (let step = 0; step < 20; step++) {
    const what = below(21)
    if (what < 7) {
      steps.push('commit')
      await commit(db)
    } else if (what < 9) {
      steps.push('three commits at once')
      await Promise.all([commit(db), commit(db), commit(db)])
    } else if (what === 9) {
      steps.push('a failing commit')
      disk.failNextAppend(below(2) ? new DiskFullError('wal') : new Error('the cable is loose'))
      await commit(db).catch(() => undefined)
      disk.capacity = Infinity
      // A rollback may not have used the failure up.
      await disk.append('probe', 0, new Uint8Array(0), 'relaxed').catch(() => undefined)
      await disk.remove('probe')
    } else if (what === 10) {
      steps.push('a full disk')
      disk.capacity = disk.used + below(300)
      await Promise.allSettled([commit(db), commit(db)])
      disk.capacity = Infinity
    } else if (what === 11) {
      steps.push('sync')
      await db.sync()
      safe = acknowledged.length
    } else if (what === 12) {
      steps.push('close and open')
      await db.close()
      safe = acknowledged.length
      db = (await openStore(disk, options, host)).db
    } else if (what === 13) {
      steps.push('process crash')
      disk = disk.crash('process', () => host.random())
      db = (await openStore(disk, options, host)).db
      expect(db.notices()).toEqual([])
    } else if (what === 14) {
      steps.push('power cut')
      disk = disk.crash('power', () => host.random())
      db = (await openStore(disk, options, host)).db
      acknowledged = acknowledged.slice(0, survivors(acknowledged, safe, await everything(db.querier())))
      safe = acknowledged.length
    } else if (what === 15) {
      steps.push('process crash within a commit')
      const before = acknowledged.slice()
      const running = commit(db)
      disk = disk.crash('process', () => host.random())
      await running
      db = (await openStore(disk, options, host)).db
      // It was not acknowledged, so both are right; but it is there as a whole or not at all.
      if (same(await everything(db.querier()), textOf(modelOf(before)))) acknowledged = before
    } else if (what < 19) {
      steps.push('upkeep')
      await Promise.all([db.upkeep.run(), below(2) ? commit(db) : null])
    } else if (what === 19) {
      steps.push('process crash within upkeep')
      const kept = db.upkeep.run()
      for (let turns = below(150); turns > 0; turns--) await Promise.resolve()
      disk = disk.crash('process', () => host.random())
      await kept
      db = (await openStore(disk, options, host)).db
    } else steps.push('query')
    // After the steps that do little the next one that does more will tell.
    if (what > 8) expect(await everything(db.querier())).toEqual(textOf(modelOf(acknowledged)))
  }
}

/** How many batches are there after a power cut: all that were safe, and of the others any beginning. */
function survivors(all: readonly Batch[], safe: number, found: Record<string, string>): number {
  for (let count = safe; count <= all.length; count++) {
    // Batches that change nothing cannot be told from lost ones; the shortest beginning is as good as any.
    if (same(found, textOf(modelOf(all.slice(0, count))))) return count
  }
  expect(found, `a beginning of the commits, at least the first ${safe}`).toEqual(textOf(modelOf(all)))
  return all.length
}

function same(a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** A sample counts if it is later than the last of its series. */
function modelOf(batches: readonly Batch[]): Model {
  const model: Model = new Map()
  for (const { samples } of batches) {
    for (const { name, t, text } of samples) {
      const kept = model.get(name) ?? []
      model.set(name, kept)
      if (t > (kept.at(-1)?.[0] ?? -Infinity)) kept.push([t, text])
    }
  }
  return model
}

function textOf(model: Model): Record<string, string> {
  const names = [...model.keys()].sort()
  return Object.fromEntries(
    names.map(name => [name, (model.get(name) ?? []).map(([, text]) => text).join(' ')]),
  )
}
