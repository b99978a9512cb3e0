import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compareBytes,
  compareLabels,
  formatLabels,
  keepLabels,
  labelsFrom,
  labelsKey,
  quote,
  valueOf,
  withLabel,
} from '../../../src/engine/model/labels.ts'

const set = (labels: Record<string, string>) => labelsFrom(Object.entries(labels))

test('a label set is sorted, without empty values, the last of equal names', () => {
  expect(
    labelsFrom([
      ['b', '2'],
      ['a', 'old'],
      ['c', ''],
      ['a', '1'],
    ]),
  ).toEqual(['a', '1', 'b', '2'])
})

test('an absent label is empty', () => {
  expect(valueOf(set({ a: '1' }), 'a')).toBe('1')
  expect(valueOf(set({ a: '1' }), 'b')).toBe('')
})

test('labels are kept, set and removed', () => {
  const labels = set({ a: '1', b: '2' })
  expect(keepLabels(labels, name => name === 'b')).toEqual(['b', '2'])
  expect(withLabel(labels, 'aa', '3')).toEqual(['a', '1', 'aa', '3', 'b', '2'])
  expect(withLabel(labels, 'a', '')).toEqual(['b', '2'])
})

test('strings are in the order of their UTF-8 bytes', () => {
  const byBytes = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const text = fc.string({ unit: 'grapheme', maxLength: 6 })
  fc.assert(fc.property(text, text, (a, b) => Math.sign(compareBytes(a, b)) === byBytes(a, b)))
  // JavaScript's own order puts the second before the first.
  expect(compareBytes('\uffff', '\u{10000}')).toBeLessThan(0)
})

test('label sets are equal exactly when their keys are, and ordered pair by pair', () => {
  const labels = fc.dictionary(fc.constantFrom('a', 'b', 'ab'), fc.string({ maxLength: 3 })).map(set)
  fc.assert(
    fc.property(labels, labels, (a, b) => (compareLabels(a, b) === 0) === (labelsKey(a) === labelsKey(b))),
  )
  expect(compareLabels(set({ a: '1' }), set({ a: '1', b: '1' }))).toBeLessThan(0)
  expect(compareLabels(set({ a: '2' }), set({ a: '1', b: '1' }))).toBeGreaterThan(0)
})

describe('label sets print as in Prometheus', () => {
  test.each([
    [{ __name__: 'up' }, 'up'],
    [{ __name__: 'up', job: 'a', instance: 'b' }, 'up{instance="b", job="a"}'],
    [{ job: 'a' }, '{job="a"}'],
    [{}, '{}'],
    [{ __name__: 'my.metric', 'my.label': 'x' }, '{__name__="my.metric", "my.label"="x"}'],
    [{ a: 'line\nbreak "quoted" back\\slash' }, '{a="line\\nbreak \\"quoted\\" back\\\\slash"}'],
  ])('%j', (labels, text) => {
    expect(formatLabels(set(labels))).toBe(text)
  })
})

test('quoting escapes what does not print', () => {
  expect(quote('a\u0000\u0007\u200b é 世 \u{1f600}')).toBe('"a\\x00\\a\\u200b é 世 \u{1f600}"')
})
