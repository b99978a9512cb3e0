/** A place in a text: UTF-16 offsets, `to` excluded. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Why a query has no answer; the words are Prometheus's `errorType` (`web/api/v1/api.go`). */
export type QueryErrorType = 'bad_data' | 'execution' | 'canceled' | 'timeout' | 'internal' | 'unavailable'

/** The user's query is at fault, or was ended. The message is Prometheus's, with the position in front where
 *  it has one (`1:5: parse error: …`). */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly type: QueryErrorType
  /** Where in the expression, when it can be told. */
  readonly span: Span | null

  constructor(type: QueryErrorType, message: string, span: Span | null = null) {
    super(message)
    this.type = type
    this.span = span
  }
}

/** Text that somebody wrote, a configuration or an exposition, is not valid. Line and column count from 1;
 *  columns count UTF-16 units in a configuration, bytes in an exposition. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem'
  readonly line: number
  readonly column: number

  constructor(message: string, line: number, column: number) {
    super(`line ${line}, column ${column}: ${message}`)
    this.line = line
    this.column = column
  }
}

/** Blocks from outside were refused; nothing of them was taken in. The message names the file and, where there is
 *  one, the offset, what was wanted and what was found. */
export class ImportError extends Error {
  override readonly name = 'ImportError'
}

/** Stops the program's own mistakes where they happen. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`BUG: ${message}`)
}
