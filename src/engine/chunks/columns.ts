/** The bits that upstream calls `value.StaleNaN`: the series has ended. As words, because a NaN's payload does
 *  not survive as a number in every JavaScript engine. */
export const staleBits = { high: 0x7ff00000, low: 2 } as const

/** Upstream's `value.NormalNaN`: how every other NaN is written. JavaScript's own NaN ends in 0. */
export const nanBits = { high: 0x7ff80000, low: 1 } as const

/** Samples in columns that grow. A value is eight bytes that may be read as a number (`v`) or as bits (`bits`:
 *  the low word of sample i at 2i, the high word at 2i + 1, since every machine that runs JavaScript is
 *  little-endian). Stale markers are in there as bits; read a value as a number only after `splitStale`. */
export class SampleColumns {
  count = 0
  /** Milliseconds. */
  t: Float64Array
  v: Float64Array
  bits: Int32Array
  private stale = new Uint8Array(0)

  constructor(capacity = 0) {
    this.t = new Float64Array(capacity)
    this.v = new Float64Array(capacity)
    this.bits = new Int32Array(this.v.buffer)
  }

  /** Makes room for `more` samples behind the last. */
  reserve(more: number): void {
    const wanted = this.count + more
    if (wanted <= this.t.length) return
    const capacity = Math.max(wanted, this.t.length * 2)
    const t = new Float64Array(capacity)
    t.set(this.t.subarray(0, this.count))
    this.t = t
    // Copied as words: a stale marker must not pass through a number.
    const bits = new Int32Array(capacity * 2)
    bits.set(this.bits.subarray(0, this.count * 2))
    this.bits = bits
    this.v = new Float64Array(bits.buffer)
  }

  /** Adds a sample by the bits of its value. */
  add(t: number, high: number, low: number): void {
    this.reserve(1)
    const i = this.count++
    this.t[i] = t
    this.bits[2 * i] = low
    this.bits[2 * i + 1] = high
  }

  /** Keeps the samples in [minT, maxT]; times must ascend. */
  clip(minT: number, maxT: number): void {
    const from = lowerBound(this.t, this.count, minT)
    const to = lowerBound(this.t, this.count, maxT + 0.5)
    this.count = Math.max(0, to - from)
    if (from === 0 || this.count === 0) return
    this.t.copyWithin(0, from, to)
    this.bits.copyWithin(0, from * 2, to * 2)
  }

  /** Takes the samples in [minT, maxT] out; times must ascend. */
  cut(minT: number, maxT: number): void {
    const from = lowerBound(this.t, this.count, minT)
    const to = lowerBound(this.t, this.count, maxT + 0.5)
    if (to <= from) return
    this.t.copyWithin(from, to, this.count)
    this.bits.copyWithin(from * 2, to * 2, this.count * 2)
    this.count -= to - from
  }

  /** Turns the stale markers into ordinary NaNs and tells where they were: one byte a sample, 1 for a marker;
   *  null when there is none. The bytes are lent until the next call. */
  splitStale(): Uint8Array | null {
    const { bits, count } = this
    let found = false
    for (let i = 0; i < count; i++) {
      if (bits[2 * i + 1] !== staleBits.high || bits[2 * i] !== staleBits.low) continue
      if (!found) this.clearStale()
      found = true
      this.stale[i] = 1
      bits[2 * i] = nanBits.low
      bits[2 * i + 1] = nanBits.high
    }
    return found ? this.stale.subarray(0, count) : null
  }

  private clearStale(): void {
    if (this.stale.length < this.count) this.stale = new Uint8Array(this.t.length)
    else this.stale.fill(0, 0, this.count)
  }
}

/** Index of the first of `count` ascending times that is not below `t`. */
function lowerBound(times: Float64Array, count: number, t: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] as number) < t) low = middle + 1
    else high = middle
  }
  return low
}
