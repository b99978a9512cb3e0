/** Counts that differ by less are the same but for rounding (upstream's `smallDeltaTolerance`). */
const tolerance = 1e-12

/** Where counts fell from one bucket to the next, which no histogram does. */
export interface Forced {
  /** Upper bounds of the first and the last bucket that was lifted. */
  readonly minBucket: number
  readonly maxBucket: number
  /** How much it took at most. */
  readonly maxDiff: number
}

/** Estimates what a classic histogram tells of its observations at one time (upstream `promql/quantile.go`). Its buckets
 *  are cumulative, and the observations between two bounds are taken to be spread evenly. Memory is used again: `clear`,
 *  then `add`, then ask. */
export class ClassicBuckets {
  private bounds = new Float64Array(16)
  private counts = new Float64Array(16)
  private size = 0
  private lifted = false
  /** Not null when the last quantile needed it; until `clear`. */
  forced: Forced | null = null

  clear(): void {
    this.size = 0
    this.lifted = false
    this.forced = null
  }

  /** Adds a bucket; upper bounds come in ascending order. Buckets with the same bound are one. Different from upstream:
   *  asked for several quantiles, it does not add them up once more for each. */
  add(bound: number, count: number): void {
    const last = this.size - 1
    if (last >= 0 && this.bounds[last] === bound) {
      this.counts[last] = (this.counts[last] as number) + count
      return
    }
    if (this.size === this.bounds.length) this.grow()
    this.bounds[this.size] = bound
    this.counts[this.size++] = count
  }

  private grow(): void {
    const { bounds, counts } = this
    this.bounds = new Float64Array(bounds.length * 2)
    this.bounds.set(bounds)
    this.counts = new Float64Array(bounds.length * 2)
    this.counts.set(counts)
  }

  /** The φ-quantile (upstream `BucketQuantile`): -Inf and +Inf for a φ outside [0, 1], NaN of nothing and where there is no
   *  bucket for all observations. Counts that fall are lifted first. */
  quantile(q: number): number {
    if (Number.isNaN(q)) return NaN
    if (q < 0) return -Infinity
    if (q > 1) return Infinity
    const last = this.size - 1
    if (this.boundAt(last) !== Infinity) return NaN
    this.lift()
    const observations = this.countAt(last)
    if (last < 1 || observations === 0) return NaN
    const rank = q * observations
    const b = this.find(rank, last)
    if (b === last) return this.boundAt(last - 1)
    const end = this.boundAt(b)
    if (b === 0 && end <= 0) return end
    const start = b > 0 ? this.boundAt(b - 1) : 0
    const before = b > 0 ? this.countAt(b - 1) : 0
    return start + (end - start) * ((rank - before) / (this.countAt(b) - before))
  }

  private boundAt(i: number): number {
    return this.bounds[i] as number
  }

  private countAt(i: number): number {
    return this.counts[i] as number
  }

  /** The first bucket that has so many observations, or the one at `end`. A NaN among the counts leads the search astray
   *  as it does upstream (`sort.Search`). */
  private find(rank: number, end: number): number {
    let low = 0
    let high = end
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.countAt(middle) >= rank) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Makes counts ascend (upstream `ensureMonotonicAndIgnoreSmallDeltas`). */
  private lift(): void {
    if (this.lifted) return
    this.lifted = true
    let [minBucket, maxBucket, maxDiff] = [Infinity, -Infinity, 0]
    let before = this.countAt(0)
    for (let i = 1; i < this.size; i++) {
      const count = this.countAt(i)
      if (count === before) continue
      const fell = count < before
      if (!isAlmost(before, count)) {
        if (!fell) {
          before = count
          continue
        }
        minBucket = Math.min(minBucket, this.boundAt(i))
        maxBucket = Math.max(maxBucket, this.boundAt(i))
        maxDiff = Math.max(maxDiff, before - count)
      }
      this.counts[i] = before
    }
    if (maxBucket > -Infinity) this.forced = { minBucket, maxBucket, maxDiff }
  }

  /** The fraction of the observations between two values (upstream `BucketFraction`): NaN of nothing, between NaNs, and
   *  where there is no bucket for all observations. */
  fraction(lower: number, upper: number): number {
    const last = this.size - 1
    if (this.boundAt(last) !== Infinity) return NaN
    const count = this.countAt(last)
    if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN
    if (lower >= upper) return 0
    return (this.rankOf(upper, count) - this.rankOf(lower, count)) / count
  }

  /** How many observations lie below a value, at most `most`. */
  private rankOf(value: number, most: number): number {
    let rank = 0
    // Without bounds at or below zero, nothing negative was observed.
    let start = this.boundAt(0) <= 0 ? -Infinity : 0
    for (let i = 0; i < this.size; i++) {
      const end = this.boundAt(i)
      const count = this.countAt(i)
      if (start >= value) return rank > most ? most : rank
      if (end > value) {
        // Nothing is known of how an endless bucket is filled.
        const found = start === -Infinity ? count : rank + ((count - rank) * (value - start)) / (end - start)
        return found > most ? most : found
      }
      rank = count
      start = end
    }
    return most
  }
}

/** Whether two numbers are the same but for rounding (upstream's `util/almost`). */
function isAlmost(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true
  const sum = Math.abs(a) + Math.abs(b)
  const diff = Math.abs(a - b)
  const smallest = 2 ** -1022
  if (a === 0 || b === 0 || sum < smallest) return diff < tolerance * smallest
  return diff / Math.min(sum, Number.MAX_VALUE) < tolerance
}
