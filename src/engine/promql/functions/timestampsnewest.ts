import type { Columns } from '../../model/store.ts'

/** Goes over the samples of a series, floats and histograms, and finds the newest at times that ascend. */
export class Newest {
  /** Milliseconds, of the sample that was found. */
  t = 0
  isHistogram = false
  private columns: Columns = { count: 0, t: none, v: none, stale: null, histograms: null }
  private nextFloat = 0
  private nextHistogram = 0

  /** Begins anew with another series. */
  of(columns: Columns): void {
    this.columns = columns
    this.nextFloat = 0
    this.nextHistogram = 0
  }

  /** Whether there is a sample in (now - lookback, now] and the newest one is no stale marker. */
  at(now: number, lookbackMs: number): boolean {
    const { count, t, stale, histograms } = this.columns
    let next = this.nextFloat
    while (next < count && (t[next] as number) <= now) next++
    this.nextFloat = next
    const floatT = next > 0 ? (t[next - 1] as number) : -Infinity
    const histogramT = this.newestHistogram(now)
    this.isHistogram = histogramT > floatT
    this.t = Math.max(floatT, histogramT)
    if (this.t <= now - lookbackMs) return false
    if (this.isHistogram) return histograms?.stale[this.nextHistogram - 1] === 0
    return !stale?.[next - 1]
  }

  /** When the counter behind the sample that was found began, milliseconds; 0 when nobody knows. */
  get start(): number {
    const { starts } = this.columns
    if (!starts) return 0
    const start = this.isHistogram
      ? starts.histograms[this.nextHistogram - 1]
      : starts.floats[this.nextFloat - 1]
    return start as number
  }

  private newestHistogram(now: number): number {
    const { histograms } = this.columns
    if (!histograms) return -Infinity
    let next = this.nextHistogram
    while (next < histograms.count && (histograms.t[next] as number) <= now) next++
    this.nextHistogram = next
    return next > 0 ? (histograms.t[next - 1] as number) : -Infinity
  }
}

const none = new Float64Array(0)
