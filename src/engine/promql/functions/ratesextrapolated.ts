import type { FloatHistogram } from '../../model/histogram/float.ts'
import { startTimeOverlap } from '../annotations.ts'
import type { RangeContext, WindowKernel } from './implementation.ts'
import { presence } from '../row.ts'
import type { FloatSamples, HistogramSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'
import { addNoted, increaseOf } from './rateshistogram.ts'
import { ofEither, scratchIndexes, type FloatKernel } from './rangeskernels.ts'
import { overlaps, startsAnew } from './rangesstarts.ts'

/** What a difference is of, and by what it is divided. */
export interface RateKind {
  /** A counter only grows; when it falls it was reset, and began at 0. */
  readonly counter: boolean
  readonly perSecond: boolean
}

/** rate, increase (counters) and delta: the difference of the last and the first sample, extrapolated to the ends of the
 *  window (upstream's `extrapolatedRate`; every operation in its order, so that results are the same to the bit). */
export function extrapolated(kind: RateKind): WindowKernel {
  return ofEither(floatsOf(kind), (histograms, from, to, s, context) => {
    return histogramOf(kind, histograms, from, to - 1, s, context)
  })
}

function floatsOf({ counter, perSecond }: RateKind): FloatKernel {
  return (floats, context, { values, present }) => {
    const { windows } = context
    const { t, v } = floats
    const startable = counter && floats.starts !== null
    const resets = counter ? findResets(floats, startable) : noResets
    let nextReset = 0
    for (let s = 0; s < windows.steps; s++) {
      const from = windows.from[s] as number
      const last = (windows.to[s] as number) - 1
      let start = 0
      if (startable && from <= last) start = startInside(floats, from, windows.begin(s))
      if (last <= from && start === 0) {
        present[s] = presence.none
        continue
      }
      const first = v[from] as number
      let result = (v[last] as number) - first
      while ((resets[nextReset] as number) <= from) nextReset++
      for (let r = nextReset; (resets[r] as number) <= last; r++) {
        result += v[(resets[r] as number) - 1] as number
      }
      if (start !== 0) result += first
      const share = counter && result > 0 && first >= 0 ? first / result : Infinity
      const factor =
        start === 0
          ? factorOf(windows, s, t[from] as number, t[last] as number, last - from, share)
          : factorSince(start, windows, s, t[from] as number, t[last] as number, last - from)
      values[s] = result * (perSecond ? factor / windows.rangeSeconds : factor)
      present[s] = presence.float
    }
    if (startable) noteOverlaps(floats, windows.from, windows.to, context)
  }
}

function histogramOf(
  { counter, perSecond }: RateKind,
  histograms: HistogramSamples,
  from: number,
  last: number,
  s: number,
  context: RangeContext,
): FloatHistogram | null {
  const { windows } = context
  const { t } = histograms
  const start = counter ? startInside(histograms, from, windows.begin(s)) : 0
  if (from === last && start === 0) return null
  const first = histograms.at(from)
  let result: FloatHistogram | null
  if (from === last) {
    result = first.copy()
  } else {
    result = increaseOf(histograms, from, last, counter, context)
    if (counter && result) noteOverlap(histograms, from, last, context)
    if (!result || (start !== 0 && !addNoted(result, first, context))) return null
  }
  const share = counter && result.count > 0 && first.count >= 0 ? first.count / result.count : Infinity
  const factor =
    start === 0
      ? factorOf(windows, s, t[from] as number, t[last] as number, last - from, share)
      : factorSince(start, windows, s, t[from] as number, t[last] as number, last - from)
  result.scaleInPlace(perSecond ? factor / windows.rangeSeconds : factor)
  return result
}

/** What the difference of two samples has to be multiplied with to be that of a whole window.
 *  @param pairs how many there are between them
 *  @param share which part of the difference the first sample is: a counter is never negative, so it is not extrapolated
 *    beyond the point where it was zero */
function factorOf(
  windows: Windows,
  s: number,
  firstT: number,
  lastT: number,
  pairs: number,
  share: number,
): number {
  const interval = (lastT - firstT) / 1000
  const average = interval / pairs
  const threshold = average * 1.1
  let toStart = (firstT - windows.begin(s)) / 1000
  let toEnd = (windows.end(s) - lastT) / 1000
  if (toStart >= threshold) toStart = average / 2
  const toZero = interval * share
  if (toZero < toStart) toStart = toZero
  if (toEnd >= threshold) toEnd = average / 2
  return (interval + toStart + toEnd) / interval
}

/** The same for a counter that is known to have begun at zero inside the window. */
function factorSince(
  start: number,
  windows: Windows,
  s: number,
  firstT: number,
  lastT: number,
  pairs: number,
): number {
  const interval = (lastT - start) / 1000
  const average = pairs > 0 ? (lastT - firstT) / 1000 / pairs : 0
  const toEnd = (windows.end(s) - lastT) / 1000
  return (interval + (toEnd >= average * 1.1 ? average / 2 : toEnd)) / interval
}

const beyond = 0x7fffffff
const noResets = Int32Array.of(beyond)

/** Indexes of the samples before which the counter was reset; one beyond all ends the list.
 *  @param starts whether a new start is one */
export function findResets(floats: FloatSamples, starts: boolean): Int32Array {
  const { count, v } = floats
  const resets = scratchIndexes(count + 1)
  let found = 0
  for (let i = 1; i < count; i++) {
    if ((v[i] as number) < (v[i - 1] as number) || (starts && startsAnew(floats, i))) resets[found++] = i
  }
  resets[found] = beyond
  return resets
}

interface Started {
  readonly t: Float64Array
  readonly starts: Float64Array | null
}

/** When the counter began, where that is between the window's beginning and its first sample; 0 otherwise. */
function startInside({ t, starts }: Started, first: number, begin: number): number {
  const start = starts === null ? 0 : (starts[first] as number)
  return start > begin && start < (t[first] as number) ? start : 0
}

function noteOverlaps(samples: Started, from: Int32Array, to: Int32Array, context: RangeContext): void {
  for (let s = 0; s < from.length; s++)
    noteOverlap(samples, from[s] as number, (to[s] as number) - 1, context)
}

/** Once a window, as upstream counts. */
function noteOverlap({ t, starts }: Started, from: number, last: number, context: RangeContext): void {
  if (starts === null) return
  for (let i = from + 1; i <= last; i++) {
    if (!overlaps(starts[i - 1] as number, t[i - 1] as number, starts[i] as number)) continue
    context.noteAgain(startTimeOverlap(context.name))
    return
  }
}
