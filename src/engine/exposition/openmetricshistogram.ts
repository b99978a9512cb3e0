/** Hears of the samples of one histogram or gauge histogram at one time, and says what the specification of OpenMetrics
 *  1.0 has against it. */
export class HistogramRules {
  private readonly name: string
  private bound = -Infinity
  private cumulated = 0
  private hasBuckets = false
  private negativeBounds = false
  private count: number | null = null
  private sum: number | null = null
  private gauge = false

  /** @param name of the family */
  constructor(name: string) {
    this.name = name
  }

  /** Answers what is wrong with the sample, or null.
   *  @param bound the value of `le` of a bucket */
  add(suffix: string, bound: number, value: number): string | null {
    if (suffix === '_bucket') return this.addBucket(bound, value)
    this.gauge ||= suffix.startsWith('_g')
    if (suffix === '_count' || suffix === '_gcount') this.count = value
    if (suffix === '_sum' || suffix === '_gsum') this.sum = value
    return null
  }

  /** What is wrong with all of it, or null. */
  fault(): string | null {
    const { name, gauge, count, sum, bound, cumulated } = this
    const [ofCount, ofSum] = gauge ? ['_gcount', '_gsum'] : ['_count', '_sum']
    if (!this.hasBuckets || bound !== Infinity) return `want a bucket of "${name}" with le="+Inf", have none`
    if (count !== null && count !== cumulated) {
      return `want "${name}${ofCount}" to be the last bucket, ${cumulated}, have ${count}`
    }
    if ((count === null) !== (sum === null)) {
      return `want "${name}${ofCount}" and "${name}${ofSum}" together, have one of them`
    }
    if (this.negativeBounds && sum !== null && !gauge) {
      return `want no "${name}_sum" beside buckets below zero, have one`
    }
    if (!this.negativeBounds && sum !== null && sum < 0) {
      return `want "${name}${ofSum}" not negative without buckets below zero, have ${sum}`
    }
    return null
  }

  private addBucket(bound: number, value: number): string | null {
    const { name } = this
    if (this.hasBuckets && bound <= this.bound) {
      return `want the buckets of "${name}" in the order of le, have ${bound} behind ${this.bound}`
    }
    if (value < this.cumulated) {
      return `want no bucket of "${name}" below the one before it, have ${value} behind ${this.cumulated}`
    }
    this.hasBuckets = true
    this.negativeBounds ||= bound < 0
    this.bound = bound
    this.cumulated = value
    return null
  }
}
