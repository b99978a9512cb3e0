import { CorruptionError } from '../bytes/corruption.ts'
import type { BitReader, BitWriter } from './bits.ts'

// Floats as their difference to the one before, in the same way as an XOR chunk has them (`xor.ts`): 0 for none, 10 and
// the bits of the last window, 11 and a new window. A chunk of histograms has several floats in a sample, each with a
// last value and a window of its own.

/** The values that come next are written, or read, as differences to these. Bits are words: a NaN may have a payload. */
export class XorValues {
  readonly high: Int32Array
  readonly low: Int32Array
  private readonly leading: Uint8Array
  private readonly trailing: Uint8Array

  /** @param leading of the first window: writers begin with `noWindow`, readers with one of 64 bits */
  constructor(count: number, leading: number) {
    this.high = new Int32Array(count)
    this.low = new Int32Array(count)
    this.leading = new Uint8Array(count).fill(leading)
    this.trailing = new Uint8Array(count)
  }

  /** Writes value k as it is. */
  start(bits: BitWriter, k: number, high: number, low: number): void {
    bits.write(high, 32)
    bits.write(low, 32)
    this.high[k] = high
    this.low[k] = low
  }

  write(bits: BitWriter, k: number, high: number, low: number): void {
    const highDiff = high ^ (this.high[k] as number)
    const lowDiff = low ^ (this.low[k] as number)
    if ((highDiff | lowDiff) === 0) {
      bits.write(0, 1)
      return
    }
    this.high[k] = high
    this.low[k] = low
    this.choose(bits, k, highDiff, lowDiff)
    const leading = this.leading[k] as number
    const trailing = this.trailing[k] as number
    if (trailing >= 32) {
      bits.write(highDiff >>> (trailing - 32), 64 - leading - trailing)
      return
    }
    bits.write(highDiff, 32 - leading)
    bits.write(lowDiff >>> trailing, 32 - trailing)
  }

  /** Reads value k as it is. */
  readFirst(bits: BitReader, k: number): void {
    this.high[k] = bits.word()
    this.low[k] = bits.word()
  }

  read(bits: BitReader, k: number): void {
    if (bits.bits(1) === 0) return
    if (bits.bits(1) === 1) {
      const leading = bits.bits(5)
      const width = bits.bits(6) || 64
      if (leading + width > 64) throw new CorruptionError('window wider than a value', bits.pos >>> 3)
      this.leading[k] = leading
      this.trailing[k] = 64 - leading - width
    }
    const leading = this.leading[k] as number
    const trailing = this.trailing[k] as number
    if (trailing >= 32) {
      this.high[k] = (this.high[k] as number) ^ (bits.bits(64 - leading - trailing) << (trailing - 32))
      return
    }
    this.high[k] = (this.high[k] as number) ^ bits.bits(32 - leading)
    this.low[k] = (this.low[k] as number) ^ (bits.bits(32 - trailing) << trailing)
  }

  /** Writes whether the last window is used again, or a new one. */
  private choose(bits: BitWriter, k: number, highDiff: number, lowDiff: number): void {
    // Five bits hold at most 31 leading zeros, which is why the low word need not be looked at.
    const leading = highDiff === 0 ? 31 : Math.clz32(highDiff)
    const trailing = lowDiff === 0 ? 32 + trailingZeros(highDiff) : trailingZeros(lowDiff)
    const before = this.leading[k] as number
    if (before !== noWindow && leading >= before && trailing >= (this.trailing[k] as number)) {
      bits.write(0b10, 2)
      return
    }
    this.leading[k] = leading
    this.trailing[k] = trailing
    bits.write(0x1800 | (leading << 6) | ((64 - leading - trailing) & 63), 13)
  }
}

/** Leading zeros of a window when there was none. */
export const noWindow = 0xff

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word)
}
