import { SyntaxProblem } from '../model/errors.ts'
import { metricName } from '../model/labels.ts'
import type { Entry, ExpositionCursor, KnownKeys } from './cursor.ts'
import { FloatProblem, readFloat } from './float.ts'
import { faultOfNames, normalValue } from './pairs.ts'
import {
  backslash,
  braceClose,
  braceOpen,
  comma,
  decodeText,
  endedLine,
  equals,
  hash,
  labelEnd,
  metricEnd,
  newline,
  placeOf,
  quoteMark,
  space,
  unescape,
} from './scan.ts'
import { showBytes } from './show.ts'

// Prometheus's text format 0.0.4, and 1.0.0, which adds names in quotes:
//
//   # HELP name text           \\ and \n escaped
//   # TYPE name counter        gauge, histogram, summary, untyped
//   name{label="value",…} value timestamp
//   {"any name","any label"="value",…} value timestamp
//
// Accepted is what upstream's model/textparse (promlex.l, promparse.go) accepts. Upstream makes blanks in front of
// a name part of the name; here they are skipped, as the format's description has it.

const tab = 9

const metricTypes = ['counter', 'gauge', 'histogram', 'summary', 'untyped']
// Upstream keeps timestamps in an int64.
const largestTimestamp = 2 ** 63

/** Reads text format 0.0.4 and 1.0.0. Lines are told apart by `\n` alone; values of labels may hold one. */
export class TextCursor implements ExpositionCursor {
  readonly bytes: Uint8Array
  keyFrom = 0
  keyTo = 0
  value = 0
  timestamp = 0
  hasTimestamp = false

  /** Where the next token starts, and where the line that is being read does. */
  private at = 0
  private lineStart = 0
  private readonly end: number
  private readonly known: KnownKeys | null
  /** Range of the family's name and of the text of the last metadata. */
  private familyFrom = 0
  private familyTo = 0
  private textFrom = 0
  private textTo = 0
  /** The last TYPE, whatever family it was for, as upstream has it. */
  private type = ''

  /** @param bytes the whole exposition; it is read in place and must not change
   *  @param known keys that a cursor of this class stopped at before: where one of them stands again, it is not parsed */
  constructor(bytes: Uint8Array, known: KnownKeys | null = null) {
    this.known = known
    this.bytes = endedLine(bytes)
    this.end = this.bytes.length
  }

  next(): Entry {
    const { bytes, end } = this
    for (;;) {
      this.lineStart = this.at
      const i = (this.at = this.skipBlanks(this.at))
      // A zero byte in front of a line ends the exposition, as it does upstream.
      if (i >= end || bytes[i] === 0) return this.stop()
      const byte = bytes[i] as number
      if (byte === newline) this.at++
      else if (byte === hash) return this.comment(i)
      else return this.series(i)
    }
  }

  private stop(): Entry {
    this.at = this.end
    return 'end'
  }

  private comment(start: number): Entry {
    const { bytes } = this
    const i = this.skipBlanks(start + 1)
    const keyword = i > start + 1 ? this.keywordAt(i) : null
    if (!keyword) {
      this.textFrom = start
      this.textTo = this.lineEnd(start)
      this.at = this.textTo + 1
      return 'comment'
    }
    const name = this.skipBlanks(i + 4)
    const nameTo = bytes[name] === quoteMark ? this.quotedTo(name) : metricEnd(bytes, name)
    if (nameTo < 0)
      this.unexpected(`expected metric name after ${keyword.toUpperCase()}`, name, name, 'INVALID')
    const quoted = bytes[name] === quoteMark ? 1 : 0
    this.familyFrom = name + quoted
    this.familyTo = nameTo - quoted
    this.textTo = this.lineEnd(nameTo)
    this.textFrom = this.skipBlanks(nameTo) === this.textTo ? this.textTo : nameTo + 1
    this.at = this.textTo + 1
    if (keyword === 'type') this.readType()
    else this.checkText(this.textFrom, this.textTo)
    return keyword
  }

  /** `HELP` or `TYPE` with a blank behind it; everything else begins a comment. */
  private keywordAt(i: number): 'help' | 'type' | null {
    const { bytes } = this
    const behind = bytes[i + 4]
    if (behind !== space && behind !== tab) return null
    const starts = (word: string) => [0, 1, 2, 3].every(n => bytes[i + n] === word.charCodeAt(n))
    return starts('HELP') ? 'help' : starts('TYPE') ? 'type' : null
  }

  private readType(): void {
    const type = metricTypes.find(name => this.holds(this.textFrom, this.textTo, name))
    if (!type) {
      this.fail(`invalid metric type ${showBytes(this.bytes, this.textFrom, this.textTo)}`, this.textFrom)
    }
    this.type = type
  }

  private checkText(from: number, to: number): void {
    if (this.decode(from, to) !== null) return
    this.fail(`help text ${showBytes(this.bytes, from, to)} is not a valid utf8 string`, from)
  }

  private series(start: number): Entry {
    this.keyFrom = start
    const known = this.known === null ? 0 : start + this.known.expectedAt(this.bytes, start)
    if (known > start && this.endsKey(known)) this.keyTo = known
    else this.readKey(start)
    this.readValue(this.skipBlanks(this.keyTo))
    return 'series'
  }

  /** Whether the key whose bytes end at `to` ends there: behind a name alone there may be more of it. */
  private endsKey(to: number): boolean {
    const { bytes } = this
    if (bytes[to - 1] === braceClose) return true
    return (bytes[to] === space || bytes[to] === tab) && bytes[this.skipBlanks(to)] !== braceOpen
  }

  private readKey(start: number): void {
    const { bytes } = this
    let i = start
    let named = false
    if (bytes[i] !== braceOpen) {
      i = metricEnd(bytes, start)
      if (i < 0) this.unexpected('expected a valid start token', start, start, 'INVALID')
      named = true
      this.keyTo = i
      i = this.skipBlanks(i)
    }
    if (bytes[i] === braceOpen) this.keyTo = this.braces(i + 1, named)
  }

  /** Passes the labels between braces, whose first byte inside is at `i`; answers the place behind them. */
  private braces(i: number, named: boolean): number {
    const { bytes } = this
    for (;;) {
      i = this.skipBlanks(i)
      if (bytes[i] === braceClose) break
      const quoted = bytes[i] === quoteMark
      const nameTo = quoted ? this.quotedTo(i) : labelEnd(bytes, i)
      if (nameTo < 0) this.unexpected('expected label name', i, this.tokenTo(i), this.tokenAt(i))
      let j = this.skipBlanks(nameTo)
      if (quoted && (bytes[j] === comma || bytes[j] === braceClose)) {
        if (named) this.fail(`metric name already set while parsing: ${this.shownTo(j + 1)}`, i)
        named = true
        i = bytes[j] === comma ? j + 1 : j
        continue
      }
      if (bytes[j] !== equals) this.unexpected('expected equal', j, this.tokenTo(j), this.tokenAt(j))
      j = this.skipBlanks(j + 1)
      const valueTo = bytes[j] === quoteMark ? this.quotedTo(j) : -1
      if (valueTo < 0) {
        this.unexpected('expected label value', j, bytes[j] === quoteMark ? this.end - 1 : j, 'INVALID')
      }
      // A missing comma is accepted, upstream too.
      i = this.skipBlanks(valueTo)
      if (bytes[i] === comma) i++
    }
    if (!named) this.fail(`metric name not set while parsing: ${this.shownTo(i + 1)}`, this.keyFrom)
    return i + 1
  }

  /** Reads `value`, an optional timestamp and the end of the line. */
  private readValue(from: number): void {
    const { bytes } = this
    let i = from
    for (let byte = bytes[i]; byte !== space && byte !== newline && byte !== tab && byte !== braceOpen;) {
      byte = bytes[++i]
    }
    if (i === from) {
      this.unexpected('expected value after metric', i, i, bytes[i] === braceOpen ? 'BOPEN' : 'INVALID')
    }
    try {
      this.value = readFloat(bytes, from, i)
    } catch (error) {
      if (!(error instanceof FloatProblem)) throw error
      this.fail(`${error.message} while parsing: ${this.shownTo(i)}`, from)
    }
    i = this.skipBlanks(i)
    this.hasTimestamp = bytes[i] !== newline
    if (this.hasTimestamp) i = this.readTimestamp(i)
    this.at = i + 1
  }

  private readTimestamp(from: number): number {
    const { bytes } = this
    let i = from
    let t = 0
    for (; isDigit(bytes[i] as number); i++) t = t * 10 + ((bytes[i] as number) - 48)
    if (i === from) this.unexpected('expected timestamp or new record', i, i, 'INVALID')
    if (t >= largestTimestamp) {
      const digits = showBytes(bytes, from, i)
      this.fail(
        `strconv.ParseInt: parsing ${digits}: value out of range while parsing: ${this.shownTo(i)}`,
        from,
      )
    }
    this.timestamp = t
    const end = this.skipBlanks(i)
    if (bytes[end] !== newline) {
      const isMore = isDigit(bytes[end] as number)
      this.unexpected('expected next entry after timestamp', end, end, isMore ? 'TIMESTAMP' : 'INVALID')
    }
    return end
  }

  labels(): [string, string][] {
    const { bytes, keyTo } = this
    const pairs: [string, string][] = []
    let i = this.keyFrom
    if (bytes[i] !== braceOpen) {
      const to = metricEnd(bytes, i)
      pairs.push([metricName, this.name(i, to)])
      i = this.skipBlanks(to)
    }
    // The syntax is known to be right: what is left is to tell a name in quotes from a label.
    for (i = this.skipBlanks(i + 1); i < keyTo - 1; i = this.skipBlanks(i)) {
      const to = bytes[i] === quoteMark ? this.quotedTo(i) : labelEnd(bytes, i)
      const name = this.name(i, to)
      const behind = this.skipBlanks(to)
      if (bytes[behind] === equals) {
        const from = this.skipBlanks(behind + 1)
        i = this.quotedTo(from)
        pairs.push([name, normalValue(this.type, name, this.quotedText(from, i))])
      } else {
        pairs.push([metricName, name])
        i = behind
      }
      i = this.skipBlanks(i)
      if (bytes[i] === comma) i++
    }
    const fault = faultOfNames(pairs, () => this.shownTo(this.keyTo))
    if (fault !== null) this.fail(fault, this.keyFrom)
    return pairs
  }

  /** A name at [from, to), perhaps with quotes. */
  private name(from: number, to: number): string {
    return this.bytes[from] === quoteMark ? this.quotedText(from, to) : (this.decode(from, to) ?? '')
  }

  private quotedText(from: number, to: number): string {
    const text = this.decode(from + 1, to - 1)
    if (text !== null) return unescape(text)
    return this.fail(`invalid UTF-8 label value: ${showBytes(this.bytes, from, to)}`, from)
  }

  family(): string {
    return unescape(this.decode(this.familyFrom, this.familyTo) ?? '')
  }

  text(): string {
    const text = this.decode(this.textFrom, this.textTo) ?? ''
    return text.replace(/\\([\\n])/g, (_, char) => (char === 'n' ? '\n' : '\\'))
  }

  private skipBlanks(i: number): number {
    const { bytes } = this
    while (bytes[i] === space || bytes[i] === tab) i++
    return i
  }

  /** Place behind the string whose opening quote is at `i`, or -1 when nothing closes it. */
  private quotedTo(i: number): number {
    const { bytes, end } = this
    for (i++; i < end; i++) {
      const byte = bytes[i]
      if (byte === quoteMark) return i + 1
      if (byte === backslash && bytes[++i] === newline) return -1
    }
    return -1
  }

  private lineEnd(i: number): number {
    const { bytes } = this
    while (bytes[i] !== newline) i++
    return i
  }

  private holds(from: number, to: number, word: string): boolean {
    if (to - from !== word.length) return false
    for (let i = 0; i < word.length; i++) if (this.bytes[from + i] !== word.charCodeAt(i)) return false
    return true
  }

  private decode(from: number, to: number): string | null {
    return decodeText(this.bytes, from, to)
  }

  /** Upstream's name of the token inside braces at `i`. */
  private tokenAt(i: number): string {
    const byte = this.bytes[i]
    if (byte === equals) return 'EQUAL'
    if (byte === comma) return 'COMMA'
    if (byte === braceClose) return 'BCLOSE'
    if (byte === quoteMark) return this.quotedTo(i) < 0 ? 'INVALID' : 'QSTRING'
    return labelEnd(this.bytes, i) < 0 ? 'INVALID' : 'LNAME'
  }

  /** Last byte of that token and one more, as upstream shows it. */
  private tokenTo(i: number): number {
    const to = this.bytes[i] === quoteMark ? this.quotedTo(i) : labelEnd(this.bytes, i)
    if (to >= 0) return to
    return this.tokenAt(i) === 'INVALID' ? i : i + 1
  }

  private shownTo(to: number): string {
    return showBytes(this.bytes, this.lineStart, Math.min(to, this.end))
  }

  private unexpected(wanted: string, from: number, to: number, token: string): never {
    const got = showBytes(this.bytes, from, Math.min(to + 1, this.end))
    return this.fail(`${wanted}, got ${got} ("${token}") while parsing: ${this.shownTo(to + 1)}`, from)
  }

  private fail(message: string, at: number): never {
    const { line, column } = placeOf(this.bytes, at)
    throw new SyntaxProblem(message, line, column)
  }
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}
