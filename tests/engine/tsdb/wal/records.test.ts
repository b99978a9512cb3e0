import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { labelsFrom, type Labels } from '../../../../src/engine/model/labels.ts'
import { metricTypes, type Metadata } from '../../../../src/engine/model/metadata.ts'
import {
  encodeExemplars,
  encodeMarkers,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  type RecordVisitor,
} from '../../../../src/engine/tsdb/wal/records.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { bytesOf, upstream } from './upstream.ts'

type Told =
  | ['series', number, Labels]
  | ['sample', number, number, number, number]
  | ['tombstone', number, number, number]
  | ['exemplar', number, number, number, Labels]
  | ['metadata', number, Metadata]
  | ['marker', number, number]
  | ['skipped', number]

function told(record: Uint8Array): Told[] {
  const all: Told[] = []
  visitRecord(record, {
    series: (ref, labels) => all.push(['series', ref, labels]),
    sample: (ref, t, high, low) => all.push(['sample', ref, t, high, low]),
    tombstone: (ref, minT, maxT) => all.push(['tombstone', ref, minT, maxT]),
    exemplar: (ref, t, v, labels) => all.push(['exemplar', ref, t, v, labels]),
    metadata: (ref, metadata) => all.push(['metadata', ref, metadata]),
    marker: (ref, chunkRef) => all.push(['marker', ref, chunkRef]),
    skipped: type => all.push(['skipped', type]),
  })
  return all
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function samplesOf(rows: readonly (readonly [number, number, number, number])[]): Uint8Array {
  const samples = new SampleColumns()
  for (const [, t, high, low] of rows) samples.add(t, high, low)
  return encodeSamples(
    Float64Array.from(rows, ([ref]) => ref),
    samples,
  )
}

describe('the bytes of the specification', () => {
  test('series: reference, number of labels, names and values', () => {
    const record = encodeSeries([{ ref: 258, labels: ['__name__', 'up', 'job', 'ä'] }])
    expect(hex(record)).toBe(
      hex(bytesOf('01 0000000000000102 02 08 5f5f6e616d655f5f 02 7570 03 6a6f62 02 c3a4')),
    )
  })

  test('samples: the first in front, then all of them as differences to it', () => {
    const record = samplesOf([
      [7, 1000, 0x3ff00000, 0],
      [5, 1015, 0x7ff00000, 2],
    ])
    expect(hex(record)).toBe(
      hex(bytesOf('02 0000000000000007 00000000000003e8 00 00 3ff0000000000000 03 1e 7ff0000000000002')),
    )
  })
})

test('series come back', () => {
  const labels = fc
    .array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: 'grapheme' })), {
      maxLength: 5,
    })
    .map(pairs => labelsFrom(pairs.map(([name, value]) => [name.replaceAll(/[\ud800-\udfff]/g, ''), value])))
  fc.assert(
    fc.property(fc.array(fc.record({ ref: fc.maxSafeNat(), labels })), all => {
      expect(told(encodeSeries(all))).toEqual(all.map(one => ['series', one.ref, one.labels]))
    }),
  )
})

test('samples come back, bit for bit', () => {
  const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 })
  const row = fc.tuple(fc.nat(2 ** 40), time, fc.integer(), fc.integer())
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), rows => {
      expect(told(samplesOf(rows))).toEqual(rows.map(one => ['sample', ...one]))
    }),
  )
})

test('labels out of order, or empty, are put right', () => {
  const record = encodeSeries([{ ref: 1, labels: ['b', '2', 'a', '1', 'c', ''] }])
  expect(told(record)).toEqual([['series', 1, ['a', '1', 'b', '2']]])
})

describe('records that upstream wrote', () => {
  test('tombstones, one of them for all time', () => {
    expect(told(bytesOf(upstream.tombstones))).toEqual([
      ['tombstone', 3, -5, 100],
      ['tombstone', 3, 200, 300],
      ['tombstone', 9, -Infinity, Infinity],
    ])
  })

  test('exemplars', () => {
    expect(told(bytesOf(upstream.exemplars))).toEqual([
      ['exemplar', 7, 1000, 1.5, ['trace_id', 'abc']],
      ['exemplar', 5, 990, 2, ['a', '1', 'b', 'ü']],
    ])
  })

  test('metadata', () => {
    expect(told(bytesOf(upstream.metadata))).toEqual([
      ['metadata', 300, { type: 'counter', unit: 'seconds', help: 'Zeit ü.' }],
      ['metadata', 2, { type: 'unknown', unit: '', help: '' }],
    ])
  })

  test('samples with start times, which are passed over', () => {
    expect(told(bytesOf(upstream.samplesWithStart))).toEqual([
      ['sample', 7, 1000, 0x3ff80000, 0],
      ['sample', 9, 1000, 0x7ff00000, 0],
      ['sample', 8, 1015, 0xbfd00000 | 0, 0],
      ['sample', 300, 985, 0x40080000, 0],
    ])
  })

  test('markers of chunks on disk', () => {
    expect(told(bytesOf(upstream.mmapMarkers))).toEqual([['marker', 1, 77]])
  })

  test('come out of our encoders, too', () => {
    const forever = { minT: -Infinity, maxT: Infinity }
    const stones = [
      { ref: 3, minT: -5, maxT: 100 },
      { ref: 3, minT: 200, maxT: 300 },
      { ref: 9, ...forever },
    ]
    expect(encodeTombstones(stones)).toEqual(bytesOf(upstream.tombstones))
    const exemplars = [
      { ref: 7, t: 1000, v: 1.5, labels: ['trace_id', 'abc'] },
      { ref: 5, t: 990, v: 2, labels: ['a', '1', 'b', 'ü'] },
    ]
    expect(encodeExemplars(exemplars)).toEqual(bytesOf(upstream.exemplars))
    const metadata = [
      { ref: 300, metadata: { type: 'counter', unit: 'seconds', help: 'Zeit ü.' } as const },
      { ref: 2, metadata: { type: 'unknown', unit: '', help: '' } as const },
    ]
    expect(encodeMetadata(metadata)).toEqual(bytesOf(upstream.metadata))
    expect(encodeMarkers([{ ref: 1, chunkRef: 77 }])).toEqual(bytesOf(upstream.mmapMarkers))
  })
})

test('metadata of every type comes back; a type and fields that nobody knows are passed over', () => {
  const all = metricTypes.map((type, ref) => ({ ref, metadata: { type, unit: type, help: '' } }))
  expect(told(encodeMetadata(all))).toEqual(all.map(({ ref, metadata }) => ['metadata', ref, metadata]))
  const newer = bytesOf('06 07 63 02 01 58 01 79  04 48454c50 01 68')
  expect(told(newer)).toEqual([['metadata', 7, { type: 'unknown', unit: '', help: 'h' }]])
})

test('tombstones and exemplars come back', () => {
  const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 })
  const end = fc.oneof(time, fc.constantFrom(-Infinity, Infinity))
  const stone = fc.record({ ref: fc.nat(2 ** 40), minT: end, maxT: end })
  fc.assert(
    fc.property(fc.array(stone), stones => {
      expect(told(encodeTombstones(stones))).toEqual(
        stones.map(({ ref, minT, maxT }) => ['tombstone', ref, minT, maxT]),
      )
    }),
  )
  const exemplar = fc.record({ ref: fc.nat(2 ** 40), t: time, v: fc.double() })
  fc.assert(
    fc.property(fc.array(exemplar, { minLength: 1 }), all => {
      const labelled = all.map(one => ({ ...one, labels: ['trace', String(one.ref)] }))
      expect(told(encodeExemplars(labelled))).toEqual(
        labelled.map(({ ref, t, v, labels }) => ['exemplar', ref, t, v, labels]),
      )
    }),
  )
})

test.each([0, 14, 255])('type %i is skipped', type => {
  expect(told(Uint8Array.of(type, 1, 2, 3))).toEqual([['skipped', type]])
})

describe('a visitor that wants series and samples only', () => {
  const skipped: number[] = []
  const visitor: RecordVisitor = {
    series: () => undefined,
    sample: () => undefined,
    skipped: type => skipped.push(type),
  }

  test('is told once of each record that it misses', () => {
    for (const record of Object.values(upstream)) visitRecord(bytesOf(record), visitor)
    expect(skipped).toEqual([3, 4, 6, 5, 7, 8, 9, 10, 12, 13])
  })

  test('finds the damage in these all the same', () => {
    for (const record of Object.values(upstream)) {
      const cut = bytesOf(record).slice(0, -1)
      expect(() => visitRecord(cut, visitor), record).toThrow(CorruptionError)
    }
  })
})

test('an empty record is skipped', () => {
  expect(told(new Uint8Array(0))).toEqual([['skipped', 0]])
})

describe('refuses', () => {
  test.each([
    ['series without labels', '01 0000000000000001'],
    ['a reference beyond 2^53', '01 0020000000000001 00'],
    ['more labels than bytes', '01 0000000000000001 ffffff7f 01 61 01 62'],
    ['a label that is cut', '01 0000000000000001 01 01 61 05 62'],
    ['samples without a base', '02 00000000'],
    ['a sample that is cut', '02 0000000000000007 00000000000003e8 00 00 3ff00000'],
    ['a tombstone without an end', '03 0000000000000003 09'],
    ['a varint that does not end', '03 0000000000000003 09 ffffffffffffffffffffff'],
    ['an exemplar without labels', '04 0000000000000007 00000000000003e8 00 00 3ff8000000000000'],
    ['metadata with fewer fields than it says', '06 07 01 02 04 554e4954 01 73'],
    ['a marker without a chunk', '05 0000000000000003 00'],
    ['more spans than bytes', '07 0000000000000003 00000000000007d0 00 00 02 06 3f50624dd2f1a9fc 02 0c'],
    ['a sample without its start time', '0b 0e d00f 880e 3ff8000000000000 04 00'],
  ])('%s', (_, record) => {
    expect(() => told(bytesOf(record))).toThrow(CorruptionError)
  })

  test('any bytes, or understands them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 13 }), fc.uint8Array({ maxLength: 100 }), (type, rest) => {
        try {
          told(Uint8Array.of(type, ...rest))
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptionError)
        }
      }),
    )
  })
})
