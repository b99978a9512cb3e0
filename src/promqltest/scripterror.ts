import { QueryError } from '../engine/model/errors.ts'
import { LexicalError } from '../engine/promql/syntax/complaint.ts'
import type { Line } from './lines.ts'

/** What is written is not in the language of the scripts. The message says what was wanted and what was found. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  /** Counts from 1; null while nobody has said where it was. */
  readonly line: number | null

  constructor(message: string, line: number | null = null) {
    super(message)
    this.line = line
  }
}

/** What `read` makes of a line; its errors, and those of PromQL's lexer, get the line's number.
 *  @throws ScriptError */
export function readAt<T>(line: Line, read: (text: string) => T): T {
  try {
    return read(line.text)
  } catch (error) {
    if (error instanceof ScriptError) throw new ScriptError(error.message, error.line ?? line.number)
    if (error instanceof QueryError || error instanceof LexicalError)
      throw new ScriptError(error.message, line.number)
    throw error
  }
}
