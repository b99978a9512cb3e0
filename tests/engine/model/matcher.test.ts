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
    ['=~', 'a\\.b|c\\|d|\\-', ['a.b', 'c|d', '-'], ['axb', 'c', 'd', 'c\\|d', '\\-']],
    ['!~', '(a|b)', ['ab', ''], ['a', 'b']],
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

test.each(['(', 'a{2,1}', '(?=a)', '\\1', '[b-a]', '(a\\)', '(a', 'a\\'])(
  '%j is no regular expression',
  pattern => {
    expect(() => matcher('l', '=~', pattern)).toThrow()
  },
)

test('literal alternatives are known to the index', () => {
  expect(matcher('l', '=~', 'a|b').literals).toEqual(['a', 'b'])
  expect(matcher('l', '=', 'a.b').literals).toEqual(['a.b'])
  expect(matcher('l', '=~', '(a|b\\.c)').literals).toEqual(['a', 'b.c'])
  expect(matcher('l', '=~', '(?:a|)').literals).toEqual(['a', ''])
  expect(matcher('l', '=~', 'a.b').literals).toBeNull()
  expect(matcher('l', '=~', 'a\\d|b').literals).toBeNull()
  expect(matcher('l', '=~', '(?i:a|b)').literals).toBeNull()
})

test.each([
  ['many characters', 'ab*'.repeat(30_000)],
  ['many repetitions', 'a{1000}'.repeat(66)],
  ['repetitions of repetitions', '((a{10}b){10}c){9}'.repeat(70)],
  ['classes of Unicode', '\\pL{1000}'.repeat(5)],
  ['what never ends', '['.repeat(70_000)],
])('a pattern of %s is refused, for it would be long in compiling', (_, pattern) => {
  expect(() => matcher('l', '=~', pattern)).toThrow('want a size of at most 65536, found a larger one')
})

test('a list of literals may be as long as one likes', () => {
  const hosts = Array.from({ length: 30_000 }, (_, i) => `host-${i}.example`)
  const { matches } = matcher('l', '=~', `(${hosts.map(host => host.replaceAll('.', '\\.')).join('|')})`)
  expect(hosts.every(matches)).toBe(true)
  expect(matches('host-30000.example')).toBe(false)
})
