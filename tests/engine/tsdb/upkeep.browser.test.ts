import { afterEach, expect, test } from 'vitest'
import { openMounted } from '../../../src/disks/mounted.ts'
import type { Disk } from '../../../src/engine/disk/disk.ts'
import { everything, openStore, series } from './store.ts'

// The browser's disk under everything that the store does to it by itself.

const hour = 3_600_000
const start = 1_700_000_000_000 - (1_700_000_000_000 % (2 * hour))
const scope = `upkeep-${crypto.randomUUID()}`
const opened: Disk[] = []

afterEach(async () => {
  await Promise.all(opened.map(disk => disk.close()))
})

async function open() {
  const disk = await openMounted({ scope })
  opened.push(disk)
  return { disk, ...(await openStore(disk, { segmentBytes: 32 * 1024 })) }
}

test('head, log and blocks in a browser are kept as in memory, and are there again', async () => {
  const { db, disk } = await open()
  for (let t = start; t < start + 12 * hour; t += 60_000) {
    const appender = db.appender()
    for (let i = 0; i < 20; i++) {
      appender.append(appender.series(series('wide', { i: String(i) })), t, (t * (i + 1)) % 997)
    }
    await appender.commit()
  }
  const before = await everything(db.querier())
  await db.upkeep.run()
  expect(db.notices()).toEqual([])
  expect(db.blocks.infos().length).toBeGreaterThan(1)
  expect(await disk.list('wal')).toContainEqual(expect.stringMatching(/^checkpoint\.\d{8}$/))
  expect(await everything(db.querier())).toEqual(before)
  const { head } = db.stats()
  await db.close()
  await disk.close()

  const again = await open()
  expect(again.db.stats().head).toEqual(head)
  expect(again.db.notices()).toEqual([])
  expect(await everything(again.db.querier())).toEqual(before)
  await again.db.close()
})
