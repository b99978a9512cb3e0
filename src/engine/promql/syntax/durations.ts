import type { Span } from '../../model/errors.ts'
import type { Duration, DurationExpr, NumberLiteral } from './ast.ts'
import type { Token } from './lexer.ts'
import { precedence, unaryPrecedence } from './operators.ts'
import { isNumber, number, signed } from './numbers.ts'
import { isSign, type TokenStream } from './tokens.ts'

// Lengths of time: in brackets any arithmetic, behind `offset` what is in parentheses or begins like it.

/** Deeper arithmetic is refused: everything that walks it is recursive. */
const maxDepth = 500

/** Reads what stands in brackets and must be more than nothing. */
export function positiveDuration(tokens: TokenStream): DurationExpr {
  const expr = durationExpr(tokens, 0, 0)
  if (expr.kind === 'number' && expr.value <= 0) {
    tokens.complain(expr.span, 'duration must be greater than 0')
  }
  return expr
}

/** Reads what stands behind `offset`. A number, `step()`, `min_of(…)` and the like end it, with or without a sign in
 *  front: `foo offset -2^2` is `(foo offset -2)^2`. */
export function offsetDuration(tokens: TokenStream): DurationExpr {
  const sign = tokens.peek()
  if (!isSign(sign)) return isClosed(sign) ? primary(tokens, 0) : durationExpr(tokens, 0, 0)
  tokens.take()
  const token = tokens.peek()
  if (isNumber(token)) return bounded(signed(sign, number(tokens)), sign, tokens)
  if (token.text === '(') return withSign(sign, primary(tokens, 0), tokens)
  if (isClosed(token)) return unary(sign, primary(tokens, 0))
  return behind(withSign(sign, durationExpr(tokens, unaryPrecedence, 0), tokens), tokens, 0, 0)
}

/** As the tree keeps it: rounded to nanoseconds, as upstream does, unless it has to be worked out first. */
export function durationFrom(expr: DurationExpr): Duration {
  if (expr.kind !== 'number') return { ms: NaN, expr }
  return { ms: roundHalfAway(expr.value * 1e9) / 1e6, expr: null }
}

/** Go's `math.Round`, never negative zero; JavaScript's rounds halves up. */
export function roundHalfAway(value: number): number {
  return (value < 0 ? -Math.round(-value) : Math.round(value)) + 0
}

/** Reads operators that bind tighter than `floor`. */
function durationExpr(tokens: TokenStream, floor: number, depth: number): DurationExpr {
  if (depth > maxDepth) tooDeep(tokens)
  return behind(operand(tokens, depth), tokens, floor, depth)
}

function behind(left: DurationExpr, tokens: TokenStream, floor: number, depth: number): DurationExpr {
  for (let height = depth; ; height++) {
    if (height > maxDepth) tooDeep(tokens)
    const token = tokens.peek()
    const op = token.type === 'operator' ? operators.find(op => op === token.value) : undefined
    if (op === undefined || precedence[op] <= floor) return left
    tokens.take()
    const right = durationExpr(tokens, op === '^' ? precedence[op] - 1 : precedence[op], height + 1)
    left = binary(token, { op, left, right }, tokens)
  }
}

const operators = ['+', '-', '*', '/', '%', '^'] as const

type Binary = Extract<DurationExpr, { kind: 'durationBinary' }>

function binary(
  token: Token,
  parts: Pick<Binary, 'op' | 'left' | 'right'>,
  tokens: TokenStream,
): DurationExpr {
  const { op, left, right } = parts
  if ((op === '/' || op === '%') && right.kind === 'number' && right.value === 0) {
    tokens.complain(token, op === '/' ? 'division by zero' : 'modulo by zero')
    return nothing
  }
  return { kind: 'durationBinary', ...parts, span: { from: left.span.from, to: right.span.to } }
}

function operand(tokens: TokenStream, depth: number): DurationExpr {
  const sign = tokens.peek()
  if (!isSign(sign)) return primary(tokens, depth)
  tokens.take()
  return withSign(sign, durationExpr(tokens, unaryPrecedence, depth + 1), tokens)
}

/** Whether what begins here ends where its parentheses end, if it has any. */
function isClosed({ type, value }: Token): boolean {
  return type === 'number' || type === 'duration' || (type === 'preprocessor' && calls.has(value))
}

const calls = new Map<string, Call['name']>([
  ['step', 'step'],
  ['range', 'range'],
  ['min_of', 'min_of'],
  ['max_of', 'max_of'],
])

type Call = Extract<DurationExpr, { kind: 'durationCall' }>

function primary(tokens: TokenStream, depth: number): DurationExpr {
  for (;;) {
    const token = tokens.peek()
    if (isNumber(token)) return bounded(number(tokens), token, tokens)
    if (token.text === '(') return paren(tokens, depth)
    const name = token.type === 'preprocessor' ? calls.get(token.value) : undefined
    if (name) return call(name, tokens, depth)
    tokens.wrong()
  }
}

function paren(tokens: TokenStream, depth: number): DurationExpr {
  const { from } = tokens.take()
  const expr = durationExpr(tokens, 0, depth + 1)
  tokens.expect(')')
  if (expr.kind === 'durationParen') return expr
  // The places are upstream's, which has no node for parentheses.
  const span = expr.kind === 'number' ? { from, to: expr.span.to } : expr.span
  return { kind: 'durationParen', expr, span }
}

function call(name: Call['name'], tokens: TokenStream, depth: number): DurationExpr {
  const { from } = tokens.take()
  tokens.expect('(')
  if (name === 'step' || name === 'range') {
    const { to } = tokens.expect(')')
    return { kind: 'durationCall', name, args: [], span: { from, to } }
  }
  const first = durationExpr(tokens, 0, depth + 1)
  tokens.expect(',')
  const second = durationExpr(tokens, 0, depth + 1)
  tokens.expect(')')
  const span = { from: first.span.from, to: second.span.to }
  return { kind: 'durationCall', name, args: [first, second], span }
}

/** A number takes the sign in; `+` in front of anything else says nothing. */
function withSign(sign: Token, expr: DurationExpr, tokens: TokenStream): DurationExpr {
  if (expr.kind === 'number') return bounded(signed(sign, expr), sign, tokens)
  return sign.value === '-' ? unary(sign, expr) : expr
}

function unary(sign: Token, expr: DurationExpr): DurationExpr {
  const op = sign.value === '-' ? '-' : '+'
  return { kind: 'durationUnary', op, expr, span: { from: sign.from, to: expr.span.to } }
}

/** Go keeps durations in int64 nanoseconds. NaN is none; upstream makes an arbitrary one of it. */
function bounded(literal: NumberLiteral, at: Span, tokens: TokenStream): NumberLiteral {
  if (Math.abs(literal.value) <= 2 ** 63 / 1e9) return literal
  tokens.complain(at, 'duration out of range')
  return nothing
}

/** Stands for what has been complained about. */
const nothing: NumberLiteral = { kind: 'number', value: 0, duration: false, span: { from: 0, to: 0 } }

function tooDeep(tokens: TokenStream): never {
  return tokens.giveUp(tokens.peek(), `duration is nested more than ${maxDepth} levels deep`)
}
