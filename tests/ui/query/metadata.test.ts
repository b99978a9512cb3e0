import { expect, test } from 'vitest'
import type { Metadata } from '../../../src/engine/model/metadata.ts'
import { metadataOf } from '../../../src/ui/query/metadata.ts'

const said = (type: Metadata['type'], help: string): Metadata => ({ type, unit: '', help })
const all = new Map([
  ['requests', [said('counter', 'Requests.')]],
  ['latency', [said('histogram', 'Latency.'), said('summary', 'Another.')]],
  ['latency_count', [said('gauge', 'Own.')]],
])

test.each([
  ['a metric', 'requests', said('counter', 'Requests.')],
  ['the samples of a counter', 'requests_total', said('counter', 'Requests.')],
  ['a histogram, of which the first word counts', 'latency', said('histogram', 'Latency.')],
  ['the buckets of a histogram, which count', 'latency_bucket', said('counter', 'Latency.')],
  ['a metric named like a part', 'latency_count', said('gauge', 'Own.')],
  ['a metric of which nothing is said', 'up', null],
])('finds what is said of %s', (_, name, expected) => {
  expect(metadataOf(name, all)).toEqual(expected)
})
