import { expect, test } from 'vitest'
import { completionSource } from '../../../src/ui/query/completion.ts'

test('metric names come from the engine and are kept for a while', async () => {
  const asked: string[] = []
  const source = completionSource({
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
    labelValues: async () => {
      if (gone) throw new Error('gone')
      return ['up']
    },
  })
  expect(await source.metricNames()).toEqual([])
  gone = false
  expect(await source.metricNames()).toEqual(['up'])
})
