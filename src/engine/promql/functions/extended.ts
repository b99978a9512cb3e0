import type { WindowKernel } from './implementation.ts'
import { presence } from '../row.ts'
import type { FloatSamples } from '../samples/samples.ts'
import type { Windows } from '../samples/windows.ts'
import { extendedHistograms } from './extendedhistograms.ts'
import { ExtendedWindow } from './extendedwindow.ts'
import { findResets, type RateKind } from './ratesextrapolated.ts'
import { ofEither, type FloatKernel } from './rangeskernels.ts'

// Ranges with anchored or smoothed ends: nothing is extrapolated. An anchored window begins with the last sample before it;
// the ends of a smoothed one lie on straight lines between samples.

/** rate, increase and delta of extended ranges (upstream's `extendedRate`). */
export function extended(kind: RateKind): WindowKernel {
  return ofEither(floatsOf(kind), extendedHistograms(kind))
}

function floatsOf({ counter, perSecond }: RateKind): FloatKernel {
  return (floats, { windows }, { values, present }) => {
    const { steps, from, to } = windows
    const corrections = counter ? new Corrections(floats, windows) : null
    const window = new ExtendedWindow(floats, windows)
    for (let s = 0; s < steps; s++) {
      const begin = from[s] as number
      const some = window.find(s, begin, to[s] as number) && !window.isBehind(s)
      present[s] = some ? presence.float : presence.none
      if (!some) continue
      const { first, last } = window
      const left = window.cutsLeft(s)
        ? interpolated(floats, first, windows.begin(s), counter)
        : (floats.v[first] as number)
      const right = window.cutsRight(s, begin)
        ? interpolated(floats, last - 1, windows.end(s), counter)
        : (floats.v[last] as number)
      let result = right - left
      if (corrections) result += corrections.at(s, first, last, left, right)
      values[s] = perSecond ? result / windows.rangeSeconds : result
    }
  }
}

/** The value at a time on the straight line from sample i to the next one. A counter that was reset between them begins at
 *  zero. */
export function interpolated({ t, v }: FloatSamples, i: number, time: number, counter: boolean): number {
  const y1 = v[i] as number
  const y2 = v[i + 1] as number
  const base = counter && y2 < y1 ? 0 : y1
  const t1 = t[i] as number
  return base + ((y2 - base) * (time - t1)) / ((t[i + 1] as number) - t1)
}

/** What counters had counted before they were reset (upstream `correctForCounterResets`). */
class Corrections {
  private readonly floats: FloatSamples
  private readonly windows: Windows
  private readonly resets: Int32Array
  private next = 0

  constructor(floats: FloatSamples, windows: Windows) {
    this.floats = floats
    this.windows = windows
    this.resets = findResets(floats, false)
  }

  /** Of a window with the values `left` and `right` at its ends, which stand for the samples there. */
  at(step: number, first: number, last: number, left: number, right: number): number {
    const { t, v } = this.floats
    const from = (t[first] as number) <= this.windows.begin(step) ? first + 1 : first
    const to = (t[last] as number) >= this.windows.end(step) ? last - 1 : last
    if (from > to) return right < left ? left : 0
    let correction = 0
    if ((v[from] as number) < left) correction += left
    while ((this.resets[this.next] as number) <= from) this.next++
    for (let r = this.next; (this.resets[r] as number) <= to; r++) {
      correction += v[(this.resets[r] as number) - 1] as number
    }
    if (right < (v[to] as number)) correction += v[to] as number
    return correction
  }
}
