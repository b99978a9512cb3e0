import { expect, test } from 'vitest'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import type { Exemplar } from '../../../../src/engine/model/exemplar.ts'
import { compareLabels } from '../../../../src/engine/model/labels.ts'
import { ExemplarStore } from '../../../../src/engine/tsdb/exemplars/exemplars.ts'
import { FakeHost } from '../../../fakehost.ts'
import { always, series } from '../store.ts'

// The ring against a plain list in the order of arrival. BRAZIER_SEED=17 runs one seed alone.

const only = process.env.BRAZIER_SEED
const seeds = only ? [Number(only)] : Array.from({ length: 100 }, (_, i) => i + 1)

const names = ['a', 'b', 'c', 'd'].map(name => series(name))

test.each(seeds)('seed %i', seed => {
  const host = new FakeHost({ seed })
  const below = (n: number) => Math.floor(host.random() * n)
  const windowMs = [0, 5, 1000][below(3)]!
  let capacity = 1 + below(12)
  const store = new ExemplarStore(capacity, new Registry())
  store.setWindow(windowMs)
  let arrived: { labels: (typeof names)[number]; exemplar: Exemplar }[] = []
  let now = 100

  for (let step = 0; step < 200; step++) {
    now += below(3)
    if (below(20) === 0) {
      capacity = below(15)
      expect(store.resize(capacity)).toBe(Math.min(capacity, arrived.length))
      arrived = arrived.slice(Math.max(0, arrived.length - capacity))
    } else {
      const labels = names[below(4)]!
      const late = below(3) === 0 ? below(10) : 0
      const exemplar = { t: now - late, v: below(3), labels: ['id', String(below(3))], timed: true }
      const mine = inOrder(arrived.filter(one => one.labels === labels))
      const wanted = capacity === 0 ? 'disabled' : resultOf(mine, exemplar, windowMs)
      expect(store.check(labels, exemplar)).toBe(wanted)
      expect(store.add(labels, exemplar)).toBe(wanted)
      if (wanted === 'appended') arrived = [...arrived, { labels, exemplar }].slice(-capacity)
    }
    const expected = names
      .map(labels => ({ labels, exemplars: inOrder(arrived.filter(one => one.labels === labels)) }))
      .filter(({ exemplars }) => exemplars.length > 0)
    expect(store.select([[]], always), `seed ${seed}, step ${step}`).toEqual(expected)
    expect(store.count).toBe(arrived.length)
    expect(store.seriesCount).toBe(expected.length)
    expect(store.oldestT).toBe(arrived[0]?.exemplar.t ?? null)
  }
})

/** Sorting is stable: of several at one time the later arrival is behind. */
function inOrder(arrived: readonly { exemplar: Exemplar }[]): Exemplar[] {
  return arrived.map(({ exemplar }) => exemplar).sort((a, b) => a.t - b.t)
}

function resultOf(mine: readonly Exemplar[], next: Exemplar, windowMs: number): string {
  const newest = mine.at(-1)
  if (!newest) return 'appended'
  const order = next.t - newest.t || next.v - newest.v || compareLabels(next.labels, newest.labels)
  if (order === 0) return 'duplicate'
  if (next.t === newest.t) return order < 0 ? 'outOfOrder' : 'appended'
  if (next.t > newest.t) return 'appended'
  if (next.t <= newest.t - windowMs) return 'outOfOrder'
  return mine.some(({ t }) => t === next.t) ? 'duplicate' : 'appended'
}

test('a ring that grew to thousands tells all of them', () => {
  const store = new ExemplarStore(100_000, new Registry())
  for (let i = 0; i < 10_000; i++) {
    store.add(names[i % 4]!, { t: i, v: 1, labels: ['id', String(i)], timed: true })
  }
  const found = store.select([[]], always)
  expect(found.flatMap(({ exemplars }) => exemplars.map(({ t }) => t)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10_000 }, (_, i) => i),
  )
  expect(store.resize(5)).toBe(5)
  expect(store.select([[]], { minT: 9_999, maxT: 9_999 })).toEqual([
    { labels: names[3], exemplars: [{ t: 9_999, v: 1, labels: ['id', '9999'], timed: true }] },
  ])
})
