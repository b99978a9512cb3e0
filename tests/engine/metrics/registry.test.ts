import { describe, expect, test } from 'vitest'
import { TextCursor } from '../../../src/engine/exposition/text.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'

/** What a scrape of the registry reads: `name{labels}` with the labels' pairs in order, and the value. */
function scraped(registry: Registry): [string, number][] {
  const cursor = new TextCursor(new TextEncoder().encode(registry.text()))
  const samples: [string, number][] = []
  for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
    if (entry === 'series')
      samples.push([JSON.stringify(cursor.labels().map(([, value]) => value)), cursor.value])
  }
  return samples
}

test('the text is sorted by name, with HELP and TYPE in front', () => {
  const registry = new Registry()
  registry.gauge('b', 'Later.').set(2)
  registry.counter('a_total', 'First.').inc()
  registry.computed('c', 'Asked for.', 'gauge', () => 3)
  expect(registry.text()).toBe(
    '# HELP a_total First.\n# TYPE a_total counter\na_total 1\n' +
      '# HELP b Later.\n# TYPE b gauge\nb 2\n' +
      '# HELP c Asked for.\n# TYPE c gauge\nc 3\n',
  )
})

test('without labels a metric is there from the start, with labels from its first use', () => {
  const registry = new Registry()
  registry.counter('a', '')
  const b = registry.counter('b', '', ['x', 'y'])
  expect(scraped(registry)).toEqual([['["a"]', 0]])
  b.with('1', '2').inc(5)
  b.with('1', '2').inc()
  b.with('1', '3').inc()
  expect(scraped(registry)).toEqual([
    ['["a"]', 0],
    ['["b","1","2"]', 6],
    ['["b","1","3"]', 1],
  ])
})

test('the same name is the same metric', () => {
  const registry = new Registry()
  registry.counter('a', '').inc()
  registry.counter('a', '').inc()
  expect(registry.counter('a', '').value).toBe(2)
})

test('a summary has its sum and its count', () => {
  const registry = new Registry()
  const seconds = registry.summary('s', '', ['x'])
  seconds.with('1').observe(0.5)
  seconds.with('1').observe(0.25)
  expect(scraped(registry)).toEqual([
    ['["s_sum","1"]', 0.75],
    ['["s_count","1"]', 2],
  ])
})

test('the wrong number of label values is a mistake of ours', () => {
  expect(() => new Registry().counter('a', '', ['x']).with('1', '2')).toThrow('BUG: a has 1 labels, not 2')
})

describe('every value and label comes back from a scrape', () => {
  const values = [0, -1.5, 1e21, 1e-9, Infinity, -Infinity, NaN, 0.1 + 0.2, 2 ** 53]
  test.each(values)('%d', value => {
    const registry = new Registry()
    registry.gauge('a', 'h').set(value)
    expect(scraped(registry)).toEqual([['["a"]', value]])
  })

  test.each(['', ' ', '"', '\\', '\n', '\\n', 'é🚀', '}', ','])('%j', label => {
    const registry = new Registry()
    registry.gauge('a', 'h', ['x']).with(label).set(1)
    expect(scraped(registry)).toEqual([[JSON.stringify(['a', label]), 1]])
  })
})
