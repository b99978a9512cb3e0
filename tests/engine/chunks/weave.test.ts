import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SampleColumns } from '../../../src/engine/chunks/columns.ts'
import { addHistograms, weave } from '../../../src/engine/chunks/weave.ts'
import { resetHint } from '../../../src/engine/model/histogram.ts'
import { HistogramColumns } from '../../../src/engine/model/histogram/columns.ts'
import { columnsOf, somePoints, together, type Point } from '../tsdb/mixed.ts'

type Run = readonly [source: number, kind: string, from: number, to: number, follows?: boolean]

function runsOf(...sources: readonly Point[][]): Run[] {
  const runs: Run[] = []
  weave(sources.map(columnsOf), {
    floats: (source, from, to) => runs.push([source, 'floats', from, to]),
    histograms: (source, from, to, follows) => runs.push([source, 'histograms', from, to, follows]),
  })
  return runs
}

test('sources that follow each other are one run each', () => {
  const early: Point[] = [1, 2, 3].map(t => [t, 'float', t])
  const late: Point[] = [4, 5, 6].map(t => [t, 'int', t])
  expect(runsOf(late, early)).toEqual([
    [1, 'floats', 0, 3],
    [0, 'histograms', 0, 3, false],
  ])
})

test('a float hides a histogram at its time, and the other way round, where its source comes first', () => {
  const floats: Point[] = [
    [1, 'float', 1],
    [3, 'float', 3],
  ]
  const histograms: Point[] = [
    [1, 'int', 1],
    [2, 'int', 2],
    [3, 'int', 3],
    [4, 'int', 4],
  ]
  expect(runsOf(floats, histograms)).toEqual([
    [0, 'floats', 0, 1],
    [1, 'histograms', 1, 2, false],
    [0, 'floats', 1, 2],
    [1, 'histograms', 3, 4, false],
  ])
  expect(runsOf(histograms, floats)).toEqual([
    [0, 'histograms', 0, 2, false],
    [0, 'histograms', 2, 4, true],
  ])
})

test('a histogram follows a float of its own source', () => {
  const mixed: Point[] = [
    [1, 'float', 1],
    [2, 'int', 2],
  ]
  expect(runsOf(mixed)).toEqual([
    [0, 'floats', 0, 1],
    [0, 'histograms', 0, 1, true],
  ])
})

test('any sources give each time once, of the first that has it', () => {
  const sources = fc.array(somePoints(0, 40), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(sources, all => {
      const columns = all.map(columnsOf)
      const times: (readonly [number, number])[] = []
      const note = (source: number, of: SampleColumns | HistogramColumns, from: number, to: number) => {
        for (let i = from; i < to; i++) times.push([of.t[i]!, source])
      }
      weave(columns, {
        floats: (source, from, to) => note(source, columns[source]!.floats, from, to),
        histograms: (source, from, to) => note(source, columns[source]!.histograms, from, to),
      })
      const owner = (t: number) => all.findIndex(points => points.some(([at]) => at === t))
      expect(times).toEqual(together(all).map(([t]) => [t, owner(t)]))
    }),
    { numRuns: 300 },
  )
})

test('a hint is void behind a sample from elsewhere, unless it says gauge', () => {
  const { histograms: rows } = columnsOf([
    [1, 'int', 1],
    [2, 'int', 2],
    [3, 'gauge', 3],
  ])
  rows.hint.set([resetHint.notReset, resetHint.reset, resetHint.gauge])
  const hintsOf = (from: number, follows: boolean) => {
    const out = new HistogramColumns()
    addHistograms(out, rows, from, 3, follows)
    return [...out.hint.subarray(0, out.count)]
  }
  expect(hintsOf(0, true)).toEqual([resetHint.notReset, resetHint.reset, resetHint.gauge])
  expect(hintsOf(0, false)).toEqual([resetHint.unknown, resetHint.reset, resetHint.gauge])
  expect(hintsOf(2, false)).toEqual([resetHint.gauge])
})
