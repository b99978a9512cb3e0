import type { FloatHistogram } from '../../model/histogram/float.ts'
import { compactInPlace } from '../../model/histogram/floatadd.ts'
import { resetHint } from '../../model/histogram.ts'
import { histogramNotCounter, histogramNotGauge, mixedFloatsHistograms } from '../annotations.ts'
import type { RangeContext, WindowKernel } from './implementation.ts'
import { presence, setHistogram, type Row } from '../row.ts'
import type { FloatSamples, HistogramSamples, RangeSamples } from '../samples/samples.ts'
import type { FloatKernel } from './rangeskernels.ts'
import { startsAnew } from './rangesstarts.ts'
import { subtractNoted } from './rateshistogram.ts'

/** irate (of counters, per second) and idelta: the last two samples of the window (upstream's `instantValue`). */
export function lastTwo(counter: boolean): WindowKernel {
  const ofFloats = lastFloats(counter)
  return ({ floats, histograms }, context, row) => {
    ofFloats(floats, context, row)
    if (histograms === null) return
    const { steps, histogramFrom, histogramTo } = context.windows
    for (let s = 0; s < steps; s++) {
      if (histogramFrom[s] !== histogramTo[s]) ofBoth({ floats, histograms }, counter, s, context, row)
    }
  }
}

function lastFloats(counter: boolean): FloatKernel {
  return (floats, { windows }, { present, values }) => {
    const { t } = floats
    const { steps, from, to } = windows
    for (let s = 0; s < steps; s++) {
      const last = (to[s] as number) - 1
      if (last <= (from[s] as number)) {
        present[s] = presence.none
        continue
      }
      present[s] = presence.float
      const difference = differenceAt(floats, last, counter)
      values[s] = counter ? difference / (((t[last] as number) - (t[last - 1] as number)) / 1000) : difference
    }
  }
}

/** What came from sample i - 1 to i. */
function differenceAt(floats: FloatSamples, i: number, counter: boolean): number {
  const last = floats.v[i] as number
  const previous = floats.v[i - 1] as number
  const reset = counter && (last < previous || startsAnew(floats, i))
  return reset ? last : last - previous
}

/** Of a window that has histograms: the last two samples may be both of a kind, or one of each. */
function ofBoth(
  { floats, histograms }: RangeSamples & { readonly histograms: HistogramSamples },
  counter: boolean,
  s: number,
  context: RangeContext,
  row: Row,
): void {
  const { from, to, histogramFrom, histogramTo } = context.windows
  const floatT = (back: number) => timeBack(floats.t, from[s] as number, to[s] as number, back)
  const histogramT = (back: number) => {
    return timeBack(histograms.t, histogramFrom[s] as number, histogramTo[s] as number, back)
  }
  const bothFloats = floatT(2) > histogramT(1)
  if (bothFloats) return
  row.present[s] = presence.none
  if (histogramT(2) <= floatT(1)) {
    if (floatT(1) !== -Infinity) context.note(mixedFloatsHistograms)
    return
  }
  const histogram = lastHistograms(histograms, (histogramTo[s] as number) - 1, counter, context)
  if (histogram) setHistogram(row, s, histogram)
}

/** Time of the last sample of [from, to), or the one before it. */
function timeBack(t: Float64Array, from: number, to: number, back: number): number {
  return to - back >= from ? (t[to - back] as number) : -Infinity
}

function lastHistograms(
  histograms: HistogramSamples,
  i: number,
  counter: boolean,
  context: RangeContext,
): FloatHistogram | null {
  const last = histograms.at(i)
  const previous = histograms.at(i - 1)
  const gauges = [last, previous].filter(({ hint }) => hint === resetHint.gauge).length
  if (counter && gauges > 0) context.note(histogramNotCounter)
  if (!counter && gauges < 2) context.note(histogramNotGauge)
  const result = last.copy()
  const reset = counter && (startsAnew(histograms, i) || histograms.isReset(i))
  if (!reset && !subtractNoted(result, previous, context)) return null
  result.hint = resetHint.gauge
  compactInPlace(result)
  if (counter) result.divideInPlace(((histograms.t[i] as number) - (histograms.t[i - 1] as number)) / 1000)
  return result
}
