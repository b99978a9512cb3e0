// When a sample may follow another in a chunk of histograms (upstream `appendable` and `appendableGauge` of
// `tsdb/chunkenc/{histogram,float_histogram}.go`): stricter than `isReset`, as a chunk has one layout.

import { resetHint, schemas, type HistogramLayout } from '../model/histogram.ts'
import type { HistogramColumns } from '../model/histogram/columns.ts'
import { bucketIndices, sameBuckets, sameNumbers, spansOf, union } from '../model/histogram/spans.ts'
import { resetHeader, type ResetHeader } from './histogramlayout.ts'

/** The end of a chunk. */
export interface ChunkEnd {
  readonly layout: HistogramLayout
  readonly gauge: boolean
  /** The last sample; its buckets in the chunk's layout. */
  observations: number
  zeroCount: number
  stale: boolean
  buckets: Float64Array
}

/** `reset`: something fell. `unclear`: other buckets than before, or a stale marker before; whether something fell is not
 *  looked at. `afterGauge`: the chunk is a gauge's, the sample a counter's. */
export type Fit = 'fits' | 'reset' | 'unclear' | 'afterGauge'

/** Whether a counter's sample i may follow.
 *  @param slots from `slotsIn` */
export function fitOf(end: ChunkEnd, from: HistogramColumns, i: number, slots: Slots): Fit {
  if (end.gauge) return 'afterGauge'
  if (from.hint[i] === resetHint.reset) return 'reset'
  if (from.stale[i]) return 'fits'
  if (end.stale) return 'unclear'
  if ((from.observations[i] as number) < end.observations) return 'reset'
  const layout = from.layoutOf(i)
  if (!sameScale(layout, end.layout)) return 'unclear'
  if (layout.schema === schemas.custom && !sameNumbers(layout.bounds, end.layout.bounds)) return 'reset'
  if ((from.zeroCount[i] as number) < end.zeroCount) return 'reset'
  return anyFell(end.buckets, from, i, slots) ? 'reset' : 'fits'
}

/** Whether a gauge's sample i may follow. */
export function gaugeFits(end: ChunkEnd, from: HistogramColumns, i: number): boolean {
  if (!end.gauge) return false
  if (from.stale[i]) return true
  const layout = from.layoutOf(i)
  return !end.stale && sameScale(layout, end.layout) && sameNumbers(layout.bounds, end.layout.bounds)
}

function sameScale(a: HistogramLayout, b: HistogramLayout): boolean {
  return a.schema === b.schema && a.zeroThreshold === b.zeroThreshold
}

/** For each bucket of one layout its place among those of another, -1 where that has none; null when both have the same
 *  buckets. Places ascend. */
export type Slots = Int32Array | null

export function slotsIn(target: HistogramLayout, source: HistogramLayout): Slots {
  if (source === target) return null
  const same =
    sameBuckets(source.positiveSpans, target.positiveSpans) &&
    sameBuckets(source.negativeSpans, target.negativeSpans)
  if (same) return null
  const positive = bucketIndices(target.positiveSpans)
  const negative = bucketIndices(target.negativeSpans)
  return Int32Array.from([
    ...placesOf(bucketIndices(source.positiveSpans), positive, 0),
    ...placesOf(bucketIndices(source.negativeSpans), negative, positive.length),
  ])
}

function placesOf(indices: Int32Array, among: Int32Array, first: number): Int32Array {
  let at = 0
  return indices.map(index => {
    while (at < among.length && (among[at] as number) < index) at++
    return among[at] === index ? first + at : -1
  })
}

/** Whether a bucket has less than before. One that is gone must have been empty; new ones are as good as empty before. */
function anyFell(before: Float64Array, from: HistogramColumns, i: number, slots: Slots): boolean {
  const offset = from.offset[i] as number
  const size = from.size(i)
  let next = 0
  for (let k = 0; k < size; k++) {
    const slot = slots === null ? k : (slots[k] as number)
    if (slot < 0) continue
    for (; next < slot; next++) if (before[next] !== 0) return true
    if ((before[next++] as number) > (from.buckets[offset + k] as number)) return true
  }
  for (; next < before.length; next++) if (before[next] !== 0) return true
  return false
}

/** The layout with which a chunk takes a sample whose buckets are not all among its own. Spans are those that upstream
 *  writes: the sample's where it has all buckets of the chunk, else the fewest that hold both.
 *  @param sample of the same schema, zero threshold and bounds */
export function jointLayout(
  chunk: HistogramLayout,
  sample: HistogramLayout,
  gauge: boolean,
): HistogramLayout {
  const positive = join(chunk.positiveSpans, sample.positiveSpans)
  const negative = join(chunk.negativeSpans, sample.negativeSpans)
  // Of a gauge both sides are written anew once one of them is.
  const anew = gauge && (positive.gone || negative.gone)
  return {
    ...chunk,
    positiveSpans: positive.gone || anew ? positive.all : sample.positiveSpans,
    negativeSpans: negative.gone || anew ? negative.all : sample.negativeSpans,
  }
}

/** All buckets of both, and whether the sample has lost some. */
function join(chunk: Int32Array, sample: Int32Array): { all: Int32Array; gone: boolean } {
  const indices = bucketIndices(sample)
  const all = union(bucketIndices(chunk), indices)
  return { all: spansOf(all), gone: all.length > indices.length }
}

/** The header of a chunk that begins with sample i behind `end`, where that chunk was cut for its size or age. */
export function headerAfter(end: ChunkEnd | null, from: HistogramColumns, i: number): ResetHeader {
  if (from.hint[i] === resetHint.gauge) return resetHeader.gauge
  if (from.hint[i] === resetHint.reset) return resetHeader.reset
  if (end === null) return resetHeader.unknown
  const fit = fitOf(end, from, i, slotsIn(end.layout, from.layoutOf(i)))
  if (fit === 'reset') return resetHeader.reset
  // Upstream says so of float histograms even where it has not looked.
  if (from.float[i] || fit === 'fits') return resetHeader.notReset
  return headerOf(fit, false)
}

/** The header of a chunk that begins with a sample that did not fit behind the last. */
export function headerOf(fit: Fit, float: boolean): ResetHeader {
  if (fit === 'reset') return resetHeader.reset
  return fit === 'afterGauge' && !float ? resetHeader.notReset : resetHeader.unknown
}
