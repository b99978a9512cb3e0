import type { Span } from '../../model/errors.ts'
import { quote } from '../../model/labels.ts'
import { LexicalError, type Complaint } from './complaint.ts'
import { Lexer, type Token } from './lexer.ts'
import { utf8Length } from './position.ts'

// The tokens of an expression as the parser sees them: one ahead, and a way on from those that make no sense. Which
// complaints come after the first one follows upstream's generated parser: where the grammar foresees an error, what
// was read is thrown away up to there, and then what follows up to where it makes sense again.

/** Makes no sense here; caught by the innermost `attempt`. There is one only: nobody looks at its stack, and a text can
 *  have millions of them. */
const stumble = new Error('BUG: a wrong token that nobody complains about')

/** Nothing more can be said about the text. */
const lost = new Error('BUG: a text that nobody gives up')

export class TokenStream {
  /** In the order in which upstream reports them. */
  readonly complaints: Complaint[] = []
  /** The token taken last. */
  last: Span = { from: 0, to: 0 }
  private readonly lexer: Lexer
  /** Looking late matters: the lexer's complaint comes when everything before it made sense. */
  private ahead: Token | null = null
  private confused = false

  constructor(query: string) {
    this.lexer = new Lexer(query)
  }

  peek(): Token {
    return (this.ahead ??= this.read())
  }

  take(): Token {
    const token = this.peek()
    this.ahead = null
    this.last = token
    this.confused = false
    return token
  }

  /** Whether the token ahead is this punctuation or operator. */
  isNext(text: string): boolean {
    return this.peek().text === text
  }

  /** Takes one of these keywords if it is next. */
  acceptKeyword(...words: string[]): string | null {
    const { type, value } = this.peek()
    if (type !== 'keyword' || !words.includes(value)) return null
    this.take()
    return value
  }

  /** Takes this punctuation; whatever else stands there is wrong. */
  expect(text: string): Token {
    while (!this.isNext(text)) this.wrong()
    return this.take()
  }

  /** After a complaint drops the token ahead, otherwise leaves it to the innermost `attempt`. To be called until the
   *  token ahead makes sense. */
  wrong(): void {
    if (!this.confused) throw stumble
    this.drop()
  }

  /** Complains about the token ahead where the grammar foresees an error; when it already has, drops it. */
  stray(context: string, expected: string): void {
    if (this.confused) return this.drop()
    this.confused = true
    this.unexpected(context, expected)
  }

  /** After a complaint, and before anything made sense again. */
  get isConfused(): boolean {
    return this.confused
  }

  /** Reads; when a wrong token stops that, answers something else instead. */
  attempt<T>(read: () => T, instead: () => T): T {
    try {
      return read()
    } catch (error) {
      if (error !== stumble) throw error
      this.confused = true
      return instead()
    }
  }

  /** Reads as far as it is possible to make sense of the text. */
  whole(read: () => void): void {
    try {
      read()
    } catch (error) {
      if (error !== lost) throw error
    }
  }

  unexpected(context = '', expected = ''): void {
    const token = this.peek()
    // The lexer has complained already.
    if (token.type === 'error') return
    const where = context && ` in ${context}`
    const wanted = expected && `, expected ${expected}`
    this.complain(token, `unexpected ${describe(token)}${where}${wanted}`)
  }

  complain({ from, to }: Span, message: string): void {
    this.complaints.push({ span: { from, to }, message })
  }

  /** Complains and ends the whole reading. */
  giveUp(at: Span, message: string): never {
    this.complain(at, message)
    throw lost
  }

  drop(): void {
    const { type } = this.peek()
    if (type === 'end' || type === 'error') throw lost
    this.ahead = null
  }

  private read(): Token {
    try {
      return this.lexer.next()
    } catch (error) {
      if (!(error instanceof LexicalError)) throw error
      this.complain(error.span, error.message)
      return { type: 'error', value: '', text: '', ...error.span }
    }
  }
}

export function isOperator(token: Token, op: string): boolean {
  return token.type === 'operator' && token.value === op
}

export function isSign(token: Token): boolean {
  return token.type === 'operator' && (token.value === '+' || token.value === '-')
}

/** How a token is named in an error text (`Item.desc`). */
function describe({ type, text }: Token): string {
  switch (type) {
    case 'end':
      return 'end of input'
    case 'error':
      return 'error'
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

/** Upstream counts bytes, and then cuts characters. */
function shortened(text: string): string {
  const start = Array.from(text.slice(0, 20)).slice(0, 10).join('')
  return text.length > 10 || utf8Length(text) > 10 ? `${quote(start)}...` : quote(text)
}
