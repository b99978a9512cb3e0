import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../../src/engine/bytes/corruption.ts'
import { SampleColumns } from '../../../../src/engine/chunks/columns.ts'
import { encodeSeries } from '../../../../src/engine/chunks/encode.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { HistogramColumns } from '../../../../src/engine/model/histogram/columns.ts'
import { formatLabels, valueOf } from '../../../../src/engine/model/labels.ts'
import { matcher, type Matcher, type MatchType } from '../../../../src/engine/model/matcher.ts'
import type { TimeRange } from '../../../../src/engine/model/store.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { formatTombstones, Tombstones } from '../../../../src/engine/tsdb/block/tombstones.ts'
import { columnsOf, mixedEverything, mixedSeries, textOf, type Point } from '../mixed.ts'
import { always, everything, series } from '../reading.ts'
import { xor2Chunks } from '../xor2chunks.ts'
import { allSeries, chunkOf, made, madeSeries, openFiles, partsOf, shelfOf, type Made } from './blockdisk.ts'

const seconds = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => [(from + i) * 1000, from + i] as const)

/** `a="1"` or `a=~"1|2"`, several with spaces. */
function matchersOf(text: string): Matcher[] {
  return [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, name, type, value]) =>
    matcher(name!, type as MatchType, value!),
  )
}

async function opened(all: readonly Made[]) {
  const { ulid, files } = await made(all)
  return openFiles(ulid, files)
}

describe('select', () => {
  // As upstream's TestPostingsForMatchers: series without a label match whatever matches ''.
  const all = ['1 -', '1 a', '1 b', '2 -', '2.5 -'].map((text): Made => {
    const [n, i] = text.split(' ') as [string, string]
    return ['m', { n, i: i === '-' ? '' : i }, seconds(1, 3)]
  })

  test.each([
    ['', '1 - | 1 a | 1 b | 2 - | 2.5 -'],
    ['n="1"', '1 - | 1 a | 1 b'],
    ['n="1" i="a"', '1 a'],
    ['n="1" i="missing"', ''],
    ['missing=""', '1 - | 1 a | 1 b | 2 - | 2.5 -'],
    ['n!="1"', '2 - | 2.5 -'],
    ['i!=""', '1 a | 1 b'],
    ['missing!=""', ''],
    ['n="1" i!="a"', '1 - | 1 b'],
    ['n=~"1|2" i=""', '1 - | 2 -'],
    ['n=~"2.*"', '2 - | 2.5 -'],
    ['i!~"a|missing"', '1 - | 1 b | 2 - | 2.5 -'],
    ['i=~".*" n!~"2.*"', '1 - | 1 a | 1 b'],
  ])('{%s} finds %s', async (text, expected) => {
    const found: string[] = []
    for await (const batch of (await opened(all)).querier().select(matchersOf(text), always)) {
      for (let i = 0; i < batch.count; i++) {
        const labels = batch.labels(i)
        found.push(`${valueOf(labels, 'n')} ${valueOf(labels, 'i') || '-'}`)
      }
    }
    expect(found.sort()).toEqual(expected ? expected.split(' | ') : [])
  })

  test('answers like a look at every sample, whatever is asked', async () => {
    const value = fc.constantFrom('', 'a', 'b', 'ä', '東', '😀', '\uffff')
    const sample = fc.oneof(fc.double(), fc.constant('stale' as const))
    const one = fc.record({
      labels: fc.record({ x: value, y: value }),
      samples: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 60 }), sample), {
        selector: ([t]) => t,
        minLength: 1,
        maxLength: 12,
      }),
    })
    const ask = fc.record({
      name: fc.constantFrom('x', 'y', 'z'),
      type: fc.constantFrom<MatchType>('=', '!=', '=~', '!~'),
      value: fc.constantFrom('', 'a', 'a|😀', '.+', 'b.*', '東'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(one, { selector: ({ labels }) => `${labels.x} ${labels.y}`, maxLength: 8 }),
        fc.array(ask, { maxLength: 3 }),
        fc.integer({ min: -5, max: 65 }),
        fc.integer({ min: -5, max: 65 }),
        async (list, asked, minT, maxT) => {
          const all = list.map(({ labels, samples }): Made => [
            'm',
            labels,
            samples.toSorted(([a], [b]) => a - b),
          ])
          const matchers = asked.map(({ name, type, value }) => matcher(name, type, value))
          const { ulid, files } = await made(all)
          const querier = (await openFiles(ulid, files)).querier()
          const found = await everything(querier, matchers, { minT, maxT })
          expect(withoutEmpty(found)).toEqual(naive(all, matchers, { minT, maxT }))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('gives series in the order of their bytes', async () => {
    const values = ['\uffff', '😀', 'z', 'ä', 'Z']
    const block = await opened(values.map(v => ['m', { v }, seconds(1, 2)]))
    const order = Object.keys(await everything(block.querier()))
    expect(order).toEqual(['Z', 'z', 'ä', '\uffff', '😀'].map(v => formatLabels(series('m', { v }))))
  })

  test('reads neither chunks nor series outside the block', async () => {
    const { block, disk } = await watched([['m', {}, seconds(1, 500)]])
    for (const range of [
      { minT: -1000, maxT: -1 },
      { minT: 1e6, maxT: 2e6 },
    ]) {
      expect(await everything(block.querier(), [], range)).toEqual({})
      expect(await block.querier().labelNames([], range)).toEqual([])
      expect(await block.querier().labelValues('__name__', [], range)).toEqual([])
    }
    expect(disk.reads).toEqual([])
  })

  test('ends batches at a thousand series and at 4 MB of chunks', async () => {
    const noise = Array.from({ length: 400 }, (_, k) => [k * 1000 + (k % 7), Math.sin(k) * 1e9] as const)
    const many = await made(
      madeSeries(Array.from({ length: 2500 }, (_, i): Made => ['m', { i: `${i}` }, seconds(1, 3)])),
    )
    const large = await made(
      madeSeries(
        Array.from({ length: 2000 }, (_, i): Made => ['m', { i: `${i}` }, noise]),
        120,
      ),
    )
    const sizes = async ({ ulid, files }: typeof many) => {
      const counts: number[] = []
      for await (const batch of (await openFiles(ulid, files)).querier().select([], always))
        counts.push(batch.count)
      return counts
    }
    expect(await sizes(many)).toEqual([1000, 1000, 500])
    const counts = await sizes(large)
    const perSeries = large.files.get('chunks/000001')!.length / 2000
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(2000)
    expect(Math.max(...counts) * perSeries).toBeLessThan(4.3 * 2 ** 20)
    expect(counts.length).toBeLessThan(5)
  })
})

describe('label names and values', () => {
  const all: Made[] = [
    ['a', { x: '1', only: 'a' }, seconds(1, 3)],
    ['b', { x: '2' }, seconds(1, 3)],
    ['b', { x: '😀' }, seconds(1, 3)],
    ['b', { x: '\uffff' }, seconds(1, 3)],
  ]

  test('are those of all series, sorted by their bytes', async () => {
    const querier = (await opened(all)).querier()
    expect(await querier.labelNames([], always)).toEqual(['__name__', 'only', 'x'])
    expect(await querier.labelValues('x', [], always)).toEqual(['1', '2', '\uffff', '😀'])
    expect(await querier.labelValues('missing', [], always)).toEqual([])
    expect(await querier.labelValues('', [], always)).toEqual([])
  })

  test('or of those that match', async () => {
    const querier = (await opened(all)).querier()
    expect(await querier.labelNames(matchersOf('__name__="b"'), always)).toEqual(['__name__', 'x'])
    expect(await querier.labelValues('x', matchersOf('__name__="b" x!="2"'), always)).toEqual([
      '\uffff',
      '😀',
    ])
    expect(await querier.labelValues('only', matchersOf('__name__="b"'), always)).toEqual([])
  })
})

describe('label sets', () => {
  const all: Made[] = [
    ['early', {}, seconds(1, 200)],
    ['late', {}, seconds(500, 700)],
  ]

  test('are those of the series with a chunk in the range, and no chunk is read for them', async () => {
    const { block, disk } = await watched(all)
    const found = async (minT: number, maxT: number, matchers: readonly Matcher[] = []) =>
      (await block.querier().labelSets(matchers, { minT, maxT })).map(formatLabels)
    expect(await found(-Infinity, Infinity)).toEqual(['early', 'late'])
    expect(await found(0, 250_000)).toEqual(['early'])
    expect(await found(300_000, 400_000)).toEqual([])
    expect(await found(0, 700_000, matchersOf('__name__!="early"'))).toEqual(['late'])
    expect(await found(800_000, 900_000)).toEqual([])
    expect(disk.reads.filter(({ path }) => path.includes('/chunks/'))).toEqual([])
  })

  test('are without those of series that are deleted', async () => {
    const { disk, ulid, files } = await made(all)
    const { ref } = (await allSeries((await partsOf(disk, ulid)).index))[0]!
    const stones = new Map([[ref, [{ minT: 0, maxT: 300_000 }]]])
    const block = await openFiles(
      ulid,
      new Map(files).set('tombstones', formatTombstones(Tombstones.of(stones))),
    )
    const sets = await block.querier().labelSets([], always)
    expect(sets.map(formatLabels)).toEqual(['late'])
  })
})

describe('tombstones', () => {
  test.each([
    ['the middle of a chunk', [[2000, 3500]], '1000:1 4000:4 5000:5 6000:6 7000:7 8000:8 9000:9'],
    [
      'both ends of an interval',
      [
        [1000, 1000],
        [9000, 9000],
      ],
      '2000:2 3000:3 4000:4 5000:5 6000:6 7000:7 8000:8',
    ],
    ['a whole chunk', [[1000, 4000]], '5000:5 6000:6 7000:7 8000:8 9000:9'],
    [
      'over the border of chunks',
      [
        [3500, 6500],
        [0, 999],
      ],
      '1000:1 2000:2 3000:3 7000:7 8000:8 9000:9',
    ],
    ['everything', [[0, 1e6]], undefined],
  ])('take %s away, of that series alone', async (_, intervals, left) => {
    const { disk, ulid, files } = await made([
      ['m', { i: 'a' }, seconds(1, 10)],
      ['m', { i: 'b' }, seconds(1, 4)],
    ])
    const { ref } = (await allSeries((await partsOf(disk, ulid)).index))[0]!
    const stones = new Map([[ref, intervals.map(([minT, maxT]) => ({ minT: minT!, maxT: maxT! }))]])
    const block = await openFiles(
      ulid,
      new Map(files).set('tombstones', formatTombstones(Tombstones.of(stones))),
    )
    const found = await everything(block.querier())
    expect(found['m{i="a"}']).toBe(left)
    expect(found['m{i="b"}']).toBe('1000:1 2000:2 3000:3')
    await block.verify()
  })
})

describe('chunks of histograms', () => {
  const a: Point[] = [
    [1, 'int', 1],
    [2, 'int', 7],
    [3, 'float', 3],
    [4, 'frac', 4],
    [5, 'intStale', 0],
    [6, 'gauge', 2],
    [7, 'int', 9],
    [8, 'int', 4],
  ]
  const all = { a, b: a.slice(2, 3) }
  const openMixed = async () => {
    const { ulid, files } = await made(mixedSeries(all))
    return openFiles(ulid, files)
  }

  test('are found beside those of floats, in the range that is asked for', async () => {
    const block = await openMixed()
    expect(await mixedEverything(block.querier())).toEqual({ a: textOf(a), b: textOf(all.b) })
    expect(await mixedEverything(block.querier(), { minT: 2, maxT: 5 })).toEqual({
      a: textOf(a.slice(1, 5)),
      b: textOf(all.b),
    })
    expect(block.meta.stats).toMatchObject({ numFloatSamples: 2, numHistogramSamples: 7 })
  })

  test('say of resets what is known within a chunk, and nothing of its first sample', async () => {
    const { a: found } = await mixedEverything((await openMixed()).querier(), always, 'hints')
    expect(found).toBe('1:int1? 2:int7= 3:3 4:frac4? 5:intStale? 6:gauge2 7:int9? 8:int4?')
  })

  test('are without what tombstones take away', async () => {
    const { disk, ulid, files } = await made(mixedSeries(all))
    const { ref } = (await allSeries((await partsOf(disk, ulid)).index))[0]!
    const intervals = [
      { minT: 2, maxT: 2 },
      { minT: 5, maxT: 7 },
    ]
    const stones = formatTombstones(Tombstones.of([[ref, intervals]]))
    const block = await openFiles(ulid, new Map(files).set('tombstones', stones))
    const left = a.filter(([t]) => [1, 3, 4, 8].includes(t))
    expect(await mixedEverything(block.querier())).toEqual({ a: textOf(left), b: textOf(all.b) })
  })

  test('whose times go back are damage, with the place of the chunk', async () => {
    const { floats, histograms } = columnsOf(a.slice(0, 2))
    histograms.t[1] = 0
    const [lying] = encodeSeries(floats, histograms, { samples: 9, rangeMs: Infinity })
    async function* one() {
      yield { labels: series('h'), chunks: [{ ...lying!, maxT: 5 }] }
    }
    const { ulid, files } = await made(one())
    const block = await openFiles(ulid, files)
    await expect(mixedEverything(block.querier())).rejects.toThrow(
      new CorruptionError(`${ulid}/chunks/000001: want ascending times, have 0 behind 1`, 10),
    )
  })

  test('that begin before the one in front of them ends are damage, whatever it holds', async () => {
    const [floats] = encodeSeries(columnsOf([[9, 'float', 9]]).floats, new HistogramColumns(), wide)
    const [histograms] = encodeSeries(new SampleColumns(), columnsOf(a.slice(0, 2)).histograms, wide)
    async function* one() {
      yield { labels: series('h'), chunks: [{ ...floats!, minT: 0, maxT: 0 }, histograms!] }
    }
    const { ulid, files } = await made(one())
    const block = await openFiles(ulid, files)
    await expect(mixedEverything(block.querier())).rejects.toThrow('want ascending times, have 1 behind 9')
  })

  test('of any bytes give samples, or damage with a place', async () => {
    const bytes = fc.uint8Array({ minLength: 2, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(2, 3, 4), bytes, async (encoding, bytes) => {
        const samples = (bytes[0]! << 8) | bytes[1]!
        async function* one() {
          yield { labels: series('h'), chunks: [{ minT: 0, maxT: 9, encoding, samples, bytes }] }
        }
        const { ulid, files } = await made(one())
        const block = await openFiles(ulid, files)
        await block.verify()
        for await (const batch of block.querier().select([], always)) {
          try {
            const { count, histograms } = batch.columns(0)
            expect(count + (histograms?.count ?? 0)).toBeLessThanOrEqual(samples)
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptionError)
            expect(String(error)).toMatch(
              /chunks\/000001: want .*, have .* at byte \d+|chunks\/000001: .* at byte \d+/,
            )
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

const wide = { samples: 120, rangeMs: Infinity }

test.each(xor2Chunks())(
  'a chunk of XOR2 with $name is found',
  async ({ times, minT, maxT, encoding, samples, bytes }) => {
    const chunk = { minT, maxT, encoding, samples, bytes }
    async function* one() {
      yield { labels: series('a'), chunks: [chunk] }
    }
    const { ulid, files } = await made(one(), { minT, maxT: maxT + 1 })
    const { a = '' } = await everything((await openFiles(ulid, files)).querier())
    expect(a.split(' ').map(sample => Number(sample.split(':')[0]))).toEqual(times)
  },
)

describe('chunks of an encoding that is an experiment upstream', () => {
  test('are passed over, with the series when it has no others, and let pass by the check', async () => {
    const floats = chunkOf(seconds(1, 5))
    const histogram = { ...chunkOf(seconds(10, 12)), encoding: 6, bytes: Uint8Array.of(0, 2, 9, 9, 9) }
    async function* mixed() {
      yield { labels: series('a'), chunks: [floats] }
      yield { labels: series('b'), chunks: [histogram] }
      yield { labels: series('c'), chunks: [floats, histogram] }
    }
    const { ulid, files } = await made(mixed())
    const block = await openFiles(ulid, files)
    await block.verify()
    expect(block.meta.stats).toMatchObject({ numSamples: 12, numFloatSamples: 8, numHistogramSamples: 4 })
    const samples = '1000:1 2000:2 3000:3 4000:4'
    expect(await everything(block.querier())).toEqual({ a: samples, c: samples })
  })

  test('but an unknown encoding is damage', async () => {
    async function* unknown() {
      yield { labels: series('a'), chunks: [{ ...chunkOf(seconds(1, 5)), encoding: 7 }] }
    }
    const { ulid, files } = await made(unknown())
    const block = await openFiles(ulid, files)
    const message = `${ulid}/chunks/000001: want encoding 1–6, have 7 at byte 9`
    await expect(block.verify()).rejects.toThrow(message)
    await expect(everything(block.querier())).rejects.toThrow(message)
  })
})

describe('reading', () => {
  test('opens with symbols and postings table alone, and reads what a query needs in large pieces', async () => {
    const all = Array.from({ length: 3000 }, (_, i): Made => {
      return ['m', { i: String(i).padStart(5, '0'), half: String(i % 2) }, seconds(1, 200)]
    })
    const { block, disk, openReads } = await watched(all)
    const index = block.files.find(file => file.path === 'index')!
    expect(openReads.filter(read => read.path.includes('/chunks/'))).toEqual([])
    const read = openReads.reduce((sum, one) => sum + one.to - one.from, 0)
    expect(read).toBeLessThan(index.size / 2)

    const first = matcher('i', '=', '00007')
    expect(Object.keys(await everything(block.querier(), [first]))).toHaveLength(1)
    // A list of postings and the series, the segment's header, and the chunk's slice.
    expect(disk.reads.length).toBeLessThanOrEqual(4)
    disk.reads.length = 0
    expect(Object.keys(await everything(block.querier(), [first]))).toHaveLength(1)
    expect(disk.reads).toEqual([])

    expect(Object.keys(await everything(block.querier(), [matcher('half', '=', '1')]))).toHaveLength(1500)
    const chunks = disk.reads.filter(one => one.path.includes('/chunks/'))
    for (const one of chunks)
      expect(one.to - one.from).toBeGreaterThanOrEqual(Math.min(2 ** 18, one.size - one.from))
    const { size } = block.files.find(file => file.path === 'chunks/000001')!
    expect(chunks.length).toBeLessThanOrEqual(Math.ceil(size / 2 ** 18))
  })

  test('is the same with a cache that keeps nothing', async () => {
    const all = Array.from({ length: 300 }, (_, i): Made => ['m', { i: String(i) }, seconds(1, 400)])
    const { disk, ulid } = await made(all)
    const small = await openBlock(shelfOf(disk, 0), ulid)
    const large = await openBlock(shelfOf(disk), ulid)
    expect(await everything(small.querier())).toEqual(await everything(large.querier()))
  })

  test('can be given up in the middle', async () => {
    const all = Array.from({ length: 2500 }, (_, i): Made => ['m', { i: String(i) }, seconds(1, 3)])
    const block = await opened(all)
    let batches = 0
    for await (const batch of block.querier().select([], always)) {
      expect(batch.count).toBe(1000)
      batches++
      break
    }
    expect(batches).toBe(1)
  })
})

/** An opened block on a disk that keeps a list of what is read. */
async function watched(all: readonly Made[]) {
  const disk = new WatchedDisk()
  const { ulid } = await made(all, {}, disk)
  disk.reads.length = 0
  const block = await openBlock(shelfOf(disk), ulid)
  const openReads = disk.reads.splice(0)
  return { block, disk, openReads }
}

class WatchedDisk extends MemoryDisk {
  readonly reads: { path: string; from: number; to: number; size: number }[] = []

  override async read(path: string, from = 0, to = Infinity): Promise<Uint8Array> {
    const size = await this.size(path)
    this.reads.push({ path, from, to, size })
    return super.read(path, from, to)
  }
}

function naive(all: readonly Made[], matchers: readonly Matcher[], { minT, maxT }: TimeRange) {
  const found: Record<string, string> = {}
  for (const [name, pairs, samples] of all) {
    const labels = series(name, pairs)
    if (!matchers.every(one => one.matches(valueOf(labels, one.name)))) continue
    const inside = samples.filter(([t]) => t >= minT && t <= maxT)
    const texts = inside.map(([t, v]) => `${t}:${Object.is(v, -0) ? '-0' : String(v)}`)
    if (texts.length > 0) found[formatLabels(labels)] = texts.join(' ')
  }
  return found
}

/** A series with a chunk in the range but no sample is let through, as the head does. */
function withoutEmpty(found: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(found).filter(([, samples]) => samples !== ''))
}
