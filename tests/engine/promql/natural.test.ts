import { expect, test } from 'vitest'
import { isNaturallyBefore } from '../../../src/engine/promql/functions/sortnatural.ts'

test.each([
  ['a2', 'a10', true],
  ['a10', 'a2', false],
  ['a', 'a1', true],
  ['a1', 'a', false],
  ['', 'a', false],
  ['a', '', false],
  ['1a', '1b', true],
  ['x9y9', 'x9y10', true],
  ['9', 'a', true],
  ['a', '9', false],
  ['99999999999999999999', '9', false],
  ['9', '99999999999999999999', true],
  ['9223372036854775807', '9223372036854775808', true],
  ['10000000000000000000', '9', true],
  ['\u{10000}', '\uffff', false],
  ['same', 'same', true],
])('%j is before %j: %s', (a, b, before) => {
  expect(isNaturallyBefore(a, b)).toBe(before)
})

test.each([
  ['01', '1'],
  ['a007', 'a7'],
])('%j and %j are before each other', (a, b) => {
  expect([isNaturallyBefore(a, b), isNaturallyBefore(b, a)]).toEqual([true, true])
})
