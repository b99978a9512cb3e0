import { expect, test } from 'vitest'
import { completionSource, type CompletionClient } from '../../../src/ui/query/completion.ts'

const noNames: Pick<CompletionClient, 'labelNames'> = { labelNames: async () => [] }

test('metric names come from the engine and are kept for a while', async () => {
  const asked: string[] = []
  const source = completionSource({
    ...noNames,
    labelValues: async name => {
      asked.push(name)
      return ['up']
    },
  })
  expect(await source.metricNames('u')).toEqual(['up'])
  expect(await source.metricNames('u')).toEqual(['up'])
  expect(await source.labelValues('job')).toEqual(['up'])
  expect(asked).toEqual(['__name__', 'job'])
})

test('an engine that is gone completes nothing, and is asked again', async () => {
  let gone = true
  const source = completionSource({
    ...noNames,
    labelValues: async () => {
      if (gone) throw new Error('gone')
      return ['up']
    },
  })
  expect(await source.metricNames()).toEqual([])
  gone = false
  expect(await source.metricNames()).toEqual(['up'])
})

test('labels are those of the metric in front of them', async () => {
  const asked: unknown[] = []
  const answer = async (...query: unknown[]) => {
    asked.push(query)
    return ['__name__', 'job', 'le']
  }
  const source = completionSource({ labelNames: answer, labelValues: answer })
  expect(await source.labelNames('a "b"')).toEqual(['job', 'le'])
  expect(await source.labelNames()).toEqual(['job', 'le'])
  await source.labelValues('le', 'up')
  expect(asked).toEqual([
    [{ match: ['{__name__="a \\"b\\""}'] }],
    [{}],
    ['le', { match: ['{__name__="up"}'] }],
  ])
})
