import { FloatHistogram } from '../../model/histogram/float.ts'
import {
  addInPlace,
  compactInPlace,
  reduceResolutionInPlace,
  subtractInPlace,
} from '../../model/histogram/floatadd.ts'
import { isFloatReset } from '../../model/histogram/floatreset.ts'
import { resetHint } from '../../model/histogram.ts'
import { histogramNotCounter, histogramNotGauge, mixedExponentialCustom } from '../annotations.ts'
import type { RangeContext } from './implementation.ts'
import type { HistogramSamples } from '../samples/samples.ts'
import { startsAnew } from './rangesstarts.ts'

/** The difference of two histograms, with what was counted before each reset between them (upstream `histogramRate`);
 *  null when some have custom buckets and others have not. */
export function increaseOf(
  histograms: HistogramSamples,
  from: number,
  last: number,
  counter: boolean,
  context: RangeContext,
): FloatHistogram | null {
  const first = counter ? baseOf(histograms, from) : histograms.at(from)
  const schema = commonSchema(histograms, first, from, last, counter, context)
  if (schema === null) return null
  const result = histograms.at(last).copy()
  if (result.schema > schema) reduceResolutionInPlace(result, schema)
  // Resets are dealt with below; that hints contradict each other is no news.
  if (subtractInPlace(result, first)?.boundsReconciled) context.noteReconciled('subtraction')
  if (counter) addResets(result, histograms, first, from, last, context)
  else if (!isGauge(histograms, from) || !isGauge(histograms, last)) context.note(histogramNotGauge)
  result.hint = resetHint.gauge
  compactInPlace(result)
  return result
}

/** The first histogram; or nothing, in the buckets of the second, when the counter was reset between them: then those of
 *  the first need not fit. */
function baseOf(histograms: HistogramSamples, from: number): FloatHistogram {
  if (!startsAnew(histograms, from + 1) && !histograms.isReset(from + 1)) return histograms.at(from)
  const { schema, bounds } = histograms.at(from + 1)
  const nothing = FloatHistogram.empty()
  nothing.schema = schema
  nothing.bounds = bounds
  return nothing
}

function isGauge(histograms: HistogramSamples, i: number): boolean {
  return histograms.at(i).hint === resetHint.gauge
}

/** The lowest schema of those that count; null for custom and exponential buckets in one window. */
function commonSchema(
  histograms: HistogramSamples,
  first: FloatHistogram,
  from: number,
  last: number,
  counter: boolean,
  context: RangeContext,
): number | null {
  const newest = histograms.at(last)
  let gauge = counter && (isGauge(histograms, from) || isGauge(histograms, last))
  if (newest.custom !== first.custom) {
    if (gauge) context.note(histogramNotCounter)
    context.note(mixedExponentialCustom)
    return null
  }
  let schema = Math.min(newest.schema, first.schema)
  for (let i = from + 1; counter && i < last; i++) {
    const histogram = histograms.at(i)
    if (histogram.custom !== first.custom) {
      context.note(mixedExponentialCustom)
      return null
    }
    if (histogram.hint === resetHint.gauge) gauge = true
    if (histogram.schema < schema) schema = histogram.schema
  }
  if (gauge) context.note(histogramNotCounter)
  return schema
}

function addResets(
  result: FloatHistogram,
  histograms: HistogramSamples,
  first: FloatHistogram,
  from: number,
  last: number,
  context: RangeContext,
): void {
  let previous = first
  for (let i = from + 1; i <= last; i++) {
    const current = histograms.at(i)
    const isFirst = i === from + 1
    const isReset =
      startsAnew(histograms, i) || (isFirst ? isFloatReset(current, previous) : histograms.isReset(i))
    if (isReset && addInPlace(result, previous)?.boundsReconciled) context.noteReconciled('addition')
    previous = current
  }
}

/** Adds a histogram; false, with a note, when one has custom buckets and the other has not. */
export function addNoted(to: FloatHistogram, other: FloatHistogram, context: RangeContext): boolean {
  const noticed = addInPlace(to, other)
  if (!noticed) context.note(mixedExponentialCustom)
  if (noticed?.boundsReconciled) context.noteReconciled('addition')
  return noticed !== null
}

/** The same, taking away. */
export function subtractNoted(from: FloatHistogram, other: FloatHistogram, context: RangeContext): boolean {
  const noticed = subtractInPlace(from, other)
  if (!noticed) context.note(mixedExponentialCustom)
  if (noticed?.boundsReconciled) context.noteReconciled('subtraction')
  return noticed !== null
}
