import { describe, expect, test } from 'vitest'
import { Checksum, seriesKey } from '../../bench/frame/checksum.ts'
import { faultsOf, tableOf, type Judged, type Row } from '../../bench/frame/report.ts'
import { withSection } from '../../bench/frame/results.ts'
import { median, spread } from '../../bench/frame/statistics.ts'
import { Workload } from '../../bench/frame/workload.ts'
import { TextCursor } from '../../src/engine/exposition/text.ts'

test('the median of an even number of figures is between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(spread([5, 9, 1], v => `${v} ms`)).toBe('5 ms (1 ms – 9 ms)')
})

describe('a row', () => {
  const judged: Judged = { value: 0.8, better: 'less', must: 1, aim: 0.6, show: v => v.toFixed(1) }
  const row = (of: Partial<Judged>, fault: string | null = null): Row => {
    return { what: 'replay', ours: '8 s', peer: '10 s', judged: { ...judged, ...of }, fault }
  }

  test.each<[what: string, row: Row, verdict: string]>([
    ['within its must', row({}), 'yes, not the aim'],
    ['within its aim', row({ value: 0.6 }), 'yes, and the aim'],
    ['beyond its must', row({ value: 1.1 }), 'no'],
    ['of which more is better', row({ value: 3, better: 'more', must: 2, aim: 4 }), 'yes, not the aim'],
    ['with a wrong answer', row({}, 'want 1, have 2'), 'no: want 1, have 2'],
    ['that is only reported', { ...row({}), judged: null }, 'reported'],
  ])('%s says so', (_, one, verdict) => {
    expect(tableOf({ rows: [one], notes: [] })).toContain(`| ${verdict}`)
  })

  test('is a fault beyond its must, with the slack that it is given, and with a wrong answer always', () => {
    const faults = (of: Row, slack: number) => faultsOf({ rows: [of], notes: [] }, slack)
    expect(faults(row({ value: 1.1 }), 1)).toEqual(['replay: 1.1, must be 1.0'])
    expect(faults(row({ value: 1.1 }), 3)).toEqual([])
    expect(faults(row({ value: 3.1 }), 3)).toEqual(['replay: 3.1, must be 1.0, give or take 3×'])
    expect(faults(row({}, 'lost a sample'), 3)).toEqual(['replay: lost a sample'])
  })
})

test('a bench rewrites its own section of the results and leaves the others', () => {
  const first = withSection('# Head\n', 'store', 'one')
  const both = withSection(first, 'promql', 'two')
  expect(withSection(both, 'store', 'three')).toBe(both.replace('one', 'three'))
})

describe('the workload', () => {
  const options = { targets: 3, shards: 2, startT: 1_699_920_000_000, intervalMs: 15_000 }

  function play(slots: number): { workload: Workload; checksum: string } {
    const workload = new Workload(options)
    const keys = workload.keys()
    const checksum = new Checksum()
    for (let slot = 0; slot < slots; slot++) {
      workload.step()
      workload.addTo(checksum, keys)
    }
    return { workload, checksum: checksum.toString() }
  }

  test('is the same each time', () => {
    expect(play(20).checksum).toBe(play(20).checksum)
    expect(play(20).checksum).not.toBe(play(21).checksum)
  })

  test('exposes what it says that it does', () => {
    const { workload } = play(20)
    for (let target = 0; target < options.targets; target++) {
      const cursor = new TextCursor(workload.body(target))
      const found: number[] = []
      const keys: number[] = []
      for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
        if (entry !== 'series') continue
        found.push(cursor.value)
        const own = workload.targetLabels(target)
        const labels = [...cursor.labels().flat(), ...own]
        const pairs = labels.flatMap((name, i) => (i % 2 === 0 ? [[name, labels[i + 1]] as const] : []))
        const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : 1))
        keys.push(seriesKey(sorted.flat() as string[]))
      }
      const from = target * workload.seriesPerTarget
      const to = from + workload.seriesPerTarget
      expect(found).toEqual([...workload.values.subarray(from, to)])
      expect(keys).toEqual([...workload.keys().subarray(from, to)])
    }
  })

  test('has buckets that never shrink towards the larger ones', () => {
    const { workload } = play(50)
    const names = workload.labels(0).map(labels => labels.join(' '))
    const at = (le: string) => names.findIndex(name => name.includes(`le ${le} `) && name.includes('shard 0'))
    const below = ['0.005', '0.1', '1.0', '10.0', '+Inf'].map(le => workload.values[at(le)] as number)
    expect(below).toEqual([...below].sort((a, b) => a - b))
    expect(below.at(-1)).toBeGreaterThan(0)
  })
})

test('a checksum differs for another value, time or series, and not for another order', () => {
  const sum = (...samples: [key: string, t: number, v: number][]) => {
    const checksum = new Checksum()
    for (const [key, t, v] of samples) checksum.add(seriesKey(['a', key]), t, v)
    return checksum.toString()
  }
  const all = sum(['x', 1, 1], ['y', 2, 0])
  expect(sum(['y', 2, 0], ['x', 1, 1])).toBe(all)
  const others = [
    sum(['x', 1, 1], ['y', 2, -0]),
    sum(['x', 1, 1], ['y', 3, 0]),
    sum(['x', 1, 1], ['z', 2, 0]),
  ]
  expect(new Set([all, ...others]).size).toBe(4)
})
