import type {
  PlacedHistogram,
  QueryNotes,
  RangeAnswer,
  SamplesAnswer,
  VectorAnswer,
} from '../model/answers.ts'
import { compareLabels, type Labels } from '../model/labels.ts'
import type { Evaluation } from './evaluation.ts'
import { copyOf, histogramAt, presence, type Grid, type Row } from './row.ts'
import type { RangeSamples } from './samples/samples.ts'
import { sortInTurns } from './turns.ts'

// Rows become the columns of an answer.

/** Collects the rows of a range query and puts them in the order of their labels. */
export class MatrixBuilder {
  private readonly grid: Grid
  private readonly rows: Row[] = []

  constructor(grid: Grid) {
    this.grid = grid
  }

  add(row: Row): void {
    this.rows.push(copyOf(row))
  }

  async finish(query: Evaluation): Promise<Omit<RangeAnswer, keyof QueryNotes>> {
    const { start, step, steps } = this.grid
    const rows = await sortInTurns(this.rows, (a, b) => compareLabels(a.labels, b.labels), query)
    const values = new Float64Array(rows.length * steps)
    const present = new Uint8Array(rows.length * steps)
    const histograms: PlacedHistogram[] = []
    for (const [i, row] of rows.entries()) {
      if (query.due) await query.pause()
      values.set(row.values, i * steps)
      present.set(row.present, i * steps)
      placeHistograms(row, i * steps, histograms)
    }
    const labels = rows.map(row => row.labels)
    return { kind: 'matrix', start, step, steps, labels, values, present, histograms: orNull(histograms) }
  }
}

function placeHistograms({ present, histograms }: Row, at: number, placed: PlacedHistogram[]): void {
  if (histograms === null) return
  for (const [s, histogram] of histograms.entries()) {
    if (histogram && present[s] === presence.histogram)
      placed.push({ at: at + s, histogram: histogram.plain() })
  }
}

/** Collects the values of an instant query, in the order in which they come. */
export class VectorBuilder {
  private readonly labels: Labels[] = []
  private values = new Float64Array(0)
  private readonly histograms: PlacedHistogram[] = []

  add(row: Row): void {
    const at = this.labels.length
    const isHistogram = row.present[0] === presence.histogram
    this.values = withRoom(this.values, at + 1)
    this.values[at] = isHistogram ? NaN : (row.values[0] as number)
    if (isHistogram) this.histograms.push({ at, histogram: histogramAt(row, 0).plain() })
    this.labels.push(row.labels)
  }

  finish(): Pick<VectorAnswer, 'kind' | 'labels' | 'values' | 'histograms'> {
    const values = this.values.slice(0, this.labels.length)
    return { kind: 'vector', labels: this.labels, values, histograms: orNull(this.histograms) }
  }
}

/** Collects the samples of a range vector. */
export class SamplesBuilder {
  private readonly labels: Labels[] = []
  private readonly offsets = [0]
  private t = new Float64Array(0)
  private v = new Float64Array(0)
  private readonly histograms: PlacedHistogram[] = []

  /** In the order of their times, whatever kind they are. */
  add(labels: Labels, { floats, histograms }: RangeSamples): void {
    let at = this.offsets.at(-1) as number
    const end = at + floats.count + (histograms?.count ?? 0)
    this.t = withRoom(this.t, end)
    this.v = withRoom(this.v, end)
    let i = 0
    let h = 0
    for (; at < end; at++) {
      const floatT = i < floats.count ? (floats.t[i] as number) : Infinity
      const histogramT = histograms && h < histograms.count ? (histograms.t[h] as number) : Infinity
      this.t[at] = Math.min(floatT, histogramT)
      if (floatT < histogramT) this.v[at] = floats.v[i++] as number
      else if (histograms) {
        this.v[at] = NaN
        this.histograms.push({ at, histogram: histograms.at(h++).plain() })
      }
    }
    this.labels.push(labels)
    this.offsets.push(end)
  }

  finish(): Pick<SamplesAnswer, 'kind' | 'labels' | 'offsets' | 't' | 'v' | 'histograms'> {
    const { labels, offsets, t, v, histograms } = this
    const end = offsets.at(-1) as number
    return {
      kind: 'samples',
      labels,
      offsets: Uint32Array.from(offsets),
      t: t.slice(0, end),
      v: v.slice(0, end),
      histograms: orNull(histograms),
    }
  }
}

function orNull<T>(all: readonly T[]): readonly T[] | null {
  return all.length > 0 ? all : null
}

function withRoom<A extends Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  array: A,
  length: number,
): A {
  if (array.length >= length) return array
  const roomier = new (array.constructor as new (length: number) => A)(Math.max(length, array.length * 2))
  roomier.set(array)
  return roomier
}
