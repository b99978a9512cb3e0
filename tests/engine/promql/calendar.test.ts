import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  dayOf,
  dayOfYear,
  daysInMonth,
  hourOf,
  minuteOf,
  monthOf,
  weekday,
  yearOf,
} from '../../../src/engine/promql/functions/timecalendar.ts'

const parts = [minuteOf, hourOf, weekday, dayOf, dayOfYear, daysInMonth, monthOf, yearOf]

test('the calendar is that of Date', () => {
  const ofDate = (seconds: number) => {
    const date = new Date(Math.trunc(seconds) * 1000)
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
    const day = Date.UTC(year, month, date.getUTCDate())
    // Years below 100 mean something else there.
    const firstDay = new Date(day).setUTCMonth(0, 1)
    const lastOfMonth = new Date(new Date(day).setUTCMonth(month + 1, 0))
    return [
      ...[date.getUTCMinutes(), date.getUTCHours(), date.getUTCDay(), date.getUTCDate()],
      (day - firstDay) / 86_400_000 + 1,
      ...[lastOfMonth.getUTCDate(), month + 1, year],
    ]
  }
  const seconds = fc.oneof(
    fc.double({ min: -1e10, max: 1e11, noNaN: true }),
    fc.integer({ min: -20_000, max: 2_000_000 }).map(days => days * 86_400),
    fc.integer({ min: -20_000, max: 2_000_000 }).map(days => days * 86_400 - 1),
  )
  fc.assert(
    fc.property(seconds, t => {
      fc.pre(new Date(t * 1000).getUTCFullYear() >= 100)
      expect(parts.map(part => part(t))).toEqual(ofDate(t))
    }),
    { numRuns: 2000 },
  )
})

// As Go 1.26 answers on amd64.
test.each([
  [NaN, [30, 15, 0, 4, 339, 31, 12, 292277026596]],
  [Infinity, [30, 15, 0, 4, 339, 31, 12, 292277026596]],
  [-Infinity, [30, 15, 0, 4, 339, 31, 12, 292277026596]],
  [1e20, [30, 15, 0, 4, 339, 31, 12, 292277026596]],
  [1e15, [46, 1, 0, 5, 187, 31, 7, 31690708]],
  [1e18, [46, 1, 5, 23, 297, 31, 10, 31688740476]],
  [-1e18, [13, 22, 2, 10, 69, 31, 3, -31688736537]],
  [-9.2233719666e18, [8, 8, 0, 11, 131, 31, 5, -292277020431]],
  [9.2e18, [33, 11, 5, 31, 244, 31, 8, 291536396232]],
])('%d seconds are a date, too', (seconds, date) => {
  expect(parts.map(part => part(seconds))).toEqual(date)
})
