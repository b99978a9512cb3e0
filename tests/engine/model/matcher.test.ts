import { describe, expect, test } from 'vitest'
import { matcher, type MatchType } from '../../../src/engine/model/matcher.ts'

describe('a matcher takes the whole value', () => {
  test.each<[MatchType, string, string[], string[]]>([
    ['=', 'a', ['a'], ['', 'b', 'aa']],
    ['!=', 'a', ['', 'b'], ['a']],
    ['=~', 'a|b', ['a', 'b'], ['ab', '', 'a|b']],
    ['!~', 'a|b', ['ab', ''], ['a', 'b']],
    ['=~', 'ab.*', ['ab', 'abc', 'ab\nc'], ['a', 'xab', '']],
    ['=~', 'ab.+', ['abc', 'ab\n'], ['ab', 'a']],
    ['=~', '.*', ['', 'x', '\n'], []],
    ['=~', '.+', ['x', '\n'], ['']],
    ['=~', '', [''], ['x']],
    ['!~', '', ['x'], ['']],
    ['=~', '[0-9]{3}', ['123'], ['12', '1234', 'a123']],
    ['=~', 'a(b|c)?', ['a', 'ab', 'ac'], ['abc']],
    ['=~', '(?i)AbC', ['abc', 'ABC'], ['abcd']],
    ['=~', 'x|(y.)', ['x', 'yz', 'y\n'], ['y']],
    ['=~', 'é.', ['éx', 'é\u{1f600}'], ['é']],
  ])('%s %j', (type, value, yes, no) => {
    const { matches } = matcher('l', type, value)
    for (const v of yes) expect([v, matches(v)]).toEqual([v, true])
    for (const v of no) expect([v, matches(v)]).toEqual([v, false])
  })
})

test('a pattern that makes a backtracking engine hang is linear', () => {
  const { matches } = matcher('l', '=~', '(x+x+)+y')
  expect(matches('x'.repeat(5000))).toBe(false)
})

test.each(['(', 'a{2,1}', '(?=a)', '\\1', '[b-a]'])('%j is no regular expression', pattern => {
  expect(() => matcher('l', '=~', pattern)).toThrow()
})

test('literal alternatives are known to the index', () => {
  expect(matcher('l', '=~', 'a|b').literals).toEqual(['a', 'b'])
  expect(matcher('l', '=', 'a.b').literals).toEqual(['a.b'])
  expect(matcher('l', '=~', 'a.b').literals).toBeNull()
})
