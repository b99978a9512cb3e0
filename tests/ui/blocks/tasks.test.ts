import { expect, test } from 'vitest'
import type { BlockJob } from '../../../src/engine/api/service.ts'
import {
  bytesText,
  exportedOutcome,
  importedOutcome,
  progressOf,
  type Task,
} from '../../../src/ui/blocks/tasks.ts'
import { block } from '../fakeclient.ts'

const cancel = () => undefined
const task = (name: string, more: Partial<Task> = {}): Task => ({
  ...{ id: 1, kind: 'import', name, done: 0, running: true, cancel },
  ...more,
})
const job = (name: string, more: Partial<BlockJob> = {}): BlockJob => ({
  ...{ id: 1, kind: 'import', name, phase: 'checking', done: 3, total: 9 },
  ...more,
})

/** `import a.zip checking 3/9`, with a star for what can be cancelled here. */
function written(tasks: readonly Task[], jobs: readonly BlockJob[], ended?: readonly string[]): string[] {
  return progressOf(tasks, jobs, ended).map(
    ({ kind, name, phase, done, total, cancel: own }) =>
      `${kind} ${name} ${phase} ${done}/${total ?? '?'}${own ? ' *' : ''}`,
  )
}

test('a task of this tab shows what the engine says of it', () => {
  expect(written([task('a.zip')], [job('a.zip')])).toEqual(['import a.zip checking 3/9 *'])
})

test('before the engine says anything a task waits or starts', () => {
  expect(written([task('a.zip'), task('b.zip', { running: false })], [])).toEqual([
    'import a.zip starting 0/? *',
    'import b.zip waiting 0/? *',
  ])
})

test('an export counts the bytes that have come out of it until the engine does', () => {
  expect(written([task('a.zip', { kind: 'export', done: 512 })], [])).toEqual([
    'export a.zip starting 512/? *',
  ])
})

test('two tasks of one name have a job each, and neither that of another kind', () => {
  const jobs = [job('a.zip', { kind: 'export', phase: 'writing' }), job('a.zip'), job('a.zip', { done: 4 })]
  expect(written([task('a.zip'), task('a.zip', { id: 2 })], jobs)).toEqual([
    'import a.zip checking 3/9 *',
    'import a.zip checking 4/9 *',
    'export a.zip writing 3/9',
  ])
})

test('jobs of other tabs are shown, those that have just ended here are not', () => {
  expect(written([], [job('a.zip'), job('b.zip')], ['a.zip'])).toEqual(['import b.zip checking 3/9'])
})

test('keys of tasks and jobs never meet', () => {
  const keys = progressOf([task('a.zip')], [job('b.zip')]).map(({ key }) => key)
  expect(new Set(keys).size).toBe(2)
})

test.each([
  [0, null, ''],
  [2048, null, '2.00 KiB'],
  [0, 2048, '0 B of 2.00 KiB'],
  [1024, 2048, '1.00 KiB of 2.00 KiB'],
])('%d of %s bytes is %j', (done, total, text) => {
  expect(bytesText({ done, total })).toBe(text)
})

test.each([
  [1, 0, 'a.zip: 1 block imported.'],
  [3, 1, 'a.zip: 3 blocks imported, 1 was there already.'],
  [0, 2, 'a.zip: 2 were there already.'],
  [0, 0, 'a.zip: nothing to import.'],
])('%d new and %d known blocks are told as such', (imported, known, text) => {
  const report = {
    imported: Array.from({ length: imported }, (_, i) => block(`01${i}`, 0, 1)),
    known: Array.from({ length: known }, (_, i) => `02${i}`),
    remarks: [],
  }
  expect(importedOutcome('a.zip', report)).toEqual({ failed: false, text, remarks: [] })
})

test('what the engine remarks on an import is told along with it', () => {
  const remarks = ['wal/00000003 at byte 32768: want 7 bytes, have 2']
  const report = { imported: [block('01', 0, 1)], known: [], remarks }
  expect(importedOutcome('data', report)).toMatchObject({ text: 'data: 1 block imported.', remarks })
})

test('an export is told with the name and the size of its file', () => {
  expect(exportedOutcome('a.zip', 2048)).toEqual({ failed: false, text: 'a.zip was saved (2.00 KiB).' })
})
