import { sameFloatHistogram } from '../../model/histogram/floatequal.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation, WindowKernel } from './implementation.ts'
import { presence } from '../row.ts'
import type { FloatSamples, HistogramSamples, RangeSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'
import { firstAfter, scratchIndexes } from './rangeskernels.ts'
import { startsAnew } from './rangesstarts.ts'

/** What can happen between two samples that follow each other; from one kind to the other it always does. */
interface Happening {
  floats(value: number, previous: number): boolean
  /** To sample i, after the one before it. */
  histograms(histograms: HistogramSamples, i: number): boolean
  /** A new start is one, too. */
  readonly startsCount: boolean
}

export const changing = {
  changes: {
    kind: 'overRange',
    kernel: countOf({
      floats: (value, previous) => value !== previous && !(Number.isNaN(value) && Number.isNaN(previous)),
      histograms: (histograms, i) => !sameFloatHistogram(histograms.at(i), histograms.at(i - 1)),
      startsCount: false,
    }),
  },
  resets: {
    kind: 'overRange',
    kernel: countOf({
      floats: (value, previous) => value < previous,
      histograms: (histograms, i) => histograms.isReset(i),
      startsCount: true,
    }),
  },
} satisfies Partial<Record<FunctionName, Implementation>>

/** How often something happens in a window: a count that runs over all samples, and the difference of its ends. */
function countOf(happening: Happening): WindowKernel {
  return (samples, { windows }, row) => {
    const { floats, histograms } = samples
    const until = histograms ? countBoth(floats, histograms, happening) : countFloats(floats, happening)
    const { steps, from, to, histogramFrom, histogramTo } = windows
    const anchors = windows.ends === 'anchored' ? new Anchors(samples, windows) : null
    for (let s = 0; s < steps; s++) {
      let first = from[s] as number
      let end = to[s] as number
      if (histograms) {
        first += histogramFrom[s] as number
        end += histogramTo[s] as number
      }
      if (anchors) first = anchors.first(s, first, end)
      row.present[s] = end > first ? presence.float : presence.none
      if (end > first) row.values[s] = (until[end - 1] as number) - (until[first] as number)
    }
  }
}

function countFloats(floats: FloatSamples, happening: Happening): Int32Array {
  const { v, count } = floats
  const until = scratchIndexes(count + 1)
  const starts = happening.startsCount && floats.starts !== null
  until[0] = 0
  for (let i = 1; i < count; i++) {
    const happens = happening.floats(v[i] as number, v[i - 1] as number) || (starts && startsAnew(floats, i))
    until[i] = (until[i - 1] as number) + (happens ? 1 : 0)
  }
  return until
}

/** The same over samples of both kinds in the order of their times. */
function countBoth(floats: FloatSamples, histograms: HistogramSamples, happening: Happening): Int32Array {
  const all = floats.count + histograms.count
  const until = scratchIndexes(all + 1)
  let i = 0
  let k = 0
  let wasFloat = false
  for (let at = 0; at < all; at++) {
    const floatT = i < floats.count ? (floats.t[i] as number) : Infinity
    const isFloat = k >= histograms.count || floatT < (histograms.t[k] as number)
    if (isFloat) i++
    else k++
    let happens = isFloat !== wasFloat
    if (isFloat && wasFloat) happens = happensToFloats(floats, i - 1, happening)
    if (!isFloat && !wasFloat && at > 0) happens = happensToHistograms(histograms, k - 1, happening)
    until[at] = at === 0 ? 0 : (until[at - 1] as number) + (happens ? 1 : 0)
    wasFloat = isFloat
  }
  return until
}

function happensToFloats(floats: FloatSamples, i: number, happening: Happening): boolean {
  const { v } = floats
  if (happening.floats(v[i] as number, v[i - 1] as number)) return true
  return happening.startsCount && startsAnew(floats, i)
}

function happensToHistograms(histograms: HistogramSamples, i: number, happening: Happening): boolean {
  if (happening.startsCount && startsAnew(histograms, i)) return true
  return happening.histograms(histograms, i)
}

/** Anchored windows begin with the last sample, of whatever kind, that is not inside; samples before it do not count, and
 *  one alone is nothing. */
class Anchors {
  private readonly samples: RangeSamples
  private readonly windows: Windows
  private floats = 0
  private histograms = 0

  constructor(samples: RangeSamples, windows: Windows) {
    this.samples = samples
    this.windows = windows
  }

  /** The first sample of window [from, to), `to` for none. Steps must ascend. */
  first(step: number, from: number, to: number): number {
    const begin = this.windows.begin(step)
    this.floats = firstAfter(this.samples.floats, begin, this.floats)
    if (this.samples.histograms) this.histograms = firstAfter(this.samples.histograms, begin, this.histograms)
    const inside = this.floats + this.histograms
    return inside >= to ? to : Math.max(from, inside - 1)
  }
}
