import { metricName } from '../../model/labels.ts'
import { matcher, type Matcher, type MatchType } from '../../model/matcher.ts'
import type { VectorSelector } from './ast.ts'
import type { Token } from './lexer.ts'
import { isSign, type TokenStream } from './tokens.ts'
import { unquote } from './quoting.ts'

// Selectors of series, with quoted names where they are not plain ones.

/** Whether a token can be the name of a metric: most words can, even those that mean something elsewhere. */
export function isMetricName(token: Token): boolean {
  return isWord(token) && !reserved.has(token.value)
}

/** Whether a token can be a name at all. */
export function isWord({ type, text }: Token): boolean {
  return type !== 'number' && type !== 'punctuation' && /^[a-z_:]/i.test(text)
}

/** Words that are not names of metrics, even where no other meaning is possible. */
const reserved = new Set(['bool', 'on', 'ignoring', 'group_left', 'group_right', 'atan2'])

/** Whether an expression can begin with a token. */
export function startsExpr(token: Token): boolean {
  const { type, text } = token
  const isLiteral = type === 'number' || type === 'duration' || type === 'string'
  return isLiteral || isMetricName(token) || isSign(token) || text === '(' || text === '{'
}

/** Reads a selector behind its name; without a name a brace must be ahead. */
export function selector(tokens: TokenStream, name: Token | null): VectorSelector {
  const { from } = name ?? tokens.peek()
  const matchers = name === null || tokens.isNext('{') ? matchersIn(tokens) : []
  if (name !== null) matchers.push(matcher(metricName, '=', name.text))
  const span = { from, to: tokens.last.to }
  const offset = { ms: 0, expr: null }
  return { kind: 'vectorSelector', name: name?.text ?? '', matchers, offset, at: null, ends: 'plain', span }
}

function matchersIn(tokens: TokenStream): Matcher[] {
  const matchers: Matcher[] = []
  tokens.take()
  if (tokens.isNext('}')) {
    tokens.take()
    return matchers
  }
  for (;;) {
    const one = oneMatcher(tokens)
    if (one) matchers.push(one)
    while (!tokens.isNext(',') && !tokens.isNext('}')) tokens.stray('label matching', '"," or "}"')
    const comma = tokens.take().text === ','
    if (comma && !tokens.isNext('}')) continue
    if (comma) tokens.take()
    return matchers
  }
}

/** Null where there is a complaint instead. */
function oneMatcher(tokens: TokenStream): Matcher | null {
  const label = tokens.peek()
  const quoted = label.type === 'string'
  if (label.type !== 'identifier' && !quoted) return missing(tokens, 'identifier or "}"')
  tokens.take()
  const name = quoted ? unquote(label.text) : label.text
  const type = types.find(type => tokens.isNext(type))
  if (type === undefined) {
    // A string alone is the metric's name.
    return quoted ? matcher(metricName, '=', name) : missing(tokens, 'label matching operator')
  }
  tokens.take()
  const value = tokens.peek()
  if (value.type !== 'string') return missing(tokens, 'string')
  tokens.take()
  try {
    return matcher(name, type, unquote(value.text))
  } catch (error) {
    const span = { from: label.from, to: value.to }
    tokens.complain(span, error instanceof Error ? error.message : String(error))
    return null
  }
}

const types: readonly MatchType[] = ['=', '!=', '=~', '!~']

function missing(tokens: TokenStream, expected: string): null {
  tokens.stray('label matching', expected)
  return null
}
