import { aggregators } from './aggregators.ts'
import { LexicalError } from './complaint.ts'
import { quoteRune, unicodePoint } from './quoting.ts'

// Text → tokens, with the states, texts and positions of upstream's `promql/parser/lex.go`. The lexer knows where
// it is in braces and brackets, because the same character means different things there.

export type TokenType =
  | 'number'
  | 'duration'
  | 'string'
  | 'identifier'
  | 'metricIdentifier'
  | 'keyword'
  | 'aggregator'
  /** `start`, `end`, `step`, `range`, `max_of`, `min_of`: part of durations and timestamps, else names. */
  | 'preprocessor'
  | 'operator'
  | 'punctuation'
  | 'end'
  /** Where the lexer had to stop. */
  | 'error'

export interface Token {
  readonly type: TokenType
  /** What the token means: the operator or the keyword in lower case; for the other types, the text itself. */
  readonly value: string
  readonly text: string
  /** UTF-16 offsets, `to` excluded. */
  readonly from: number
  readonly to: number
}

/** Keywords are recognised in any case. `fill…` are keywords only in front of a parenthesis. */
const words = new Map<string, TokenType>([
  ...['and', 'or', 'unless', 'atan2'].map(word => [word, 'operator'] as const),
  ...Object.keys(aggregators).map(word => [word, 'aggregator'] as const),
  ...['offset', 'smoothed', 'anchored', 'by', 'without', 'on', 'ignoring', 'bool'].map(
    word => [word, 'keyword'] as const,
  ),
  ...['group_left', 'group_right', 'fill', 'fill_left', 'fill_right'].map(word => [word, 'keyword'] as const),
  ...['start', 'end', 'step', 'range', 'max_of', 'min_of'].map(word => [word, 'preprocessor'] as const),
  ['inf', 'number'],
  ['nan', 'number'],
])

const durationWords = new Set(['step', 'range', 'max_of', 'min_of'])
const durationOperators = '+-*/%^'

/** Hands out the tokens of a query one by one, the last one (`end`) again and again.
 *  @throws LexicalError at what is no token. */
export class Lexer {
  private readonly input: string
  private pos = 0
  private start = 0
  private parens = 0
  private inBraces = false
  private inBrackets = false
  private inDuration = false
  private sawColon = false
  private sawDuration = false

  constructor(input: string) {
    this.input = input
  }

  next(): Token {
    for (;;) {
      this.start = this.pos
      const token = this.inBraces ? this.insideBraces() : this.inDuration ? this.duration() : this.statement()
      if (token) return token
    }
  }

  private statement(): Token | null {
    const char = this.take()
    switch (char) {
      case '':
        return this.finish()
      case '#':
        return this.comment()
      case '(':
        this.parens++
        return this.token('punctuation')
      case ')':
        return this.closeParen()
      case '{':
        this.inBraces = true
        return this.token('punctuation')
      case '[':
        return this.openBracket()
      case ']':
        if (!this.inBrackets) this.fail(`unexpected right bracket ${quoteRune(char)}`)
        this.inBrackets = false
        return this.token('punctuation')
      case ',':
        return this.token('punctuation')
      case '"':
      case "'":
      case '`':
        return this.string(char)
      case '=':
        if (this.peek() === '~') this.fail(`unexpected character after '=': ${quoteRune('~')}`)
        return this.accept('=') ? this.token('operator') : this.token('punctuation')
      case '!':
        if (!this.accept('=')) this.fail(`unexpected character after '!': ${quoteRune(this.peek())}`)
        return this.token('operator')
      case '<':
      case '>':
        this.accept('=/')
        return this.token('operator')
      case '*':
      case '/':
      case '%':
      case '+':
      case '-':
      case '^':
      case '@':
        return this.token('operator')
    }
    if (isSpace(char)) return null
    if (isDigit(char) || (char === '.' && isDigit(this.peek()))) return this.numberOrDuration()
    if (isAlpha(char) || char === ':') return this.inBrackets ? this.wordInBrackets(char) : this.word()
    return this.fail(`unexpected character: ${quoteRune(char)}`)
  }

  private insideBraces(): Token | null {
    const char = this.take()
    switch (char) {
      case '':
        return this.fail('unexpected end of input inside braces')
      case '#':
        return this.comment()
      case ',':
        return this.token('punctuation')
      case '"':
      case "'":
      case '`':
        return this.string(char)
      case '=':
        return this.accept('~') ? this.token('operator') : this.token('punctuation')
      case '!':
        if (!this.accept('~=')) {
          this.fail(`unexpected character after '!' inside braces: ${quoteRune(this.peek())}`)
        }
        return this.token('operator')
      case '{':
        return this.fail(`unexpected left brace ${quoteRune(char)}`)
      case '}':
        this.inBraces = false
        return this.token('punctuation')
    }
    if (isSpace(char)) return null
    if (!isAlpha(char)) this.fail(`unexpected character inside braces: ${quoteRune(char)}`)
    this.run(isAlphaNumeric)
    return this.token('identifier')
  }

  /** After `[`, until the first number: what may stand there is arithmetic on durations. */
  private duration(): Token | null {
    const char = this.take()
    switch (char) {
      case '':
        return this.fail('unexpected end of input in duration expression')
      case ']':
        this.inBrackets = this.inDuration = this.sawColon = false
        return this.token('punctuation')
      case ':':
        return this.colonInDuration()
      case '(':
        this.parens++
        return this.token('punctuation')
      case ')':
        return this.closeParen()
      case ',':
        return this.token('punctuation')
    }
    if (isSpace(char)) return null
    if (durationOperators.includes(char)) return this.token('operator')
    if (isDigit(char) || (char === '.' && isDigit(this.peek()))) {
      this.sawDuration = true
      this.inDuration = false
      return this.numberOrDuration()
    }
    return (
      this.durationWord(char) ?? this.fail(`unexpected character in duration expression: ${quoteRune(char)}`)
    )
  }

  private finish(): Token {
    if (this.parens !== 0) this.fail('unclosed left parenthesis')
    if (this.inBrackets) this.fail('unclosed left bracket')
    return this.token('end')
  }

  // Upstream has handed the parenthesis out when it notices, hence the place behind it.
  private closeParen(): Token {
    const token = this.token('punctuation')
    if (--this.parens < 0) this.failAfter(`unexpected right parenthesis ${quoteRune(')')}`)
    return token
  }

  private openBracket(): Token {
    if (this.inBrackets) this.fail(`unexpected left bracket ${quoteRune('[')}`)
    this.sawColon = false
    this.inBrackets = this.inDuration = true
    const token = this.token('punctuation')
    this.run(isSpace)
    return token
  }

  private colonInDuration(): Token {
    if (!this.sawDuration) this.failAfter('unexpected colon before duration in duration expression')
    if (this.sawColon) this.failAfter('unexpected repeated colon in duration expression')
    this.sawColon = true
    return this.token('punctuation')
  }

  private wordInBrackets(char: string): Token {
    if (char === ':') {
      if (this.sawColon) this.fail(`unexpected colon ${quoteRune(char)}`)
      this.sawColon = true
      return this.token('punctuation')
    }
    return (
      this.durationWord(char) ??
      this.fail(`unexpected character: ${quoteRune(char)}, expected ${quoteRune(':')}`)
    )
  }

  private durationWord(char: string): Token | null {
    if (!isAlpha(char)) return null
    this.run(isAlpha)
    return durationWords.has(this.text().toLowerCase()) ? this.token('preprocessor') : null
  }

  private comment(): null {
    this.run(char => char !== '\n' && char !== '\r' && char !== '')
    return null
  }

  private word(): Token {
    this.run(char => isAlphaNumeric(char) || char === ':')
    const text = this.text()
    const type = words.get(text.toLowerCase())
    if (type && !(text.toLowerCase().startsWith('fill') && !this.beforeParen())) return this.token(type)
    return this.token(text.includes(':') ? 'metricIdentifier' : 'identifier')
  }

  private beforeParen(): boolean {
    let at = this.pos
    while (isSpace(this.input.charAt(at))) at++
    return this.input.charAt(at) === '('
  }

  private string(quote: string): Token {
    for (;;) {
      const char = this.take()
      if (char === quote) return this.token('string')
      if (char === '\ufffd') this.fail('invalid UTF-8 rune')
      if (quote === '`') {
        if (char === '') this.fail('unterminated raw string')
      } else if (char === '\\') {
        this.escape(quote)
      } else if (char === '' || char === '\n') {
        this.fail('unterminated quoted string')
      }
    }
  }

  private escape(quote: string): void {
    const char = this.take()
    if (char === '') this.fail('escape sequence not terminated')
    if ('abfnrtv\\'.includes(char) || char === quote) return
    if (char >= '0' && char <= '7') {
      this.pos--
      return this.escapedNumber(3, 8, 255)
    }
    if (char === 'x') return this.escapedNumber(2, 16, 255)
    if (char === 'u') return this.escapedNumber(4, 16, 0x10ffff)
    if (char === 'U') return this.escapedNumber(8, 16, 0x10ffff)
    this.fail(`unknown escape sequence ${unicodePoint(char)}`)
  }

  private escapedNumber(digits: number, base: number, max: number): void {
    let code = 0
    for (let i = 0; i < digits; i++) {
      const char = this.take()
      if (char === '') this.fail('escape sequence not terminated')
      const digit = /^[0-9a-f]$/i.test(char) ? parseInt(char, 16) : base
      if (digit >= base) this.fail(`illegal character ${unicodePoint(char)} in escape sequence`)
      code = code * base + digit
    }
    if (code > max || (code >= 0xd800 && code < 0xe000)) {
      this.fail('escape sequence is an invalid Unicode code point')
    }
  }

  private numberOrDuration(): Token {
    this.pos = this.start
    if (this.number()) return this.token('number')
    if (this.restOfDuration()) return this.token('duration')
    return this.fail(`bad number or duration syntax: "${this.text()}"`)
  }

  /** Scans decimal, octal and hexadecimal integers and decimal fractions; whether they have a value is the
   *  parser's question. Stands behind what was accepted when it answers false. */
  private number(): boolean {
    const hexadecimal = this.accept('0') && this.accept('xX')
    if (hexadecimal) this.accept('_')
    const digits = hexadecimal ? '0123456789abcdefABCDEF' : '0123456789'
    this.accept('.')
    this.accept(digits)
    let dot = false
    let exponent = false
    while (this.peek() !== '' && `${digits}._eE`.includes(this.peek())) {
      if ((dot && this.accept('.')) || (exponent && this.accept('eE'))) return false
      if (this.accept('.')) {
        dot = true
        if (this.accept('_.') || hexadecimal) return false
      } else if (this.accept('eE')) {
        exponent = true
        this.accept('+-')
        if (this.accept('._eE') || this.peek() === '') return false
      } else if (this.accept('_')) {
        if (this.accept('._eE') || this.peek() === '') return false
      } else {
        this.run(char => char !== '' && digits.includes(char))
      }
    }
    return !isAlphaNumeric(this.peek())
  }

  /** Units are checked when the duration is read; `ms` is the only one of two letters. */
  private restOfDuration(): boolean {
    if (!this.accept('smhdwy')) return false
    this.accept('s')
    while (isDigit(this.peek())) {
      this.run(isDigit)
      if (!this.accept('smhdw')) return false
      this.accept('s')
    }
    // What follows belongs to the text of the complaint.
    if (!isAlphaNumeric(this.peek())) return true
    this.take()
    return false
  }

  /** The next code point, `''` at the end. A lone surrogate is no character, as invalid UTF-8 is none in Go. */
  private peek(): string {
    const code = this.input.codePointAt(this.pos)
    if (code === undefined) return ''
    return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code)
  }

  private take(): string {
    const char = this.peek()
    this.pos += char.length
    return char
  }

  private accept(set: string): boolean {
    const char = this.peek()
    if (char === '' || !set.includes(char)) return false
    this.pos += char.length
    return true
  }

  private run(test: (char: string) => boolean): void {
    while (test(this.peek()) && this.pos < this.input.length) this.take()
  }

  private text(): string {
    return this.input.slice(this.start, this.pos)
  }

  private token(type: TokenType): Token {
    const text = this.text()
    const folded =
      type === 'keyword' || type === 'aggregator' || type === 'operator' || type === 'preprocessor'
    return { type, text, value: folded ? text.toLowerCase() : text, from: this.start, to: this.pos }
  }

  private fail(message: string): never {
    throw new LexicalError(message, { from: this.start, to: this.input.length })
  }

  private failAfter(message: string): never {
    throw new LexicalError(message, { from: this.pos, to: this.input.length })
  }
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r'
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9'
}

function isAlpha(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_'
}

function isAlphaNumeric(char: string): boolean {
  return isAlpha(char) || isDigit(char)
}
