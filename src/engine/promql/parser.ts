import type { Span } from '../model/errors.ts'
import { parseDuration } from '../model/duration.ts'
import { metricName, quote } from '../model/labels.ts'
import { matcher, type Matcher, type MatchType } from '../model/matcher.ts'
import { aggregators, type Aggregator } from './aggregate.ts'
import type { AggregateExpr, Expr, NumberLiteral, VectorMatching, VectorSelector } from './ast.ts'
import { check } from './check.ts'
import { functions, type FunctionName } from './functions.ts'
import { Lexer, parseError, type Token } from './lexer.ts'
import { arithmetic, comparisons, precedence, unaryPrecedence, type BinaryOperator } from './operators.ts'
import { unquote } from './quoting.ts'

/** Reads and checks an expression (upstream's `promql/parser`). What Prometheus has and this engine does not have
 *  yet is refused here, never misread.
 *  @throws QueryError (`bad_data`) with Prometheus's text and position. */
export function parse(query: string): Expr {
  const expr = new Parser(query).whole()
  check(query, expr)
  return expr
}

/** Reads a selector of series such as `up{job="a"}`, without modifiers (upstream's `parser.ParseMetricSelector`).
 *  @throws QueryError (`bad_data`) with Prometheus's text and position. */
export function parseSelector(text: string): readonly Matcher[] {
  return new Parser(text).selectorOnly()
}

/** Trees deeper than this are refused: everything that walks them is recursive. */
const maxDepth = 1000

const durationWords = 'number, duration, step(), or range()'

/** Words that are not names of metrics, even where no other meaning is possible. */
const reserved = new Set(['bool', 'on', 'ignoring', 'group_left', 'group_right', 'atan2'])

class Parser {
  private readonly query: string
  private readonly lexer: Lexer
  /** The token ahead, once somebody has looked. Looking late matters: an error of the lexer is reported only when
   *  everything before it made sense. */
  private ahead: Token | null = null
  private last: Span = { from: 0, to: 0 }
  private readonly depths = new WeakMap<Expr, number>()
  private nesting = 0
  /** How many aggregations the current place is inside of: they have an error text of their own. */
  private aggregations = 0

  constructor(query: string) {
    this.query = query
    this.lexer = new Lexer(query)
  }

  whole(): Expr {
    if (this.peek().type === 'end') this.fail({ from: 0, to: 0 }, 'no expression found in input')
    const expr = this.expr(0)
    if (this.peek().type !== 'end') this.unexpected()
    return expr
  }

  selectorOnly(): readonly Matcher[] {
    const first = this.peek()
    const isWord = first.type !== 'number' && /^[a-z_:]/i.test(first.text)
    const named = isWord && !reserved.has(first.value)
    if (!named && first.text !== '{') this.unexpected()
    const { matchers } = this.selector(named ? this.take() : null)
    if (this.peek().type !== 'end') this.unexpected()
    return matchers
  }

  /** Reads operators that bind tighter than `floor`; what binds looser is left to the caller. */
  private expr(floor: number): Expr {
    if (++this.nesting > maxDepth) this.tooDeep(this.peek())
    let left = this.operand()
    for (;;) {
      const { type, value: op } = this.peek()
      const power = type === 'operator' ? precedence[op] : undefined
      if (power === undefined || power <= floor) break
      left = this.binary(left, op === '^' ? power - 1 : power)
    }
    this.nesting--
    return left
  }

  private operand(): Expr {
    const sign = this.peek()
    if (!isOperator(sign, '+') && !isOperator(sign, '-')) return this.modified(this.primary())
    const op = this.take().value as '+' | '-'
    const expr = this.expr(unaryPrecedence)
    const span = { from: sign.from, to: expr.span.to }
    if (expr.kind === 'number') return { ...expr, value: op === '-' ? -expr.value : expr.value, span }
    return this.node({ kind: 'unary', op, expr, span }, expr)
  }

  private binary(left: Expr, floor: number): Expr {
    const operator = this.take()
    if (!(operator.value in arithmetic) && !(operator.value in comparisons)) this.unsupported(operator)
    const op = operator.value as BinaryOperator
    const bool = this.acceptKeyword('bool') !== null
    const matching = this.matching()
    const right = this.expr(floor)
    const span = { from: left.span.from, to: right.span.to }
    return this.node({ kind: 'binary', op, left, right, bool, matching, span }, left, right)
  }

  private matching(): VectorMatching {
    const keyword = this.acceptKeyword('on', 'ignoring')
    const matching = { on: keyword === 'on', labels: keyword ? this.groupingLabels() : [] }
    const next = this.peek()
    const grouped = keyword !== null && (next.value === 'group_left' || next.value === 'group_right')
    if (next.type === 'keyword' && grouped) this.unsupported(next)
    if (next.type === 'keyword' && next.value.startsWith('fill')) {
      this.fail(next, 'binop fill modifiers are experimental and not enabled')
    }
    return matching
  }

  private primary(): Expr {
    const token = this.peek()
    switch (token.type) {
      case 'number':
      case 'duration':
        return this.number()
      case 'string':
        this.take()
        return { kind: 'string', value: unquote(token.text), span: spanOf(token) }
      case 'identifier':
      case 'preprocessor':
        this.take()
        return this.isNext('(') ? this.call(token) : this.selector(token)
      case 'aggregator':
        this.take()
        return this.isAggregation() ? this.aggregation(token) : this.selector(token)
      case 'metricIdentifier':
      case 'keyword':
      case 'operator':
        if (!/^[a-z_:]/i.test(token.text) || reserved.has(token.value)) this.unexpected()
        this.take()
        return this.selector(token)
      case 'punctuation':
        if (token.text === '{') return this.selector(null)
        if (token.text === '(') return this.paren()
    }
    return this.unexpected()
  }

  private paren(): Expr {
    const { from } = this.take()
    const expr = this.expr(0)
    const { to } = this.expect(')')
    return this.node({ kind: 'paren', expr, span: { from, to } }, expr)
  }

  private number(): NumberLiteral {
    const token = this.take()
    const duration = token.type === 'duration'
    const value = duration ? this.seconds(token) : this.value(token)
    return { kind: 'number', value, duration, span: spanOf(token) }
  }

  /** Integers as Go reads them: hexadecimal, octal with a leading zero; else a decimal fraction. */
  private value(token: Token): number {
    const text = token.text.replaceAll('_', '')
    if (/^inf$/i.test(text)) return Infinity
    if (/^nan$/i.test(text)) return NaN
    const integer = /^0x[0-9a-f]+$/i.test(text) ? text : /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : null
    if (integer !== null && BigInt(integer) < 2n ** 63n) return Number(BigInt(integer))
    const value = /^0x/i.test(text) ? NaN : Number(text)
    if (Number.isFinite(value)) return value
    const why = Number.isNaN(value) ? 'invalid syntax' : 'value out of range'
    const problem = `strconv.ParseFloat: parsing ${quote(token.text)}: ${why}`
    return this.fail(token, `error parsing number: ${problem}`)
  }

  private seconds(token: Token): number {
    const ms = parseDuration(token.text)
    if (ms !== null) return ms / 1000
    const unit = [...token.text.matchAll(/[a-z]+/g)].map(([unit]) => unit).find(unit => !units.has(unit))
    if (unit) this.fail(token, `unknown unit "${unit}" in duration "${token.text}"`)
    const ordered = parseDuration(token.text.replace(/\d+/g, '1')) !== null
    return this.fail(
      token,
      ordered ? 'duration out of range' : `not a valid duration string: "${token.text}"`,
    )
  }

  /** Range, offset and the like: they bind to what stands immediately in front of them. */
  private modified(expr: Expr): Expr {
    for (;;) {
      const token = this.peek()
      if (token.text === '[') expr = this.range(expr)
      else if (token.type === 'keyword' && token.value === 'offset') expr = this.offset(expr)
      else if (isOperator(token, '@')) this.unsupported(token)
      else if (token.value === 'anchored' || token.value === 'smoothed') {
        this.fail(expr.span, `${token.value} modifier is experimental and not enabled`)
      } else return expr
    }
  }

  private range(expr: Expr): Expr {
    const open = this.take()
    const seconds = this.durationLiteral('subquery or range selector')
    const close = this.peek()
    if (close.text === ':') this.unsupported({ ...close, value: 'subquery' })
    if (close.type === 'operator') this.unsupported({ ...close, value: 'duration arithmetic' })
    if (close.text !== ']') this.unexpected('subquery or range', '":" or "]"')
    if (seconds.value <= 0) this.fail(seconds.span, 'duration must be greater than 0')
    this.take()
    const brackets = { from: open.from, to: close.to }
    if (expr.kind !== 'vectorSelector') return this.fail(brackets, 'ranges only allowed for vector selectors')
    if (expr.offsetMs !== 0) this.fail(brackets, 'no offset modifiers allowed before range')
    const span = { from: expr.span.from, to: close.to }
    return { kind: 'matrixSelector', selector: expr, rangeMs: milliseconds(seconds.value), span }
  }

  private offset(expr: Expr): Expr {
    this.take()
    const seconds = this.durationLiteral('offset')
    const selector = expr.kind === 'matrixSelector' ? expr.selector : expr
    if (selector.kind !== 'vectorSelector') {
      const what = 'an instant vector selector or range vector selector or a subquery'
      return this.fail(expr.span, `offset modifier must be preceded by ${what}`)
    }
    if (selector.offsetMs !== 0) this.fail(expr.span, 'offset may not be set multiple times')
    const span = { from: expr.span.from, to: seconds.span.to }
    const moved = { ...selector, offsetMs: milliseconds(seconds.value) }
    return expr.kind === 'matrixSelector' ? { ...expr, selector: moved, span } : { ...moved, span }
  }

  private durationLiteral(context: string): NumberLiteral {
    const { from } = this.peek()
    const sign = isOperator(this.peek(), '+') || isOperator(this.peek(), '-') ? this.take().value : ''
    const token = this.peek()
    if (token.text === '(' || token.type === 'preprocessor') {
      this.unsupported({ ...token, value: 'duration arithmetic' })
    }
    if (token.type !== 'number' && token.type !== 'duration') this.unexpected(context, durationWords)
    const literal = this.number()
    const value = sign === '-' ? -literal.value : literal.value
    const span = { from, to: literal.span.to }
    // Go keeps durations in int64 nanoseconds.
    if (!(Math.abs(value) <= 2 ** 63 / 1e9)) this.fail(span, 'duration out of range')
    return { ...literal, value, span }
  }

  private selector(name: Token | null): VectorSelector {
    const matchers = name === null || this.isNext('{') ? this.matchers() : []
    if (name !== null) matchers.push(matcher(metricName, '=', name.text))
    const span = { from: name?.from ?? this.opened, to: this.last.to }
    return { kind: 'vectorSelector', name: name?.text ?? '', matchers, offsetMs: 0, span }
  }

  private opened = 0

  private matchers(): Matcher[] {
    const matchers: Matcher[] = []
    this.opened = this.take().from
    while (!this.isNext('}')) {
      matchers.push(this.matcher())
      if (this.isNext(',')) this.take()
      else if (!this.isNext('}')) this.unexpected('label matching', '"," or "}"')
    }
    this.take()
    return matchers
  }

  private matcher(): Matcher {
    const label = this.peek()
    if (label.type !== 'identifier' && label.type !== 'string') {
      this.unexpected('label matching', 'identifier or "}"')
    }
    this.take()
    const name = label.type === 'string' ? unquote(label.text) : label.text
    const op = this.peek()
    if (!matchOperators.has(op.text)) {
      // A string alone is the metric's name.
      if (label.type === 'string') return matcher(metricName, '=', name)
      this.unexpected('label matching', 'label matching operator')
    }
    this.take()
    const value = this.peek()
    if (value.type !== 'string') this.unexpected('label matching', 'string')
    this.take()
    try {
      return matcher(name, op.text as MatchType, unquote(value.text))
    } catch (error) {
      const span = { from: label.from, to: value.to }
      return this.fail(span, error instanceof Error ? error.message : String(error))
    }
  }

  private call(name: Token): Expr {
    const args = this.args()
    const span = { from: name.from, to: this.last.to }
    if (!Object.hasOwn(functions, name.text)) {
      this.fail(name, `unknown function with name ${quote(name.text)}`)
    }
    return this.node({ kind: 'call', name: name.text as FunctionName, args, span }, ...args)
  }

  private args(): Expr[] {
    const args: Expr[] = []
    this.expect('(')
    while (!this.isNext(')')) {
      args.push(this.expr(0))
      if (this.isNext(')')) break
      const comma = this.expect(',')
      if (this.isNext(')') || this.isNext(',')) {
        this.fail(comma, 'trailing commas not allowed in function call args')
      }
    }
    this.take()
    return args
  }

  private isAggregation(): boolean {
    const next = this.peek()
    return next.text === '(' || (next.type === 'keyword' && (next.value === 'by' || next.value === 'without'))
  }

  private aggregation(op: Token): Expr {
    this.aggregations++
    const before = this.groupModifier()
    const args = this.args()
    const end = this.last.to
    this.aggregations--
    const { grouping, without } = before ?? this.groupModifier() ?? { grouping: [], without: false }
    const span = { from: op.from, to: this.last.to > end ? this.last.to : end }
    if (args.length === 0) this.fail(span, 'no arguments for aggregate expression provided')
    this.checkAggregator(op, args.length, span)
    const expr = args[0] as Expr
    const node: AggregateExpr = {
      kind: 'aggregate',
      op: op.value as Aggregator,
      expr,
      grouping,
      without,
      span,
    }
    return this.node(node, expr)
  }

  private checkAggregator(op: Token, args: number, span: Span): void {
    const experimental = op.value === 'limitk' || op.value === 'limit_ratio'
    if (experimental) {
      const flag = '--enable-feature=promql-experimental-functions'
      this.fail(span, `${op.value}() is experimental and must be enabled with ${flag}`)
    }
    const wanted = parameterised.has(op.value) ? 2 : 1
    if (args !== wanted) {
      const found = `expected ${wanted}, got ${args}`
      this.fail(span, `wrong number of arguments for aggregate expression provided, ${found}`)
    }
    if (!Object.hasOwn(aggregators, op.value)) this.unsupported(op)
  }

  private groupModifier(): { grouping: string[]; without: boolean } | null {
    const keyword = this.acceptKeyword('by', 'without')
    if (keyword === null) return null
    return { grouping: this.groupingLabels(), without: keyword === 'without' }
  }

  private groupingLabels(): string[] {
    const labels: string[] = []
    if (!this.isNext('(')) this.unexpected('grouping opts', '"("')
    this.take()
    while (!this.isNext(')')) {
      labels.push(this.groupingLabel())
      if (this.isNext(',')) this.take()
      else if (!this.isNext(')')) this.unexpected('grouping opts', '"," or ")"')
    }
    this.take()
    return labels
  }

  private groupingLabel(): string {
    const token = this.peek()
    const word = /^[a-z_:]/i.test(token.text) && token.value !== 'without' && token.type !== 'number'
    const named = word && token.type !== 'duration'
    if (!named && token.type !== 'string') this.unexpected('grouping opts', 'label')
    this.take()
    const name = token.type === 'string' ? unquote(token.text) : token.text
    if (name === '') this.fail(token, `invalid label name for grouping: ${quote(name)}`)
    return name
  }

  private node<E extends Expr>(expr: E, ...children: Expr[]): E {
    const depth = 1 + Math.max(0, ...children.map(child => this.depths.get(child) ?? 0))
    if (depth > maxDepth) this.tooDeep(expr.span)
    this.depths.set(expr, depth)
    return expr
  }

  private peek(): Token {
    return (this.ahead ??= this.lexer.next())
  }

  private take(): Token {
    const token = this.peek()
    this.ahead = null
    this.last = token
    return token
  }

  private isNext(text: string): boolean {
    return this.peek().text === text
  }

  private expect(text: string): Token {
    if (!this.isNext(text)) this.unexpected()
    return this.take()
  }

  private acceptKeyword(...words: string[]): string | null {
    const { type, value } = this.peek()
    if (type !== 'keyword' || !words.includes(value)) return null
    this.take()
    return value
  }

  private unexpected(context = this.aggregations > 0 ? 'aggregation' : '', expected = ''): never {
    const token = this.peek()
    const where = context && ` in ${context}`
    const wanted = expected && `, expected ${expected}`
    return this.fail(token, `unexpected ${describe(token)}${where}${wanted}`)
  }

  private unsupported(token: Token): never {
    return this.fail(token, `${token.value} is not supported yet`)
  }

  private tooDeep(at: Span): never {
    return this.fail(at, `expression is nested more than ${maxDepth} levels deep`)
  }

  private fail(at: Span, message: string): never {
    throw parseError(this.query, message, spanOf(at))
  }
}

const units = new Set(['ms', 's', 'm', 'h', 'd', 'w', 'y'])
const matchOperators = new Set(['=', '!=', '=~', '!~'])
const parameterised = new Set(['topk', 'bottomk', 'count_values', 'quantile', 'limitk', 'limit_ratio'])

function isOperator(token: Token, op: string): boolean {
  return token.type === 'operator' && token.value === op
}

function spanOf({ from, to }: Span): Span {
  return { from, to }
}

/** Upstream rounds seconds to nanoseconds. */
function milliseconds(seconds: number): number {
  return Math.round(seconds * 1e9) / 1e6
}

/** How a token is named in an error text (`Item.desc`). */
function describe({ type, text }: Token): string {
  switch (type) {
    case 'end':
      return 'end of input'
    case 'identifier':
      return `identifier ${quote(text)}`
    case 'metricIdentifier':
      return `metric identifier ${quote(text)}`
    case 'keyword':
      return `<${text}>`
    case 'operator':
      return `<op:${text}>`
    case 'aggregator':
      return `<aggr:${text}>`
    case 'number':
    case 'duration':
    case 'string':
      return `${type} ${shortened(text)}`
    case 'preprocessor':
    case 'punctuation':
      return shortened(text)
  }
}

function shortened(text: string): string {
  const chars = Array.from(text)
  return chars.length > 10 ? `${quote(chars.slice(0, 10).join(''))}...` : quote(text)
}
