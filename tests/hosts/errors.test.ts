import { expect, test } from 'vitest'
import { CorruptionError } from '../../src/engine/bytes/corruption.ts'
import { DiskFullError } from '../../src/engine/disk/disk.ts'
import { ImportError, QueryError, SyntaxProblem } from '../../src/engine/model/errors.ts'
import { fromWire, toWire } from '../../src/hosts/errors.ts'

/** There and back, as a message does it. */
function sent(error: unknown): Error {
  return fromWire(structuredClone(toWire(error)))
}

test('a query error keeps its class, type and span', () => {
  const error = sent(new QueryError('bad_data', '1:5: parse error: unexpected ")"', { from: 4, to: 5 }))
  expect(error).toBeInstanceOf(QueryError)
  expect(error).toMatchObject({
    type: 'bad_data',
    message: '1:5: parse error: unexpected ")"',
    span: { from: 4, to: 5 },
  })
})

test('a syntax problem keeps its class and place, and says it once', () => {
  const error = sent(new SyntaxProblem('want a number, have "x"', 3, 7))
  expect(error).toBeInstanceOf(SyntaxProblem)
  expect(error).toMatchObject({ line: 3, column: 7, message: 'line 3, column 7: want a number, have "x"' })
})

test('a refused import keeps its class and its reason', () => {
  const error = sent(new ImportError('a.zip: index at byte 12: want checksum 1, found 2'))
  expect(error).toBeInstanceOf(ImportError)
  expect(error.message).toBe('a.zip: index at byte 12: want checksum 1, found 2')
})

test.each([
  ['a full disk', new DiskFullError('wal/00000001'), 'DiskFullError', 'no space left to write wal/00000001'],
  [
    'corruption',
    new CorruptionError('checksum mismatch', 12),
    'CorruptionError',
    'checksum mismatch at byte 12',
  ],
  ['a type error', new TypeError('Failed to fetch'), 'TypeError', 'Failed to fetch'],
  [
    'an abort',
    new DOMException('the call was cancelled', 'AbortError'),
    'AbortError',
    'the call was cancelled',
  ],
  ['something that is no error', 'text', 'Error', 'text'],
])('%s keeps its name and text', (_, error, name, message) => {
  const arrived = sent(error)
  expect(arrived).toBeInstanceOf(Error)
  expect(arrived).toMatchObject({ name, message })
})

test('the stack tells where it happened on the other side', () => {
  const error = new QueryError('internal', 'boom')
  expect(sent(error).stack).toBe(error.stack)
})
