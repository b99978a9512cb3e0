import type { FloatHistogram } from './float.ts'
import { addInPlace, kahanAddInPlace, nothingAside, type Noticed } from './floatadd.ts'

/** A Kahan sum of histograms. */
export class HistogramSum {
  private readonly sum: FloatHistogram
  private aside: FloatHistogram | null = null

  constructor(first: FloatHistogram) {
    this.sum = first.copy()
  }

  /** @returns null when buckets are custom in one and exponential in the other; then nothing has changed */
  add(h: FloatHistogram): Noticed | null {
    this.aside ??= nothingAside(this.sum)
    return kahanAddInPlace(this.sum, h, this.aside)
  }

  /** Ends the sum; empty buckets are not taken out. */
  total(): FloatHistogram {
    if (this.aside) addInPlace(this.sum, this.aside)
    return this.sum
  }
}

/** The mean of histograms: their sum, divided at the end, unless that would overflow; then it goes on as a mean. */
export class HistogramMean {
  private count = 1
  /** Of all histograms, or already their mean. */
  private value: FloatHistogram
  private aside: FloatHistogram | null = null
  private incremental = false

  constructor(first: FloatHistogram) {
    this.value = first.copy()
  }

  /** @returns null when buckets are custom in one and exponential in the other; then the mean is of no use any more */
  add(h: FloatHistogram): Noticed | null {
    this.count++
    if (this.incremental) return this.addToMean(h)
    const value = this.value.copy()
    const aside = this.aside ? this.aside.copy() : nothingAside(value)
    const noticed = kahanAddInPlace(value, h, aside)
    if (!noticed) return null
    if (value.overflows) {
      this.becomeMean()
      return this.addToMean(h)
    }
    this.value = value
    this.aside = aside
    return noticed
  }

  private becomeMean(): void {
    this.incremental = true
    this.value.divideInPlace(this.count - 1)
    this.aside?.divideInPlace(this.count - 1)
  }

  private addToMean(h: FloatHistogram): Noticed | null {
    const q = (this.count - 1) / this.count
    this.aside?.scaleInPlace(q)
    this.value.scaleInPlace(q)
    this.aside ??= nothingAside(this.value)
    return kahanAddInPlace(this.value, h.divided(this.count), this.aside)
  }

  /** Ends the calculation; empty buckets are not taken out. */
  mean(): FloatHistogram {
    if (!this.incremental) {
      this.value.divideInPlace(this.count)
      this.aside?.divideInPlace(this.count)
    }
    if (this.aside) addInPlace(this.value, this.aside)
    return this.value
  }
}
