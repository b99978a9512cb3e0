import { histogramIgnoredInMixedRange, mixedFloatsHistograms } from '../annotations.ts'
import type { RangeContext, WindowKernel } from './implementation.ts'
import { presence, setHistogram, type Row } from '../row.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import type { FloatSamples, HistogramSamples } from '../samples/samples.ts'

// Ways of making a kernel for floats and histograms out of simpler ones.

/** Sets `present`, and `values` where there is something, of every step by the floats alone. */
export type FloatKernel = (floats: FloatSamples, context: RangeContext, row: Row) => void

/** Computes a histogram from those in [from, to), of which there is one at least; null for none. */
export type HistogramReducer = (
  histograms: HistogramSamples,
  from: number,
  to: number,
  step: number,
  context: RangeContext,
) => FloatHistogram | null

/** Looks at floats only; histograms beside them are worth a hint. */
export function ofFloats(kernel: FloatKernel): WindowKernel {
  return ({ floats, histograms }, context, row) => {
    kernel(floats, context, row)
    if (histograms === null) return
    const { steps, from, to, histogramFrom, histogramTo } = context.windows
    for (let s = 0; s < steps; s++) {
      const both = from[s] !== to[s] && histogramFrom[s] !== histogramTo[s]
      if (both) context.note(histogramIgnoredInMixedRange)
    }
  }
}

/** Floats and histograms each in their own way; where a window has both there is a warning and nothing else. */
export function ofEither(floatKernel: FloatKernel, reduce: HistogramReducer): WindowKernel {
  return ({ floats, histograms }, context, row) => {
    floatKernel(floats, context, row)
    if (histograms === null) return
    const { steps, from, to, histogramFrom, histogramTo } = context.windows
    for (let s = 0; s < steps; s++) {
      const first = histogramFrom[s] as number
      const end = histogramTo[s] as number
      if (first === end) continue
      row.present[s] = presence.none
      if (from[s] !== to[s]) {
        context.note(mixedFloatsHistograms)
        continue
      }
      const histogram = reduce(histograms, first, end, s, context)
      if (histogram) setHistogram(row, s, histogram)
    }
  }
}

/** Applies a function to the floats [from, to) of each window with at least `least` of them. */
export function perWindow(
  least: number,
  reduce: (floats: FloatSamples, from: number, to: number) => number,
): FloatKernel {
  return (floats, { windows }, { values, present }) => {
    const { steps, from, to } = windows
    for (let s = 0; s < steps; s++) {
      const first = from[s] as number
      const end = to[s] as number
      if (end - first < least) {
        present[s] = presence.none
      } else {
        present[s] = presence.float
        values[s] = reduce(floats, first, end)
      }
    }
  }
}

// Kernels run to their end without interruption, so they can share their scratch space.
let indexes = new Int32Array(1024)

/** Room for so many numbers, until the next one asks. */
export function scratchIndexes(count: number): Int32Array {
  if (indexes.length < count) indexes = new Int32Array(count * 2)
  return indexes
}

/** Index of the first sample after a time, going on from one that is not behind it. */
export function firstAfter(
  { t, count }: { readonly t: Float64Array; readonly count: number },
  time: number,
  from: number,
): number {
  let i = from
  while (i < count && (t[i] as number) <= time) i++
  return i
}
