import { expect, test } from 'vitest'
import type { StorageStatus } from '../../../src/engine/api/service.ts'
import { budgetQuestion, readBudget, roomOf } from '../../../src/ui/store/room.ts'
import { block } from '../fakeclient.ts'

function storage(more: Partial<StorageStatus> = {}): StorageStatus {
  return {
    ...{ budget: 1000, budgetIsOwn: false, blocks: 300, wal: 100, wbl: 0, headChunks: 50 },
    ...{ retentionMs: null, snapshots: [{ name: 's', blocks: 1, bytes: 999 }], busy: false },
    ...more,
  }
}

/** `level1 100 10%`. */
function written(status: StorageStatus, levels: Readonly<Record<number, number>>): string[] {
  const blocks = Object.entries(levels).map(([level, bytes]) =>
    block(`01${level}`, 0, 1, { level: Number(level), bytes }),
  )
  return roomOf(status, blocks).parts.map(({ kind, bytes, percent }) => `${kind} ${bytes} ${percent}%`)
}

test('blocks count by their level, everything against the budget, and what is empty is left out', () => {
  expect(written(storage(), { 1: 100, 2: 150, 3: 20, 5: 30 })).toEqual([
    'level1 100 10%',
    'level2 150 15%',
    'level3 50 5%',
    'wal 100 10%',
    'headChunks 50 5%',
  ])
  expect(written(storage({ wbl: 10, headChunks: 0 }), {})).toEqual(['wal 100 10%', 'wbl 10 1%'])
})

test('snapshots take no room of the budget', () => {
  expect(roomOf(storage(), [])).toMatchObject({ used: 450, budget: 1000 })
})

test('more than the budget fills the bar', () => {
  expect(written(storage({ budget: 100, blocks: 400, wal: 100, headChunks: 0 }), { 1: 400 })).toEqual([
    'level1 400 80%',
    'wal 100 20%',
  ])
})

test('an empty store has no parts', () => {
  const empty = storage({ blocks: 0, wal: 0, headChunks: 0, budget: 0 })
  expect(roomOf(empty, [])).toEqual({ used: 0, budget: 0, parts: [] })
})

test('a budget is a size, or nothing for the default', () => {
  expect(readBudget('2 GiB')).toEqual({ bytes: 2 ** 31 })
  expect(readBudget('  ')).toEqual({ bytes: null })
  const error = 'Want a size such as 10 GiB or 512 MiB, or nothing for the default.'
  for (const text of ['much', '10', '0 GiB', '-1 GiB']) expect(readBudget(text)).toEqual({ error })
})

test('only a budget that may cost blocks is asked about', () => {
  expect(budgetQuestion(storage(), 450)).toBeNull()
  expect(budgetQuestion(storage(), 449)).toMatch(/^Set the budget to 449 B\? The store uses 450 B/)
  expect(budgetQuestion(storage(), null)).toBeNull()
  expect(budgetQuestion(storage({ budgetIsOwn: true }), null)).toMatch(/default budget\?/)
})
