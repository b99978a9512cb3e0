import { SyntaxProblem } from '../model/errors.ts'
import { metricName } from '../model/labels.ts'
import { metricTypes, type MetricType } from '../model/metadata.ts'
import type { Entry, ExpositionCursor } from './cursor.ts'
import { FloatProblem, readFloat } from './float.ts'
import { OpenMetricsRules, RuleProblem } from './openmetricsrules.ts'
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
  newlinesIn,
  placeOf,
  quoteMark,
  space,
  unescape,
} from './scan.ts'
import { showBytes } from './show.ts'

// OpenMetrics 1.0.0, and names in quotes, which Prometheus adds to it:
//
//   # TYPE name_seconds counter        gauge, histogram, gaugehistogram, summary, info, stateset, unknown
//   # UNIT name_seconds seconds
//   # HELP name_seconds text           \\, \" and \n escaped
//   name_seconds_total{label="value",…} value timestamp # {label="value",…} value timestamp
//   {"any name","any label"="value",…} value
//   # EOF
//
// One blank stands between the parts, no more; timestamps are seconds with fractions; behind a # there is an exemplar.
// Accepted is what upstream's model/textparse (openmetricslex.l, openmetricsparse.go) accepts, except that a zero byte
// is taken for any other in a name in quotes.

const typeNames: readonly string[] = metricTypes

export interface OpenMetricsOptions {
  /** Refuses what the specification of OpenMetrics 1.0 forbids and Prometheus lets pass: families that are taken apart,
   *  values and labels that their type does not allow, exemplars where there may be none, names in quotes, and more. */
  readonly strict?: boolean
  /** The text goes on behind these bytes; the rest comes with `goOn`. */
  readonly partial?: boolean
}

/** Reads OpenMetrics, whole or in pieces. */
export class OpenMetricsCursor implements ExpositionCursor {
  bytes: Uint8Array
  keyFrom = 0
  keyTo = 0
  value = 0
  /** Milliseconds, what is less than one cut off. */
  timestamp = 0
  hasTimestamp = false
  /** Whether the sample brings an exemplar; then `exemplarLabels` and what follows tell of it. */
  hasExemplar = false
  exemplarValue = 0
  /** Milliseconds, when the exemplar brings a timestamp. */
  exemplarTimestamp = 0
  hasExemplarTimestamp = false
  /** The last TYPE, whatever family it was for, as upstream has it. */
  type: MetricType = 'unknown'
  /** The first byte that has not been read. In a partial text the entry there is not complete, or there is none. */
  at = 0
  /** Whether the bytes ended within a name in quotes, which may go on in the next line. */
  ranOut = false

  private partial: boolean
  private readonly strict: boolean
  private readonly rules: OpenMetricsRules | null
  private end: number
  /** Whether `# EOF` has been read. */
  private complete = false
  /** Where the entry that is being read starts. */
  private entryFrom = 0
  /** How many lines end before the byte `countedTo`, those of earlier bytes among them. */
  private lines = 0
  private countedTo = 0
  private nameFrom = 0
  private nameTo = 0
  private exemplarFrom = 0
  private exemplarTo = 0
  private familyFrom = 0
  private familyTo = 0
  private textFrom = 0
  private textTo = 0
  /** What `number` and `seconds` have read. */
  private read = 0
  /** The sample's timestamp with all its digits. */
  private sampleSeconds = 0

  /** @param bytes are read in place and must not change while they are; of a partial text whole lines */
  constructor(bytes: Uint8Array, { strict = false, partial = false }: OpenMetricsOptions = {}) {
    this.bytes = endedLine(bytes)
    this.end = this.bytes.length
    this.partial = partial
    this.strict = strict
    this.rules = strict ? new OpenMetricsRules() : null
  }

  /** Goes on with other bytes, which begin with those from `at` on that were not read.
   *  @param partial whether even more will come */
  goOn(bytes: Uint8Array, partial: boolean): void {
    this.countTo(this.at)
    this.countedTo = 0
    this.bytes = endedLine(bytes)
    this.end = this.bytes.length
    this.partial = partial
    this.at = 0
    this.ranOut = false
  }

  /** `end` is the end of the text, or of the bytes of a partial one. */
  next(): Entry {
    const { bytes, at } = this
    this.entryFrom = at
    if (at >= this.end) return this.stop()
    if (this.complete) this.fail('unexpected data after # EOF', at)
    return bytes[at] === hash ? this.metadata(at) : this.series(at)
  }

  /** Line in which the entry begins, from 1. */
  get line(): number {
    this.countTo(this.entryFrom)
    return this.lines + 1
  }

  /** Whether the sample says since when its counter, histogram or summary counts: its value is a time in seconds. Such a
   *  sample is an ordinary series, too. */
  get isCreated(): boolean {
    const counts = this.type === 'counter' || this.type === 'histogram' || this.type === 'summary'
    return counts && this.endsWith(this.nameFrom, this.nameTo, '_created')
  }

  private stop(): Entry {
    if (!this.complete && !this.partial) this.fail('data does not end with # EOF', this.end)
    return 'end'
  }

  private metadata(start: number): Entry {
    const { bytes } = this
    const keyword = bytes[start + 1] === space ? this.keywordAt(start + 2) : null
    if (keyword === null) {
      const to = bytes[start + 1] === space ? start + 2 : start + 1
      this.unexpected('expected a valid start token', start, to, 'INVALID')
    }
    if (keyword === 'eof') return this.readEof(start + '# EOF'.length)
    const name = start + '# HELP '.length
    const quoted = bytes[name] === quoteMark
    if (quoted && this.strict) this.fail('want a name without quotes, as OpenMetrics 1.0 has them', name)
    const nameTo = quoted ? this.quotedTo(name) : metricEnd(bytes, name)
    const word = keyword.toUpperCase()
    if (nameTo < 0) this.unexpected(`expected metric name after ${word}`, name, name, 'INVALID')
    if (bytes[nameTo] !== space) this.fail(`expected text in ${word}`, nameTo)
    this.familyFrom = quoted ? name + 1 : name
    this.familyTo = quoted ? nameTo - 1 : nameTo
    this.textFrom = nameTo + 1
    this.textTo = bytes.indexOf(newline, nameTo)
    this.checkMetadata(keyword)
    this.at = this.textTo + 1
    return keyword
  }

  /** `HELP`, `TYPE` or `UNIT` with a blank behind it, or `EOF`. */
  private keywordAt(i: number): 'help' | 'type' | 'unit' | 'eof' | null {
    if (this.startsWith(i, 'HELP ')) return 'help'
    if (this.startsWith(i, 'TYPE ')) return 'type'
    if (this.startsWith(i, 'UNIT ')) return 'unit'
    return this.startsWith(i, 'EOF') ? 'eof' : null
  }

  private readEof(to: number): Entry {
    this.check(rules => rules.end())
    this.complete = true
    this.at = this.bytes[to] === newline ? to + 1 : to
    return this.next()
  }

  private checkMetadata(keyword: 'help' | 'type' | 'unit'): void {
    const { textFrom, textTo } = this
    if (keyword === 'type') this.type = this.typeName()
    else if (keyword === 'unit') this.checkUnit()
    else if (this.decode(textFrom, textTo) === null) {
      this.fail(`help text ${showBytes(this.bytes, textFrom, textTo)} is not a valid utf8 string`, textFrom)
    }
    this.check(rules => rules.metadata(keyword, this.family(), this.text()))
  }

  private typeName(): MetricType {
    const { textFrom, textTo } = this
    const name = this.decode(textFrom, textTo)
    if (name !== null && typeNames.includes(name)) return name as MetricType
    return this.fail(`invalid metric type ${showBytes(this.bytes, textFrom, textTo)}`, textFrom)
  }

  private checkUnit(): void {
    const { bytes, familyFrom, familyTo, textFrom, textTo } = this
    const length = textTo - textFrom
    if (length === 0) return
    const underscore = familyTo - length - 1
    let fits = underscore >= familyFrom && bytes[underscore] === '_'.charCodeAt(0)
    for (let i = 0; fits && i < length; i++) fits = bytes[underscore + 1 + i] === bytes[textFrom + i]
    if (fits) return
    const [unit, family] = [showBytes(bytes, textFrom, textTo), showBytes(bytes, familyFrom, familyTo)]
    this.fail(`unit ${unit} not a suffix of metric ${family}`, textFrom)
  }

  private series(start: number): Entry {
    const { bytes } = this
    const named = bytes[start] !== braceOpen
    let i = start
    if (named) {
      i = metricEnd(bytes, start)
      if (i < 0) this.unexpected('expected a valid start token', start, start, 'INVALID')
      this.nameFrom = start
      this.nameTo = i
    }
    if (bytes[i] === braceOpen) i = this.braces(i + 1, named ? 'named' : 'unnamed')
    this.keyFrom = start
    this.keyTo = i
    i = this.number(i, 'metric')
    this.value = this.read
    this.hasExemplar = this.exemplarAt(i)
    this.hasTimestamp = !this.hasExemplar && bytes[i] !== newline
    if (this.hasTimestamp) i = this.readTimestamp(i)
    if (this.hasExemplar) i = this.readExemplar(i)
    this.check(rules => this.checkSample(rules))
    this.at = i + 1
    return 'series'
  }

  private readTimestamp(from: number): number {
    const to = this.seconds(from, 'timestamp')
    this.sampleSeconds = this.read
    this.timestamp = milliseconds(this.read)
    this.hasExemplar = this.exemplarAt(to)
    if (!this.hasExemplar) this.expectNewline(to, 'expected next entry after timestamp')
    return to
  }

  private readExemplar(from: number): number {
    this.exemplarFrom = from + ' # '.length
    this.exemplarTo = this.braces(this.exemplarFrom + 1, 'exemplar')
    let i = this.number(this.exemplarTo, 'exemplar labels')
    this.exemplarValue = this.read
    this.hasExemplarTimestamp = this.bytes[i] !== newline
    if (!this.hasExemplarTimestamp) return i
    i = this.seconds(i, 'exemplar timestamp')
    this.exemplarTimestamp = milliseconds(this.read)
    this.expectNewline(i, 'expected next entry after exemplar timestamp')
    return i
  }

  /** Passes labels, the first of which is at `i`; answers the place behind the brace that closes them. */
  private braces(i: number, kind: 'named' | 'unnamed' | 'exemplar'): number {
    const { bytes } = this
    let named = kind !== 'unnamed'
    while (bytes[i] !== braceClose) {
      const quoted = bytes[i] === quoteMark
      const nameTo = quoted ? this.nameInQuotesTo(i, kind) : labelEnd(bytes, i)
      if (nameTo < 0 || (quoted && this.strict)) this.unexpectedToken('expected label name', i)
      const closed = bytes[nameTo] === comma || bytes[nameTo] === braceClose
      const isName = quoted && closed && kind !== 'exemplar'
      if (isName) {
        if (named) this.fail(`metric name already set while parsing: ${this.shownTo(nameTo + 1)}`, i)
        named = true
        this.nameFrom = i + 1
        this.nameTo = nameTo - 1
      }
      const to = isName ? nameTo : this.valueTo(nameTo)
      if (bytes[to] !== comma && bytes[to] !== braceClose) {
        this.unexpectedToken('expected comma or brace close', to)
      }
      i = bytes[to] === comma ? to + 1 : to
      // Prometheus accepts a comma behind the last label.
      if (this.strict && i > to && bytes[i] === braceClose) this.unexpectedToken('expected label name', i)
    }
    if (!named) this.fail(`metric name not set while parsing: ${this.shownTo(i + 1)}`, this.entryFrom)
    return i + 1
  }

  /** Those of an exemplar's labels hold no newline. */
  private nameInQuotesTo(i: number, kind: 'named' | 'unnamed' | 'exemplar'): number {
    return kind === 'exemplar' ? this.stringTo(i) : this.quotedTo(i)
  }

  /** Passes an equals sign, which is at `i`, and the value of a label. */
  private valueTo(i: number): number {
    const { bytes } = this
    if (bytes[i] !== equals) this.unexpectedToken('expected equal', i)
    const from = i + 1
    const to = bytes[from] === quoteMark ? this.stringTo(from) : -1
    if (to >= 0) return to
    const shown = bytes[from] === quoteMark ? bytes.indexOf(newline, from) : from
    return this.unexpected('expected label value', from, shown, 'INVALID')
  }

  /** Reads the number behind the blank at `from`; answers the place behind it, a blank or a newline. */
  private number(from: number, behind: string): number {
    const { bytes } = this
    const to = bytes[from] === space ? this.wordTo(from + 1) : from
    if (to <= from + 1) {
      const shown = bytes[from] === space ? from + 1 : from
      this.unexpected(`expected value after ${behind}`, from, shown, 'INVALID')
    }
    this.readFloat(from + 1, to)
    return to
  }

  /** Reads a timestamp behind the blank at `from`. */
  private seconds(from: number, what: string): number {
    const to = this.wordTo(from + 1)
    if (to === from + 1) this.unexpected('expected timestamp or comment', from, from + 1, 'INVALID')
    this.readFloat(from + 1, to)
    if (!Number.isFinite(this.read)) {
      this.fail(`invalid ${what} ${this.read > 0 ? '+Inf' : this.read < 0 ? '-Inf' : 'NaN'}`, from + 1)
    }
    return to
  }

  private readFloat(from: number, to: number): void {
    try {
      this.read = readFloat(this.bytes, from, to)
    } catch (error) {
      if (!(error instanceof FloatProblem)) throw error
      this.fail(`${error.message} while parsing: ${this.shownTo(to)}`, from)
    }
  }

  private expectNewline(i: number, wanted: string): void {
    const { bytes } = this
    if (bytes[i] === newline) return
    const to = this.wordTo(i + 1)
    this.unexpected(wanted, i, to, to > i + 1 ? 'TIMESTAMP' : 'INVALID')
  }

  labels(): [string, string][] {
    return this.written().map(([name, value]) => [name, normalValue(this.type, name, value)])
  }

  /** The labels before bounds and quantiles are made alike. */
  private written(): [string, string][] {
    const { bytes, keyFrom, keyTo } = this
    const pairs: [string, string][] = [[metricName, this.escaped(this.nameFrom, this.nameTo)]]
    const open = bytes[keyFrom] === braceOpen ? keyFrom : this.nameTo
    if (keyTo > open) pairs.push(...this.pairsIn(open, keyTo))
    const fault = faultOfNames(pairs, () => showBytes(bytes, keyFrom, keyTo))
    if (fault !== null) this.fail(fault, keyFrom)
    return pairs
  }

  /** Labels of the exemplar, as `labels` has those of the series. Escapes are read, which upstream forgets to.
   *  @throws SyntaxProblem when they are no UTF-8, or a name stands twice */
  exemplarLabels(): [string, string][] {
    const { bytes, exemplarFrom, exemplarTo } = this
    const pairs = this.pairsIn(exemplarFrom, exemplarTo)
    const fault = faultOfNames(pairs, () => showBytes(bytes, exemplarFrom, exemplarTo))
    if (fault !== null) this.fail(fault, exemplarFrom)
    return pairs
  }

  /** The labels between the brace at `from` and the one before `to`. Their syntax is known to be right. */
  private pairsIn(from: number, to: number): [string, string][] {
    const { bytes } = this
    const pairs: [string, string][] = []
    for (let i = from + 1; i < to - 1;) {
      const quoted = bytes[i] === quoteMark
      const nameTo = quoted ? this.quotedTo(i) : labelEnd(bytes, i)
      let end = nameTo
      if (bytes[nameTo] === equals) {
        const name = quoted ? this.escaped(i + 1, nameTo - 1) : this.escaped(i, nameTo)
        end = this.stringTo(nameTo + 1)
        pairs.push([name, this.escaped(nameTo + 2, end - 1)])
      }
      i = bytes[end] === comma ? end + 1 : end
    }
    return pairs
  }

  private escaped(from: number, to: number): string {
    const text = this.decode(from, to)
    if (text !== null) return unescape(text)
    return this.fail(`invalid UTF-8 label value: ${showBytes(this.bytes, from, to)}`, from)
  }

  family(): string {
    return this.escaped(this.familyFrom, this.familyTo)
  }

  text(): string {
    return unescape(this.decode(this.textFrom, this.textTo) ?? '')
  }

  private checkSample(rules: OpenMetricsRules): void {
    rules.sample({
      labels: this.written(),
      value: this.value,
      timestamp: this.hasTimestamp ? this.sampleSeconds : null,
      exemplar: this.hasExemplar ? this.exemplarLabels() : null,
    })
  }

  /** Asks the rules of the specification. */
  private check(ask: (rules: OpenMetricsRules) => void): void {
    if (this.rules === null) return
    try {
      ask(this.rules)
    } catch (error) {
      if (error instanceof RuleProblem) this.fail(error.message, this.entryFrom)
      throw error
    }
  }

  private exemplarAt(i: number): boolean {
    return this.bytes[i] === space && this.startsWith(i, ' # {')
  }

  /** The next blank or newline. */
  private wordTo(i: number): number {
    const { bytes } = this
    while (bytes[i] !== space && bytes[i] !== newline) i++
    return i
  }

  /** Place behind the name in quotes at `i`, which may hold newlines, or -1 when nothing closes it. */
  private quotedTo(i: number): number {
    const { bytes, end } = this
    for (i++; i < end; i++) {
      const byte = bytes[i]
      if (byte === quoteMark) return i + 1
      if (byte === backslash && bytes[++i] === newline) return -1
    }
    this.ranOut = true
    return -1
  }

  /** Place behind the value in quotes at `i`, or -1 when nothing closes it within its line. */
  private stringTo(i: number): number {
    const { bytes } = this
    for (i++; ; i++) {
      let byte = bytes[i]
      if (byte === quoteMark) return i + 1
      if (byte === backslash) byte = bytes[++i]
      if (byte === newline) return -1
    }
  }

  private startsWith(i: number, word: string): boolean {
    for (let k = 0; k < word.length; k++) if (this.bytes[i + k] !== word.charCodeAt(k)) return false
    return true
  }

  private endsWith(from: number, to: number, word: string): boolean {
    return to - from >= word.length && this.startsWith(to - word.length, word)
  }

  private decode(from: number, to: number): string | null {
    return decodeText(this.bytes, from, to)
  }

  private shownTo(to: number): string {
    return showBytes(this.bytes, this.entryFrom, Math.min(to, this.end))
  }

  /** For the token inside braces at `i`, named as upstream names it. */
  private unexpectedToken(wanted: string, i: number): never {
    const { bytes } = this
    const byte = bytes[i]
    const quotedTo = byte === quoteMark ? this.quotedTo(i) : -1
    if (quotedTo >= 0) this.unexpected(wanted, i, quotedTo, 'QSTRING')
    const to = labelEnd(bytes, i)
    if (to >= 0) this.unexpected(wanted, i, to, 'LNAME')
    const sign = byte === equals ? 'EQUAL' : byte === comma ? 'COMMA' : byte === braceClose ? 'BCLOSE' : null
    return this.unexpected(wanted, i, sign === null ? i : i + 1, sign ?? 'INVALID')
  }

  /** @param to the last byte that is shown, the one behind a token where there is one */
  private unexpected(wanted: string, from: number, to: number, token: string): never {
    const got = showBytes(this.bytes, from, Math.min(to + 1, this.end))
    return this.fail(`${wanted}, got ${got} ("${token}") while parsing: ${this.shownTo(to + 1)}`, from)
  }

  private fail(message: string, at: number): never {
    const { line } = this
    const within = placeOf(this.bytes, at)
    throw new SyntaxProblem(
      message,
      line + within.line - placeOf(this.bytes, this.entryFrom).line,
      within.column,
    )
  }

  private countTo(at: number): void {
    this.lines += newlinesIn(this.bytes, this.countedTo, at)
    this.countedTo = at
  }
}

/** As upstream has it: what is less than a millisecond is cut off, not rounded. */
function milliseconds(seconds: number): number {
  // No -0.
  return Math.trunc(seconds * 1000) + 0
}
