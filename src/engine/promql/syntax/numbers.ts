import { parseDuration } from '../../model/duration.ts'
import { quote } from '../../model/labels.ts'
import type { NumberLiteral } from './ast.ts'
import type { Token } from './lexer.ts'
import { isOperator, type TokenStream } from './tokens.ts'

export function isNumber({ type }: Token): boolean {
  return type === 'number' || type === 'duration'
}

/** Reads a number, or a duration as so many seconds. One must be ahead. */
export function number(tokens: TokenStream): NumberLiteral {
  while (!isNumber(tokens.peek())) tokens.wrong()
  const token = tokens.take()
  const duration = token.type === 'duration'
  const value = duration ? seconds(token, tokens) : valueOf(token, tokens)
  return { kind: 'number', value, duration, span: { from: token.from, to: token.to } }
}

/** The number with the sign in front of it. */
export function signed(sign: Token, literal: NumberLiteral): NumberLiteral {
  const value = isOperator(sign, '-') ? -literal.value : literal.value
  return { ...literal, value, span: { from: sign.from, to: literal.span.to } }
}

/** Integers as Go reads them: hexadecimal, octal with a leading zero; else a decimal fraction. */
function valueOf(token: Token, tokens: TokenStream): number {
  const text = token.text.replaceAll('_', '')
  if (/^inf$/i.test(text)) return Infinity
  if (/^nan$/i.test(text)) return NaN
  const isHexadecimal = /^0x/i.test(text)
  const octal = /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : null
  const integer = /^0x[0-9a-f]+$/i.test(text) ? text : octal
  const isValid = separatesDigits(token.text, isHexadecimal)
  if (isValid && integer !== null && fits(integer)) return Number(BigInt(integer))
  const value = isValid && !isHexadecimal ? Number(text) : NaN
  if (Number.isFinite(value)) return value
  const why = Number.isNaN(value) ? 'invalid syntax' : 'value out of range'
  const problem = `strconv.ParseFloat: parsing ${quote(token.text)}: ${why}`
  tokens.complain(token, `error parsing number: ${problem}`)
  return Number.isNaN(value) ? 0 : value
}

/** Whether every underscore has a digit before it, or `0x`, and one behind it. */
function separatesDigits(text: string, isHexadecimal: boolean): boolean {
  const misplaced = isHexadecimal ? /(?<![0-9a-fx])_|_(?![0-9a-f])/i : /(?<![0-9])_|_(?![0-9])/
  return !misplaced.test(text)
}

/** Whether an integer is one of 64 bits. Its digits are counted first, because there can be millions. */
function fits(integer: string): boolean {
  const digits = integer.slice(2).replace(/^0+/, '')
  return digits.length <= 21 && BigInt(integer) < 2n ** 63n
}

function seconds(token: Token, tokens: TokenStream): number {
  const ms = parseDuration(token.text)
  // Go adds whole seconds and the fraction, which is not always the nearest number.
  if (ms !== null) return Math.trunc(ms / 1000) + ((ms % 1000) * 1e6) / 1e9
  tokens.complain(token, durationProblem(token.text))
  return 0
}

const units = ['y', 'w', 'd', 'h', 'm', 's', 'ms']

/** What is wrong with a duration, the first thing first (`model.ParseDuration` of prometheus/common). */
function durationProblem(text: string): string {
  const invalid = `not a valid duration string: ${quote(text)}`
  if (!/^\d/.test(text)) return invalid
  let place = -1
  let sum = 0
  for (const [part, digits = '', unit = ''] of text.matchAll(/(\d+)(\D+)/g)) {
    if (Number(digits) >= 2 ** 64) return invalid
    const next = units.indexOf(unit)
    if (next < 0) return `unknown unit ${quote(unit)} in duration ${quote(text)}`
    if (next <= place) return invalid
    place = next
    sum += parseDuration(part) ?? Infinity
    if (sum * 1e6 >= 2 ** 63) return 'duration out of range'
  }
  return invalid
}
