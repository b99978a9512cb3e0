import { expect, test } from 'vitest'
import type { RangeAnswer } from '../../src/engine/model/answers.ts'
import type { EngineService } from '../../src/engine/api/service.ts'
import { QueryError } from '../../src/engine/model/errors.ts'
import { buffersOf, Calls } from '../../src/hosts/calls.ts'
import type { EngineMethod } from '../../src/hosts/protocol.ts'

const query = { expr: 'up', time: 0 }

/** An engine of which a test needs one method. */
function engineWith(service: Partial<EngineService>): Promise<EngineService> {
  return Promise.resolve(service as EngineService)
}

test('a call reaches its method and brings the answer back', async () => {
  const calls = new Calls(engineWith({ labelValues: async name => [name, 'b'] }))
  expect(await calls.call(1, 'labelValues', ['job', undefined])).toEqual({ ok: true, value: ['job', 'b'] })
})

test.each<[EngineMethod, unknown[]]>([
  ['storage', []],
  ['setBudget', [null]],
  ['compact', []],
  ['deleteSeries', [{ match: ['up'], minT: 0, maxT: 1 }]],
  ['cleanTombstones', []],
  ['snapshot', [undefined]],
  ['deleteSnapshot', ['20261124T101500Z-4f2a61c09b7d8e35']],
])('%s reaches the store with what it was given', async (method, args) => {
  const seen: unknown[][] = []
  const calls = new Calls(
    engineWith({ [method]: async (...all: unknown[]) => void seen.push(all.slice(0, args.length)) }),
  )
  expect(await calls.call(1, method, args)).toEqual({ ok: true, value: undefined })
  expect(seen).toEqual([args])
})

test('a call that fails brings the error as a message', async () => {
  const fail = () => Promise.reject(new QueryError('execution', 'too many samples'))
  const calls = new Calls(engineWith({ query: fail }))
  expect(await calls.call(1, 'query', [query])).toMatchObject({
    ok: false,
    error: { name: 'QueryError', message: 'too many samples', fields: { type: 'execution', span: null } },
  })
})

test.each<[string, string, unknown[]]>([
  ['a method that is none', 'close', []],
  ['a method of every object', 'toString', []],
  ['too few arguments', 'query', []],
  ['too many arguments', 'status', [1]],
])('%s is refused', async (_, method, args) => {
  const calls = new Calls(engineWith({ query: async () => ({}) as never, status: async () => ({}) as never }))
  const outcome = await calls.call(1, method as EngineMethod, args)
  expect(outcome).toMatchObject({ ok: false, error: { name: 'TypeError' } })
})

/** Answers when its signal is aborted, with the reason. */
const untilAborted: EngineService['query'] = (_, signal) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))

test('a cancelled call is told by its signal, the others go on', async () => {
  let release: ((values: string[]) => void) | undefined
  const labelValues = () => new Promise<string[]>(resolve => (release = resolve))
  const calls = new Calls(engineWith({ query: untilAborted, labelValues }))
  const first = calls.call(1, 'query', [query])
  const second = calls.call(2, 'labelValues', ['job', undefined])
  await Promise.resolve()
  calls.cancel(1)
  expect(await first).toMatchObject({ ok: false, error: { name: 'AbortError' } })
  release?.(['a'])
  expect(await second).toEqual({ ok: true, value: ['a'] })
  calls.cancel(2)
})

test('a call that is cancelled while the engine is not open does not reach it', async () => {
  let open: ((engine: EngineService) => void) | undefined
  let reached = 0
  const calls = new Calls(new Promise(resolve => (open = resolve)))
  const call = calls.call(1, 'targets', [])
  calls.cancel(1)
  open?.(await engineWith({ targets: async () => (reached++, []) }))
  expect(await call).toMatchObject({ ok: false, error: { name: 'AbortError' } })
  expect(reached).toBe(0)
})

test('a client that has gone leaves no call behind', async () => {
  const calls = new Calls(engineWith({ query: untilAborted }))
  const both = [calls.call(1, 'query', [query]), calls.call(2, 'query', [query])]
  await Promise.resolve()
  calls.cancelAll()
  expect((await Promise.all(both)).map(({ ok }) => ok)).toEqual([false, false])
})

test('the columns of an answer are handed over, each buffer once', () => {
  const columns = new ArrayBuffer(24)
  const answer: Partial<RangeAnswer> = {
    kind: 'matrix',
    labels: [['__name__', 'up']],
    values: new Float64Array(columns, 0, 2),
    present: new Uint8Array(columns, 16, 2),
  }
  expect(buffersOf(answer)).toEqual([columns])
  expect(buffersOf('text')).toEqual([])
  expect(buffersOf(undefined)).toEqual([])
  expect(buffersOf(null)).toEqual([])
})

test('a piece of an archive is handed over, but not the larger buffer that it is a part of', () => {
  const piece = Uint8Array.of(1, 2, 3)
  expect(buffersOf(piece)).toEqual([piece.buffer])
  expect(buffersOf(piece.subarray(1))).toEqual([])
})

test('an import is told by its signal that nobody waits for it', async () => {
  const importBlocks: EngineService['importBlocks'] = (_, signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
  const calls = new Calls(engineWith({ importBlocks }))
  const call = calls.call(1, 'importBlocks', [{ kind: 'folder', name: 'data', files: [] }])
  await Promise.resolve()
  calls.cancel(1)
  expect(await call).toMatchObject({ ok: false, error: { name: 'AbortError' } })
})
