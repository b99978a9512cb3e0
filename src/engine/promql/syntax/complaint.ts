import { QueryError, type Span } from '../../model/errors.ts'
import { position } from './position.ts'

/** Something that is wrong with the text of an expression. */
export interface Complaint {
  readonly span: Span
  /** Prometheus's words, without the place. */
  readonly message: string
}

/** The error with Prometheus's place and words in front (`parser.ParseErr`). */
export function parseError(query: string, { span, message }: Complaint): QueryError {
  return new QueryError('bad_data', `${position(query, span.from)}: parse error: ${message}`, span)
}

/** What stops the lexer; the tokens before it may still be wrong first. */
export class LexicalError extends Error implements Complaint {
  override readonly name = 'LexicalError'
  readonly span: Span

  constructor(message: string, span: Span) {
    super(message)
    this.span = span
  }
}
