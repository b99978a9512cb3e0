import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenMetricsCursor } from '../../../src/engine/exposition/openmetrics.ts'
import { SyntaxProblem } from '../../../src/engine/model/errors.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const latin1 = (text: string) => Uint8Array.from(text, char => char.charCodeAt(0))

/** What the cursor tells of the entry that it stands at. */
function told(cursor: OpenMetricsCursor, entry: string): unknown {
  if (entry !== 'series') return [entry, cursor.family(), cursor.text()]
  const exemplar = cursor.hasExemplar && {
    labels: Object.fromEntries(cursor.exemplarLabels()),
    value: cursor.exemplarValue,
    ...(cursor.hasExemplarTimestamp && { t: cursor.exemplarTimestamp }),
  }
  return {
    ...Object.fromEntries(cursor.labels()),
    value: cursor.value,
    ...(cursor.hasTimestamp && { t: cursor.timestamp }),
    ...(exemplar && { exemplar }),
  }
}

function entriesOf(bytes: Uint8Array): unknown[] {
  const cursor = new OpenMetricsCursor(bytes)
  const entries: unknown[] = []
  for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) entries.push(told(cursor, entry))
  return entries
}

function problemOf(bytes: Uint8Array): SyntaxProblem {
  try {
    entriesOf(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxProblem)
    return error as SyntaxProblem
  }
  throw new Error('it was accepted')
}

describe('a line is read', () => {
  const up = { __name__: 'up' }
  test.each<[line: string, entry: unknown]>([
    ['up 1', { ...up, value: 1 }],
    ['up{} 1', { ...up, value: 1 }],
    ['a:b_9{c="d"} -2.5e3', { __name__: 'a:b_9', c: 'd', value: -2500 }],
    ['up{a="b",} 1', { ...up, a: 'b', value: 1 }],
    ['up{a=""} 1', { ...up, a: '', value: 1 }],
    ['up{a="1\\"2\\\\3\\n4\\x5"} 1', { ...up, a: '1"2\\3\n4\\x5', value: 1 }],
    ['up{a="} 2 # {"} 1', { ...up, a: '} 2 # {', value: 1 }],
    ['up{a="null\0byte"} 1', { ...up, a: 'null\0byte', value: 1 }],
    ['up{a="Füße 🚀"} 1', { ...up, a: 'Füße 🚀', value: 1 }],
    ['up +Inf', { ...up, value: Infinity }],
    ['up nan', { ...up, value: NaN }],
    ['up 1 1.5', { ...up, value: 1, t: 1500 }],
    ['up 1 1700000000', { ...up, value: 1, t: 1_700_000_000_000 }],
    ['up 1 1700000000.123', { ...up, value: 1, t: 1_700_000_000_123 }],
    ['up 1 1.7e9', { ...up, value: 1, t: 1_700_000_000_000 }],
    ['up 1 0.0019', { ...up, value: 1, t: 1 }],
    ['up 1 -0.0019', { ...up, value: 1, t: -1 }],
    ['up 1 -0.0001', { ...up, value: 1, t: 0 }],
    ['{"a.b"} 1', { __name__: 'a.b', value: 1 }],
    ['{"a.b",l="v","x y"="z"} 1 2', { __name__: 'a.b', l: 'v', 'x y': 'z', value: 1, t: 2000 }],
    ['{l="v","a\\"b\\\\c\\nd"} 1', { __name__: 'a"b\\c\nd', l: 'v', value: 1 }],
    ['{"two\nlines","l\n"="v"} 1', { __name__: 'two\nlines', 'l\n': 'v', value: 1 }],
    ['up 1 # {} 2', { ...up, value: 1, exemplar: { labels: {}, value: 2 } }],
    ['up 1 3 # {a="b",} 2', { ...up, value: 1, t: 3000, exemplar: { labels: { a: 'b' }, value: 2 } }],
    [
      'up 1 # {"a.b"="c\\nd"} 2 4',
      { ...up, value: 1, exemplar: { labels: { 'a.b': 'c\nd' }, value: 2, t: 4000 } },
    ],
    ['# TYPE up counter', ['type', 'up', 'counter']],
    ['# TYPE up gaugehistogram', ['type', 'up', 'gaugehistogram']],
    ['# TYPE "a b" info', ['type', 'a b', 'info']],
    ['# UNIT up_seconds seconds', ['unit', 'up_seconds', 'seconds']],
    ['# UNIT up ', ['unit', 'up', '']],
    ['# HELP up ', ['help', 'up', '']],
    ['# HELP up a\\nb \\\\ \\" " \0', ['help', 'up', 'a\nb \\ " " \0']],
  ])('%j', (line, entry) => {
    expect(entriesOf(encode(`${line}\n# EOF\n`))).toEqual([entry])
    expect(entriesOf(encode(`first 1\n${line}\n# EOF`))).toEqual([{ __name__: 'first', value: 1 }, entry])
  })
})

// Where Prometheus has a message of its own, it is this one (openmetricsparse_test.go).
describe('a text is refused', () => {
  test.each<[text: string, line: number, column: number, message: string]>([
    ['', 1, 1, 'data does not end with # EOF'],
    ['a 1', 2, 1, 'data does not end with # EOF'],
    ['a 1\n', 2, 1, 'data does not end with # EOF'],
    ['\n', 1, 1, 'expected a valid start token, got "\\n" ("INVALID") while parsing: "\\n"'],
    ['a 1\n\n# EOF\n', 2, 1, 'expected a valid start token, got "\\n" ("INVALID") while parsing: "\\n"'],
    [' a 1\n', 1, 1, 'expected a valid start token, got " " ("INVALID") while parsing: " "'],
    ['9\n', 1, 1, 'expected a valid start token, got "9" ("INVALID") while parsing: "9"'],
    ['#EOF\n', 1, 1, 'expected a valid start token, got "#E" ("INVALID") while parsing: "#E"'],
    ['# a comment\n', 1, 1, 'expected a valid start token, got "# a" ("INVALID") while parsing: "# a"'],
    ['#  TYPE c counter\n', 1, 1, 'expected a valid start token, got "#  " ("INVALID") while parsing: "#  "'],
    ['a\n', 1, 2, 'expected value after metric, got "\\n" ("INVALID") while parsing: "a\\n"'],
    ['a\t1\n', 1, 2, 'expected value after metric, got "\\t" ("INVALID") while parsing: "a\\t"'],
    ['a  1\n', 1, 2, 'expected value after metric, got "  " ("INVALID") while parsing: "a  "'],
    ['a true\n', 1, 3, 'strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true"'],
    ['a 1_2\n', 1, 3, 'unsupported character in float while parsing: "a 1_2"'],
    ['a 0x1p-3\n', 1, 3, 'unsupported character in float while parsing: "a 0x1p-3"'],
    ['a 1 \n', 1, 4, 'expected timestamp or comment, got " \\n" ("INVALID") while parsing: "a 1 \\n"'],
    ['a 1 1z\n', 1, 5, 'strconv.ParseFloat: parsing "1z": invalid syntax while parsing: "a 1 1z"'],
    ['a 1 NaN\n', 1, 5, 'invalid timestamp NaN'],
    ['a 1 -Inf\n', 1, 5, 'invalid timestamp -Inf'],
    [
      'a 1 2 \n',
      1,
      6,
      'expected next entry after timestamp, got " \\n" ("INVALID") while parsing: "a 1 2 \\n"',
    ],
    [
      'a 1 1 1\n',
      1,
      6,
      'expected next entry after timestamp, got " 1\\n" ("TIMESTAMP") while parsing: "a 1 1 1\\n"',
    ],
    [
      'a 1 2 #\n',
      1,
      6,
      'expected next entry after timestamp, got " #\\n" ("TIMESTAMP") while parsing: "a 1 2 #\\n"',
    ],
    ["a{b='c'} 1\n", 1, 5, 'expected label value, got "\'" ("INVALID") while parsing: "a{b=\'"'],
    ['a{b=\n', 1, 5, 'expected label value, got "\\n" ("INVALID") while parsing: "a{b=\\n"'],
    ['a{b="\n', 1, 5, 'expected label value, got "\\"\\n" ("INVALID") while parsing: "a{b=\\"\\n"'],
    ['a{,b="c"} 1\n', 1, 3, 'expected label name, got ",b" ("COMMA") while parsing: "a{,b"'],
    ['a{b="c",,d="e"} 1\n', 1, 9, 'expected label name, got ",d" ("COMMA") while parsing: "a{b=\\"c\\",,d"'],
    [
      'a{b="c"d="e"} 1\n',
      1,
      8,
      'expected comma or brace close, got "d=" ("LNAME") while parsing: "a{b=\\"c\\"d="',
    ],
    ['a{="c"} 1\n', 1, 3, 'expected label name, got "=\\"" ("EQUAL") while parsing: "a{=\\""'],
    ['{A}0\n', 1, 3, 'expected equal, got "}0" ("BCLOSE") while parsing: "{A}0"'],
    [
      '{"a","b = "c"}\n',
      1,
      12,
      'expected equal, got "c\\"" ("LNAME") while parsing: "{\\"a\\",\\"b = \\"c\\""',
    ],
    ['{"a",b\\nc="d"} 1\n', 1, 7, 'expected equal, got "\\\\" ("INVALID") while parsing: "{\\"a\\",b\\\\"'],
    ['a{"b"} 1\n', 1, 3, 'metric name already set while parsing: "a{\\"b\\"}"'],
    ['{"a","b"} 1\n', 1, 6, 'metric name already set while parsing: "{\\"a\\",\\"b\\"}"'],
    ['{b="c",} 1\n', 1, 1, 'metric name not set while parsing: "{b=\\"c\\",}"'],
    ['{b="c"} 1\n# EOF\n', 1, 1, 'metric name not set while parsing: "{b=\\"c\\"}"'],
    ['a 1\n{"never', 2, 2, 'expected label name, got "\\"" ("INVALID") while parsing: "{\\""'],
    ['# TYPE \n', 1, 8, 'expected metric name after TYPE, got "\\n" ("INVALID") while parsing: "# TYPE \\n"'],
    ['# TYPE m\n', 1, 9, 'expected text in TYPE'],
    ['# TYPE u untyped\n', 1, 10, 'invalid metric type "untyped"'],
    ['# TYPE c counter \n', 1, 10, 'invalid metric type "counter "'],
    ['# HELP m\n', 1, 9, 'expected text in HELP'],
    ['# UNIT m\n', 1, 9, 'expected text in UNIT'],
    ['# UNIT m suffix\n', 1, 10, 'unit "suffix" not a suffix of metric "m"'],
    ['# UNIT metricsuffix suffix\n', 1, 21, 'unit "suffix" not a suffix of metric "metricsuffix"'],
    ['# EOF\na 1', 2, 1, 'unexpected data after # EOF'],
    ['# EOF\n\n', 2, 1, 'unexpected data after # EOF'],
    ['# EOFa 1', 1, 6, 'unexpected data after # EOF'],
    ['a 1 # {aa=bb}\n', 1, 11, 'expected label value, got "b" ("INVALID") while parsing: "a 1 # {aa=b"'],
    ['a 1 # {bb}\n', 1, 10, 'expected equal, got "}\\n" ("BCLOSE") while parsing: "a 1 # {bb}\\n"'],
    [
      'a 1 # {a="b"}\n',
      1,
      14,
      'expected value after exemplar labels, got "\\n" ("INVALID") while parsing: "a 1 # {a=\\"b\\"}\\n"',
    ],
    [
      'a 1 # {a="b"} 1 2 3\n',
      1,
      18,
      'expected next entry after exemplar timestamp, got " 3\\n" ("TIMESTAMP") while parsing: "a 1 # {a=\\"b\\"} 1 2 3\\n"',
    ],
    ['a 1 # {a="b"} 4 Inf\n', 1, 17, 'invalid exemplar timestamp +Inf'],
    ['a{b="c",b="d"} 1\n', 1, 1, 'label name "b" is not unique: invalid sample'],
    ['{""} 1\n', 1, 1, 'missing metric name (__name__ label)'],
  ])('%j', (text, line, column, message) => {
    const problem = problemOf(encode(text))
    expect(problem.message).toBe(`line ${line}, column ${column}: ${message}`)
    expect(problem).toMatchObject({ line, column })
  })

  test.each([
    ['a{b="\xff"} 1\n# EOF\n', 'invalid UTF-8 label value'],
    ['a 1 # {b="\xff"} 1\n# EOF\n', 'invalid UTF-8 label value'],
    ['{"\xff"} 1\n# EOF\n', 'invalid UTF-8 label value'],
    ['# HELP a \xff\n# EOF\n', 'is not a valid utf8 string'],
    ['# TYPE a \xff\n# EOF\n', 'invalid metric type "\\xff"'],
  ])('%j, which is no UTF-8', (text, message) => {
    expect(problemOf(latin1(text)).message).toContain(message)
  })
})

describe('what stands elsewhere counts', () => {
  test('bounds of histograms and quantiles of summaries are written alike', () => {
    const text = `# TYPE h histogram
h_bucket{le="1"} 1
# TYPE s summary
s{quantile="1e-1",le="1"} 1
# TYPE g gaugehistogram
g_bucket{le="1"} 1
# EOF`
    const samples = entriesOf(encode(text)).filter(entry => !Array.isArray(entry))
    expect(samples).toMatchObject([{ le: '1.0' }, { quantile: '0.1', le: '1' }, { le: '1' }])
  })

  test('a series of creation times is told apart, when its type has them', () => {
    const text = `# TYPE c counter
c_total 1
c_created 1.5
{"c.d_created"} 2
# TYPE g gauge
g_created 3
# EOF`
    const cursor = new OpenMetricsCursor(encode(text))
    const created: boolean[] = []
    for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
      if (entry === 'series') created.push(cursor.isCreated)
    }
    expect(created).toEqual([false, true, true, false])
  })

  test('the bytes of a series are its key', () => {
    const cursor = new OpenMetricsCursor(encode('a{b="c"} 1 2 # {d="e"} 1\n# EOF\n'))
    cursor.next()
    expect(new TextDecoder().decode(cursor.bytes.subarray(cursor.keyFrom, cursor.keyTo))).toBe('a{b="c"}')
  })
})

/** All entries of a text that comes in pieces, each of which ends with the line it is cut in. */
function inPieces(bytes: Uint8Array, size: number): { entries: unknown[]; lines: number[] } {
  const cursor = new OpenMetricsCursor(new Uint8Array(0), { partial: true })
  const found = { entries: [] as unknown[], lines: [] as number[] }
  let unread = new Uint8Array(0)
  for (let at = 0; at <= bytes.length; at += size) {
    const more = bytes.subarray(at, at + size)
    const all = new Uint8Array([...unread, ...more])
    const partial = at + size <= bytes.length
    const whole = partial ? all.lastIndexOf(10) + 1 : all.length
    unread = all
    if (partial && whole === 0) continue
    cursor.goOn(all.subarray(0, whole), partial)
    try {
      for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
        found.entries.push(told(cursor, entry))
        found.lines.push(cursor.line)
      }
    } catch (error) {
      if (!cursor.ranOut || !partial) throw error
    }
    unread = all.slice(cursor.at)
  }
  return found
}

describe('in pieces', () => {
  const text = `# TYPE h histogram
h_bucket{le="1"} 1 2 # {a="b"} 1
# HELP h some "text
{"two
lines","and
three"="x"} 5
last 1
# EOF
`
  test('a text of any cut gives the same entries, at the same lines', () => {
    const bytes = encode(text)
    const whole = entriesOf(bytes)
    for (let size = 1; size <= bytes.length + 1; size++) {
      expect(inPieces(bytes, size)).toEqual({ entries: whole, lines: [1, 2, 3, 4, 7] })
    }
  })

  test('a problem is told with its line in the text', () => {
    const bytes = encode(text.replace('last 1', 'last x'))
    for (const size of [1, 7, 50, 1000]) expect(() => inPieces(bytes, size)).toThrow('line 7, column 6: ')
  })

  test('nothing may come behind the end, in whatever piece', () => {
    for (const size of [1, 5, 6, 7, 100]) {
      expect(() => inPieces(encode('a 1\n# EOF\nb 1\n'), size)).toThrow('line 3, column 1: unexpected data')
      expect(() => inPieces(encode('a 1\n'), size)).toThrow('data does not end with # EOF')
    }
  })
})

test('bytes of any kind are read to the end or refused with a place', () => {
  const words = [
    'a',
    '{',
    '}',
    '"',
    '\\',
    '\n',
    ' ',
    '=',
    ',',
    '# ',
    'EOF',
    'TYPE ',
    '1',
    '.5',
    '\0',
    '\xff',
    'le="1"',
    '{"b"} 1\n',
  ]
  const texts = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map(parts => latin1(parts.join('')))
  fc.assert(
    fc.property(texts, bytes => {
      let problem: unknown = null
      try {
        entriesOf(bytes)
      } catch (error) {
        problem = error
      }
      if (problem !== null) expect(problem).toBeInstanceOf(SyntaxProblem)
      const inBits = () => inPieces(bytes, 3)
      if (problem === null) expect(inBits()).toMatchObject({ entries: entriesOf(bytes) })
      else expect(inBits).toThrow((problem as Error).message)
    }),
    { numRuns: 500 },
  )
})
