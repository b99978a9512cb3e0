import { invalidQuantile } from '../annotations.ts'
import type { RangeContext } from './implementation.ts'
import { presence } from '../row.ts'
import { SortedWindow } from './overtimesorted.ts'
import { ofFloats, type FloatKernel } from './rangeskernels.ts'

export const quantile = ofFloats(
  ofSorted(
    (window, context, s) => quantileOf((context.args[0] as Float64Array)[s] as number, window),
    noteQuantiles,
  ),
)

/** The median of how far each value is from the median. */
export const deviation = ofFloats(ofSorted(medianDeviation))

// Kernels run to their end without interruption, so they can share one.
const window = new SortedWindow()

/** Applies a function to the sorted values of each window.
 *  @param before what is to be said of the arguments of windows with values */
function ofSorted(
  reduce: (window: SortedWindow, context: RangeContext, step: number) => number,
  before?: FloatKernel,
): FloatKernel {
  return (floats, context, row) => {
    const { steps, from, to } = context.windows
    window.clear()
    for (let s = 0; s < steps; s++) {
      const first = from[s] as number
      const end = to[s] as number
      row.present[s] = end > first ? presence.float : presence.none
      if (end === first) continue
      window.slide(floats.v, first, end)
      row.values[s] = reduce(window, context, s)
    }
    before?.(floats, context, row)
  }
}

function noteQuantiles(
  _: unknown,
  context: RangeContext,
  { present }: { readonly present: Uint8Array },
): void {
  const all = context.args[0] as Float64Array
  let noted: number | null = null
  for (let s = 0; s < present.length; s++) {
    const q = all[s] as number
    if ((q >= 0 && q <= 1) || present[s] === presence.none || Object.is(q, noted)) continue
    noted = q
    context.note(() => invalidQuantile(q))
  }
}

/** Between two values it is their weighted mean (upstream `quantile`). */
function quantileOf(q: number, window: SortedWindow): number {
  if (Number.isNaN(q)) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const rank = q * (window.size - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(window.size - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  return window.at(lower) * (1 - weight) + window.at(upper) * weight
}

function medianDeviation(window: SortedWindow): number {
  const median = window.hasNaN ? NaN : quantileOf(0.5, window)
  // More than half of them are an infinite median: no distance from it is a number.
  if (!Number.isFinite(median)) return NaN
  const { size } = window
  const rank = 0.5 * (size - 1)
  const middle = Math.floor(rank)
  const wanted = Math.min(size - 1, middle + 1)
  // The nearest values lie around the middle, and distances ascend on the way out.
  let below = middle
  let above = middle + 1
  let lower = 0
  let upper = 0
  for (let i = 0; i <= wanted; i++) {
    const down = below >= 0 ? median - window.at(below) : Infinity
    const up = above < size ? window.at(above) - median : Infinity
    const isDown = below >= 0 && (above >= size || down <= up)
    lower = i > middle ? upper : isDown ? down : up
    upper = isDown ? down : up
    if (isDown) below--
    else above++
  }
  return lower * (1 - (rank - middle)) + upper * (rank - middle)
}
