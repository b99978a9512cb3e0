import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextCursor } from '../../../src/engine/exposition/text.ts'
import { SyntaxProblem } from '../../../src/engine/model/errors.ts'
import { SeriesCache } from '../../../src/engine/scrape/cache.ts'

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() }

/** Reads a body as a scrape does. Answers what it found, line by line; of a faulty one up to the fault. */
function scrape(text: string, cache: SeriesCache, known: SeriesCache | null): string[] {
  const cursor = new TextCursor(utf8.encode.encode(text), known)
  const found: string[] = []
  try {
    for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
      if (entry !== 'series') continue
      const { bytes, keyFrom, keyTo, value, hasTimestamp, timestamp } = cursor
      let place = cache.find(bytes, keyFrom, keyTo)
      if (place < 0) place = cache.add(bytes, keyFrom, keyTo, cache.size + 1)
      cache.see(place)
      const key = utf8.decode.decode(bytes.subarray(keyFrom, keyTo))
      found.push(`${key} = ${value}${hasTimestamp ? ` at ${timestamp}` : ''}, number ${cache.ref(place)}`)
    }
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    found.push(error.message)
  }
  cache.confirm()
  cache.end(true)
  return found
}

/** Scrapes the bodies one after the other, with keys that are known and without. */
function check(bodies: readonly string[]): void {
  const [knowing, plain] = [new SeriesCache(1), new SeriesCache(1)]
  for (const body of bodies) expect(scrape(body, knowing, knowing)).toEqual(scrape(body, plain, null))
}

test.each<[what: string, first: string, second: string]>([
  ['another value', 'a 1\nb{x="y"} 2\n', 'a 3\nb{x="y"} 4 5\n'],
  ['a name that goes on', 'a 1\nb 2\n', 'a 1\nbc 2\n'],
  ['labels where there were none', 'a 1\nb 2\n', 'a 1\nb{x="y"} 2\n'],
  ['labels behind a blank where there were none', 'a 1\nb 2\n', 'a 1\nb \t{x="y"} 2\n'],
  ['no labels where there were some', 'a 1\nb{} 2\n', 'a 1\nb 2\n'],
  ['no value', 'a 1\nb 2\n', 'a 1\nb\n'],
  ['no value behind labels', 'a 1\nb{x="y"} 2\n', 'a 1\nb{x="y"}\n'],
  ['the end within a key', 'a 1\nb{x="y"} 2\n', 'a 1\nb{x='],
  ['braces twice', 'a 1\nb{x="y"} 2\n', 'a 1\nb{x="y"}{x="y"} 2\n'],
  ['a value without a blank', 'a 1\nb{x="y"} 2\n', 'a 1\nb{x="y"}2\n'],
  ['a name in quotes', 'a 1\n{"b c"} 2\n', 'a 1\n{"b c"} 3\n'],
])('%s is read as if no key were known', (_, first, second) => {
  check([first, second, first])
})

test('whatever comes is read as if no key were known', () => {
  const keys = [
    'a',
    'ab',
    'a:b',
    'a{}',
    'a{x="1"}',
    'a{x="12"}',
    'a {x="1"}',
    '{"a"}',
    '{"a",x="}"}',
    'é',
    'a{x="1"',
  ]
  const line = fc
    .tuple(
      fc.constantFrom(...keys),
      fc.constantFrom(' ', '\t', '', '  '),
      fc.constantFrom('1', '2.5', '1 7', '', 'x'),
    )
    .map(parts => parts.join(''))
  const good = fc.constantFrom('a 1', 'ab 2', 'a{x="1"} 3', '{"a",x="}"} 4', '# a comment', '')
  const body = fc
    .array(fc.oneof({ weight: 6, arbitrary: good }, line), { maxLength: 8 })
    .map(all => all.join('\n'))
  fc.assert(fc.property(fc.array(body, { maxLength: 5 }), check))
})
