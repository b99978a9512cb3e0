import { describe, expect, test } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatExactBytes,
  formatSample,
  formatShort,
  formatTicks,
  parseBytes,
} from '../../../src/ui/format/number.ts'

test.each([
  [0, '0'],
  [-0.25, '-0.25'],
  [1 / 3, '0.3333333333333333'],
  [1e15, '1000000000000000'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
])('a sample %f is written in full as %s', (v, text) => {
  expect(formatSample(v)).toBe(text)
})

test.each([
  [0, '0'],
  [-0, '0'],
  [0.05, '0.05'],
  [0.0099, '9.9m'],
  [1, '1'],
  [999.99, '999.99'],
  [999.999, '1k'],
  [1000, '1k'],
  [12_400, '12.4k'],
  [-12_400, '-12.4k'],
  [999_999, '1M'],
  [1.5e9, '1.5G'],
  [2.5e-6, '2.5µ'],
  [3e-9, '3n'],
  [1e30, '1000000Y'],
  [Infinity, '+Inf'],
])('%f is short %s', (v, text) => {
  expect(formatShort(v)).toBe(text)
})

describe('ticks of an axis', () => {
  test('have two digits while that tells them apart', () => {
    expect(formatTicks([0, 0.5, 1, 1.5])).toEqual(['0', '0.5', '1', '1.5'])
  })
  test('gain digits until they differ', () => {
    expect(formatTicks([1000.001, 1000.002])).toEqual(['1.000001k', '1.000002k'])
  })
  test('stop at eight digits', () => {
    expect(formatTicks([1, 1])).toEqual(['1', '1'])
  })
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1_530_000, '1.46 MiB'],
  [1023 * 1024, '1023 KiB'],
  [5 * 2 ** 40, '5.00 TiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('a count has its thousands apart', () => {
  expect(formatCount(1234567)).toBe('1,234,567')
})

test.each<[string, number | null]>([
  ['10 GiB', 10 * 2 ** 30],
  ['512MB', 512 * 2 ** 20],
  [' 1.5t ', 1.5 * 2 ** 40],
  ['2Ki', 2048],
  ['7 B', 7],
  ['0 KB', 0],
  ['10', null],
  ['', null],
  ['GiB', null],
  ['-1 GiB', null],
  ['1,5 GiB', null],
  ['1e3 MB', null],
  ['10 XB', null],
  ['99999 EiB', null],
])('%j reads as %s bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes)
})

test.each([
  [10 * 2 ** 30, '10 GiB'],
  [1.5 * 2 ** 40, '1.5 TiB'],
  [512 * 2 ** 20, '512 MiB'],
  [1_530_000, '1530000 B'],
  [1, '1 B'],
])('%d bytes are written as %s, which reads back as the same', (bytes, text) => {
  expect(formatExactBytes(bytes)).toBe(text)
  expect(parseBytes(text)).toBe(bytes)
})
