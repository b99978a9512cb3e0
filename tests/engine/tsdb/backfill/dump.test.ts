import { describe, expect, test } from 'vitest'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import type { Querier } from '../../../../src/engine/model/store.ts'
import { dumpOpenMetrics, leftOut, type DumpReport } from '../../../../src/engine/tsdb/backfill/dump.ts'
import { openMetrics } from '../../../blocks.ts'
import { made, shelfOf, type Made } from '../block/blockdisk.ts'
import { openBlock } from '../../../../src/engine/tsdb/block/block.ts'
import { always, everything } from '../store.ts'
import { fill, querierOf } from './filling.ts'

type Options = { readonly selectors?: Parameters<typeof dumpOpenMetrics>[1]; readonly range?: typeof always }

async function dump(
  querier: Querier,
  { selectors = [], range = always }: Options = {},
): Promise<{ text: string; sizes: number[]; report: DumpReport }> {
  const pieces = dumpOpenMetrics(querier, selectors, range)
  const decoder = new TextDecoder()
  const sizes: number[] = []
  for (let text = ''; ;) {
    const next = await pieces.next()
    if (next.done === true) return { text, sizes, report: next.value }
    text += decoder.decode(next.value, { stream: true })
    sizes.push(next.value.length)
  }
}

async function querierWith(all: readonly Made[]): Promise<Querier> {
  const { disk, ulid } = await made(all, { minT: -1e6 })
  return (await openBlock(shelfOf(disk), ulid)).querier()
}

const nothing = { series: 0, samples: 0, staleMarkers: 0, histograms: 0, nameless: 0 }

describe('a dump', () => {
  const all: Made[] = [
    [
      'up',
      { job: 'b' },
      [
        [1000, 1],
        [2000, NaN],
        [2500, 1e6],
      ],
    ],
    [
      'up',
      { job: 'a' },
      [
        [-1500, -Infinity],
        [1001, 0.1],
      ],
    ],
    ['a.b', { 'x y': 'q"\\\n' }, [[3000, -0]]],
  ]

  test('has a line for each sample, series by series', async () => {
    const { text, report } = await dump(await querierWith(all))
    expect(text).toBe(`{"a.b","x y"="q\\"\\\\\\n"} -0 3.000
up{job="a"} -Inf -1.500
up{job="a"} 0.1 1.0011
up{job="b"} 1 1.000
up{job="b"} NaN 2.000
up{job="b"} 1e+06 2.500
# EOF
`)
    expect(report).toEqual({ ...nothing, series: 3, samples: 6 })
  })

  test('has what the selectors match in the range, each sample once', async () => {
    const querier = await querierWith(all)
    const selectors = [
      [matcher('job', '=~', 'a|b')],
      [matcher('job', '=', 'b')],
      [matcher('__name__', '=', 'nothing')],
    ]
    const { text, report } = await dump(querier, { selectors, range: { minT: 1001, maxT: 2000 } })
    expect(text).toBe('up{job="a"} 0.1 1.0011\nup{job="b"} NaN 2.000\n# EOF\n')
    expect(report).toEqual({ ...nothing, series: 2, samples: 2 })
  })

  test('of nothing is a text of no samples', async () => {
    expect(await dump(await querierWith([]))).toEqual({ text: '# EOF\n', sizes: [6], report: nothing })
  })

  test('leaves out what the format cannot say, and tells how much that is', async () => {
    const { text, report } = await dump(
      await querierWith([
        [
          'a',
          {},
          [
            [1, 1],
            [2, 'stale'],
            [3, 2],
          ],
        ],
        ['gone', {}, [[1, 'stale']]],
        [
          '',
          { b: 'c' },
          [
            [1, 1],
            [2, 1],
          ],
        ],
      ]),
    )
    expect(text).toBe('a 1 0.001\na 2 0.003\n# EOF\n')
    expect(report).toEqual({ ...nothing, series: 1, samples: 2, staleMarkers: 2, nameless: 2 })
    expect(leftOut(report)).toBe(
      'OpenMetrics cannot say 2 stale markers, 2 samples of series without a name: left out',
    )
    expect(leftOut({ ...nothing, histograms: 3 })).toBe(
      'OpenMetrics cannot say 3 native histograms: left out',
    )
    expect(leftOut(nothing)).toBeNull()
  })

  test('comes in pieces of at most 1 MiB, however long a line is', async () => {
    const long = 'x'.repeat(2_500_000)
    const samples = Array.from({ length: 3000 }, (_, i) => [i, i] as const)
    const { text, sizes } = await dump(
      await querierWith([
        ['a', { long }, [[1, 1]]],
        ['b', {}, samples],
      ]),
    )
    expect(text).toContain(`a{long="${long}"} 1 0.001\n`)
    expect(text.split('\n')).toHaveLength(3003)
    expect(Math.max(...sizes)).toBe(1024 * 1024)
  })
})

test('what was dumped is read back to the last bit', async () => {
  const filled = await fill(openMetrics({ instances: 2, hours: 3, startSeconds: 1000 }))
  const { text, report } = await dump(querierOf(filled))
  expect(report).toEqual({ ...nothing, series: 50, samples: 50 * 720 })
  const again = await fill(text)
  const samples = await everything(querierOf(filled))
  expect(Object.keys(samples)).toHaveLength(50)
  expect(await everything(querierOf(again))).toEqual(samples)
  expect(again.blocks.map(({ meta }) => [meta.minTime, meta.maxTime])).toEqual(
    filled.blocks.map(({ meta }) => [meta.minTime, meta.maxTime]),
  )
})
