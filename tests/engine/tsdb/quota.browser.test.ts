import { afterEach, expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { openMounted } from '../../../src/disks/mounted.ts'
import { DiskFullError, type Disk } from '../../../src/engine/disk/disk.ts'
import type { Db } from '../../../src/engine/tsdb/db.ts'
import { clear, freshScope, placesOf } from '../../disks/mountedcases.ts'
import { FakeHost } from '../../fakehost.ts'
import { openStore, series } from './store.ts'

// A quota that is used up while the head becomes a block. tests/e2e/quota.spec.ts has the page, where it takes hours
// until that happens.

const chunkRangeMs = 60_000
const seriesCount = 100
const scope = freshScope()
const opened: Disk[] = []

const session = cdp() as unknown as {
  send(method: string, params: object): Promise<{ usage: number }>
}
const { origin } = location

/** Leaves room for so many bytes; without a number as much as there is. */
async function leave(room?: number): Promise<void> {
  const { usage } = await session.send('Storage.getUsageAndQuota', { origin })
  const limit = room === undefined ? {} : { quotaSize: usage + room }
  await session.send('Storage.overrideQuotaForOrigin', { origin, ...limit })
}

afterEach(async () => {
  await leave()
  await Promise.all(opened.map(disk => disk.close()))
  await clear(scope)
})

/** Samples that cannot be compressed, each of all series every 10 ms. */
async function fill(db: Db, from: number, to: number): Promise<void> {
  for (let t = from; t < to; t += 10 * 100) {
    const appender = db.appender()
    for (let i = 0; i < seriesCount; i++) {
      const ref = appender.series(series('noise', { i: String(i) }))
      for (let k = 0; k < 100; k++) appender.append(ref, t + 10 * k, Math.random())
    }
    await appender.commit()
  }
}

/** How many samples there are, and a sum that any change of one changes. */
async function digest(db: Db): Promise<{ samples: number; sum: number }> {
  let samples = 0
  let sum = 0
  const querier = db.querier()
  for await (const batch of querier.select([], { minT: -Infinity, maxT: Infinity })) {
    for (let i = 0; i < batch.count; i++) {
      const { count, t, v } = batch.columns(i)
      samples += count
      for (let k = 0; k < count; k++) sum += v[k]! * (1 + (t[k]! % 1009))
    }
  }
  querier.close?.()
  return { samples, sum }
}

test('a quota that ends while the head becomes a block is told, takes nothing, and the next round succeeds', async () => {
  const disk = await openMounted({ scope })
  opened.push(disk)
  const { db } = await openStore(disk, { chunkRangeMs, retentionMs: null })
  // One and a half ranges, of which the first one is a block of 5 MB.
  await fill(db, 0, 1.5 * chunkRangeMs)
  await db.upkeep.run()
  expect([db.notices(), db.blocks.infos()]).toEqual([[], []])
  await fill(db, 1.5 * chunkRangeMs, 1.6 * chunkRangeMs)
  const before = await digest(db)
  expect(before.samples).toBe(960_000)
  await leave(3_000_000)
  await db.upkeep.run()
  expect(db.upkeep.failure).toBeInstanceOf(DiskFullError)
  expect(db.notices()).toEqual([
    { kind: 'upkeep-failed', detail: expect.stringMatching(/^no space left to write /) as string },
  ])
  expect(db.blocks.infos()).toEqual([])
  // Nothing of it keeps room that others could have.
  expect(await placesOf(scope)).toEqual([])
  expect(await digest(db)).toEqual(before)

  await leave()
  await db.upkeep.run()
  expect(db.notices()).toEqual([])
  expect(db.blocks.infos()).toMatchObject([{ minT: 0, maxT: chunkRangeMs, samples: 600_000 }])
  expect(await digest(db)).toEqual(before)
  await fill(db, 1.6 * chunkRangeMs, 1.7 * chunkRangeMs)
  const after = await digest(db)
  expect(after.samples).toBe(1_020_000)
  await db.close()

  const again = await openStore(disk, { chunkRangeMs, retentionMs: null }, new FakeHost({ seed: 2 }))
  expect(again.db.notices()).toEqual([])
  expect(await digest(again.db)).toEqual(after)
  for (const block of again.db.blocks.holdAll().blocks) await block.verify()
  await again.db.close()
})
