import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan, ranges } from '../../../../src/engine/tsdb/compact/plan.ts'
import { metasOf, namesOf } from './metas.ts'

/** Blocks of 20 are merged into 60, those into 180, and so on. */
const lengths = [20, 60, 180, 540, 1620]

/** What is planned for these blocks, which `metas.ts` says how to read. */
function check(blocks: string, expected: string, ranges = lengths): void {
  const metas = metasOf(blocks)
  const planned = (order: typeof metas) => namesOf(plan(order, { ranges }).map(({ ulid }) => ulid))
  expect(planned(metas)).toBe(expected)
  expect(planned(metas.toReversed()), 'in reverse').toBe(expected)
}

describe('blocks in a row', () => {
  test('wait until their range is full and a newer block is there', () => {
    check('', '')
    check('1:0-20', '')
    check('1:0-20 2:20-40', '')
    check('1:0-20 2:20-40 3:40-60', '')
    check('1:0-20 2:20-40 3:40-60 4:60-80', '1 2 3')
  })

  test('do not wait for what would lie in a gap once time has moved on', () => {
    check('1:0-20 2:20-40 3:60-80', '')
    check('1:0-20 2:20-40 3:60-80 4:80-100', '1 2')
    check('1:0-20 2:40-60 3:60-80', '1 2')
  })

  test('are merged within ranges that count from 0, before it too', () => {
    check('1:20-40 2:40-60 3:60-80 4:80-100', '1 2')
    check('1:40-60 2:60-80 3:80-100 4:100-120', '')
    check('1:40-60 2:60-80 3:80-100 4:100-120 5:120-140', '2 3 4')
    check('1:-60--40 2:-40--20 3:-20-0 4:0-20', '1 2 3')
    check('1:-20-0 2:0-20 3:20-40 4:40-60', '')
  })

  test('are left out where they lie across the border of a range', () => {
    check('1:0-20 2:20-40 3:40-70 4:70-80 5:80-100', '1 2')
    check('1:0-20 2:30-70 3:70-90 4:90-110 5:120-140', '')
    check('1:0-20 2:30-70 3:70-90 4:90-110 5:120-140 6:140-160', '3 4')
    // Longer than the range, too.
    check('1:0-100 2:120-140 3:140-160 4:160-180 5:180-200', '2 3 4')
  })

  test('are merged from short ranges to long ones, and from old to new', () => {
    check('1:0-20 2:20-40 3:40-60 4:60-120 5:120-180', '1 2 3')
    check('1:0-60 2:60-120 3:120-140 4:140-160 5:160-180 6:180-200', '3 4 5')
    check('1:0-60 2:60-120 3:120-180 4:180-200', '1 2 3')
    check('1:0-20 2:20-40 3:40-60 4:60-80 5:80-100 6:100-120 7:120-140', '1 2 3')
    check('2:20-40 4:60-120 5:960-980 6:120-180 7:720-960', '2 4 6')
  })

  test('begin with whatever the first block has: its beginning is the first sample', () => {
    // 55 of 60: nothing more comes, once a block lies behind the range.
    check('1:5-20 2:20-40 3:40-60 4:60-80', '')
    check('1:5-20 2:20-40 3:40-60 4:60-80 5:80-100', '1 2 3')
  })

  test('are new by their time, not by their names', () => {
    check('5:0-360 6:540-560 7:360-420 8:420-540', '7 8')
  })

  test('are not merged when there is one range only', () => {
    check('1:0-20 2:20-40 3:40-60 4:60-80', '', [20])
  })
})

describe('blocks that overlap', () => {
  test('are merged before anything else, the newest too', () => {
    check('1:0-20 2:19-40 3:40-60', '1 2')
    check('1:0-20 2:20-40 3:30-50', '2 3')
    check('1:0-20 2:0-20', '1 2')
    check('1:0-20 2:20-40 3:40-60 4:60-80 5:75-100', '4 5')
  })

  test('are merged as far as one leads to the next', () => {
    check('1:0-20 2:10-40 3:30-50', '1 2 3')
    check('5:0-360 6:340-560 7:360-420 8:420-540', '5 6 7 8')
    check('1:0-100 2:10-20 3:30-40 4:100-120', '1 2 3')
  })

  test('are merged group by group, the oldest first', () => {
    check('1:0-10 2:9-20 3:30-40 4:39-50', '1 2')
    check('1:0-10 3:30-40 4:39-50', '3 4')
  })

  test('are merged although it failed before: queries would have to do it each time', () => {
    check('1:0-20! 2:19-40', '1 2')
  })

  test('do not overlap where the end of one is the beginning of the next', () => {
    check('1:0-20 2:20-40', '')
  })
})

describe('a block whose compaction failed', () => {
  test('keeps its range from being merged', () => {
    check('1:0-20! 2:20-40 3:40-60 4:60-80', '')
    check('1:0-20 2:20-40! 3:60-80 4:80-100', '')
    check('1:0-20 2:20-40 3:40-60! 4:60-120 5:120-180 6:180-200', '')
  })

  test('does not keep other ranges from it', () => {
    check('1:0-20! 2:20-40 3:40-60 4:60-80 5:80-100 6:100-120 7:120-140', '4 5 6')
  })
})

describe('a block with much deleted of it', () => {
  test('is written again, unless it is the newest', () => {
    check('1:0-540†3/10', '')
    check('1:0-540†3/10 2:540-560', '1')
  })

  test('has more than five tombstones for a hundred series and one', () => {
    check('1:0-540†5/99 2:540-560', '')
    check('1:0-540†6/99 2:540-560', '1')
    check('1:0-540†1/18 2:540-560', '1')
    check('1:0-540†1/19 2:540-560', '')
    check('1:0-540†0/0 2:540-560', '')
  })

  test('is as long as the middle one of the ranges at least', () => {
    check('1:0-60†3/10 2:60-80', '')
    check('1:0-179†3/10 2:179-200', '')
    check('1:0-180†3/10 2:180-200', '1')
    check('1:0-60†3/10 2:60-80', '1', [20, 60])
    check('1:0-60†3/10 2:60-80', '1', [20, 60, 180])
  })

  test('may be short when nothing can be left of it', () => {
    check('1:0-20†10/10 2:20-40', '1')
    check('1:0-20†11/10 2:20-40', '1')
    check('1:0-20†9/10 2:20-40', '')
    check('1:0-20†0/0 2:20-40', '')
  })

  test('is looked for from the newest back, and no further than the first short one', () => {
    check('1:0-540†3/10 2:540-1080†3/10 3:1620-1640', '2')
    check('1:0-540†3/10 2:540-1080 3:1620-1640', '1')
    check('1:0-540†3/10 2:540-560 3:560-580', '')
    check('1:0-540†3/10 2:540-560†1/1 3:560-580', '2')
  })

  test('waits for what has to be merged', () => {
    check('1:0-540†3/10 2:540-560 3:560-580 4:580-600 5:600-620', '2 3 4')
  })
})

describe('blocks of series that were taken out of the head early', () => {
  test('are merged with their like only', () => {
    check('1:0-20 s:0-20~stale 2:20-40 3:40-60 4:60-80', '1 2 3')
    check('1:0-20~stale 2:20-40~stale 3:40-60~stale 4:60-80~stale', '1 2 3')
    check('1:0-20~stale 2:20-40~selected 3:40-60~stale 4:60-80 5:80-100', '')
    check('1:0-20~stale 2:0-20~selected 3:0-20', '')
  })

  test('come after the others, and those of stale series before those of selected ones', () => {
    check('1:0-20 a:0-20~stale b:20-40~stale c:40-60~stale d:60-80~stale', 'a b c')
    check('a:0-20~selected b:0-20~selected c:0-20~stale d:0-20~stale', 'c d')
    check('1:0-20 2:19-40 a:0-20~stale b:0-20~stale', '1 2')
  })
})

test('a block of samples out of order is merged with those that it overlaps', () => {
  check('1:0-20 o:0-20~ooo 2:20-40', '1 o')
})

test('planning and merging comes to an end, and then no two blocks overlap', () => {
  const block = fc.record({ from: fc.integer({ min: -30, max: 60 }), length: fc.integer({ min: 1, max: 9 }) })
  fc.assert(
    fc.property(fc.array(block, { maxLength: 20 }), made => {
      let blocks = metasOf(
        made.map(({ from, length }, i) => `b${i}:${from * 20}-${(from + length) * 20}`).join(' '),
      )
      for (let round = 0; ; round++) {
        expect(round).toBeLessThan(made.length + 1)
        const chosen = plan(blocks, { ranges: lengths })
        if (chosen.length === 0) break
        expect(chosen.length).toBeGreaterThan(1)
        const range = {
          minTime: Math.min(...chosen.map(meta => meta.minTime)),
          maxTime: Math.max(...chosen.map(meta => meta.maxTime)),
        }
        blocks = [...blocks.filter(meta => !chosen.includes(meta)), { ...chosen[0]!, ...range }]
      }
      const sorted = blocks.toSorted((a, b) => a.minTime - b.minTime)
      for (const [i, meta] of sorted.entries()) {
        if (i > 0) expect(meta.minTime).toBeGreaterThanOrEqual(sorted[i - 1]!.maxTime)
      }
    }),
  )
})

describe('ranges', () => {
  const hours = (options: Parameters<typeof ranges>[0]) => ranges(options).map(ms => ms / 3_600_000)

  test('grow threefold from two hours to 31 days', () => {
    expect(hours({ retentionMs: null })).toEqual([2, 6, 18, 54, 162, 486])
    expect(hours({ retentionMs: 0 })).toEqual([2, 6, 18, 54, 162, 486])
  })

  test('go up to a tenth of the retention', () => {
    expect(hours({ retentionMs: 15 * 24 * 3_600_000 })).toEqual([2, 6, 18])
    expect(hours({ retentionMs: 60 * 3_600_000 })).toEqual([2, 6])
    expect(hours({ retentionMs: 60 * 3_600_000 - 1 })).toEqual([2])
    expect(hours({ retentionMs: 3_600_000 })).toEqual([2])
    expect(hours({ retentionMs: 10 * 365 * 24 * 3_600_000 })).toEqual([2, 6, 18, 54, 162, 486])
  })

  test('can be given', () => {
    expect(ranges({ retentionMs: null, minBlockMs: 10, maxBlockMs: 100 })).toEqual([10, 30, 90])
    expect(ranges({ retentionMs: null, minBlockMs: 10 })).toHaveLength(10)
    expect(ranges({ retentionMs: null, minBlockMs: 10, maxBlockMs: 5 })).toEqual([10])
  })
})
