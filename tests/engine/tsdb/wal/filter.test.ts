import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { ByteReader } from '../../../../src/engine/bytes/reader.ts'
import { EntryCursor } from '../../../../src/engine/tsdb/wal/entries.ts'
import { CheckpointFilter } from '../../../../src/engine/tsdb/wal/filter.ts'
import { encodeMetadata, encodeSeries, encodeTombstones } from '../../../../src/engine/tsdb/wal/records.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { bytesOf, upstream } from './upstream.ts'

const even = (ref: number) => ref % 2 === 0
const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex')

interface Entry {
  readonly ref: number
  readonly t: number
  readonly st: number
  readonly value: string
}

/** The entries of a record that have a time. */
function entriesOf(record: Uint8Array): Entry[] {
  const r = new ByteReader(record)
  const cursor = new EntryCursor(r, r.u8())
  const all: Entry[] = []
  while (cursor.next()) {
    const { ref, t, st, from, to } = cursor
    all.push({ ref, t, st, value: hex(record.subarray(from, to)) ?? '' })
  }
  return all
}

const timed = [
  ['exemplars', upstream.exemplars],
  ['histograms', upstream.histograms],
  ['float histograms', upstream.floatHistograms],
  ['histograms with custom buckets', upstream.customHistograms],
  ['float histograms with custom buckets', upstream.customFloatHistograms],
  ['samples with start times', upstream.samplesWithStart],
  ['histograms with start times', upstream.histogramsWithStart],
  ['float histograms with start times', upstream.floatHistogramsWithStart],
] as const

describe.each(timed)('of %s', (_, text) => {
  const record = bytesOf(text)
  const all = entriesOf(record)

  test('those from minT on are kept, whatever their series; nothing else of them changes', () => {
    for (const { t } of all) {
      for (const minT of [t, t + 1]) {
        const kept = new CheckpointFilter(minT, () => false).filter(record)
        const expected = all.filter(one => one.t >= minT)
        expect(kept ? entriesOf(kept) : [], `from ${minT}`).toEqual(expected)
        expect(kept === null || kept[0] === record[0]).toBe(true)
      }
    }
  })

  test('the record is passed on as it is when nothing of it is too old', () => {
    expect(new CheckpointFilter(0, even).filter(record)).toBe(record)
  })
})

test('samples are dropped one by one', () => {
  const record = bytesOf(
    '02 0000000000000007 00000000000003e8 00 00 3ff0000000000000 03 1e 7ff0000000000002 02 01 4000000000000000',
  )
  const told: number[][] = []
  const visitor = {
    series: () => undefined,
    sample: (...sample: number[]) => told.push(sample),
    skipped: () => undefined,
  }
  visitRecord(new CheckpointFilter(1000, even).filter(record) as Uint8Array, visitor)
  expect(told).toEqual([
    [7, 1000, 0x3ff00000, 0],
    [5, 1015, 0x7ff00000, 2],
  ])
  expect(new CheckpointFilter(1016, even).filter(record)).toBeNull()
})

test('any entries with start times come back after others were dropped', () => {
  const times = fc.array(fc.tuple(fc.nat(1000), fc.nat(100), fc.constantFrom(0, 0, 5, 5, 80)), {
    minLength: 1,
  })
  fc.assert(
    fc.property(times, fc.nat(100), (rows, minT) => {
      // Written by hand: start times that repeat, change and are missing.
      const record = withStarts(rows)
      const kept = new CheckpointFilter(minT, even).filter(record)
      const expected = rows
        .filter(([, t]) => t >= minT)
        .map(([ref, t, st]) => ({ ref, t, st, value: '3ff0000000000000' }))
      expect(kept ? entriesOf(kept) : []).toEqual(expected)
    }),
  )
})

test('series are kept as their references say', () => {
  const series = [1, 2, 3, 4].map(ref => ({ ref, labels: ['a', 'x'.repeat(ref)] }))
  const filter = new CheckpointFilter(0, even)
  expect(filter.filter(encodeSeries(series))).toEqual(encodeSeries(series.filter(({ ref }) => even(ref))))
  expect(filter.filter(encodeSeries(series.slice(0, 1)))).toBeNull()
})

test('tombstones are kept when they reach minT and their series is kept', () => {
  const filter = new CheckpointFilter(100, even)
  const stones = [
    { ref: 2, minT: 0, maxT: 99 },
    { ref: 2, minT: 0, maxT: 100 },
    { ref: 3, minT: 0, maxT: 200 },
    { ref: 4, minT: -Infinity, maxT: Infinity },
  ]
  expect(filter.filter(encodeTombstones(stones))).toEqual(encodeTombstones([stones[1]!, stones[3]!]))
  expect(filter.filter(encodeTombstones([stones[2]!]))).toBeNull()
})

test('of metadata the latest of each series is kept, and comes last', () => {
  const filter = new CheckpointFilter(0, even)
  const about = (ref: number, help: string) => ({
    ref,
    metadata: { type: 'gauge', unit: '', help } as const,
  })
  expect(filter.filter(encodeMetadata([about(2, 'old'), about(3, 'gone'), about(4, 'only')]))).toBeNull()
  expect(filter.filter(encodeMetadata([about(2, 'new')]))).toBeNull()
  expect([...filter.metadata()]).toEqual([encodeMetadata([about(2, 'new'), about(4, 'only')])])
  expect([...new CheckpointFilter(0, even).metadata()]).toEqual([])
})

test('much metadata is spread over records', () => {
  const filter = new CheckpointFilter(0, () => true)
  const help = 'h'.repeat(1000)
  for (let ref = 0; ref < 3000; ref++) {
    filter.filter(encodeMetadata([{ ref, metadata: { type: 'gauge', unit: '', help } }]))
  }
  const records = [...filter.metadata()]
  const refs: number[] = []
  for (const record of records) {
    visitRecord(record, {
      series: () => undefined,
      sample: () => undefined,
      metadata: ref => refs.push(ref),
      skipped: () => undefined,
    })
  }
  expect(records).toHaveLength(3)
  expect(refs).toEqual(Array.from({ length: 3000 }, (_, i) => i))
})

test('records of types that nobody knows are left out, and counted', () => {
  const filter = new CheckpointFilter(0, even)
  for (const type of [5, 14, 14]) expect(filter.filter(Uint8Array.of(type, 1))).toBeNull()
  expect(filter.filter(new Uint8Array(0))).toBeNull()
  expect([...filter.unknown]).toEqual([
    [5, 1],
    [14, 2],
    [0, 1],
  ])
})

/** A record of type 11 with the value 1 everywhere, every start time told as a difference. */
function withStarts(rows: readonly (readonly [number, number, number])[]): Uint8Array {
  const out: number[] = [11]
  const varint = (value: number) => {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80)
    out.push(rest)
  }
  const [firstRef, firstT, firstSt] = rows[0]!
  let previous = firstRef
  rows.forEach(([ref, t, st], i) => {
    if (i === 0) for (const value of [firstRef, firstT, firstSt]) varint(value)
    else {
      varint(ref - previous)
      varint(t - firstT)
      out.push(2)
      varint(st - firstSt)
    }
    previous = ref
    out.push(0x3f, 0xf0, 0, 0, 0, 0, 0, 0)
  })
  return Uint8Array.from(out)
}
