import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { GroupedRecords } from '../../../../src/engine/tsdb/wal/grouped.ts'
import { encodeSamples, encodeTombstones } from '../../../../src/engine/tsdb/wal/records.ts'
import { bytesOf, upstream } from './upstream.ts'

type Told = { ref: number; t: number; high: number; low: number } | { deleted: number }

interface Sink {
  readonly grouped: GroupedRecords
  readonly told: Told[]
}

function sink(): Sink {
  const told: Told[] = []
  const grouped = new GroupedRecords({
    series: () => undefined,
    sample: (ref, t, high, low) => told.push({ ref, t, high, low }),
    tombstone: ref => told.push({ deleted: ref }),
    skipped: () => undefined,
  })
  return { grouped, told }
}

/** One sample of each series at `t`. */
function scrape(t: number, refs: readonly number[]): Uint8Array {
  const columns = new SampleColumns()
  for (const ref of refs) columns.add(t, ref | 0, ~t)
  return encodeSamples(Float64Array.from(refs), columns)
}

const refsFrom = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

/** What is told of `scrapes` times `refs` when nothing changes places. */
function plain(scrapes: number, refs: readonly number[]): Told[] {
  return Array.from({ length: scrapes }, (_, t) =>
    refs.map(ref => ({ ref, t, high: ref | 0, low: ~t })),
  ).flat()
}

/** How often the next sample is of another series. */
function changes(told: readonly Told[]): number {
  const refs = told.map(each => ('ref' in each ? each.ref : -1))
  return refs.filter((ref, i) => i > 0 && ref !== refs[i - 1]).length
}

describe('many samples', () => {
  test.each([
    ['in order', refsFrom(1, 1000)],
    ['in any order', refsFrom(1, 1000).toSorted((a, b) => Math.sin(a) - Math.sin(b))],
    ['of large numbers', refsFrom(2 ** 45, 1000)],
  ])('of series %s are told series by series, each in order', (_, refs) => {
    const { grouped, told } = sink()
    for (let t = 0; t < 40; t++) grouped.take(scrape(t, refs))
    grouped.release()
    const bySeries = plain(40, refs).toSorted((a, b) => ('ref' in a && 'ref' in b ? a.ref - b.ref : 0))
    expect(told).toEqual(bySeries)
    expect(changes(told)).toBe(999)
  })

  test('are told before too many are held, all of them', () => {
    const { grouped, told } = sink()
    const refs = refsFrom(1, 5000)
    for (let t = 0; t < 60; t++) grouped.take(scrape(t, refs))
    expect(told.length).toBeGreaterThan(250_000)
    grouped.release()
    expect(told).toHaveLength(300_000)
    expect(changes(told)).toBeLessThan(20_000)
    for (const ref of [1, 2500, 5000]) {
      const times = told.flatMap(each => ('ref' in each && each.ref === ref ? [each.t] : []))
      expect(times).toEqual(refsFrom(0, 60))
    }
  })

  test.each([
    ['few', 4, refsFrom(1, 100)],
    ['of series whose numbers are far apart', 50, refsFrom(1, 100).map(ref => ref * 1e9)],
  ])('%s are told as they came', (_, scrapes, refs) => {
    const { grouped, told } = sink()
    for (let t = 0; t < scrapes; t++) grouped.take(scrape(t, refs))
    expect(told).toEqual([])
    grouped.release()
    expect(told).toEqual(plain(scrapes, refs))
  })
})

test('samples with start times are held, too', () => {
  const { grouped, told } = sink()
  grouped.take(bytesOf(upstream.samplesWithStart))
  expect(told).toEqual([])
  grouped.release()
  expect(told.map(each => ('ref' in each ? each.ref : -1))).toEqual([7, 9, 8, 300])
})

test('other records keep their place among samples', () => {
  const { grouped, told } = sink()
  const refs = refsFrom(1, 200)
  for (let t = 0; t < 60; t++) {
    grouped.take(scrape(t, refs))
    if (t === 29) grouped.take(encodeTombstones([{ ref: 7, minT: 0, maxT: 29 }]))
  }
  grouped.release()
  const place = told.findIndex(each => 'deleted' in each)
  expect(place).toBe(30 * 200)
  for (const [i, each] of told.entries()) {
    if ('t' in each) expect(each.t < 30).toBe(i < place)
  }
})

test('what is in front of a damage is told', () => {
  const { grouped, told } = sink()
  const record = scrape(3, [1, 2, 3])
  expect(() => grouped.take(record.subarray(0, record.length - 1))).toThrow(CorruptionError)
  grouped.release()
  expect(told.map(each => ('ref' in each ? each.ref : -1))).toEqual([1, 2])
})

test('nothing is told twice', () => {
  const { grouped, told } = sink()
  grouped.take(scrape(1, [1]))
  grouped.release()
  grouped.release()
  expect(told).toHaveLength(1)
})
