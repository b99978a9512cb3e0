import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { ImportError } from '../../../../src/engine/model/errors.ts'
import { backfill, blockDuration } from '../../../../src/engine/tsdb/backfill/backfill.ts'
import { FakeHost } from '../../../fakehost.ts'
import { everything } from '../store.ts'
import { fill, pieces, querierOf } from './filling.ts'

const hour = 3600
const text = (...lines: string[]) => [...lines, '# EOF\n'].join('\n')

describe('blocks', () => {
  test.each<[what: string, lines: string[], blocks: [minT: number, maxT: number, samples: number][]]>([
    ['of no samples there are none', ['# TYPE a gauge'], []],
    ['one reaches from its first sample to its last', ['a 1 10', 'b 1 20.5'], [[10_000, 20_501, 2]]],
    [
      'the end of a range belongs to the next one',
      ['a 1 0', 'a 1 7199.999', 'a 1 7200'],
      [
        [0, 7_200_000, 2],
        [7_200_000, 7_200_001, 1],
      ],
    ],
    [
      'a range without samples has none',
      ['a 1 0', `a 1 ${100 * hour}`],
      [
        [0, 1, 1],
        [360_000_000, 360_000_001, 1],
      ],
    ],
    [
      'times before 1970 have theirs',
      ['a 1 -1', 'a 1 1'],
      [
        [-1000, -999, 1],
        [1000, 1001, 1],
      ],
    ],
    [
      'their order in the text is of no importance',
      [`b 1 ${9 * hour}`, 'a 1 5', 'b 1 4'],
      [
        [4000, 5001, 2],
        [32_400_000, 32_400_001, 1],
      ],
    ],
  ])('%s', async (_, lines, wanted) => {
    const { blocks } = await fill(text(...lines))
    expect(blocks.map(({ meta }) => [meta.minTime, meta.maxTime, meta.stats.numSamples])).toEqual(wanted)
  })

  test('they are of level 1, and their own sources', async () => {
    const { blocks } = await fill(text('a 1 1'))
    const { ulid, compaction } = blocks[0]!.meta
    expect(compaction).toEqual({ level: 1, sources: [ulid] })
  })

  test.each([
    [0, 2],
    [2, 2],
    [5.9, 2],
    [6, 6],
    [17, 6],
    [18, 18],
    [1e9, 2 * 3 ** 9],
  ])('of at most %d hours they have %d', (most, hours) => {
    expect(blockDuration(most * 3_600_000)).toBe(hours * 3_600_000)
  })

  test('longer ones are made when they are asked for', async () => {
    const { blocks } = await fill(text('a 1 0', `a 1 ${5 * hour}`, `a 1 ${6 * hour}`), {
      maxBlockMs: 6 * 3_600_000,
    })
    expect(blocks.map(({ meta }) => meta.stats.numSamples)).toEqual([2, 1])
  })
})

describe('samples', () => {
  test('come with their labels, bounds of buckets alike, and the other kinds of lines are passed over', async () => {
    const filled = await fill(
      text(
        '# HELP h "text" \\n',
        '# TYPE h histogram',
        'h_bucket{b="",le="1"} 1 1 # {trace="x"} 0.5 1',
        'h_bucket{le="1.0"} 2 2',
        '# TYPE s summary',
        's{le="1"} 3 1',
        '# UNIT s ',
        '{"a.b","c\\"d"="é\\n"} NaN 1',
        'inf -Inf 1',
      ),
    )
    expect(await everything(querierOf(filled))).toEqual({
      'h_bucket{le="1.0"}': '1000:1 2000:2',
      inf: '1000:-Infinity',
      's{le="1"}': '1000:3',
      '{__name__="a.b", "c\\"d"="é\\n"}': '1000:NaN',
    })
  })

  test('the same bytes are another series where the type gives them another meaning', async () => {
    const filled = await fill(text('# TYPE a histogram', 'a{le="1"} 1 1', '# TYPE b gauge', 'a{le="1"} 2 1'))
    expect(Object.keys(await everything(querierOf(filled)))).toEqual(['a{le="1"}', 'a{le="1.0"}'])
  })

  test('of many a series are in chunks', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `a ${i % 7} ${i}`)
    const filled = await fill(text(...lines))
    expect((await everything(querierOf(filled)))['a']!.split(' ')).toEqual(
      lines.map((_, i) => `${i * 1000}:${i % 7}`),
    )
    expect(filled.blocks[0]!.meta.stats.numChunks).toBeGreaterThan(3)
  })
})

/** Series after series, time after time, and back and forth between two ranges. */
const orders: [name: string, lines: string[]][] = (() => {
  const series = ['a', 'b{x="1"}', 'b{x="2"}', '{"c d"}']
  const times = Array.from({ length: 400 }, (_, i) => i * 60)
  const line = (one: string, t: number) => `${one} ${(t / 60) * (one.length + 1)} ${t}`
  const there = times.slice(0, 200)
  const back = (one: string) => there.flatMap(t => [line(one, t + 14_400), line(one, t)])
  return [
    ['series after series', series.flatMap(one => times.map(t => line(one, t)))],
    ['time after time', times.flatMap(t => series.map(one => line(one, t)))],
    ['back and forth', series.flatMap(back)],
  ]
})()

describe.each(orders)('a text %s', (_, lines) => {
  test('gives the same blocks however little memory there is, and in pieces of any size', async () => {
    const whole = text(...lines)
    const wanted = await fill(whole)
    const samples = await everything(querierOf(wanted))
    const metas = wanted.blocks.map(({ meta }) => [meta.minTime, meta.maxTime, meta.stats.numSamples])
    expect(Object.keys(samples)).toHaveLength(4)
    for (const [memoryBytes, size] of [
      [0, 65_536],
      [500, 100],
      [5000, 7],
    ] as const) {
      const { blocks, disk } = await fill(pieces(whole, size), { memoryBytes })
      expect(await everything(querierOf({ blocks, disk }))).toEqual(samples)
      expect(blocks.map(({ meta }) => [meta.minTime, meta.maxTime, meta.stats.numSamples])).toEqual(metas)
      expect(await disk.list('')).toHaveLength(blocks.length)
    }
  })
})

describe('a sample that is repeated', () => {
  test.each<[where: string, lines: string[]]>([
    ['at once', ['a 1 1', 'a 1 1', 'a 2 2', 'a 5 7200']],
    ['after the series was in another range', ['a 1 1', 'a 5 7200', 'a 1 1', 'a 2 2', 'a 5 7200']],
    ['alone', ['a 1 1', 'a 5 7200', 'a 1 1', 'a 5 7200.5', 'a 2 2']],
  ])('%s counts once', async (_, lines) => {
    for (const memoryBytes of [0, 1e6]) {
      const samples = await everything(querierOf(await fill(text(...lines), { memoryBytes })))
      expect(samples['a']).toMatch(/^1000:1 2000:2 7200000:5/)
    }
  })
})

describe('a text is refused', () => {
  const rows: [what: string, text: string, message: string][] = [
    ['that ends too early', 'a 1 1\n', 'line 2, column 1: data does not end with # EOF'],
    ['that is empty', '', 'line 1, column 1: data does not end with # EOF'],
    ['that goes on', text('a 1 1') + 'a 1 2\n', 'line 3, column 1: unexpected data after # EOF'],
    ['of other syntax', text('a 1 1', 'a{b=1} 1 2'), 'line 2, column 5: expected label value, got "1"'],
    [
      'whose samples have no time',
      text('a 1 1', 'a{b="c"} 1'),
      'line 2: want a timestamp for each sample, have none for a{b="c"}',
    ],
    [
      'of times beyond all bounds',
      text('a 1 1e15'),
      'line 1: want a time in milliseconds within 2^52, have 1000000000000000000 for a',
    ],
    [
      'out of order',
      text('a 1 2', 'b 1 1', 'a 1 1.5'),
      'line 3: want the samples of a in order, have 1.500 behind 2.000',
    ],
    [
      'with two values at a time',
      text('a 1 2', 'a 1.5 2'),
      'line 2: want one value of a at 2.000, have 1.5, too',
    ],
    [
      'out of order after another range',
      text('a 1 2', 'a 1 7200', 'b 1 1', 'a 1 1'),
      'line 4: want the samples of a in order, have 1.000 behind 2.000',
    ],
    [
      'with two values after another range',
      text('a 1 2', 'a 1 7200', 'a NaN 2'),
      'line 3: want one value of a at 2.000, have NaN, too',
    ],
    ['with a label twice', text('a{b="1",b="2"} 1 1'), 'line 1, column 1: label name "b" is not unique'],
  ]
  test.each(rows)('%s, and nothing is left of it', async (_, body, message) => {
    for (const memoryBytes of [0, 1e6]) {
      const disk = new MemoryDisk()
      const failed = backfill({ disk, host: new FakeHost() }, new Blob([body]), { memoryBytes })
      await expect(failed).rejects.toThrow(ImportError)
      await expect(failed).rejects.toThrow(message)
      expect(await disk.list('')).toEqual([])
    }
  })

  test('that OpenMetrics 1.0 forbids, when that is asked for', async () => {
    const body = text('# TYPE a counter', 'a_total -1 1')
    expect((await fill(body)).blocks).toHaveLength(1)
    await expect(fill(body, { strict: true })).rejects.toThrow(
      'line 2, column 1: want a number that is not negative',
    )
  })

  test('with a line that no memory would hold', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1024 * 1024).fill(97))
        sent++
      },
    })
    await expect(fill(endless)).rejects.toThrow('line 1: want lines of at most 4194304 bytes')
    expect(sent).toBeLessThan(10)
  })
})

describe('it can be watched and ended', () => {
  const body = text(...Array.from({ length: 5000 }, (_, i) => `a ${i} ${i}`))

  test('the bytes that were read are told', async () => {
    const told: number[] = []
    await fill(pieces(body, 10_000), { progress: done => told.push(done) })
    expect(told.at(-1)).toBe(body.length)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
  })

  test('a signal ends it with its reason, and nothing is left', async () => {
    const disk = new MemoryDisk()
    const stop = new AbortController()
    const progress = (done: number) => {
      if (done > 20_000) stop.abort(new Error('enough'))
    }
    const options = { progress, signal: stop.signal, memoryBytes: 0 }
    await expect(backfill({ disk, host: new FakeHost() }, pieces(body, 10_000), options)).rejects.toThrow(
      'enough',
    )
    expect(await disk.list('')).toEqual([])
  })

  test('a disk that is full ends it, and nothing is left', async () => {
    const disk = new MemoryDisk()
    disk.capacity = 2000
    const filling = backfill({ disk, host: new FakeHost() }, new Blob([body]), { memoryBytes: 0 })
    await expect(filling).rejects.toThrow('no space left')
    expect(await disk.list('')).toEqual([])
  })
})
