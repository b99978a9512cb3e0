import { expect, test } from 'vitest'
import {
  bytesOf,
  newestFirst,
  periodText,
  queryLink,
  suggestedName,
  totalsText,
} from '../../../src/ui/blocks/facts.ts'
import { readParams } from '../../../src/ui/query/params.ts'
import { parseRoute } from '../../../src/ui/route.ts'
import { block } from '../fakeclient.ts'

const at = (...args: [day: number, hour: number]) => new Date(2026, 10, args[0], args[1]).getTime()

test('blocks stand by their end, the newest first', () => {
  const blocks = [block('A', 0, 20), block('B', 10, 40), block('C', 30, 40)]
  expect(newestFirst(blocks).map(({ ulid }) => ulid)).toEqual(['C', 'B', 'A'])
  expect(blocks.map(({ ulid }) => ulid)).toEqual(['A', 'B', 'C'])
})

test('an export is about as large as the blocks that it is made of', () => {
  const blocks = [block('A', 0, 20, { bytes: 1 }), block('B', 20, 40, { bytes: 2 })]
  const range = (minT: number, maxT: number) => bytesOf({ kind: 'range', minT, maxT, format: 'zip' }, blocks)
  expect(range(-Infinity, Infinity)).toBe(3)
  expect(range(0, 20)).toBe(1)
  expect(range(20, 21)).toBe(2)
  expect(range(40, 50)).toBe(0)
  expect(bytesOf({ kind: 'blocks', ulids: ['B'], format: 'zip' }, blocks)).toBe(2)
})

test('a whole store is as large as its parts, and text much larger than the blocks', () => {
  const blocks = [block('A', 0, 20, { bytes: 100, samples: 50 }), block('B', 20, 40, { bytes: 200 })]
  const directory = { kind: 'directory', format: 'zip' } as const
  expect(bytesOf(directory, blocks, { blocks: 300, wal: 20, headChunks: 4 })).toBe(324)
  expect(bytesOf(directory, blocks)).toBe(300)
  expect(bytesOf({ kind: 'text', match: [], minT: 0, maxT: 20 }, blocks)).toBeGreaterThan(10 * 100)
})

test('a file is named by what is in it', () => {
  const range = { minT: 0, maxT: 1, format: 'zip' } as const
  expect(suggestedName({ kind: 'blocks', ulids: [], format: 'tar.gz' })).toBe('brazier-blocks.tar.gz')
  expect(suggestedName({ kind: 'range', ...range })).toBe('brazier-blocks.zip')
  expect(suggestedName({ kind: 'directory', format: 'zip' })).toBe('brazier-data.zip')
  expect(suggestedName({ kind: 'text', match: [], minT: 0, maxT: 1 })).toBe('brazier-samples.txt')
})

test('totals count blocks, bytes and samples', () => {
  const one = block('A', 0, 1, { bytes: 1024, samples: 1200 })
  expect(totalsText([one])).toBe('1 block · 1.00 KiB · 1,200 samples')
  expect(totalsText([one, one])).toBe('2 blocks · 2.00 KiB · 2,400 samples')
})

test('the day of the end is said only where it is another one', () => {
  expect(periodText(at(22, 12), at(22, 14))).toBe('2026-11-22 12:00:00 – 14:00:00')
  expect(periodText(at(22, 22), at(23, 0))).toBe('2026-11-22 22:00:00 – 2026-11-23 00:00:00')
})

test('the link to a block asks for it alone, over all its time', () => {
  const ulid = '01KAMJ6V0000000000000000QX'
  const { page, search } = parseRoute(queryLink({ ulid, minT: 1_700_000_000_500, maxT: 1_700_007_200_001 }))
  expect(page).toBe('query')
  expect(readParams(search)).toMatchObject({
    block: ulid,
    end: 1_700_007_201_000,
    rangeMs: 7_260_000,
    tab: 'graph',
  })
})
