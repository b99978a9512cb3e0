import type { FloatHistogram } from '../../model/histogram/float.ts'
import type { Noticed } from '../../model/histogram/floatadd.ts'
import { HistogramMean, HistogramSum } from '../../model/histogram/floatsum.ts'
import { resetHint } from '../../model/histogram.ts'
import { counterResetCollision, mixedExponentialCustom } from '../annotations.ts'
import type { RangeContext } from './implementation.ts'
import { compensate } from '../../model/kahan.ts'
import type { FloatSamples, HistogramSamples } from '../samples/samples.ts'
import { ofEither, perWindow } from './rangeskernels.ts'

export const sum = ofEither(perWindow(1, sumOf), (histograms, from, to, _, context) => {
  const total = new HistogramSum(histograms.at(from))
  return added(total, histograms, from, to, context) ? total.total() : null
})

export const average = ofEither(perWindow(1, averageOf), (histograms, from, to, _, context) => {
  const mean = new HistogramMean(histograms.at(from))
  return added(mean, histograms, from, to, context) ? mean.mean() : null
})

function sumOf({ v }: FloatSamples, from: number, to: number): number {
  let sum = 0
  let c = 0
  for (let i = from; i < to; i++) {
    const total = sum + (v[i] as number)
    c = compensate(c, sum, v[i] as number, total)
    sum = total
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + c
}

function averageOf({ v }: FloatSamples, from: number, to: number): number {
  let sum = v[from] as number
  let c = 0
  for (let i = from + 1; i < to; i++) {
    const total = sum + (v[i] as number)
    if (total === Infinity || total === -Infinity) return incrementalMean(v, i, to, sum, c, i - from)
    c = compensate(c, sum, v[i] as number, total)
    sum = total
  }
  return sum / (to - from) + c / (to - from)
}

/** Goes on with the mean where the sum would overflow. */
function incrementalMean(v: Float64Array, i: number, to: number, sum: number, c: number, n: number): number {
  let mean = sum / n
  c /= n
  for (; i < to; i++) {
    n++
    const q = (n - 1) / n
    const inc = (v[i] as number) / n
    const total = q * mean + inc
    c = compensate(q * c, q * mean, inc, total)
    mean = total
  }
  return mean + c
}

/** Adds all but the first; false when buckets are custom in some and exponential in others. */
function added(
  total: { add(h: FloatHistogram): Noticed | null },
  histograms: HistogramSamples,
  from: number,
  to: number,
  context: RangeContext,
): boolean {
  let reset = false
  let notReset = false
  let reconciled = false
  for (let i = from; i < to; i++) {
    const histogram = histograms.at(i)
    if (histogram.hint === resetHint.reset) reset = true
    if (histogram.hint === resetHint.notReset) notReset = true
    if (i === from) continue
    const noticed = total.add(histogram)
    if (!noticed) {
      context.note(mixedExponentialCustom)
      return false
    }
    if (noticed.boundsReconciled) reconciled = true
  }
  if (reset && notReset) context.note(collision)
  if (reconciled) context.noteReconciled('aggregation')
  return true
}

const collision = () => counterResetCollision('aggregation')
