/** What an appender takes. */
export interface Bounds {
  /** Samples before it are out of bounds, or out of order. */
  readonly minValidT: number
  /** How much older than `maxT` out-of-order samples may be; 0 takes none. */
  readonly windowMs: number
  /** The newest sample of the head when the appender was made. */
  readonly maxT: number
}

/** `later` goes behind the series' last sample, `same` has its time, `late` is out of order and within the window. The others
 *  are refused. */
export type Fit = 'later' | 'same' | 'late' | 'outOfOrder' | 'outOfBounds' | 'tooOld'

/** Where a sample of time `t` goes in a series (upstream `memSeries.appendable`).
 *  @param lastT of its last sample; -Infinity when there is none */
export function fit(t: number, lastT: number, { minValidT, windowMs, maxT }: Bounds): Fit {
  if (t >= minValidT) {
    if (t > lastT) return 'later'
    if (t === lastT) return 'same'
  }
  if (windowMs > 0) return t >= maxT - windowMs ? 'late' : 'tooOld'
  return t < minValidT ? 'outOfBounds' : 'outOfOrder'
}
