import { expect, test } from 'vitest'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { CompactionMetrics } from '../../../../src/engine/tsdb/compact/metrics.ts'
import { metasOf } from './metas.ts'

function samplesOf(registry: Registry): Record<string, number> {
  const lines = registry
    .text()
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map(line => {
      const [name, value] = line.replace('prometheus_tsdb_', '').split(' ')
      return [name!, Number(value)]
    }),
  )
}

const none = {
  compactions_triggered_total: 0,
  compactions_failed_total: 0,
  compactions_total: 0,
  vertical_compactions_total: 0,
  compaction_duration_seconds_sum: 0,
  compaction_duration_seconds_count: 0,
  time_retentions_total: 0,
  size_retentions_total: 0,
}

test('all are there from the beginning', () => {
  const registry = new Registry()
  new CompactionMetrics(registry)
  expect(samplesOf(registry)).toEqual(none)
})

test('each writing of a block is counted and timed, whether it succeeds or not', async () => {
  const registry = new Registry()
  const metrics = new CompactionMetrics(registry)
  let now = 0
  const host = { monotonic: () => (now += 500) }
  const fail = () => Promise.reject(new Error('no luck'))
  expect(await metrics.measured(host, [], () => Promise.resolve('done'))).toBe('done')
  await metrics.measured(host, metasOf('1:0-20 2:20-40'), () => Promise.resolve())
  await expect(metrics.measured(host, metasOf('2:20-40 1:0-21'), fail)).rejects.toThrow('no luck')
  expect(samplesOf(registry)).toEqual({
    ...none,
    compactions_total: 3,
    vertical_compactions_total: 1,
    compaction_duration_seconds_sum: 1.5,
    compaction_duration_seconds_count: 3,
  })
})

test('each limit that blocks are beyond is counted once, however many they are', () => {
  const registry = new Registry()
  const metrics = new CompactionMetrics(registry)
  metrics.beyondLimits({ replaced: ['a'], byTime: [], bySize: [] })
  metrics.beyondLimits({ replaced: [], byTime: ['a', 'b'], bySize: [] })
  metrics.beyondLimits({ replaced: [], byTime: ['a'], bySize: ['a', 'b'] })
  expect(samplesOf(registry)).toEqual({ ...none, time_retentions_total: 2, size_retentions_total: 1 })
})
