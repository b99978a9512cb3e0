import { expect, test } from 'vitest'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import type { Exemplar } from '../../../../src/engine/model/exemplar.ts'
import { formatLabels } from '../../../../src/engine/model/labels.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { ExemplarStore } from '../../../../src/engine/tsdb/exemplars/exemplars.ts'
import { always, series } from '../store.ts'

const visits = series('visits_total')
const errors = series('errors_total', { code: '500' })

function exemplar(t: number, v: number, id = 'a'): Exemplar {
  return { t, v, labels: ['trace_id', id], timed: true }
}

function store(capacity: number, windowMs = 0) {
  const metrics = new Registry()
  const store = new ExemplarStore(capacity, metrics)
  store.setWindow(windowMs)
  return { store, metrics }
}

/** `visits_total 1:2 3:4`: series and their exemplars, each as its time and value. */
function shown(store: ExemplarStore, ...matchers: Parameters<typeof matcher>[]): string[] {
  const found = store.select([matchers.map(args => matcher(...args))], always)
  return found.map(({ labels, exemplars }) =>
    [formatLabels(labels), ...exemplars.map(({ t, v }) => `${t}:${v}`)].join(' '),
  )
}

test('exemplars are kept by series, in time order, series in label order', () => {
  const { store: exemplars } = store(10)
  expect(exemplars.add(visits, exemplar(1, 5))).toBe('appended')
  expect(exemplars.add(errors, exemplar(2, 6))).toBe('appended')
  expect(exemplars.add(visits, exemplar(3, 7))).toBe('appended')
  expect(shown(exemplars)).toEqual(['errors_total{code="500"} 2:6', 'visits_total 1:5 3:7'])
  expect(exemplars.select([[]], { minT: 3, maxT: 3 })).toEqual([
    { labels: visits, exemplars: [exemplar(3, 7)] },
  ])
})

test('a series is found when one of the sets of matchers matches, and by none without any', () => {
  const { store: exemplars } = store(10)
  exemplars.add(visits, exemplar(1, 5))
  exemplars.add(errors, exemplar(2, 6))
  const byName = matcher('__name__', '=', 'visits_total')
  const byCode = matcher('code', '=~', '5..')
  expect(exemplars.select([[byName], [byCode]], always)).toHaveLength(2)
  expect(exemplars.select([[byName, byCode]], always)).toEqual([])
  expect(exemplars.select([], always)).toEqual([])
  expect(shown(exemplars, ['code', '=', ''])).toEqual(['visits_total 1:5'])
})

test.each<[string, Exemplar, string]>([
  ['the newest again is a duplicate', exemplar(10, 5, 'b'), 'duplicate'],
  ['without a time of its own, the same observation is a duplicate', untimed(20, 5, 'b'), 'duplicate'],
  ['with a time of its own it is another', exemplar(20, 5, 'b'), 'appended'],
  ['an older one is out of order', exemplar(9, 6), 'outOfOrder'],
  ['at the same time a larger value is taken', exemplar(10, 6, 'a'), 'appended'],
  ['at the same time a smaller value is out of order', exemplar(10, 4, 'c'), 'outOfOrder'],
  ['at the same time and value, later labels are taken', exemplar(10, 5, 'c'), 'appended'],
  ['at the same time and value, earlier labels are out of order', exemplar(10, 5, 'a'), 'outOfOrder'],
  ['128 characters of labels are taken', exemplar(11, 5, 'é'.repeat(120)), 'appended'],
  ['128 characters of two UTF-16 units each are taken', exemplar(11, 5, '🦊'.repeat(120)), 'appended'],
  ['129 are too long', exemplar(11, 5, 'é'.repeat(121)), 'tooLong'],
  ['a megabyte is too long', exemplar(11, 5, 'x'.repeat(1_000_000)), 'tooLong'],
  ['too long goes before duplicate', { t: 10, v: 5, labels: ['a', 'x'.repeat(128)] }, 'tooLong'],
])('%s', (_, next, result) => {
  const { store: exemplars, metrics } = store(10)
  exemplars.add(visits, { ...untimed(10, 5, 'b') })
  expect(exemplars.check(visits, next)).toBe(result)
  expect(metrics.text()).toContain('out_of_order_exemplars_total 0\n')
  expect(exemplars.add(visits, next)).toBe(result)
  expect(exemplars.count).toBe(result === 'appended' ? 2 : 1)
  expect(metrics.text()).toContain(`out_of_order_exemplars_total ${result === 'outOfOrder' ? 1 : 0}\n`)
})

function untimed(t: number, v: number, id: string): Exemplar {
  return { t, v, labels: ['trace_id', id] }
}

test('within the out-of-order window late ones find their place, one for each time', () => {
  const { store: exemplars } = store(10, 100)
  for (const t of [1000, 950]) expect(exemplars.add(visits, exemplar(t, t))).toBe('appended')
  expect(exemplars.add(visits, exemplar(980, 980))).toBe('appended')
  expect(exemplars.add(visits, exemplar(980, 1))).toBe('duplicate')
  expect(exemplars.add(visits, exemplar(900, 900))).toBe('outOfOrder')
  expect(exemplars.add(visits, exemplar(901, 901))).toBe('appended')
  expect(shown(exemplars)).toEqual(['visits_total 901:901 950:950 980:980 1000:1000'])
})

test('when there is no more room, the one that came first goes', () => {
  const { store: exemplars, metrics } = store(3, 100)
  exemplars.add(visits, exemplar(20, 1))
  exemplars.add(errors, exemplar(5, 2))
  exemplars.add(visits, exemplar(10, 3))
  exemplars.add(visits, exemplar(30, 4))
  expect(shown(exemplars)).toEqual(['errors_total{code="500"} 5:2', 'visits_total 10:3 30:4'])
  exemplars.add(visits, exemplar(40, 5))
  expect(shown(exemplars)).toEqual(['visits_total 10:3 30:4 40:5'])
  expect(metrics.text()).toMatch(/exemplars_in_storage 3\n/)
  expect(metrics.text()).toMatch(/series_with_exemplars_in_storage 1\n/)
  expect(metrics.text()).toMatch(/last_exemplars_timestamp_seconds 0.01\n/)
  expect(metrics.text()).toMatch(/exemplars_appended_total 5\n/)
})

test('a series whose only exemplar makes room for its next one keeps that', () => {
  const { store: exemplars } = store(1)
  for (const t of [1, 2, 3]) expect(exemplars.add(visits, exemplar(t, t))).toBe('appended')
  expect(shown(exemplars)).toEqual(['visits_total 3:3'])
  expect(exemplars.seriesCount).toBe(1)
})

test('a store for none is disabled until it is given room', () => {
  const { store: exemplars, metrics } = store(0)
  expect(exemplars.check(visits, exemplar(1, 1))).toBe('disabled')
  expect(exemplars.add(visits, exemplar(1, 1))).toBe('disabled')
  expect(exemplars.select([[]], always)).toEqual([])
  exemplars.resize(2)
  expect(exemplars.add(visits, exemplar(1, 1))).toBe('appended')
  expect(metrics.text()).toMatch(/max_exemplars 2\n/)
  exemplars.resize(0)
  expect(exemplars.add(visits, exemplar(2, 1))).toBe('disabled')
  expect(exemplars.count + exemplars.seriesCount).toBe(0)
})

test('a NaN is never a duplicate, as it is equal to nothing', () => {
  const { store: exemplars } = store(10)
  for (let i = 0; i < 2; i++) expect(exemplars.add(visits, exemplar(1, NaN))).toBe('appended')
  expect(shown(exemplars)).toEqual(['visits_total 1:NaN 1:NaN'])
})
