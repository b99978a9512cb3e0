import { expect, test } from 'vitest'
import { openMetrics } from './blocks.ts'

test('the samples are the same each time, and others with another seed', () => {
  const small = { instances: 2, hours: 0.1 }
  expect(openMetrics(small)).toBe(openMetrics(small))
  expect(openMetrics(small)).not.toBe(openMetrics({ ...small, seed: 2 }))
})

test('each instance has 25 series with a sample for each slot', () => {
  const lines = openMetrics({ instances: 3, hours: 0.5, stepSeconds: 30 }).split('\n')
  const samples = lines.filter(line => line !== '' && !line.startsWith('#'))
  expect(samples).toHaveLength(3 * 25 * 60)
  expect(new Set(samples.map(line => line.slice(0, line.lastIndexOf('}')))).size).toBe(3 * 25)
  expect(lines.slice(-2)).toEqual(['# EOF', ''])
})
