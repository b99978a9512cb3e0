import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextCursor } from '../../../src/engine/exposition/text.ts'
import { SyntaxProblem } from '../../../src/engine/model/errors.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const latin1 = (text: string) => Uint8Array.from(text, char => char.charCodeAt(0))

interface Sample {
  readonly key: string
  readonly labels: Record<string, string>
  readonly value: number
  readonly t: number | null
}

function samplesOf(bytes: Uint8Array): Sample[] {
  const cursor = new TextCursor(bytes)
  const samples: Sample[] = []
  for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
    if (entry !== 'series') continue
    const key = new TextDecoder().decode(cursor.bytes.subarray(cursor.keyFrom, cursor.keyTo))
    const t = cursor.hasTimestamp ? cursor.timestamp : null
    samples.push({ key, labels: Object.fromEntries(cursor.labels()), value: cursor.value, t })
  }
  return samples
}

function problemOf(bytes: Uint8Array): SyntaxProblem {
  try {
    samplesOf(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxProblem)
    return error as SyntaxProblem
  }
  throw new Error('it was accepted')
}

describe('a sample is read', () => {
  const up = { __name__: 'up' }
  const rows: [text: string, labels: Record<string, string>, value: number, t?: number][] = [
    ['up 1', up, 1],
    ['up 1\n', up, 1],
    ['  \tup\t 1 \t \n', up, 1],
    ['up 1 1700000000123', up, 1, 1700000000123],
    ['up{} 1', up, 1],
    ['up{}1', up, 1],
    ['up { } 1', up, 1],
    ['a:b_9{c="d"} 1', { __name__: 'a:b_9', c: 'd' }, 1],
    ['up{a="b",} 1', { ...up, a: 'b' }, 1],
    ['up{ a = "b" , c = "d" } 1', { ...up, a: 'b', c: 'd' }, 1],
    ['up{a="b"c="d"} 1', { ...up, a: 'b', c: 'd' }, 1],
    ['up{a=""} 1', { ...up, a: '' }, 1],
    ['up{a="1\\"2\\\\3\\n4\\x5"} 1', { ...up, a: '1"2\\3\n4\\x5' }, 1],
    ['up{a="} # HELP"} 1', { ...up, a: '} # HELP' }, 1],
    ['up{a="two\nlines"} 1', { ...up, a: 'two\nlines' }, 1],
    ['up{a="null\0byte"} 1', { ...up, a: 'null\0byte' }, 1],
    ['up{a="Füße 🚀"} 1', { ...up, a: 'Füße 🚀' }, 1],
    ['{"a.b"} 1', { __name__: 'a.b' }, 1],
    ['{"a.b",l="v"} 1', { __name__: 'a.b', l: 'v' }, 1],
    ['{l="v","a.b"} 1', { __name__: 'a.b', l: 'v' }, 1],
    ['{"a b\\"c","d.e"="v",} 1', { __name__: 'a b"c', 'd.e': 'v' }, 1],
    ['up{"d.e"="v"} 1', { ...up, 'd.e': 'v' }, 1],
  ]
  test.each(rows)('%j', (text, labels, value, t) => {
    expect(samplesOf(encode(text))).toEqual([{ key: expect.any(String), labels, value, t: t ?? null }])
  })
})

test('the key is what is written from the name to the brace, and nothing else', () => {
  const text = ' a  1\na{b="c"} 2\n a {b="c"}3\n{"a",b="c"} 4 5\n'
  expect(samplesOf(encode(text)).map(({ key }) => key)).toEqual(['a', 'a{b="c"}', 'a {b="c"}', '{"a",b="c"}'])
})

test('lines without a sample are told apart', () => {
  const text = [
    '# HELP up Is it\\n up\\\\? \\x',
    '#HELP not one',
    '# TYPE up gauge',
    '#   TYPE  "a.b"  counter'.replace('  counter', ' counter'),
    '# TYPES up',
    '# HELP',
    '# HELP up ',
    '# HELP up',
    '',
    ' \t',
    '# EOF',
  ].join('\n')
  const cursor = new TextCursor(encode(text))
  const entries: string[][] = []
  for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
    entries.push(entry === 'comment' ? [entry, cursor.text()] : [entry, cursor.family(), cursor.text()])
  }
  expect(entries).toEqual([
    ['help', 'up', 'Is it\n up\\? \\x'],
    ['comment', '#HELP not one'],
    ['type', 'up', 'gauge'],
    ['type', 'a.b', 'counter'],
    ['comment', '# TYPES up'],
    ['comment', '# HELP'],
    ['help', 'up', ''],
    ['help', 'up', ''],
    ['comment', '# EOF'],
  ])
})

test('at the end the cursor stays there', () => {
  const cursor = new TextCursor(encode('up 1'))
  expect([cursor.next(), cursor.next(), cursor.next()]).toEqual(['series', 'end', 'end'])
})

test('an empty exposition has no samples, and a zero byte in front of a line ends one', () => {
  expect(samplesOf(encode(''))).toEqual([])
  expect(samplesOf(encode('a 1\n\0b 2\n')).map(({ key }) => key)).toEqual(['a'])
})

// The first rows are those of upstream's TestPromParseErrors, with their wording.
describe('what is wrong is said with its place', () => {
  const rows: [text: string, line: number, column: number, message: string][] = [
    ['a', 1, 2, String.raw`expected value after metric, got "\n" ("INVALID") while parsing: "a\n"`],
    ["a{b='c'} 1\n", 1, 5, String.raw`expected label value, got "'" ("INVALID") while parsing: "a{b='"`],
    ['a{b=\n', 1, 5, String.raw`expected label value, got "\n" ("INVALID") while parsing: "a{b=\n"`],
    [
      'a{\xff="foo"} 1\n',
      1,
      3,
      String.raw`expected label name, got "\xff" ("INVALID") while parsing: "a{\xff"`,
    ],
    ['a{b="\xff"} 1\n', 1, 5, String.raw`invalid UTF-8 label value: "\"\xff\""`],
    [
      '{"a", "b = "c"}',
      1,
      13,
      String.raw`expected equal, got "c\"" ("LNAME") while parsing: "{\"a\", \"b = \"c\""`,
    ],
    [
      String.raw`{"a",b\nc="d"} 1`,
      1,
      7,
      String.raw`expected equal, got "\\" ("INVALID") while parsing: "{\"a\",b\\"`,
    ],
    [
      'a true\n',
      1,
      3,
      String.raw`strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true"`,
    ],
    [
      'something_weird{problem="',
      1,
      25,
      String.raw`expected label value, got "\"\n" ("INVALID") while parsing: "something_weird{problem=\"\n"`,
    ],
    ['empty{=""} 0', 1, 7, String.raw`expected label name, got "=\"" ("EQUAL") while parsing: "empty{=\""`],
    ['{A}0', 1, 3, 'expected equal, got "}0" ("BCLOSE") while parsing: "{A}0"'],
    ['foo 1_2\n', 1, 5, 'unsupported character in float while parsing: "foo 1_2"'],
    ['foo 0x1p-3\n', 1, 5, 'unsupported character in float while parsing: "foo 0x1p-3"'],
    [
      'foo 0 1_2\n',
      1,
      8,
      'expected next entry after timestamp, got "_" ("INVALID") while parsing: "foo 0 1_"',
    ],
    ['{a="ok"} 1', 1, 1, String.raw`metric name not set while parsing: "{a=\"ok\"}`],
    [
      '# TYPE #\n#EOF\n',
      1,
      8,
      'expected metric name after TYPE, got "#" ("INVALID") while parsing: "# TYPE #"',
    ],
    [
      '# HELP #\n#EOF\n',
      1,
      8,
      'expected metric name after HELP, got "#" ("INVALID") while parsing: "# HELP #"',
    ],
    ['up 1\n\n<html>', 3, 1, 'expected a valid start token, got "<" ("INVALID") while parsing: "<"'],
    ['up 1\nup{a="x\ny"} none', 3, 5, 'strconv.ParseFloat: parsing "none": invalid syntax'],
    ['up 1 -5', 1, 6, 'expected timestamp or new record, got "-" ("INVALID") while parsing: "up 1 -"'],
    [
      'up 1 2 3',
      1,
      8,
      'expected next entry after timestamp, got "3" ("TIMESTAMP") while parsing: "up 1 2 3"',
    ],
    [
      'up 1 99999999999999999999',
      1,
      6,
      'strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    ['up 1\r\n', 1, 4, String.raw`strconv.ParseFloat: parsing "1\r": invalid syntax`],
    ['up {', 1, 5, String.raw`expected label name, got "\n" ("INVALID") while parsing: "up {\n"`],
    ['up{,} 1', 1, 4, 'expected label name, got ",}" ("COMMA") while parsing: "up{,}"'],
    ['up{"x"} 1', 1, 4, String.raw`metric name already set while parsing: "up{\"x\"}"`],
    ['{"x","y"} 1', 1, 6, String.raw`metric name already set while parsing: "{\"x\",\"y\"}"`],
    ['up{a="1",a="2"} 1', 1, 1, 'label name "a" is not unique: invalid sample'],
    ['up{__name__="x"} 1', 1, 1, 'label name "__name__" is not unique: invalid sample'],
    ['{""} 1', 1, 1, 'missing metric name (__name__ label)'],
    ['up{""="x"} 1', 1, 1, 'invalid metric name or label names'],
    ['{"\xff"} 1', 1, 2, 'invalid UTF-8'],
    ['# TYPE up bogus', 1, 11, 'invalid metric type "bogus"'],
    ['# TYPE up', 1, 10, 'invalid metric type ""'],
    ['# TYPE up counter ', 1, 11, 'invalid metric type "counter "'],
    ['# HELP up \xff', 1, 11, String.raw`help text "\xff" is not a valid utf8 string`],
  ]
  test.each(rows)('%j', (text, line, column, message) => {
    const problem = problemOf(latin1(text))
    expect(problem).toMatchObject({ line, column })
    expect(problem.message).toContain(`line ${line}, column ${column}: ${message}`)
  })

  test('and of a long line only the end is shown', () => {
    const problem = problemOf(encode(`up{a="${'x'.repeat(1e6)}"} nope`))
    expect(problem.message.length).toBeLessThan(400)
    expect(problem.message).toMatch(/nope"$/)
  })
})

describe('bounds of buckets and quantiles are written as OpenMetrics writes them', () => {
  const bound = (type: string, label: string, value: string) =>
    samplesOf(encode(`# TYPE x ${type}\nx{${label}="${value}"} 1`))[0]?.labels[label]
  const rows: [type: string, label: string, value: string, expected: string][] = [
    ['histogram', 'le', '1', '1.0'],
    ['histogram', 'le', '0.50', '0.5'],
    ['histogram', 'le', '+Inf', '+Inf'],
    ['histogram', 'le', 'inf', '+Inf'],
    ['histogram', 'le', '1000000', '1e+06'],
    ['histogram', 'le', '123456', '123456.0'],
    ['histogram', 'le', '0.00001', '1e-05'],
    ['histogram', 'le', '0.0001', '0.0001'],
    ['histogram', 'le', '-0', '0.0'],
    ['histogram', 'le', 'many', 'many'],
    ['histogram', 'quantile', '1', '1'],
    ['summary', 'quantile', '0', '0.0'],
    ['summary', 'quantile', '0.99', '0.99'],
    ['summary', 'le', '1', '1'],
    ['gauge', 'le', '1', '1'],
    ['untyped', 'quantile', '1', '1'],
  ]
  test.each(rows)('%s %s=%j', (type, label, value, expected) => {
    expect(bound(type, label, value)).toBe(expected)
  })
})

describe('whatever comes in', () => {
  const valid = encode(
    '# HELP a b\n# TYPE a histogram\na_bucket{le="1",x="y\\n"} 1.5e3 1700000000000\na_sum NaN\n{"a.b","c d"="e"} -Inf\n',
  )
  const mutated = fc
    .tuple(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.constantFrom(...encode('"{}=,\\\n# 1a\0\xff'))), {
        maxLength: 6,
      }),
      fc.nat(valid.length),
    )
    .map(([changes, length]) => {
      const bytes = valid.slice(0, length)
      for (const [at, byte] of changes) if (at < length) bytes[at] = byte
      return bytes
    })
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 100 }).map(encode),
    fc
      .array(fc.constantFrom('a', '{', '}', '"', '=', ',', '\\', '\n', '#', ' ', '1', 'HELP', 'TYPE', '\0'))
      .map(parts => encode(parts.join(''))),
    mutated,
  )

  test('it is samples or a problem whose place lies in the text', () => {
    fc.assert(
      fc.property(anything, bytes => {
        try {
          samplesOf(bytes)
        } catch (error) {
          if (!(error instanceof SyntaxProblem)) throw error
          const lines = new TextDecoder('latin1').decode(bytes).split('\n')
          expect(error.line).toBeLessThanOrEqual(lines.length)
          expect(error.column).toBeLessThanOrEqual((lines[error.line - 1]?.length ?? 0) + 1)
          expect(Math.min(error.line, error.column)).toBeGreaterThan(0)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('what was written is read', () => {
    const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,8}$/)
    const label = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/).filter(text => text !== '__name__')
    const pairs = fc.uniqueArray(fc.tuple(label, fc.string({ unit: 'grapheme' })), {
      selector: ([key]) => key,
    })
    const sample = fc.record({ name, pairs, value: fc.double(), t: fc.option(fc.maxSafeNat()) })
    fc.assert(
      fc.property(fc.array(sample), samples => {
        const lines = samples.map(one => {
          const written = one.pairs.map(([key, text]) => `${key}="${escaped(text)}"`).join(',')
          return `${one.name}{${written}} ${Object.is(one.value, -0) ? '-0' : String(one.value)}${one.t === null ? '' : ` ${one.t}`}\n`
        })
        const expected = samples.map(one => ({
          labels: Object.fromEntries([['__name__', one.name], ...one.pairs]),
          value: one.value,
          t: one.t,
        }))
        expect(samplesOf(encode(lines.join('')))).toMatchObject(expected)
      }),
    )
  })
})

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))
}
