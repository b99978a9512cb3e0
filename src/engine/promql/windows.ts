import type { Columns, TimeRange } from '../model/store.ts'
import { compensate } from './kahan.ts'
import type { Grid, Row } from './row.ts'

// Functions over range vectors. Samples of a series are columns, and the windows of consecutive steps slide over
// them with two indexes that only go forward. No kernel allocates anything per step or sample.

/** Computes a row from the samples of one series. */
export type WindowKernel = (samples: Columns, windows: Windows, row: Row) => void

/** The samples of every step: those with times in (end − range, end]. */
export class Windows {
  /** Samples [from[s], to[s]) belong to step s. */
  readonly from: Int32Array
  readonly to: Int32Array
  readonly rangeMs: number
  /** The range as written, in seconds. */
  readonly rangeSeconds: number
  private readonly grid: Grid
  private readonly firstEnd: number

  constructor(grid: Grid, range: { readonly rangeMs: number; readonly offsetMs: number }) {
    this.grid = grid
    this.from = new Int32Array(grid.steps)
    this.to = new Int32Array(grid.steps)
    this.rangeMs = Math.trunc(range.rangeMs)
    this.rangeSeconds = goSeconds(range.rangeMs)
    this.firstEnd = grid.start - Math.trunc(range.offsetMs)
  }

  get steps(): number {
    return this.grid.steps
  }

  /** Times of the samples that the windows can hold; both ends belong to it. */
  get range(): TimeRange {
    return { minT: this.firstEnd - this.rangeMs + 1, maxT: this.end(this.steps - 1) }
  }

  /** Time of the right end of a step's window. */
  end(step: number): number {
    return this.firstEnd + step * this.grid.step
  }

  /** Finds the windows of all steps; answers the number of samples in them, those in several counted several
   *  times. */
  slide({ t, count }: Columns): number {
    const { from, to, rangeMs, steps } = this
    let left = 0
    let right = 0
    let total = 0
    for (let s = 0; s < steps; s++) {
      const end = this.end(s)
      while (right < count && (t[right] as number) <= end) right++
      while (left < right && (t[left] as number) <= end - rangeMs) left++
      from[s] = left
      to[s] = right
      total += right - left
    }
    return total
  }
}

/** Go's `Duration.Seconds`: whole seconds and the rest are converted apart, which can differ in the last bit. */
function goSeconds(ms: number): number {
  const whole = Math.trunc(ms / 1000)
  return whole + (Math.round(ms * 1e6) - whole * 1e9) / 1e9
}

/** rate, increase (counters) and delta: the difference of the last and the first sample, extrapolated to the ends
 *  of the window (upstream's `extrapolatedRate`; every operation in its order, so that results are the same to
 *  the bit). */
export function extrapolated(kind: { counter: boolean; perSecond: boolean }): WindowKernel {
  return (samples, windows, row) => {
    const { t, v } = samples
    const resets = kind.counter ? findResets(samples) : noResets
    let nextReset = 0
    for (let s = 0; s < windows.steps; s++) {
      const from = windows.from[s] as number
      const last = (windows.to[s] as number) - 1
      if (last <= from) {
        row.present[s] = 0
        continue
      }
      const first = v[from] as number
      let result = (v[last] as number) - first
      while ((resets[nextReset] as number) <= from) nextReset++
      for (let r = nextReset; (resets[r] as number) <= last; r++) {
        result += v[(resets[r] as number) - 1] as number
      }
      const end = windows.end(s)
      const interval = ((t[last] as number) - (t[from] as number)) / 1000
      const average = interval / (last - from)
      const threshold = average * 1.1
      let toStart = ((t[from] as number) - (end - windows.rangeMs)) / 1000
      let toEnd = (end - (t[last] as number)) / 1000
      if (toStart >= threshold) toStart = average / 2
      // A counter is never negative: it is not extrapolated beyond the point where it was zero.
      if (kind.counter && result > 0 && first >= 0) {
        const toZero = interval * (first / result)
        if (toZero < toStart) toStart = toZero
      }
      if (toEnd >= threshold) toEnd = average / 2
      let factor = (interval + toStart + toEnd) / interval
      if (kind.perSecond) factor /= windows.rangeSeconds
      row.values[s] = result * factor
      row.present[s] = 1
    }
  }
}

const beyond = 0x7fffffff
const noResets = Int32Array.of(beyond)
// Kernels run to their end without interruption, so they can share their scratch space.
let scratch = new Int32Array(1024)

function scratchFor(count: number): Int32Array {
  if (scratch.length < count) scratch = new Int32Array(count * 2)
  return scratch
}

/** Indexes of the samples that are lower than the one before; `beyond` ends the list. */
function findResets({ count, v }: Columns): Int32Array {
  const resets = scratchFor(count + 1)
  let found = 0
  for (let i = 1; i < count; i++) if ((v[i] as number) < (v[i - 1] as number)) resets[found++] = i
  resets[found] = beyond
  return resets
}

/** irate and idelta: the last two samples of the window (upstream's `instantValue`). */
export function lastTwo(kind: { counter: boolean }): WindowKernel {
  return perWindow(2, ({ t, v }, _, to) => {
    const last = v[to - 1] as number
    const previous = v[to - 2] as number
    const value = kind.counter && last < previous ? last : last - previous
    return kind.counter ? value / (((t[to - 1] as number) - (t[to - 2] as number)) / 1000) : value
  })
}

export const count = perWindow(1, (_, from, to) => to - from)
export const present = perWindow(1, () => 1)
export const last = perWindow(1, ({ v }, _, to) => v[to - 1] as number)
export const first = perWindow(1, ({ v }, from) => v[from] as number)

export const sum = perWindow(1, ({ v }, from, to) => {
  let sum = 0
  let c = 0
  for (let i = from; i < to; i++) {
    const total = sum + (v[i] as number)
    c = compensate(c, sum, v[i] as number, total)
    sum = total
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + c
})

export const average = perWindow(1, ({ v }, from, to) => {
  let sum = v[from] as number
  let c = 0
  for (let i = from + 1; i < to; i++) {
    const total = sum + (v[i] as number)
    if (total === Infinity || total === -Infinity) return incrementalMean(v, i, to, sum, c, i - from)
    c = compensate(c, sum, v[i] as number, total)
    sum = total
  }
  return sum / (to - from) + c / (to - from)
})

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

export const maximum = extreme((a, b) => a > b)
export const minimum = extreme((a, b) => a < b)

/** The greatest or least value of each window, the first one among equals. NaN only where there is nothing else.
 *  A queue holds the indexes of the values that can still win, best first. */
function extreme(better: (a: number, b: number) => boolean): WindowKernel {
  return ({ v, count }, windows, row) => {
    const queue = scratchFor(count + 1)
    let head = 0
    let tail = 0
    let seen = 0
    for (let s = 0; s < windows.steps; s++) {
      const from = windows.from[s] as number
      const to = windows.to[s] as number
      for (seen = Math.max(seen, from); seen < to; seen++) {
        const value = v[seen] as number
        if (Number.isNaN(value)) continue
        while (tail > head && better(value, v[queue[tail - 1] as number] as number)) tail--
        queue[tail++] = seen
      }
      while (head < tail && (queue[head] as number) < from) head++
      row.present[s] = to > from ? 1 : 0
      row.values[s] = head < tail ? (v[queue[head] as number] as number) : NaN
    }
  }
}

export const changes = countOf((previous, value) => {
  return value !== previous && !(Number.isNaN(value) && Number.isNaN(previous))
})
export const resets = countOf((previous, value) => value < previous)

/** How often something happens between neighbours of a window: a running count, and the difference of its ends. */
function countOf(happens: (previous: number, value: number) => boolean): WindowKernel {
  return ({ v, count }, windows, row) => {
    const until = scratchFor(count + 1)
    until[0] = 0
    for (let i = 1; i < count; i++) {
      until[i] = (until[i - 1] as number) + (happens(v[i - 1] as number, v[i] as number) ? 1 : 0)
    }
    for (let s = 0; s < windows.steps; s++) {
      const from = windows.from[s] as number
      const to = windows.to[s] as number
      row.present[s] = to > from ? 1 : 0
      if (to > from) row.values[s] = (until[to - 1] as number) - (until[from] as number)
    }
  }
}

/** Applies a function to each window with at least `least` samples. */
function perWindow(
  least: number,
  reduce: (samples: Columns, from: number, to: number) => number,
): WindowKernel {
  return (samples, windows, row) => {
    for (let s = 0; s < windows.steps; s++) {
      const from = windows.from[s] as number
      const to = windows.to[s] as number
      if (to - from < least) {
        row.present[s] = 0
      } else {
        row.present[s] = 1
        row.values[s] = reduce(samples, from, to)
      }
    }
  }
}
