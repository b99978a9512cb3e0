import { expect, test } from '@playwright/test'
import { archiveOf, blockFiles, ulids } from '../engine/tsdb/transfer/blocks.ts'
import { Chromium } from '../e2e/browser.ts'
import { KilledServer, type Samples } from './killedserver.ts'
import type { Found, Order, Stop } from './killedstore.ts'

// Chromium is killed, all its processes at once, while a store in it is written. Whatever the store acknowledged is there
// afterwards, bit for bit, and nothing that cannot be read.

/** Of the block that is imported. */
const importedSamples = 60

type Point = readonly [operation: string, moment: Stop['moment'], n?: number]

const staged = '[0-9A-Z]{26}\\.tmp-for-creation'

/** The head becomes a block. */
const inCompaction: readonly Point[] = [
  [`create ${staged}/chunks`, 'after'],
  [`close ${staged}/index`, 'in'],
  [`create ${staged}/meta.json`, 'before'],
  ['^publish [0-9A-Z]{26}$', 'before'],
  ['^publish [0-9A-Z]{26}$', 'in'],
  ['^publish [0-9A-Z]{26}$', 'after'],
  ['^write brazier/head.json', 'in'],
  ['^write brazier/head.json', 'after'],
  ['^remove chunks_head/', 'in'],
  ['^remove wbl/', 'in'],
  // The parents of a block go.
  ['^removeFolder [0-9A-Z]{26}$', 'before'],
  ['^removeFolder [0-9A-Z]{26}$', 'in', 2],
]

const inCheckpoint: readonly Point[] = [
  ['^create wal/checkpoint', 'after'],
  ['^close wal/checkpoint', 'in'],
  ['^publish wal/checkpoint', 'before'],
  ['^publish wal/checkpoint', 'in'],
  ['^publish wal/checkpoint', 'after'],
  ['^remove wal/', 'in'],
  ['^remove wal/', 'after', 2],
  ['^removeFolder wal/checkpoint.\\d+$', 'in'],
]

const inImport: readonly Point[] = [
  [`write ${staged}/chunks`, 'after'],
  [`close ${staged}/index`, 'in'],
  ['^write brazier/pinned.json', 'in'],
  ['^publish', 'before'],
  ['^publish', 'in'],
  ['^publish', 'after'],
]

let server: KilledServer
let chromium: Chromium

test.beforeAll(async () => {
  const archive = await archiveOf(await blockFiles(ulids[0]))
  if (archive.kind !== 'archive') throw new Error('want an archive')
  server = await KilledServer.start(new Uint8Array(await archive.bytes.arrayBuffer()))
  chromium = await Chromium.start()
})

test.afterAll(async () => {
  await Promise.all([chromium.stop(), server.stop()])
})

for (const [work, place, points] of [
  ['compact', 'compaction', inCompaction],
  ['compact', 'a checkpoint', inCheckpoint],
  ['import', 'an import', inImport],
] as const) {
  test(`nothing acknowledged is lost when Chromium is killed at a point within ${place}`, async () => {
    const seen: string[] = []
    for (const [operation, moment, n = 1] of points) {
      const stop = { operation, moment, n }
      const scope = `${moment} ${operation} ${n}`
      await opened({ scope, work, stop }, server.reached())
      await killed()
      const { found, samples } = await opened({ scope, work: 'nothing', stop: null }, server.found())
      expectAll(scope, scope, found, samples)
      expect(server.told(scope).size).toBeGreaterThan(work === 'compact' ? 500 : 0)
      if (work === 'import') expectWhole(scope, found, operation === '^publish' && moment === 'after')
      seen.push(
        `${scope}: ${server.told(scope).size} told, ${samples.size} found, blocks of levels ${found.levels.join(' ')}`,
      )
    }
    test.info().annotations.push({ type: 'points', description: seen.join('\n') })
  })
}

test('nothing acknowledged is lost when Chromium is killed at any moment of ten while blocks are made', async () => {
  const order: Order = { scope: 'any moment', work: 'compact', stop: null }
  const seen: string[] = []
  for (let round = 0; round <= 10; round++) {
    const { found, samples } = await opened(order, server.found())
    expectAll(`round ${round}`, order.scope, found, samples)
    seen.push(
      `${server.told(order.scope).size} told, ${samples.size} found, blocks of levels ${found.levels.join(' ')}`,
    )
    await new Promise(resolve => setTimeout(resolve, 300 + Math.random() * 1500))
    await killed()
  }
  expect(server.told(order.scope).size).toBeGreaterThan(10_000)
  test.info().annotations.push({ type: 'rounds', description: seen.join('\n') })
})

/** Opens a page with an order, and waits for something that it does. */
async function opened<T>(order: Order, done: Promise<T>): Promise<T> {
  const page = await chromium.newPage()
  await page.goto(server.address(order))
  const answer = await done
  // What it does goes on while it is looked at, unless it was to do nothing.
  if (order.work === 'nothing') await page.close()
  return answer
}

async function killed(): Promise<void> {
  await chromium.kill()
  await chromium.restart()
}

function expectAll(when: string, scope: string, { wrong }: Found, samples: Samples): void {
  const lost = [...server.told(scope)].filter(([at, bits]) => samples.get(at) !== bits).map(([at]) => at)
  const some = lost.slice(0, 5)
  expect({ when, lost: lost.length, some, wrong }).toEqual({ when, lost: 0, some: [], wrong: [] })
}

/** The imported block is there and pinned, or not there at all. */
function expectWhole(when: string, { imported, pinned }: Found, there: boolean): void {
  const wanted = there || imported > 0 ? [importedSamples, 1] : [0, 0]
  expect({ when, found: [imported, pinned] }).toEqual({ when, found: wanted })
}
