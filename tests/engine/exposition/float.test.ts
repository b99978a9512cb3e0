import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FloatProblem, formatOpenMetricsFloat, readFloat } from '../../../src/engine/exposition/float.ts'

function read(text: string): number {
  const bytes = new TextEncoder().encode(` ${text} `)
  return readFloat(bytes, 1, bytes.length - 1)
}

describe('a number is read', () => {
  const rows: [text: string, value: number][] = [
    ['0', 0],
    ['-0', -0],
    ['+1', 1],
    ['007', 7],
    ['1.', 1],
    ['.5', 0.5],
    ['-1.5e3', -1500],
    ['1E+2', 100],
    ['1e-7', 1e-7],
    ['0.1', 0.1],
    ['0.30000000000000004', 0.30000000000000004],
    ['9007199254740993', 9007199254740992],
    ['123456789012345678', 123456789012345680],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', Number.MIN_VALUE],
    ['1e-400', 0],
    ['0e99999999999', 0],
    ['4.35', 4.35],
    ['1e23', 1e23],
    ['NaN', NaN],
    ['nan', NaN],
    ['Inf', Infinity],
    ['+inf', Infinity],
    ['-INFINITY', -Infinity],
  ]
  test.each(rows)('%s', (text, value) => {
    expect(read(text)).toBe(value)
  })
})

describe('what Go refuses is refused', () => {
  const syntax = [
    '',
    '-',
    '.',
    '+.',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    '1 ',
    '+nan',
    '-nan',
    'in',
    'infin',
    '0x10',
    '1,5',
  ]
  test.each(syntax)('%j as no number', text => {
    expect(() => read(text)).toThrow(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  })
  test.each(['1_000', '0x1p-2', '0x1P4'])('%j for its characters', text => {
    expect(() => read(text)).toThrow('unsupported character in float')
  })
  test.each(['1e309', '-1e309', '1e99999999999'])('%j as too large', text => {
    expect(() => read(text)).toThrow('value out of range')
  })
})

test('every number reads back to the last bit', () => {
  const check = (text: string) => {
    expect(read(text)).toBe(Number(text))
  }
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), v => check(String(v))))
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), v => check(v.toExponential())))
  // Around the border between the fast way and the exact one.
  const digits = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: -30, max: 30 }))
  fc.assert(
    fc.property(digits, ([mantissa, exponent]) => check(`${mantissa}e${exponent}`)),
    { numRuns: 2000 },
  )
})

test('a long row of digits is read or refused, and nothing else happens', () => {
  expect(read('1'.repeat(300))).toBe(Number('1'.repeat(300)))
  expect(() => read('1'.repeat(1e6))).toThrow(FloatProblem)
  expect(read(`0.${'0'.repeat(1e6)}1`)).toBe(0)
})

test('a number in the notation of OpenMetrics is the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), v => {
      const text = formatOpenMetricsFloat(v)
      expect(read(text)).toBe(v === 0 ? 0 : v)
      expect(text).toMatch(/[.e]|Inf/)
    }),
  )
})
