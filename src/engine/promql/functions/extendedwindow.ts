import type { Windows } from '../samples/windows.ts'

interface Timed {
  readonly t: Float64Array
  readonly count: number
}

/** Which samples the ends of an anchored or smoothed window are made of, step by step. */
export class ExtendedWindow {
  /** The last sample that is not after the window's beginning; where there is none, the window's first one. */
  first = 0
  /** The window's last sample; of a smoothed one the first that is not before its end, where there is one. */
  last = 0
  private readonly samples: Timed
  private readonly windows: Windows
  private afterBegin: number
  private atEnd: number

  /** @param from the first sample of the first window that is asked for */
  constructor(samples: Timed, windows: Windows, from = 0) {
    this.samples = samples
    this.windows = windows
    this.afterBegin = this.atEnd = from
  }

  /** Finds both for the window [from, to); false when it has nothing after its beginning. Steps must ascend. */
  find(step: number, from: number, to: number): boolean {
    if (from === to) return false
    const { windows } = this
    const { t, count } = this.samples
    const begin = windows.begin(step)
    const end = windows.end(step)
    while (this.afterBegin < count && (t[this.afterBegin] as number) <= begin) this.afterBegin++
    while (this.atEnd < count && (t[this.atEnd] as number) < end) this.atEnd++
    const smoothed = windows.ends === 'smoothed'
    this.first = Math.max(from, Math.min(this.afterBegin, to - 1) - 1)
    this.last = smoothed ? Math.max(from, Math.min(this.atEnd, to - 1)) : to - 1
    return (t[this.last] as number) > begin
  }

  /** Whether a smoothed window has samples behind its end only. */
  isBehind(step: number): boolean {
    const smoothed = this.windows.ends === 'smoothed'
    return smoothed && (this.samples.t[this.first] as number) > this.windows.end(step)
  }

  /** Whether the left end lies between two samples of a smoothed window: `first` and the next one. */
  cutsLeft(step: number): boolean {
    const smoothed = this.windows.ends === 'smoothed'
    return smoothed && (this.samples.t[this.first] as number) < this.windows.begin(step)
  }

  /** Whether the right end lies between two samples of a smoothed window: `last` and the one before, which is in it, too.
   *  @param from the window's first sample */
  cutsRight(step: number, from: number): boolean {
    const smoothed = this.windows.ends === 'smoothed'
    return smoothed && this.last > from && (this.samples.t[this.last] as number) > this.windows.end(step)
  }
}
