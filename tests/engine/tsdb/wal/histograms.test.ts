import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import {
  maxCount,
  resetHint,
  staleHistogram,
  type Histogram,
  type HistogramLayout,
} from '../../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { encodeHistograms } from '../../../../src/engine/tsdb/wal/histograms.ts'
import { visitRecord } from '../../../../src/engine/tsdb/wal/visit.ts'
import { bodies, bytesOf, upstream } from './upstream.ts'

interface Told {
  readonly all: { readonly ref: number; readonly t: number; readonly h: Histogram }[]
  readonly columns: HistogramColumns
  readonly skipped: number[]
}

function told(record: Uint8Array): Told {
  const found: Told = { all: [], columns: new HistogramColumns(), skipped: [] }
  visitRecord(record, {
    series: () => undefined,
    sample: () => undefined,
    skipped: type => found.skipped.push(type),
    histogram: (ref, from, i) => {
      found.all.push({ ref, t: from.t[i]!, h: from.at(i) })
      found.columns.copy(from, i)
    },
  })
  return found
}

const layout = (parts: Partial<HistogramLayout>): HistogramLayout => ({
  schema: 0,
  zeroThreshold: 0,
  positiveSpans: new Int32Array(0),
  negativeSpans: new Int32Array(0),
  bounds: new Float64Array(0),
  ...parts,
})

const exponential: Histogram = {
  layout: layout({
    schema: 3,
    zeroThreshold: 0.001,
    positiveSpans: Int32Array.of(-4, 2, 1, 2),
    negativeSpans: Int32Array.of(0, 2),
  }),
  float: false,
  hint: resetHint.notReset,
  count: 12,
  zeroCount: 2,
  sum: 18.4,
  positive: Float64Array.of(1, 2, 1, 1),
  negative: Float64Array.of(2, 3),
  stale: false,
}

const custom: Histogram = {
  layout: layout({ schema: -53, positiveSpans: Int32Array.of(0, 3), bounds: Float64Array.of(0.5, 1, 2.5) }),
  float: false,
  hint: resetHint.unknown,
  count: 6,
  zeroCount: 0,
  sum: 9,
  positive: Float64Array.of(1, 2, 3),
  negative: new Float64Array(0),
  stale: false,
}

const float = (h: Histogram): Histogram => ({ ...h, float: true })

/** A record with one histogram, in hexadecimal from behind the time on. */
const oneWith = (type: string, body: string) =>
  bytesOf(`${type} 0000000000000003 00000000000007d0 00 00 ${body}`)

function encodedOf(rows: readonly { ref: number; t: number; h: Histogram }[]): Uint8Array {
  const columns = new HistogramColumns()
  for (const { t, h } of rows) columns.push(t, h)
  const refs = Float64Array.from(rows, ({ ref }) => ref)
  return encodeHistograms(refs, columns, Int32Array.from(rows.keys()))
}

describe('records that upstream wrote', () => {
  const plain = (h: Histogram) => [
    { ref: 3, t: 2000, h },
    { ref: 4, t: 2015, h },
    { ref: 2, t: 1990, h },
  ]
  const bounded = (h: Histogram) => [
    { ref: 5, t: 2000, h },
    { ref: 6, t: 2030, h },
  ]
  test.each([
    ['histograms', plain(exponential)],
    ['floatHistograms', plain(float(exponential))],
    ['customHistograms', bounded(custom)],
    ['customFloatHistograms', bounded(float(custom))],
    ['histogramsWithStart', [...plain(exponential), ...bounded(custom)]],
    ['floatHistogramsWithStart', [...plain(float(exponential)), ...bounded(float(custom))]],
  ] as const)('%s', (name, expected) => {
    expect(told(bytesOf(upstream[name])).all).toEqual(expected)
  })

  test.each([
    ['histograms', plain(exponential)],
    ['floatHistograms', plain(float(exponential))],
    ['customHistograms', bounded(custom)],
    ['customFloatHistograms', bounded(float(custom))],
  ] as const)('%s come out of our encoder, too', (name, rows) => {
    expect(encodedOf(rows)).toEqual(bytesOf(upstream[name]))
  })
})

test('only the rows that are asked for are written, with their series', () => {
  const columns = new HistogramColumns()
  for (let i = 0; i < 5; i++) columns.push(i * 10, { ...exponential, sum: i })
  const record = encodeHistograms(Float64Array.of(7, 8, 9, 5, 6), columns, [3, 1])
  expect(told(record).all).toEqual([
    { ref: 5, t: 30, h: { ...exponential, sum: 3 } },
    { ref: 8, t: 10, h: { ...exponential, sum: 1 } },
  ])
})

describe('stale markers', () => {
  test.each([
    ['integer', false, '07', '00'.repeat(2)],
    ['float', true, '08', '00'.repeat(16)],
  ])('of %s histograms are as upstream writes them, and come back', (_, isFloat, type, counts) => {
    const marker = staleHistogram(isFloat)
    const record = encodedOf([{ ref: 3, t: 2000, h: marker }])
    expect(record).toEqual(oneWith(type, `00 00 0000000000000000 ${counts} 7ff0000000000002 00 00 00 00`))
    expect(told(record).all).toEqual([{ ref: 3, t: 2000, h: marker }])
  })

  test('have no buckets even where the record has some', () => {
    const body = bodies.histogram.replace('4032666666666666', '7ff0000000000002')
    const { all, columns } = told(oneWith('07', body))
    expect(all.map(({ h }) => h)).toEqual([{ ...staleHistogram(false), hint: resetHint.notReset }])
    expect(columns.size(0)).toBe(0)
  })
})

test('histograms of every form come back, bit for bit', () => {
  const spans = fc
    .array(fc.tuple(fc.nat(50), fc.integer({ min: 0, max: 6 })), { maxLength: 5 })
    .map(all => Int32Array.from(all.flat()))
  const count = fc.oneof(fc.nat(100), fc.nat(maxCount), fc.constant(maxCount))
  const words = fc.tuple(fc.integer(), fc.integer())
  const form = fc.record({
    ref: fc.nat(2 ** 40),
    t: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
    schema: fc.integer({ min: -9, max: 8 }),
    hint: fc.constantFrom(0, 1, 2, 3),
    threshold: fc.double({ noNaN: true }),
    start: fc.integer({ min: -1000, max: 1000 }),
    positive: spans,
    negative: spans,
    counts: fc.infiniteStream(count),
    bits: fc.infiniteStream(words),
  })
  fc.assert(
    fc.property(fc.array(form, { minLength: 1, maxLength: 8 }), fc.boolean(), (forms, isFloat) => {
      const written = new HistogramColumns()
      for (const { t, schema, hint, threshold, start, positive, negative, counts, bits } of forms) {
        const positiveSpans = positive.map((each, i) => (i === 0 ? each + start : each))
        const i = written.add(
          t,
          written.intern(
            layout({ schema, zeroThreshold: threshold, positiveSpans, negativeSpans: negative }),
          ),
        )
        written.hint[i] = hint
        written.float[i] = isFloat ? 1 : 0
        const set = (values: Float64Array, words: Int32Array, at: number) => {
          if (!isFloat) values[at] = counts.next().value
          else words.set(bits.next().value, 2 * at)
        }
        set(written.observations, written.observationBits, i)
        set(written.zeroCount, written.zeroBits, i)
        written.sumBits.set([7, 0x7ff80000], 2 * i)
        for (let k = 0; k < written.size(i); k++)
          set(written.buckets, written.bucketBits, written.offset[i]! + k)
      }
      const refs = Float64Array.from(forms, ({ ref }) => ref)
      const { all, columns, skipped } = told(encodeHistograms(refs, written, [...forms.keys()]))
      expect(all.map(({ ref }) => ref)).toEqual([...refs])
      expect(skipped).toEqual([])
      expect(bitsOf(columns)).toEqual(bitsOf(written))
    }),
  )
})

/** All that a record may say, numbers as bits. */
function bitsOf(columns: HistogramColumns): unknown[] {
  return Array.from({ length: columns.count }, (_, i) => {
    const at = columns.offset[i]! * 2
    return [
      columns.t[i],
      columns.layoutOf(i),
      columns.hint[i],
      columns.float[i],
      columns.stale[i],
      ...columns.observationBits.slice(2 * i, 2 * i + 2),
      ...columns.zeroBits.slice(2 * i, 2 * i + 2),
      ...columns.sumBits.slice(2 * i, 2 * i + 2),
      ...columns.bucketBits.slice(at, at + 2 * columns.size(i)),
    ]
  })
}

test('a record of more layouts than are kept at once comes back', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({
    ref: i,
    t: i,
    h: { ...exponential, layout: { ...exponential.layout, zeroThreshold: (i % 70) / 1000 } },
  }))
  expect(told(encodedOf(rows)).all).toEqual(rows)
})

describe('schemas', () => {
  test('that are reserved and finer than any we know come at the finest of these', () => {
    // Schema 9, buckets 1 to 4 with one observation each: two and two at schema 8.
    const body = '00 12 0000000000000000 00 04 4010000000000000 01 02 04 00 04 02 00 00 00 00'
    const [found] = told(oneWith('07', body)).all
    expect(found!.h).toEqual({
      ...exponential,
      layout: layout({ schema: 8, positiveSpans: Int32Array.of(1, 2) }),
      hint: resetHint.unknown,
      count: 4,
      zeroCount: 0,
      sum: 4,
      positive: Float64Array.of(2, 2),
      negative: new Float64Array(0),
    })
  })

  test.each([
    ['-9', '11', true],
    ['52', '68', true],
    ['-10', '13', false],
    ['53', '6a', false],
    ['-54', '6b', false],
    ['1000', 'd00f', false],
  ])('%s: the sample is kept or passed over, and what follows is read', (_, schema, kept) => {
    const odd = `00 ${schema} 0000000000000000 00 00 4010000000000000 00 00 00 00`
    const record = bytesOf(
      `07 0000000000000003 00000000000007d0 00 00 ${bodies.histogram} 00 02 ${odd} 00 04 ${bodies.histogram}`,
    )
    const { all, skipped } = told(record)
    expect(all.map(({ t }) => t)).toEqual(kept ? [2000, 2001, 2002] : [2000, 2002])
    expect(skipped).toEqual(kept ? [] : [7])
  })
})

describe('counts above the largest that we keep', () => {
  const most = '8080808080808002'
  const more = '8180808080808002'
  const beyond = 'ffffffffffffffffff01'
  const front = (zero: string, count: string) => `00 00 0000000000000000 ${zero} ${count} 4010000000000000`
  // As differences: 2^50, and then one more.
  const bucketsUpTo = (second: string) => `01 00 02 00 02 8080808080808004 ${second} 00`
  test.each([
    ['zero count', `${front(most, '00')} 00 00 00 00`, `${front(more, '00')} 00 00 00 00`],
    ['count', `${front('00', most)} 00 00 00 00`, `${front('00', beyond)} 00 00 00 00`],
    ['buckets', `${front('00', '00')} ${bucketsUpTo('00')}`, `${front('00', '00')} ${bucketsUpTo('02')}`],
    [
      'any bucket',
      `${front('00', '00')} ${bucketsUpTo('01')}`,
      `${front('00', '00')} ${bucketsUpTo(beyond)}`,
    ],
  ])('in the %s: the sample is passed over, and the log goes on', (_, good, tooLarge) => {
    const record = bytesOf(
      `07 0000000000000003 00000000000007d0 00 00 ${good} 00 02 ${tooLarge} 00 04 ${good}`,
    )
    const { all, skipped } = told(record)
    expect(all.map(({ t }) => t)).toEqual([2000, 2002])
    expect(skipped).toEqual([7])
    const { zeroCount, count, positive } = all[1]!.h
    expect(Math.max(zeroCount, count, ...positive)).toBe(maxCount)
  })
})

describe('refuses', () => {
  const front = '00 06 3f50624dd2f1a9fc 02 0c 4032666666666666'
  const customFront = '00 69 0000000000000000 00 06 4022000000000000'
  test.each([
    ['more spans than bytes', `${front} ffffff7f`],
    ['more buckets than bytes', `${front} 01 00 ffffffff0f 00 01 02 00`],
    ['a span length of ten bytes', `${front} 01 00 ffffffffffffffffff01 00 00 00`],
    ['spans that go back', `${front} 02 00 01 01 01 00 02 02 02 00`],
    ['an index beyond 32 bits', `${front} 01 feffffff0f 02 00 02 02 02 00`],
    ['fewer buckets than the spans say', `${front} 01 00 02 00 01 02 00`],
    ['more buckets than the spans say', `${front} 01 00 02 00 03 02 02 02 00`],
    ['negative buckets without spans', `${front} 00 00 00 01 02`],
    ['more bounds than bytes', `${customFront} 01 00 01 00 01 02 00 ffffff7f`],
    ['buckets without bounds', `${customFront} 01 00 02 00 02 02 02 00 00`],
    ['custom buckets below the first', `${customFront} 01 01 01 00 01 02 00 01 3fe0000000000000`],
    ['negative custom buckets', `${customFront} 00 01 00 01 00 01 02 01 3fe0000000000000`],
    ['a body that is cut', `${front} 00 00 00`],
  ])('%s', (_, body) => {
    expect(() => told(oneWith('07', body))).toThrow(CorruptionError)
  })

  test('float buckets that are not there', () => {
    const floatFront = `00 06 3f50624dd2f1a9fc ${'00'.repeat(16)} 4032666666666666`
    for (const rest of ['01 00 ffffff07 00 ffffff07', '01 00 02 00 02 3ff0000000000000 00'])
      expect(() => told(oneWith('08', `${floatFront} ${rest}`))).toThrow(CorruptionError)
  })

  test('any change of a byte, or understands it', () => {
    for (const name of [
      'histograms',
      'customHistograms',
      'floatHistograms',
      'customFloatHistograms',
    ] as const) {
      const whole = bytesOf(upstream[name])
      for (let at = 1; at < whole.length; at++) {
        for (const flip of [1, 0x80, 0xff]) {
          const record = whole.slice()
          record[at]! ^= flip
          try {
            told(record)
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptionError)
          }
        }
      }
    }
  })
})
