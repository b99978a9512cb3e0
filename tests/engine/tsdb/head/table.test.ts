import { describe, expect, test } from 'vitest'
import { MemSeries } from '../../../../src/engine/tsdb/head/series.ts'
import { SeriesTable } from '../../../../src/engine/tsdb/head/table.ts'

function tableOf(refs: readonly number[]): SeriesTable {
  const table = new SeriesTable(12_345)
  for (const ref of refs) table.add(new MemSeries(ref, ['n', String(ref)]), hashOf(ref))
  return table
}

const hashOf = (ref: number) => Math.imul(ref, 7) | 0
const row = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

/** Every series is found by its number and by its labels; the numbers beside it find nothing. */
function check(table: SeriesTable, refs: readonly number[]): void {
  const there = new Set(refs)
  for (const ref of refs) {
    expect(table.find(ref)?.ref).toBe(ref)
    expect(table.findLabels(['n', String(ref)], hashOf(ref))?.ref).toBe(ref)
    for (const other of [ref - 1, ref + 1]) if (!there.has(other)) expect(table.find(other)).toBeUndefined()
  }
  expect(table.series).toHaveLength(refs.length)
}

describe('finds series whose numbers', () => {
  test.each([
    ['follow each other', row(1, 1000)],
    ['follow each other from a large one on', row(5_000_000, 1000)],
    ['descend', row(1, 1000).toReversed()],
    ['are far apart', row(1, 300).map(i => i * 1e12)],
    ['are near 2^53', row(2 ** 53 - 400, 300)],
    ['are a few old and many new ones', [...row(3, 50), ...row(1e6, 500)]],
    ['are many old and a few new ones', [...row(3, 500), ...row(1e6, 50)]],
    ['have gaps that others fill', [...row(1, 200).map(i => i * 6), ...row(1, 200).map(i => i * 6 + 1)]],
    ['were far before others came between', [1, 500, ...row(2, 498), ...row(501, 100)]],
  ])('%s', (_, refs) => {
    check(tableOf(refs), refs)
  })
})

test('those that are left are found when others have gone, and new ones after them', () => {
  const table = tableOf(row(1, 2000))
  const left = row(1, 2000).filter(ref => ref % 97 === 0 || ref > 1990)
  table.retain(({ ref }) => left.includes(ref))
  check(table, left)
  const later = row(2001, 500)
  for (const ref of later) table.add(new MemSeries(ref, ['n', String(ref)]), hashOf(ref))
  check(table, [...left, ...later])
})

test('an empty one finds nothing, before and after it had some', () => {
  const table = tableOf([])
  expect(table.find(1)).toBeUndefined()
  check(tableOf([7]), [7])
  const emptied = tableOf(row(10, 100))
  emptied.retain(() => false)
  expect(emptied.find(10)).toBeUndefined()
  emptied.add(new MemSeries(200, ['n', '200']), hashOf(200))
  check(emptied, [200])
})
