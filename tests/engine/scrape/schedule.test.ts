import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextStep, scheduleOf, slotAfter } from '../../../src/engine/scrape/schedule.ts'

// Slots of this schedule are …, 93, 103, 113, … seconds.
const schedule = scheduleOf(10_000, 3000)

test('slots lie at the offset, interval after interval', () => {
  const after = (seconds: number) => slotAfter(schedule, seconds * 1000) / 1000
  expect([after(100), after(102.999), after(103), after(112), after(-1), after(-7)]).toEqual([
    103, 103, 113, 113, 3, 3,
  ])
})

describe('at a moment, with a slot that is next', () => {
  // Seconds: now, slot, what to do, with which slot or time.
  const rows: [string, number, number, string][] = [
    ['the slot itself', 103, 103, 'scrape 103'],
    ['a little late', 103.1, 103, 'scrape 103'],
    ['a little early, as timers can be', 102.95, 103, 'scrape 103'],
    ['more than 1 % late', 103.101, 103, 'scrape 103.101'],
    ['nearly an interval late', 112.899, 103, 'scrape 112.899'],
    ['early', 100, 103, 'wait 103'],
    ['an interval late, at the next slot', 113, 103, 'scrape 113'],
    ['an interval and a little late', 113.05, 103, 'scrape 113'],
    ['after a long sleep', 5000, 103, 'wait 5003'],
    ['after a long sleep that ended at a slot', 5003.02, 103, 'scrape 5003'],
    ['after the clock was set back', 50, 103, 'wait 53'],
    ['after the clock was set back to a slot', 53, 103, 'scrape 53'],
    ['after the clock was set back by less than an interval', 95, 103, 'wait 103'],
  ]
  test.each(rows)('%s', (_, now, slot, expected) => {
    const step = nextStep(schedule, slot * 1000, now * 1000)
    expect(`${step.kind} ${(step.kind === 'scrape' ? step.t : step.slot) / 1000}`).toBe(expected)
  })
})

test('a wait is never longer than an interval, and time never stands still', () => {
  const interval = fc.integer({ min: 1, max: 10_000_000 })
  // Every time that a Date can have.
  const time = fc.nat({ max: 8_640_000_000_000_000 })
  fc.assert(
    fc.property(interval, fc.nat(), time, fc.integer(), (intervalMs, hash, now, distance) => {
      const any = scheduleOf(intervalMs, hash)
      const step = nextStep(any, now + distance, now)
      if (step.kind === 'scrape') expect(Math.abs(now - step.t)).toBeLessThanOrEqual(intervalMs / 100)
      else {
        expect(step.slot).toBeGreaterThan(now)
        expect(step.slot - now).toBeLessThanOrEqual(intervalMs * 1.01)
      }
    }),
  )
})
