import { expect, test } from 'vitest'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { Registry } from '../../../../src/engine/metrics/registry.ts'
import { OutOfOrder } from '../../../../src/engine/tsdb/outoforder/outoforder.ts'
import { OutOfOrderReplay } from '../../../../src/engine/tsdb/outoforder/replay.ts'
import { encodeMarkers, encodeSamples } from '../../../../src/engine/tsdb/wal/records.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { series } from '../store.ts'
import { columnsOf, histogram, readAll, SeriesOnly, wordsOf } from './lateseries.ts'

function replayed() {
  const metrics = new Registry()
  const late = new OutOfOrder({ chunkRangeMs: 1000 })
  const head = new SeriesOnly(late, [{ ref: 1, labels: series('a') }])
  const replay = new OutOfOrderReplay(head, metrics)
  const texts = async () => (await readAll(late.querier(head)))['a']
  return { metrics, late, head, replay, texts }
}

test('samples of the log are taken', async () => {
  const { replay, texts } = replayed()
  for (const t of [10, 30, 20]) replay.sample(1, t, ...wordsOf(t))
  replay.histogram(1, columnsOf(35, histogram(1)), 0)
  expect(await texts()).toEqual(['10:10', '20:20', '30:30', '35:integer 1'])
})

test('a marker takes nothing away: the log has what is in its chunk', async () => {
  const { replay, texts } = replayed()
  const samples = new SampleColumns()
  samples.add(5, ...wordsOf(1))
  visitRecord(encodeSamples(Float64Array.of(1), samples), replay)
  visitRecord(encodeMarkers([{ ref: 1, chunkRef: 12_345 }]), replay)
  expect(await texts()).toEqual(['5:1'])
})

test('what belongs to no series is counted', async () => {
  const { replay, metrics, late } = replayed()
  replay.sample(7, 5, 0, 0)
  replay.sample(7, 6, 0, 0)
  replay.histogram(8, columnsOf(5, histogram(1)), 0)
  expect(late.empty).toBe(true)
  const text = metrics.text()
  const counted = (type: string) =>
    Number(new RegExp(`unknown_refs_total\\{type="${type}"\\} (\\d+)`).exec(text)?.[1])
  expect(['series', 'samples', 'histograms'].map(counted)).toEqual([2, 2, 1])
})

test('times beyond 2^52 are left out', async () => {
  const { replay, late } = replayed()
  replay.sample(1, 2 ** 52, ...wordsOf(1))
  replay.sample(1, -(2 ** 52), ...wordsOf(1))
  expect(late.empty).toBe(true)
})
