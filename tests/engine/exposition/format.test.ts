import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatFloat, formatSeconds, formatSeries } from '../../../src/engine/exposition/format.ts'
import { OpenMetricsCursor } from '../../../src/engine/exposition/openmetrics.ts'
import { labelsFrom } from '../../../src/engine/model/labels.ts'

describe('a float is written as Go writes it', () => {
  test.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [999999, '999999'],
    [1e6, '1e+06'],
    [1234567.5, '1.2345675e+06'],
    [1e100, '1e+100'],
    [5e-324, '5e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
  ])('%d', (v, text) => {
    expect(formatFloat(v)).toBe(text)
  })
})

describe('a time is written in seconds', () => {
  test.each([
    [0, '0.000'],
    [1, '0.001'],
    [-1500, '-1.500'],
    [1_699_920_000_123, '1699920000.123'],
    // 1.001 * 1000 is 1000.9999999999999.
    [1001, '1.0011'],
    [-1001, '-1.0011'],
  ])('%d', (t, text) => {
    expect(formatSeconds(t)).toBe(text)
  })

  test('such that Prometheus reads the same millisecond', () => {
    const times = fc.oneof(
      fc.integer({ min: -4_000_000, max: 4_000_000 }),
      fc.integer({ min: -(2 ** 48), max: 2 ** 48 }),
    )
    fc.assert(
      fc.property(times, t => {
        expect(Math.trunc(Number(formatSeconds(t)) * 1000) + 0).toBe(t)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a series is written', () => {
  test.each([
    [{ __name__: 'up' }, 'up'],
    [{ __name__: 'up', job: 'a', instance: 'b:1' }, 'up{instance="b:1",job="a"}'],
    [{ __name__: 'up', a: 'q"b\\n\nü\0' }, 'up{a="q\\"b\\\\n\\nü\0"}'],
    [{ __name__: 'a.b' }, '{"a.b"}'],
    [{ __name__: 'a"\n', 'x y': '1' }, '{"a\\"\\n","x y"="1"}'],
    [{ __name__: 'a:b', 'c:d': '1' }, 'a:b{"c:d"="1"}'],
    [{ a: 'b' }, null],
  ])('%j', (labels, text) => {
    expect(formatSeries(labelsFrom(Object.entries(labels)))).toBe(text)
  })

  test('such that it is read back', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 5 })
    const pairs = fc.dictionary(text, text, { maxKeys: 3 })
    fc.assert(
      fc.property(text, pairs, (name, rest) => {
        const labels = labelsFrom([...Object.entries(rest), ['__name__', name]])
        const line = `${formatSeries(labels)} 1\n# EOF\n`
        const cursor = new OpenMetricsCursor(new TextEncoder().encode(line))
        expect(cursor.next()).toBe('series')
        expect(labelsFrom(cursor.labels())).toEqual(labels)
        expect(cursor.next()).toBe('end')
      }),
    )
  })
})
