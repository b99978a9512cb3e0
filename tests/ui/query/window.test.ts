import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstQuery } from '../../../src/ui/query/params.ts'
import {
  graphWindow,
  longerRange,
  movedEnd,
  shorterRange,
  stepFor,
  zoomed,
} from '../../../src/ui/query/window.ts'

const minute = 60_000
const hour = 60 * minute
const now = 1_795_000_123_456

test('evaluations lie on multiples of the step, so that a refresh asks at the same moments again', () => {
  const window = graphWindow({ ...firstQuery, rangeMs: hour }, now, 1000)
  expect(window).toEqual({
    from: now - hour,
    to: now,
    step: 10_000,
    start: 1_794_996_530_000,
    end: 1_795_000_120_000,
  })
})

test('a fixed end is the right edge whatever the time is', () => {
  expect(graphWindow({ ...firstQuery, end: 1_700_000_000_000 }, now, 1000).to).toBe(1_700_000_000_000)
})

test.each([
  [5 * minute, 500, 1000],
  [hour, 500, 10_000],
  [24 * hour, 500, 5 * minute],
  [28 * 24 * hour, 500, 2 * hour],
  [10_000, 500, 1000],
  [1000 * 365 * 24 * hour, 100, 131 * 28 * 24 * hour],
])('%d ms in at most %d points has a step of %d ms', (range, points, step) => {
  expect(stepFor(range, points)).toBe(step)
})

test('every window has its evaluations inside its edges, and never more than the engine allows', () => {
  const range = fc.integer({ min: 2000, max: 3e12 })
  fc.assert(
    fc.property(range, fc.integer({ min: 0, max: 20_000 }), (rangeMs, width) => {
      const { from, to, start, end, step } = graphWindow({ ...firstQuery, rangeMs }, now, width)
      expect(from <= start && start <= end && end <= to).toBe(true)
      expect((end - start) / step).toBeLessThan(11_000)
    }),
  )
})

test.each([
  [hour, 30 * minute, 2 * hour],
  [45 * minute, 30 * minute, hour],
  [10_000, 10_000, minute],
  [730 * 24 * hour, 365 * 24 * hour, 730 * 24 * hour],
])('from %d ms − leads to %d and + to %d', (range, shorter, longer) => {
  expect(shorterRange(range)).toBe(shorter)
  expect(longerRange(range)).toBe(longer)
})

test('moving goes by half a range, and becomes now at the present', () => {
  const query = { ...firstQuery, rangeMs: hour }
  expect(movedEnd(query, -1, now)).toBe(now - hour / 2)
  expect(movedEnd({ ...query, end: now - hour }, 1, now)).toBe(now - hour / 2)
  expect(movedEnd({ ...query, end: now - hour / 2 }, 1, now)).toBeNull()
  expect(movedEnd(query, 1, now)).toBeNull()
})

test('a selection becomes range and end on whole seconds', () => {
  expect(zoomed(1_000_400, 1_060_700)).toEqual({ end: 1_061_000, rangeMs: 61_000 })
})

test('a selection of less than a second is none', () => {
  expect(zoomed(1000, 1999)).toBeNull()
})
