import { expect, test } from 'vitest'
import { marksOfFailure, marksOfNotes } from '../../../src/ui/query/marks.ts'

test('notes that name a place become marks there, warnings first', () => {
  const notes = { infos: ['a (1:6)', 'without a place'], warnings: ['b (1:1)'] }
  expect(marksOfNotes('rate(up)', notes)).toEqual({
    expr: 'rate(up)',
    all: [
      { severity: 'warning', message: 'b', from: 0, to: null },
      { severity: 'info', message: 'a', from: 5, to: null },
    ],
  })
})

test('a failure is marked where its place is known', () => {
  const failure = { message: 'm', expr: 'up', span: { from: 0, to: 2 } }
  expect(marksOfFailure(failure).all).toEqual([{ severity: 'error', message: 'm', from: 0, to: 2 }])
  expect(marksOfFailure({ ...failure, span: null }).all).toEqual([])
})
