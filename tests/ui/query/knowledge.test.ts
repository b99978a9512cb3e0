import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Knowledge, type KnowledgeClient } from '../../../src/ui/query/knowledge.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const deaf: KnowledgeClient = {
  labelNames: async () => [],
  labelValues: async () => [],
  metadata: async () => new Map(),
  languageTerms: async () => [],
  queryProblems: async () => [],
}

test('the engine is asked once, and the answer is the same object', async () => {
  const asked: unknown[] = []
  const knowledge = new Knowledge({
    ...deaf,
    labelValues: async (...query) => {
      asked.push(query)
      return ['up']
    },
  })
  const names = await knowledge.metricNames()
  expect(names).toEqual(['up'])
  expect(await knowledge.metricNames()).toBe(names)
  await knowledge.labelValues('job', '{__name__="up"}')
  expect(asked).toEqual([
    ['__name__', {}],
    ['job', { match: ['{__name__="up"}'] }],
  ])
})

test('an old answer serves at once while a newer one is fetched behind it', async () => {
  let release = (): void => undefined
  let names = ['a']
  let gate: Promise<void> | null = null
  const knowledge = new Knowledge({
    ...deaf,
    labelNames: async () => {
      await gate
      return names
    },
  })
  expect(await knowledge.labelNames(null)).toEqual(['a'])
  names = ['a', 'b']
  gate = new Promise(resolve => (release = resolve))
  vi.advanceTimersByTime(11_000)
  expect(await knowledge.labelNames(null)).toEqual(['a'])
  release()
  await vi.waitFor(async () => expect(await knowledge.labelNames(null)).toEqual(['a', 'b']))
})

test('an engine that is gone knows nothing, and is asked again', async () => {
  let gone = true
  const knowledge = new Knowledge({
    ...deaf,
    labelValues: async () => {
      if (gone) throw new Error('gone')
      return ['up']
    },
  })
  expect(await knowledge.metricNames()).toEqual([])
  gone = false
  expect(await knowledge.metricNames()).toEqual(['up'])
})

test('nothing is not kept: a moment later there may be metrics', async () => {
  const answers = [new Map(), new Map([['up', [{ type: 'gauge' as const, unit: '', help: 'h' }]]])]
  const knowledge = new Knowledge({ ...deaf, metadata: async () => answers.shift() ?? new Map() })
  expect((await knowledge.metadata()).size).toBe(0)
  expect((await knowledge.metadata()).size).toBe(1)
})

test('a failure behind an answer leaves it as it is', async () => {
  let calls = 0
  const knowledge = new Knowledge({
    ...deaf,
    labelValues: async () => {
      if (calls++ > 0) throw new Error('gone')
      return ['up']
    },
  })
  await knowledge.metricNames()
  vi.advanceTimersByTime(11_000)
  await knowledge.metricNames()
  expect(await knowledge.metricNames()).toEqual(['up'])
  expect(calls).toBe(2)
})
