import type { WindowKernel } from './implementation.ts'
import { presence, setHistogram } from '../row.ts'
import type { HistogramSamples, RangeSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'
import { perWindow, type FloatKernel } from './rangeskernels.ts'

// What asks no more of a sample than that it is there, and when: floats and histograms are the same to it.

export const count = ofAny(
  perWindow(1, (_, from, to) => to - from),
  (_, { from, to, histogramFrom, histogramTo }, s) => {
    return size(from, to, s) + size(histogramFrom, histogramTo, s)
  },
)

export const present = ofAny(
  perWindow(1, () => 1),
  () => 1,
)

export const timeOfFirst = ofAny(
  perWindow(1, ({ t }, from) => (t[from] as number) / 1000),
  ({ floats, histograms }, { from, to, histogramFrom, histogramTo }, s) => {
    const float = size(from, to, s) > 0 ? (floats.t[from[s] as number] as number) : Infinity
    const some = size(histogramFrom, histogramTo, s) > 0
    return Math.min(float, some ? (histograms.t[histogramFrom[s] as number] as number) : Infinity) / 1000
  },
)

/** Where there is none of a kind its time counts as 0, which a time before 1970 is not after. */
export const timeOfLast = ofAny(
  perWindow(1, ({ t }, _, to) => Math.max(t[to - 1] as number, 0) / 1000),
  ({ floats, histograms }, { from, to, histogramFrom, histogramTo }, s) => {
    const float = size(from, to, s) > 0 ? (floats.t[(to[s] as number) - 1] as number) : 0
    const some = size(histogramFrom, histogramTo, s) > 0
    return Math.max(float, some ? (histograms.t[(histogramTo[s] as number) - 1] as number) : 0) / 1000
  },
)

export const first = atEnd(
  perWindow(1, ({ v }, from) => v[from] as number),
  'first',
)

export const last = atEnd(
  perWindow(1, ({ v }, _, to) => v[to - 1] as number),
  'last',
)

type BothKinds = Pick<RangeSamples, 'floats'> & { readonly histograms: HistogramSamples }

/** @param floatKernel what it comes to where there are no histograms */
function ofAny(
  floatKernel: FloatKernel,
  value: (samples: BothKinds, windows: Windows, step: number) => number,
): WindowKernel {
  return ({ floats, histograms }, context, row) => {
    if (histograms === null) {
      floatKernel(floats, context, row)
      return
    }
    const { windows } = context
    const { steps, from, to, histogramFrom, histogramTo } = windows
    const samples = { floats, histograms }
    for (let s = 0; s < steps; s++) {
      const some = size(from, to, s) > 0 || size(histogramFrom, histogramTo, s) > 0
      row.present[s] = some ? presence.float : presence.none
      if (some) row.values[s] = value(samples, windows, s)
    }
  }
}

/** The sample itself, of whatever kind. */
function atEnd(floatKernel: FloatKernel, end: 'first' | 'last'): WindowKernel {
  return ({ floats, histograms }, context, row) => {
    floatKernel(floats, context, row)
    if (histograms === null) return
    const { steps, from, to, histogramFrom, histogramTo } = context.windows
    for (let s = 0; s < steps; s++) {
      if (size(histogramFrom, histogramTo, s) === 0) continue
      const i = end === 'first' ? (from[s] as number) : (to[s] as number) - 1
      const k = end === 'first' ? (histogramFrom[s] as number) : (histogramTo[s] as number) - 1
      const difference = (floats.t[i] as number) - (histograms.t[k] as number)
      const isFloat = size(from, to, s) > 0 && (end === 'first' ? difference < 0 : difference > 0)
      if (!isFloat) setHistogram(row, s, histograms.at(k))
    }
  }
}

function size(from: Int32Array, to: Int32Array, s: number): number {
  return (to[s] as number) - (from[s] as number)
}
