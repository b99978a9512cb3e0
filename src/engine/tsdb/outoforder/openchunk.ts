import { SampleColumns } from '../../chunks/columns.ts'
import { encodeSeries, mostSamples, type EncodedChunk } from '../../chunks/encode.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Run } from './chunk.ts'

/** Numbers that stand for a sample beside its time: of a float the words of its value and -1, of a histogram two zeros and
 *  its row. */
const stride = 3

// Used again for each chunk that is finished.
const floats = new SampleColumns()
const histograms = new HistogramColumns()

/** The out-of-order samples of a series that came last, of all kinds, in time order (upstream `OOOChunk`). They are few: in
 *  plain arrays, because a typed one takes 180 bytes more. */
export class OpenChunk implements Run {
  private readonly times: number[]
  private readonly values: number[]
  /** In the order in which they came: a row once written stays. */
  private histograms: HistogramColumns | null

  private constructor(times: number[], values: number[], histograms: HistogramColumns | null) {
    this.times = times
    this.values = values
    this.histograms = histograms
  }

  static empty(): OpenChunk {
    return new OpenChunk([], [], null)
  }

  /** What is there now; it may not be added to. */
  snapshot(): OpenChunk {
    return new OpenChunk(this.times.slice(), this.values.slice(), this.histograms)
  }

  get count(): number {
    return this.times.length
  }

  get minT(): number {
    return this.times[0] ?? Infinity
  }

  get maxT(): number {
    return this.times.at(-1) ?? -Infinity
  }

  /** Answers false when there is a sample of that time already, which then stays. */
  insert(t: number, high: number, low: number): boolean {
    const i = this.placeOf(t)
    if (i < 0) return false
    this.put(i, t, high, low, -1)
    return true
  }

  /** Inserts a copy of row k, likewise. */
  insertHistogram(from: HistogramColumns, k: number): boolean {
    const t = from.t[k] as number
    const i = this.placeOf(t)
    if (i < 0) return false
    const histograms = (this.histograms ??= new HistogramColumns())
    histograms.copy(from, k)
    this.put(i, t, 0, 0, histograms.count - 1)
    return true
  }

  decode(floats: SampleColumns, histograms: HistogramColumns): void {
    const { times, values } = this
    for (let i = 0; i < times.length; i++) {
      const row = values[stride * i + 2] as number
      if (row < 0)
        floats.add(times[i] as number, values[stride * i] as number, values[stride * i + 1] as number)
      else histograms.copy(this.histograms as HistogramColumns, row)
    }
  }

  /** The samples as chunks: more than one where the kind changes, or where histograms want it. */
  encoded(): EncodedChunk[] {
    floats.count = 0
    if (histograms.count > 0) histograms.clear()
    this.decode(floats, histograms)
    return encodeSeries(floats, histograms, { samples: mostSamples, rangeMs: Infinity })
  }

  /** Where a sample of that time goes; -1 when one is there. */
  private placeOf(t: number): number {
    const { times } = this
    // Late samples mostly come in order among themselves.
    if (t > this.maxT) return times.length
    let low = 0
    let high = times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as number) < t) low = middle + 1
      else high = middle
    }
    return times[low] === t ? -1 : low
  }

  private put(i: number, t: number, high: number, low: number, row: number): void {
    const { times, values } = this
    if (i === times.length) {
      times.push(t)
      values.push(high, low, row)
      return
    }
    times.splice(i, 0, t)
    values.splice(stride * i, 0, high, low, row)
  }
}
