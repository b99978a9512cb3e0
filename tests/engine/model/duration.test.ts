import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/engine/model/duration.ts'

test.each([
  ['0', 0],
  ['0s', 0],
  ['1ms', 1],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1d', 86_400_000],
  ['2w', 1_209_600_000],
  ['1y', 31_536_000_000],
  ['1m500ms', 60_500],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '1', '1x', 'm', '1m1h', '1m1m', '-1m', '1.5m', ' 1m', '10000y', '300y'])(
  '%j is none',
  text => {
    expect(parseDuration(text)).toBeNull()
  },
)

test.each([
  [0, '0s'],
  [300_000, '5m'],
  [5_400_000, '1h30m'],
  [7 * 86_400_000, '1w'],
  [8 * 86_400_000, '8d'],
  [-60_000, '-1m'],
])('%d ms prints as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('what is printed reads back', () => {
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), ms => parseDuration(formatDuration(ms)) === ms))
})
