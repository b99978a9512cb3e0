import { compactInPlace } from '../../model/histogram/floatadd.ts'
import type { FloatHistogram } from '../../model/histogram/float.ts'
import { interpolatedHistogram } from '../../model/histogram/floatinterpolate.ts'
import { isFloatReset } from '../../model/histogram/floatreset.ts'
import { resetHint } from '../../model/histogram.ts'
import { histogramNotCounter, histogramNotGauge, mixedExponentialCustom } from '../annotations.ts'
import type { RangeContext } from './implementation.ts'
import type { HistogramSamples } from '../samples/samples.ts'
import { ExtendedWindow } from './extendedwindow.ts'
import type { HistogramReducer } from './rangeskernels.ts'
import type { RateKind } from './ratesextrapolated.ts'
import { addNoted, subtractNoted } from './rateshistogram.ts'

/** rate, increase and delta of native histograms in extended ranges (upstream's `extendedHistogramRate`). */
export function extendedHistograms({ counter, perSecond }: RateKind): HistogramReducer {
  return (histograms, from, to, s, context) => {
    const { windows } = context
    const window = new ExtendedWindow(histograms, windows, from)
    if (!window.find(s, from, to) || window.isBehind(s)) return null
    if (!allAlike(histograms, window, counter, context)) return null
    const cutLeft = window.cutsLeft(s)
    const left = cutLeft
      ? interpolated(histograms, window.first, windows.begin(s), counter, context)
      : histograms.at(window.first)
    const right = window.cutsRight(s, from)
      ? interpolated(histograms, window.last - 1, windows.end(s), counter, context)
      : histograms.at(window.last)
    const gauges = left.hint === resetHint.gauge && right.hint === resetHint.gauge
    if (!counter && !gauges) context.note(histogramNotGauge)
    const result = right.copy()
    if (!subtractNoted(result, left, context)) return null
    if (counter && !addResets(result, histograms, window, [left, right], cutLeft, context)) return null
    if (perSecond) result.divideInPlace(windows.rangeSeconds)
    result.hint = resetHint.gauge
    compactInPlace(result)
    return result
  }
}

function allAlike(
  histograms: HistogramSamples,
  { first, last }: ExtendedWindow,
  counter: boolean,
  context: RangeContext,
): boolean {
  const { custom } = histograms.at(first)
  for (let i = first; i <= last; i++) {
    const histogram = histograms.at(i)
    if (histogram.custom !== custom) {
      context.note(mixedExponentialCustom)
      return false
    }
    if (counter && histogram.hint === resetHint.gauge) context.note(histogramNotCounter)
  }
  return true
}

/** The histogram at a time between sample i and the next one. */
function interpolated(
  histograms: HistogramSamples,
  i: number,
  time: number,
  counter: boolean,
  context: RangeContext,
): FloatHistogram {
  const found = interpolatedHistogram(
    { t: histograms.t[i] as number, histogram: histograms.at(i) },
    { t: histograms.t[i + 1] as number, histogram: histograms.at(i + 1) },
    time,
    counter ? 'counter' : 'gauge',
    operation => context.noteReconciled(operation),
  )
  if (!found) throw new Error('BUG: custom and exponential buckets in one window')
  return found
}

/** Adds what was counted before each reset (upstream's `correctForCounterResetsHistogram`). */
function addResets(
  result: FloatHistogram,
  histograms: HistogramSamples,
  { first, last }: ExtendedWindow,
  [left, right]: readonly [FloatHistogram, FloatHistogram],
  cutLeft: boolean,
  context: RangeContext,
): boolean {
  let i = first + 1
  let previous = left
  // A left end between two samples has begun at zero already, when the counter was reset there.
  if (cutLeft && histograms.isReset(i)) previous = histograms.at(i++)
  if (i > last) return true
  let correction: FloatHistogram | null = null
  for (; i <= last; i++) {
    // The right end stands for the last sample, and has its hint.
    const current = i < last ? histograms.at(i) : right
    if (isFloatReset(current, previous)) {
      if (correction === null) correction = previous.copy()
      else if (!addNoted(correction, previous, context)) return false
    }
    previous = current
  }
  return correction === null || addNoted(result, correction, context)
}
