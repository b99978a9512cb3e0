import { expect, test } from 'vitest'
import {
  formatAge,
  formatSpan,
  formatTime,
  formatTimeTicks,
  formatUtc,
  formatZone,
  parseTime,
  parseUtc,
} from '../../../src/ui/format/time.ts'

const utc = Date.UTC(2026, 10, 22, 13, 5, 9)

test('a moment in a link is UTC, and reads back', () => {
  expect(formatUtc(utc)).toBe('2026-11-22 13:05:09')
  expect(parseUtc('2026-11-22 13:05:09')).toBe(utc)
})

test.each([
  ['2026-11-22 13:05', utc - 9000],
  ['2026-11-22T13:05:09', utc],
  ['2026-11-22T13:05:09.000Z', utc],
  ['2026-11-22', Date.UTC(2026, 10, 22)],
  [' 2026-11-22 13:05:09 ', utc],
  ['2026-02-29 00:00', null],
  ['2028-02-29 00:00', Date.UTC(2028, 1, 29)],
  ['2026-13-01 00:00', null],
  ['2026-11-22 24:00', null],
  ['2026-11-22 13:60', null],
  ['now', null],
  ['', null],
])('%j read as UTC is %j', (text, t) => {
  expect(parseUtc(text)).toBe(t)
})

test('what is shown in the browser’s zone reads back as the same moment', () => {
  expect(parseTime(formatTime(utc))).toBe(utc)
})

test('the zone is said as its distance from UTC', () => {
  const minutes = new Date(utc).getTimezoneOffset()
  expect(formatZone(utc)).toMatch(minutes === 0 ? /^UTC$/ : /^UTC[+−]\d\d:\d\d$/)
})

const local = (hour: number, minute: number, second = 0, day = 22) =>
  new Date(2026, 10, day, hour, minute, second).getTime()

test.each([
  [
    'seconds where they matter',
    [local(1, 0, 30), local(1, 1, 0)],
    30_000,
    ['01:00:30\n2026-11-22', '01:01:00'],
  ],
  ['minutes', [local(1, 0), local(1, 5)], 300_000, ['01:00\n2026-11-22', '01:05']],
  ['the next day', [local(23, 0), local(0, 0, 0, 23)], 3600_000, ['23:00\n2026-11-22', '00:00\n2026-11-23']],
  ['days alone', [local(0, 0), local(0, 0, 0, 23)], 24 * 3600_000, ['2026-11-22', '2026-11-23']],
])('a time axis shows %s', (_, times, step, texts) => {
  expect(formatTimeTicks(times, step)).toEqual(texts)
})

test.each([
  [0.84, '840 µs'],
  [4.23, '4.2 ms'],
  [999, '999 ms'],
  [1500, '1.5 s'],
  [200_000, '3m 20s'],
  [7_500_000, '2h 5m'],
  [4 * 86_400_000 + 3_700_000, '4d 1h'],
])('a span of %d ms is %s', (ms, text) => {
  expect(formatSpan(ms)).toBe(text)
})

test.each([
  [-20, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1m 0s'],
])('%d ms ago is %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text)
})
