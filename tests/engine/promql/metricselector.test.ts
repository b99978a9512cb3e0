import { expect, test } from 'vitest'
import { parseMetricSelector } from '../../../src/engine/promql/syntax/metricselector.ts'

test.each([
  ['up', '__name__=up'],
  [' up ', '__name__=up'],
  ['sum', '__name__=sum'],
  ['{a="b"}', 'a=b'],
  ['up{a!="b",c=~"d|e",}', 'a!=b c=~d|e __name__=up'],
  ['{"a.b", c="d"}', '__name__=a.b c=d'],
  ['{__name__=~"a.*",b=""}', '__name__=~a.* b='],
])('%s selects by %s', (text, expected) => {
  const shown = parseMetricSelector(text).map(({ name, type, value }) => `${name}${type}${value}`)
  expect(shown.join(' ')).toBe(expected)
})

// Texts of Prometheus 2.42, asked for series; for nothing at all 3.x has lost the position.
test.each([
  ['', 'unknown position: parse error: unexpected end of input'],
  ['bad{', '1:5: parse error: unexpected end of input inside braces'],
  ['sum(up)', '1:4: parse error: unexpected "("'],
  ['up[5m]', '1:3: parse error: unexpected "["'],
  ['up offset 5m', '1:4: parse error: unexpected <offset>'],
  ['up + 1', '1:4: parse error: unexpected <op:+>'],
  ['1', '1:1: parse error: unexpected number "1"'],
  ['inf', '1:1: parse error: unexpected number "inf"'],
  ['on', '1:1: parse error: unexpected <on>'],
  ['"up"', '1:1: parse error: unexpected string "\\"up\\""'],
  ['{}', 'match[] must contain at least one non-empty matcher'],
  ['{a=~".*"}', 'match[] must contain at least one non-empty matcher'],
  ['{a!="b"}', 'match[] must contain at least one non-empty matcher'],
])('%j is refused: %s', (text, message) => {
  expect(() => parseMetricSelector(text)).toThrow(expect.objectContaining({ message, type: 'bad_data' }))
})
