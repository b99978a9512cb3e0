import {
  ImportError,
  QueryError,
  SyntaxProblem,
  type QueryErrorType,
  type Span,
} from '../engine/model/errors.ts'
import type { WireError } from './protocol.ts'

/** An error as a message: what cloning keeps, and the fields of the classes that a client looks at. */
export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, fields: {} }
  }
  const { name, message, stack } = error
  return { name, message, stack, fields: fieldsOf(error) }
}

function fieldsOf(error: Error): WireError['fields'] {
  if (error instanceof QueryError) return { type: error.type, span: error.span }
  if (error instanceof SyntaxProblem) return { line: error.line, column: error.column }
  return {}
}

/** The error again, of its class where a client knows it, otherwise an `Error` of that name. */
export function fromWire({ name, message, stack, fields }: WireError): Error {
  const error = blank(name, fields)
  // Set afterwards: a constructor may add to the text what is in it already.
  error.message = message
  if (stack !== undefined) error.stack = stack
  return error
}

function blank(name: string, fields: WireError['fields']): Error {
  switch (name) {
    case 'QueryError':
      return new QueryError(fields['type'] as QueryErrorType, '', fields['span'] as Span | null)
    case 'SyntaxProblem':
      return new SyntaxProblem('', fields['line'] as number, fields['column'] as number)
    case 'ImportError':
      return new ImportError()
    case 'TypeError':
      return new TypeError()
    default:
      return Object.assign(new Error(), { name })
  }
}
