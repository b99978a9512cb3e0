import { RE2JS } from 're2js'
import { parseDuration } from '../engine/model/duration.ts'
import { labelsKey } from '../engine/model/labels.ts'
import { Lexer } from '../engine/promql/syntax/lexer.ts'
import { parse } from '../engine/promql/syntax/parser.ts'
import { unquote } from '../engine/promql/syntax/quoting.ts'
import type { Lines } from './lines.ts'
import { readAt, ScriptError } from './scripterror.ts'
import { readSeries, type Series } from './series.ts'

/** A text that an error or an annotation must have. */
export interface Pattern {
  /** As written; `''` when any text will do. */
  readonly text: string
  readonly matches: (found: string) => boolean
}

/** Times of evaluation: milliseconds, both ends belong to them. */
export interface Times {
  readonly start: number
  readonly end: number
  readonly step: number
}

/** What a script says of the answer. */
export interface Expected {
  readonly fail: Pattern | null
  /** Each must match an annotation, and each annotation one of them; nothing is said when there are none. */
  readonly warn: readonly Pattern[]
  readonly info: readonly Pattern[]
  readonly noWarn: boolean
  readonly noInfo: boolean
  /** The series come in the order in which they are written. */
  readonly ordered: boolean
  /** The answer is a range vector with samples at these times. */
  readonly rangeVector: Times | null
  readonly string: string | null
  readonly scalar: number | null
  readonly series: readonly Series[]
}

/** The deprecated endings of `eval_…`. */
export type Legacy = 'fail' | 'warn' | 'info' | 'ordered'

const anything: Pattern = { text: '', matches: () => true }

/** Reads the block below an eval.
 *  @throws ScriptError */
export function readExpected(
  lines: Lines,
  { legacy, instant }: { legacy: Legacy | null; instant: boolean },
): Expected {
  const block = new ExpectedBlock(legacy, instant)
  for (let line = lines.more(); line; line = lines.more()) {
    if (readAt(line, text => block.read(text)) === 'more') continue
    lines.endBlock()
    break
  }
  return block
}

class ExpectedBlock implements Expected {
  fail: Pattern | null
  readonly warn: Pattern[]
  readonly info: Pattern[]
  noWarn = false
  noInfo = false
  ordered: boolean
  rangeVector: Times | null = null
  string: string | null = null
  scalar: number | null = null
  readonly series: Series[] = []
  private readonly seen = new Set<string>()
  private readonly legacy: Legacy | null
  private readonly instant: boolean

  constructor(legacy: Legacy | null, instant: boolean) {
    this.legacy = legacy
    this.instant = instant
    this.fail = legacy === 'fail' ? anything : null
    this.warn = legacy === 'warn' ? [anything] : []
    this.info = legacy === 'info' ? [anything] : []
    this.ordered = legacy === 'ordered'
  }

  /** Reads a line and tells whether more may follow without a blank line.
   *  @throws ScriptError */
  read(text: string): 'more' | 'end' {
    if (this.legacy === 'fail' && text.startsWith('expected_fail_')) {
      this.fail = readFailure(text)
      return 'end'
    }
    if (this.readScalar(text)) return 'end'
    // A metric of this name is written `expect{}`.
    if (/^expect range vector(?:\s|$)/.test(text)) this.rangeVector = this.readTimes(text)
    else if (/^expect string(?:\s|$)/.test(text)) this.string = readString(text.slice('expect string'.length))
    else if (/^expect(?:\s|$)/.test(text)) this.readCondition(text)
    else this.readResult(text)
    return 'more'
  }

  /** A number alone is the whole answer. */
  private readScalar(text: string): boolean {
    if (!/^[+-]?(?:[\d.]\S*|inf|nan)$/i.test(text)) return false
    const literal = parse(text)
    if (literal.kind !== 'number' || literal.duration) return false
    if (this.series.length > 0) throw new ScriptError('want series only, found a number')
    this.scalar = literal.value
    return true
  }

  private readTimes(text: string): Times {
    const words = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(text)
    if (!words || !this.instant)
      throw new ScriptError(`want expect range vector from … to … step … of an instant, found ${text}`)
    return timesOf(words[1] as string, words[2] as string, words[3] as string)
  }

  private readCondition(text: string): void {
    const [, kind, how, wanted = ''] = condition.exec(text) ?? []
    const pattern =
      how === undefined ? anything : how === 'msg' ? exactly(wanted.trim()) : matching(wanted.trim())
    switch (kind) {
      case 'fail':
        if (this.fail) throw new ScriptError('want one failure, found another')
        this.fail = pattern
        break
      case 'warn':
      case 'info':
        this[kind].push(pattern)
        break
      case 'no_warn':
        this.noWarn = true
        break
      case 'no_info':
        this.noInfo = true
        break
      case 'ordered':
        this.ordered = true
        break
      default:
        throw new ScriptError(`want expect <type> [msg:|regex: <text>], found ${text}`)
    }
    if ((this.noWarn && this.warn.length > 0) || (this.noInfo && this.info.length > 0))
      throw new ScriptError(`want some annotations or none, found both: ${text}`)
  }

  private readResult(text: string): void {
    const series = readSeries(text)
    const { length } = series.values
    if (this.instant && !this.rangeVector && (length !== 1 || series.values[0] === null))
      throw new ScriptError(`want one value, found ${length === 1 ? 'a gap' : length}`)
    const key = labelsKey(series.labels)
    // Upstream takes the last of them; it would be a mistake in the script.
    if (this.seen.has(key)) throw new ScriptError('want every series once, found one again')
    this.seen.add(key)
    this.series.push(series)
  }
}

const condition = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/

function readFailure(text: string): Pattern {
  const [, kind, wanted = ''] = /^expected_fail_(message|regexp)\s+(.+)$/.exec(text) ?? []
  if (kind === undefined) throw new ScriptError(`want expected_fail_message or _regexp, found ${text}`)
  return kind === 'message' ? exactly(wanted) : matching(wanted)
}

function exactly(text: string): Pattern {
  return { text, matches: found => found === text }
}

function matching(text: string): Pattern {
  try {
    const pattern = RE2JS.compile(text)
    return { text, matches: found => pattern.matcher(found).find() }
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : String(error))
  }
}

function readString(text: string): string {
  const literal = text.trim()
  const token = literal === '' ? null : new Lexer(literal).next()
  if (token?.type !== 'string' || token.text !== literal || literal.startsWith("'"))
    throw new ScriptError(`want a string in double or back quotes, found ${literal || 'nothing'}`)
  return unquote(literal)
}

/** @throws ScriptError when one is no duration, or the end is before the start. */
export function timesOf(from: string, to: string, step: string): Times {
  const times = { start: durationOf(from), end: durationOf(to), step: durationOf(step) }
  if (times.end < times.start) throw new ScriptError(`want an end that is not before ${from}, found ${to}`)
  return times
}

/** Milliseconds.
 *  @throws ScriptError */
export function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new ScriptError(`want a duration, found ${text}`)
  return ms
}
