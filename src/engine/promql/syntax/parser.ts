import type { QueryError, Span } from '../../model/errors.ts'
import { quote } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import { aggregators, type Aggregator } from './aggregators.ts'
import type { AggregateExpr, Expr } from './ast.ts'
import { check } from './check.ts'
import { parseError } from './complaint.ts'
import { functions, type FunctionName } from './functions.ts'
import type { Token } from './lexer.ts'
import { precedence, unaryPrecedence, type BinaryOperator } from './operators.ts'
import { groupingLabels, vectorMatching } from './matching.ts'
import { ModifierParser } from './modifiers.ts'
import { number, signed } from './numbers.ts'
import { everything, type ParserOptions } from './options.ts'
import { isMetricName, selector, startsExpr } from './selectors.ts'
import { isSign, TokenStream } from './tokens.ts'
import { unquote } from './quoting.ts'

/** Reads and checks an expression (upstream's `promql/parser`). The whole language, unless the options say less.
 *  @throws QueryError (`bad_data`) with Prometheus's text and position */
export function parse(query: string, options: Partial<ParserOptions> = {}): Expr {
  const parser = new Parser(query, { ...everything, ...options })
  const expr = parser.whole()
  throwFirst(query, parser)
  return expr
}

/** What Prometheus finds wrong with an expression, in its order, the first hundred; empty when `parse` reads it. */
export function problemsIn(query: string, options: Partial<ParserOptions> = {}): readonly QueryError[] {
  const parser = new Parser(query, { ...everything, ...options })
  parser.whole()
  return parser.tokens.complaints.slice(0, maxProblems).map(complaint => parseError(query, complaint))
}

const maxProblems = 100

/** Reads a selector of series such as `up{job="a"}`, without modifiers (upstream's `parser.ParseMetricSelector`).
 *  @throws QueryError (`bad_data`) with Prometheus's text and position */
export function parseSelector(text: string): readonly Matcher[] {
  const parser = new Parser(text, everything)
  const matchers = parser.selectorOnly()
  throwFirst(text, parser)
  return matchers
}

function throwFirst(query: string, { tokens }: Parser): void {
  const [first] = tokens.complaints
  if (first) throw parseError(query, first)
}

/** Longer expressions are refused, in UTF-16 units. */
const maxLength = 2 ** 20

/** Deeper trees are refused: everything that walks them is recursive. */
const maxHeight = 1000

/** The parser itself takes more of the stack. A chain of operators does not nest. */
const maxNesting = 500

/** Where an expression stands: in parentheses of its own, operators still make sense after a wrong token. */
type Place = 'paren' | 'other'

class Parser {
  readonly tokens: TokenStream
  private readonly query: string
  private readonly options: ParserOptions
  private readonly modifiers: ModifierParser
  private nesting = 0
  /** Of the expression that was read last. */
  private height = 0

  constructor(query: string, options: ParserOptions) {
    this.query = query
    this.options = options
    this.tokens = new TokenStream(query)
    this.modifiers = new ModifierParser(this.tokens, options)
  }

  whole(): Expr {
    const { tokens } = this
    let expr: Expr = nothingAt({ from: 0, to: 0 })
    tokens.whole(() => {
      this.checkLength()
      if (tokens.peek().type === 'end') tokens.giveUp({ from: 0, to: 0 }, 'no expression found in input')
      this.upToEnd(() => (expr = this.expr(0, 'other')))
      if (tokens.complaints.length === 0) check(this.query, expr, tokens)
    })
    return expr
  }

  selectorOnly(): readonly Matcher[] {
    const { tokens } = this
    let matchers: readonly Matcher[] = []
    tokens.whole(() => {
      this.checkLength()
      this.upToEnd(() => {
        const first = tokens.peek()
        if (!isMetricName(first) && first.text !== '{') tokens.wrong()
        matchers = selector(tokens, first.text === '{' ? null : tokens.take()).matchers
      })
    })
    return matchers
  }

  private checkLength(): void {
    const { tokens, query } = this
    if (query.length <= maxLength) return
    tokens.giveUp({ from: 0, to: 0 }, `expression is longer than ${maxLength} characters`)
  }

  private upToEnd(read: () => void): void {
    const { tokens } = this
    const all = () => {
      read()
      while (!isEnd(tokens.peek())) tokens.wrong()
    }
    tokens.attempt(all, () => {
      tokens.unexpected()
      while (!isEnd(tokens.peek())) tokens.drop()
    })
  }

  /** Reads operators that bind tighter than `floor`; what binds looser is left to the caller. */
  private expr(floor: number, place: Place): Expr {
    const { tokens } = this
    if (++this.nesting > maxNesting) this.tooDeep(tokens.peek(), maxNesting)
    let left = this.operand(place)
    for (;;) {
      left = this.modified(left)
      const token = tokens.peek()
      const power = token.type === 'operator' ? precedence[token.value as BinaryOperator] : undefined
      if (power !== undefined && power > floor) left = this.binary(left, power, place)
      else if (power !== undefined || place === 'other' || !tokens.isConfused || token.text === ')') break
      else tokens.drop()
    }
    this.nesting--
    return left
  }

  private modified(expr: Expr): Expr {
    for (;;) {
      const modified = this.modifiers.next(expr)
      if (modified === null) return expr
      if (modified.kind === 'subquery') this.grow(modified)
      expr = modified
    }
  }

  private operand(place: Place): Expr {
    const { tokens } = this
    while (!startsExpr(tokens.peek())) tokens.wrong()
    const sign = tokens.peek()
    if (!isSign(sign)) return this.primary()
    tokens.take()
    const expr = this.expr(unaryPrecedence, place)
    if (expr.kind === 'number') return signed(sign, expr)
    const span = { from: sign.from, to: expr.span.to }
    return this.grow({ kind: 'unary', op: sign.value === '-' ? '-' : '+', expr, span })
  }

  private binary(left: Expr, power: number, place: Place): Expr {
    const { tokens, height } = this
    const op = tokens.take().value as BinaryOperator
    const bool = tokens.acceptKeyword('bool') !== null
    const matching = vectorMatching(tokens)
    const right = this.expr(op === '^' ? power - 1 : power, place)
    this.height = Math.max(height, this.height)
    const span = { from: left.span.from, to: right.span.to }
    const { fill } = matching
    if (!this.options.binopFill && (fill.left !== null || fill.right !== null)) {
      tokens.complain(span, 'binop fill modifiers are experimental and not enabled')
    }
    return this.grow({ kind: 'binary', op, left, right, bool, matching, span })
  }

  private primary(): Expr {
    const { tokens } = this
    const token = tokens.peek()
    this.height = 0
    switch (token.type) {
      case 'number':
      case 'duration':
        return number(tokens)
      case 'string':
        tokens.take()
        return { kind: 'string', value: unquote(token.text), span: { from: token.from, to: token.to } }
      case 'identifier':
      case 'preprocessor':
        tokens.take()
        return tokens.isNext('(') ? this.call(token) : selector(tokens, token)
      case 'aggregator':
        tokens.take()
        return this.isAggregation() ? this.aggregation(token) : selector(tokens, token)
    }
    if (token.text === '{') return selector(tokens, null)
    if (token.text === '(') return this.paren()
    return selector(tokens, tokens.take())
  }

  private paren(): Expr {
    const { tokens } = this
    const { from } = tokens.take()
    const expr = this.expr(0, 'paren')
    const { to } = tokens.expect(')')
    return this.grow({ kind: 'paren', expr, span: { from, to } })
  }

  private call(name: Token): Expr {
    const { tokens, options } = this
    const args = this.args()
    const span = { from: name.from, to: tokens.last.to }
    if (!isFunction(name.text)) {
      tokens.complain(name, `unknown function with name ${quote(name.text)}`)
      return nothingAt(span)
    }
    if (functions[name.text].experimental && !options.experimentalFunctions) {
      tokens.complain(name, `function ${quote(name.text)} is not enabled`)
    }
    return this.grow({ kind: 'call', name: name.text, args, span })
  }

  private args(): Expr[] {
    const { tokens } = this
    const args: Expr[] = []
    let height = 0
    tokens.expect('(')
    if (!tokens.isNext(')')) {
      for (;;) {
        args.push(this.expr(0, 'other'))
        height = Math.max(height, this.height)
        if (!this.comma()) break
      }
    }
    tokens.expect(')')
    this.height = height
    return args
  }

  /** Takes the comma in front of another argument. Commas that nothing follows are wrong. */
  private comma(): boolean {
    const { tokens } = this
    for (;;) {
      while (!tokens.isNext(')') && !tokens.isNext(',')) tokens.wrong()
      if (!tokens.isNext(',')) return false
      const comma = tokens.take()
      if (startsExpr(tokens.peek())) return true
      tokens.complain(comma, 'trailing commas not allowed in function call args')
    }
  }

  private isAggregation(): boolean {
    const { type, text, value } = this.tokens.peek()
    return text === '(' || (type === 'keyword' && (value === 'by' || value === 'without'))
  }

  private aggregation(op: Token): Expr {
    const { tokens, nesting } = this
    return tokens.attempt(
      () => this.aggregate(op),
      () => {
        this.nesting = nesting
        tokens.unexpected('aggregation')
        const span = { from: op.from, to: Math.max(op.to, tokens.last.to) }
        return this.noArguments(span)
      },
    )
  }

  private aggregate(op: Token): Expr {
    const before = this.groupModifier()
    const args = this.args()
    const { grouping, without } = before ?? this.groupModifier() ?? { grouping: [], without: false }
    const span = { from: op.from, to: this.tokens.last.to }
    const aggregator = op.value as Aggregator
    const [param, expr] = this.checkedArguments(aggregator, args, span)
    if (!expr) return nothingAt(span)
    const node: AggregateExpr = { kind: 'aggregate', op: aggregator, expr, param, grouping, without, span }
    return this.grow(node)
  }

  /** The parameter, if there is one, and the vector; nothing after a complaint. */
  private checkedArguments(op: Aggregator, args: readonly Expr[], span: Span): [Expr | null, Expr?] {
    const { tokens, options } = this
    const [first] = args
    if (!first) {
      this.noArguments(span)
      return [null]
    }
    const { param, experimental } = aggregators[op]
    if (experimental && !options.experimentalFunctions) {
      const flag = '--enable-feature=promql-experimental-functions'
      tokens.complain(span, `${op}() is experimental and must be enabled with ${flag}`)
      return [null]
    }
    const wanted = param === null ? 1 : 2
    if (args.length !== wanted) {
      const found = `expected ${wanted}, got ${args.length}`
      tokens.complain(span, `wrong number of arguments for aggregate expression provided, ${found}`)
      return [null]
    }
    return param === null ? [null, first] : [first, args[1] as Expr]
  }

  private noArguments(span: Span): Expr {
    this.tokens.complain(span, 'no arguments for aggregate expression provided')
    return nothingAt(span)
  }

  private groupModifier(): { grouping: string[]; without: boolean } | null {
    const keyword = this.tokens.acceptKeyword('by', 'without')
    if (keyword === null) return null
    return { grouping: groupingLabels(this.tokens), without: keyword === 'without' }
  }

  /** One level above the expression that was read last. */
  private grow<E extends Expr>(expr: E): E {
    if (++this.height > maxHeight) this.tooDeep(expr.span, maxHeight)
    return expr
  }

  private tooDeep(at: Span, levels: number): never {
    return this.tokens.giveUp(at, `expression is nested more than ${levels} levels deep`)
  }
}

function isEnd({ type }: Token): boolean {
  return type === 'end' || type === 'error'
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functions, name)
}

/** Stands for what has been complained about. */
function nothingAt(span: Span): Expr {
  return { kind: 'string', value: '', span }
}
