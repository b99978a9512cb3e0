import { describe, expect, test } from 'vitest'
import { outdated, retained, type Retention } from '../../../../src/engine/tsdb/compact/retention.ts'
import { metasOf, namesOf } from './metas.ts'

/** A block takes as many bytes as it covers milliseconds. */
function retentionOf(blocks: string, limits: Partial<Retention>): [ReturnType<typeof metasOf>, Retention] {
  const metas = metasOf(blocks)
  const bytes = new Map(metas.map(meta => [meta.ulid, meta.maxTime - meta.minTime]))
  return [metas, { retentionMs: null, maxBytes: null, bytesOf: ulid => bytes.get(ulid)!, ...limits }]
}

function check(blocks: string, limits: Partial<Retention>, expected: string): void {
  expect(namesOf(retained(...retentionOf(blocks, limits)))).toBe(expected)
}

test('without limits everything is kept', () => {
  check('1:0-20 2:20-40 3:40-60', {}, '')
  check('1:0-20 2:20-40 3:40-60', { retentionMs: 0, maxBytes: 0, maxPercentage: 0, budgetBytes: 0 }, '')
  check('', { retentionMs: 1, maxBytes: 1 }, '')
})

describe('by time', () => {
  test('a block goes when it ends as long before the newest one as is kept', () => {
    check('1:0-20 2:20-40 3:40-60', { retentionMs: 41 }, '')
    check('1:0-20 2:20-40 3:40-60', { retentionMs: 40 }, '1')
    check('1:0-20 2:20-40 3:40-60', { retentionMs: 20 }, '2 1')
  })

  test('a block stays as long as its newest sample may', () => {
    check('1:0-35 2:20-40 3:40-60', { retentionMs: 26 }, '')
    check('1:0-35 2:20-40 3:40-60', { retentionMs: 25 }, '1')
  })

  test('the newest one is always kept', () => {
    check('1:0-20', { retentionMs: 1 }, '')
    check('1:0-20 2:10-20', { retentionMs: 1 }, '')
  })
})

describe('by size', () => {
  test('the oldest blocks go, with the first that does not fit any more', () => {
    check('1:0-20 2:20-40 3:40-60', { maxBytes: 60 }, '')
    check('1:0-20 2:20-40 3:40-60', { maxBytes: 59 }, '1')
    check('1:0-20 2:20-40 3:40-60', { maxBytes: 39 }, '2 1')
    // The oldest would fit, but what is between may not be missing.
    check('1:0-1 2:20-70 3:70-90', { maxBytes: 30 }, '2 1')
  })

  test('log and head count', () => {
    check('1:0-20 2:20-40', { maxBytes: 45, headBytes: 5 }, '')
    check('1:0-20 2:20-40', { maxBytes: 45, headBytes: 6 }, '1')
    check('1:0-20 2:20-40', { maxBytes: 45, headBytes: 26 }, '2 1')
  })

  test('a percentage of the budget is another way to say it, and goes before', () => {
    check('1:0-20 2:20-40 3:40-60', { maxPercentage: 50, budgetBytes: 80 }, '1')
    check('1:0-20 2:20-40 3:40-60', { maxPercentage: 75, budgetBytes: 80, maxBytes: 20 }, '')
    check('1:0-20 2:20-40 3:40-60', { maxPercentage: 74.9, budgetBytes: 80, maxBytes: 1000 }, '1')
    check('1:0-20 2:20-40 3:40-60', { maxPercentage: 1, maxBytes: 40 }, '1')
  })
})

describe('replaced blocks', () => {
  test('are those that another one was made of, and those that were merged to nothing', () => {
    check('1:0-20 2:20-40 3:40-60 4:0-60<1,2,3 5:60-80', {}, '1 2 3')
    check('1:0-20x 2:20-40', {}, '1')
    check('4:0-60<1,2,3 5:60-80', {}, '')
  })

  test('are replaced through generations', () => {
    check('1:0-20 4:0-60<1 9:0-180<4', {}, '1 4')
  })

  test('take no room from others', () => {
    check('1:0-20 2:20-40 3:40-60 4:60-80 5:20-80<2,3,4 6:80-100', { maxBytes: 100 }, '2 3 4')
  })

  test('are no longer the clock', () => {
    check('1:0-20 2:20-40 9:900-1000x', { retentionMs: 100 }, '9')
  })

  test('are never a block itself', () => {
    check('1:0-20<1', {}, '')
  })
})

test('the reasons are told', () => {
  const [metas, limits] = retentionOf('1:0-20 2:20-40 3:40-60 4:60-80 5:60-80<4', {
    retentionMs: 60,
    maxBytes: 50,
  })
  const { replaced, byTime, bySize } = outdated(metas, limits)
  expect([replaced, byTime, bySize].map(namesOf)).toEqual(['4', '1', '2 1'])
})
