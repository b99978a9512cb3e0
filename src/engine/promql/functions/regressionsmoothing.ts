import { QueryError } from '../../model/errors.ts'
import { formatFloat } from '../../model/float.ts'
import type { RangeContext, WindowKernel } from './implementation.ts'
import { presence } from '../row.ts'
import type { RangeSamples } from '../samples/samples.ts'
import { ofFloats } from './rangeskernels.ts'

/** Arguments: a smoothing and a trend factor; the less, the longer the past counts. */
export const doubleExponentialSmoothing: WindowKernel = (samples, context, row) => {
  checkFactors(samples, context)
  smoothing(samples, context, row)
}

const smoothing = ofFloats(({ v }, { windows, args }, { values, present }) => {
  const { steps, from, to } = windows
  for (let s = 0; s < steps; s++) {
    const first = from[s] as number
    const end = to[s] as number
    present[s] = end - first < 2 ? presence.none : presence.float
    if (end - first >= 2) values[s] = smoothed(v, first, end, factor(args, 0, s), factor(args, 1, s))
  }
})

function smoothed(v: Float64Array, from: number, to: number, smoothing: number, trending: number): number {
  let before = 0
  let now = v[from] as number
  let trend = (v[from + 1] as number) - now
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) trend = trending * (now - before) + (1 - trending) * trend
    const next = smoothing * (v[i] as number) + (1 - smoothing) * (now + trend)
    before = now
    now = next
  }
  return now
}

function factor(args: RangeContext['args'], i: number, s: number): number {
  return (args[i] as Float64Array)[s] as number
}

/** Only a step with samples is looked at. */
function checkFactors({ histograms }: RangeSamples, { windows, args }: RangeContext): void {
  const { steps, from, to, histogramFrom, histogramTo } = windows
  for (let s = 0; s < steps; s++) {
    const some = from[s] !== to[s] || (histograms !== null && histogramFrom[s] !== histogramTo[s])
    if (!some) continue
    checkFactor('smoothing', 'sf', factor(args, 0, s))
    checkFactor('trend', 'tf', factor(args, 1, s))
  }
}

function checkFactor(name: string, short: string, value: number): void {
  if (!(value <= 0 || value >= 1)) return
  const got = Math.abs(value) < 1e21 ? value.toFixed(6) : formatFloat(value)
  throw new QueryError('execution', `invalid ${name} factor. Expected: 0 < ${short} < 1, got: ${got}`)
}
