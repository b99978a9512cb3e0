import { quote } from '../../model/labels.ts'
import type { VectorMatching } from './ast.ts'
import type { Token } from './lexer.ts'
import { isNumber, number, signed } from './numbers.ts'
import { isWord, startsExpr } from './selectors.ts'
import { isSign, type TokenStream } from './tokens.ts'
import { isValidName, unquote } from './quoting.ts'

// What stands between a binary operator and its right side, and the lists of labels there and at aggregations.

/** Reads `on (…) group_left (…) fill (…)` and the like, all of it optional. */
export function vectorMatching(tokens: TokenStream): VectorMatching {
  const by = tokens.acceptKeyword('on', 'ignoring')
  const labels = by === null ? [] : groupingLabels(tokens)
  const grouped = by === null ? null : tokens.acceptKeyword('group_left', 'group_right')
  const include = grouped === null ? [] : includedLabels(tokens)
  const card = grouped === null ? 'one-to-one' : grouped === 'group_left' ? 'many-to-one' : 'one-to-many'
  return { card, on: by === 'on', labels, include, fill: fillValues(tokens) }
}

/** The list may be missing when an expression or `fill` follows. */
function includedLabels(tokens: TokenStream): string[] {
  const next = tokens.peek()
  const isMissing = next.text !== '(' && (startsExpr(next) || isFill(next))
  return isMissing ? [] : groupingLabels(tokens)
}

function isFill({ type, value }: Token): boolean {
  return type === 'keyword' && value.startsWith('fill')
}

function fillValues(tokens: TokenStream): VectorMatching['fill'] {
  const first = tokens.acceptKeyword('fill', 'fill_left', 'fill_right')
  if (first === null) return { left: null, right: null }
  const value = fillValue(tokens)
  if (first === 'fill') return { left: value, right: value }
  const isLeft = first === 'fill_left'
  const second = tokens.acceptKeyword(isLeft ? 'fill_right' : 'fill_left')
  const other = second === null ? null : fillValue(tokens)
  return isLeft ? { left: value, right: other } : { left: other, right: value }
}

function fillValue(tokens: TokenStream): number {
  tokens.expect('(')
  const sign = isSign(tokens.peek()) ? tokens.take() : null
  while (!isNumber(tokens.peek())) tokens.wrong()
  const literal = number(tokens)
  tokens.expect(')')
  return sign === null ? literal.value : signed(sign, literal).value
}

/** Reads a list of labels in parentheses. */
export function groupingLabels(tokens: TokenStream): string[] {
  const labels: string[] = []
  if (!tokens.isNext('(')) {
    tokens.stray('grouping opts', '"("')
    return labels
  }
  tokens.take()
  if (tokens.isNext(')')) {
    tokens.take()
    return labels
  }
  for (;;) {
    labels.push(groupingLabel(tokens))
    while (!tokens.isNext(',') && !tokens.isNext(')')) tokens.stray('grouping opts', '"," or ")"')
    const comma = tokens.take().text === ','
    if (comma && !tokens.isNext(')')) continue
    if (comma) tokens.take()
    return labels
  }
}

/** Labels may have the names of keywords. */
function groupingLabel(tokens: TokenStream): string {
  const token = tokens.peek()
  const quoted = token.type === 'string'
  if (!quoted && (!isWord(token) || token.value === 'without')) {
    tokens.stray('grouping opts', 'label')
    return ''
  }
  tokens.take()
  const name = quoted ? unquote(token.text) : token.text
  if (!isValidName(name)) tokens.complain(token, `invalid label name for grouping: ${quote(name)}`)
  return name
}
