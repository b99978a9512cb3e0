import { QueryError } from '../../model/errors.ts'
import type { FloatSamples, RangeSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'
import { interpolated } from './extended.ts'
import { ExtendedWindow } from './extendedwindow.ts'

/** The samples of an anchored or smoothed range as they are answered, at the first step: in the window, and one at each of
 *  its ends (upstream's `extendFloats`). Those of a plain range are answered as they are.
 *  @param windows slid over the samples
 *  @throws QueryError (`execution`) for native histograms in an extended range */
export function answeredSamples(samples: RangeSamples, windows: Windows): RangeSamples {
  const { ends } = windows
  const { floats, histograms } = samples
  if (ends === 'plain') return samples
  if (histograms !== null && windows.histogramFrom[0] !== windows.histogramTo[0])
    throw new QueryError('execution', `${ends} modifier is not supported with histograms`)
  return { floats: extendedFloats(floats, windows), histograms: null }
}

function extendedFloats(floats: FloatSamples, windows: Windows): FloatSamples {
  const { t, v } = floats
  const from = windows.from[0] as number
  const begin = windows.begin(0)
  const end = windows.end(0)
  const window = new ExtendedWindow(floats, windows, from)
  if (!window.find(0, from, windows.to[0] as number)) return { ...floats, count: 0 }
  const { first, last } = window
  const left = window.cutsLeft(0) ? interpolated(floats, first, begin, false) : (v[first] as number)
  const right = window.cutsRight(0, from) ? interpolated(floats, last - 1, end, false) : (v[last] as number)
  const firstInside = (t[first] as number) <= begin ? first + 1 : first
  const endInside = (t[last] as number) >= end ? last : last + 1
  const times = [begin, ...t.subarray(firstInside, endInside), end]
  const values = [left, ...v.subarray(firstInside, endInside), right]
  return { count: times.length, t: Float64Array.from(times), v: Float64Array.from(values), starts: null }
}
