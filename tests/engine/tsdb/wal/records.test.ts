import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { labelsFrom, type Labels } from '../../../../src/engine/model/labels.ts'
import { encodeSamples, encodeSeries, visitRecord } from '../../../../src/engine/tsdb/wal/records.ts'

type Told = ['series', number, Labels] | ['sample', number, number, number, number] | ['skipped', number]

function told(record: Uint8Array): Told[] {
  const all: Told[] = []
  visitRecord(record, {
    series: (ref, labels) => all.push(['series', ref, labels]),
    sample: (ref, t, high, low) => all.push(['sample', ref, t, high, low]),
    skipped: type => all.push(['skipped', type]),
  })
  return all
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replace(/ /g, ''), 'hex'))

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
      hex(bytes('01 0000000000000102 02 08 5f5f6e616d655f5f 02 7570 03 6a6f62 02 c3a4')),
    )
  })

  test('samples: the first in front, then all of them as differences to it', () => {
    const record = samplesOf([
      [7, 1000, 0x3ff00000, 0],
      [5, 1015, 0x7ff00000, 2],
    ])
    expect(hex(record)).toBe(
      hex(bytes('02 0000000000000007 00000000000003e8 00 00 3ff0000000000000 03 1e 7ff0000000000002')),
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

test.each([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255])('type %i is skipped', type => {
  expect(told(Uint8Array.of(type, 1, 2, 3))).toEqual([['skipped', type]])
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
  ])('%s', (_, record) => {
    expect(() => told(bytes(record))).toThrow(CorruptionError)
  })

  test('any bytes, or understands them', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 100 }), (type, rest) => {
        try {
          told(Uint8Array.of(type, ...rest))
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptionError)
        }
      }),
    )
  })
})
