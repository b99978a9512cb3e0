// XOR chunk: the float samples of one series (encoding 1; upstream `tsdb/chunkenc/xor.go`, Facebook's Gorilla).
//   ┌───────────┬───────────┬────────────┬────────────┬────────────┬───────┬────────────┬─────┐
//   │ count u16 │ t0 varint │ v0 float64 │ Δ1 uvarint │ v0 xor v1  │ ΔΔ2   │ v1 xor v2  │ ... │
//   └───────────┴───────────┴────────────┴────────────┴────────────┴───────┴────────────┴─────┘
// ΔΔ, the change of the distance to the sample before:
//   0            none                        1110 + 20 bits   -524,287 …  524,288
//   10 + 14 bits  -8,191 …  8,192            1111 + 64 bits   anything else
//   110 + 17 bits -65,535 … 65,536
// Values, by the bits in which they differ from the one before:
//   0            none
//   10           inside the window of the last 11: as many bits as it has
//   11           a new window: leading zeros (5 bits, at most 31), its width (6 bits, 0 is 64), then its bits
// The floats are handled as two 32-bit words: as numbers they would lose a stale marker's payload.

import { CorruptionError } from '../bytes/corruption.ts'
import { ByteReader } from '../bytes/reader.ts'
import { assert } from '../model/errors.ts'
import type { SampleColumns } from './columns.ts'

const headerBytes = 2
const headerBits = headerBytes * 8
/** The most that one sample after the first can take: 4 + 64 bits of time, 2 + 11 + 64 of value. */
export const maxSampleBytes = 19

/** A chunk that is being written, sample by sample. Bits once written stay as they are, so a reader that
 *  remembers `bytes` and `count` reads the same samples whatever is appended later. */
export class XorChunk {
  count = 0
  /** Time of the first sample; time and bits of the last one. */
  minT = 0
  t = 0
  high = 0
  low = 0
  /** Where the chunk lies. Others may lie in the same buffer; it moves to a larger place when it is full. */
  private buffer: Uint8Array
  private from: number
  private to: number
  /** Where the next bit goes, counted from the buffer's beginning. */
  private bits: number
  private delta = 0
  /** Window of the last value that opened one; 0xff leading zeros when there was none. */
  private leading = 0xff
  private trailing = 0

  constructor() {
    const { buffer, from } = firstPlace()
    this.buffer = buffer
    this.from = from
    this.to = from + firstBytes
    this.bits = from * 8 + headerBits
  }

  /** The chunk so far, without its count; zeros behind it. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(this.from, this.to)
  }

  /** Bytes that the samples take, as upstream counts them before it appends. */
  get byteLength(): number {
    return ((this.bits + 7) >>> 3) - this.from
  }

  /** Adds a sample behind the others: `t` ascends, `high` and `low` are the bits of its value. */
  append(t: number, high: number, low: number): void {
    assert(this.count < 0xffff, 'chunk is full')
    this.makeRoom()
    if (this.count === 0) {
      this.minT = t
      this.writeFirst(t, high, low)
    } else {
      const delta = t - this.t
      if (this.count === 1) this.writeUvarint(delta)
      else this.writeDeltaOfDelta(delta - this.delta)
      this.delta = delta
      this.writeDifference(high ^ this.high, low ^ this.low)
    }
    this.count++
    this.t = t
    this.high = high
    this.low = low
  }

  /** The finished chunk in an array of its own. */
  encoded(): Uint8Array {
    const encoded = this.buffer.slice(this.from, this.from + this.byteLength)
    encoded[0] = this.count >>> 8
    encoded[1] = this.count & 0xff
    return encoded
  }

  private writeFirst(t: number, high: number, low: number): void {
    this.writeUvarint(t < 0 ? -2 * t - 1 : 2 * t)
    this.write(high, 32)
    this.write(low, 32)
  }

  private writeUvarint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `time difference ${value} in a chunk`)
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.write((rest % 128) | 0x80, 8)
    this.write(rest, 8)
  }

  private writeDeltaOfDelta(dod: number): void {
    if (dod === 0) this.write(0, 1)
    else if (dod >= -8191 && dod <= 8192) this.write(0x8000 | (dod & 0x3fff), 16)
    else if (dod >= -65_535 && dod <= 65_536) this.write(0xc0000 | (dod & 0x1ffff), 20)
    else if (dod >= -524_287 && dod <= 524_288) this.write(0xe00000 | (dod & 0xfffff), 24)
    else {
      this.write(0xf, 4)
      this.write(Math.floor(dod / 2 ** 32), 32)
      this.write(dod | 0, 32)
    }
  }

  private writeDifference(high: number, low: number): void {
    if ((high | low) === 0) {
      this.write(0, 1)
      return
    }
    // Five bits hold at most 31 leading zeros, which is why the low word need not be looked at.
    const leading = high === 0 ? 31 : Math.clz32(high)
    const trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low)
    const inWindow = this.leading !== 0xff && leading >= this.leading && trailing >= this.trailing
    if (inWindow) this.write(0b10, 2)
    else {
      this.leading = leading
      this.trailing = trailing
      this.write(0x1800 | (leading << 6) | ((64 - leading - trailing) & 63), 13)
    }
    this.writeWindow(high, low)
  }

  /** Writes the bits between the window's leading and trailing zeros. */
  private writeWindow(high: number, low: number): void {
    const { leading, trailing } = this
    if (trailing >= 32) {
      this.write(high >>> (trailing - 32), 64 - leading - trailing)
      return
    }
    this.write(high, 32 - leading)
    this.write(low >>> trailing, 32 - trailing)
  }

  /** Writes the lowest `n` bits of `value`, 1 ≤ n ≤ 32; the bits above them must be 0. */
  private write(value: number, n: number): void {
    const { buffer } = this
    let at = this.bits >>> 3
    let room = 8 - (this.bits & 7)
    let left = n
    this.bits += n
    for (; left > room; room = 8) {
      left -= room
      buffer[at] = (buffer[at] as number) | (value >>> left)
      at++
    }
    buffer[at] = (buffer[at] as number) | (value << (room - left))
  }

  private makeRoom(): void {
    if ((this.bits >>> 3) + maxSampleBytes < this.to) return
    const grown = new Uint8Array((this.to - this.from) * 2)
    grown.set(this.bytes)
    this.bits -= this.from * 8
    this.from = 0
    this.to = grown.length
    this.buffer = grown
  }
}

const firstBytes = 64
/** Chunks begin side by side: a buffer of its own takes another 180 bytes. Not too many, because the last of them
 *  keeps the memory of all. */
const sharedBytes = 16 * firstBytes
let shared = new Uint8Array(sharedBytes)
let sharedUsed = 0

/** A place of 64 zeros. It is never used again: a reader may remember it. */
function firstPlace(): { buffer: Uint8Array; from: number } {
  if (sharedUsed === sharedBytes) {
    shared = new Uint8Array(sharedBytes)
    sharedUsed = 0
  }
  const from = sharedUsed
  sharedUsed += firstBytes
  return { buffer: shared, from }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word)
}

/** Number of samples of a finished chunk.
 *  @throws CorruptionError */
export function xorCount(chunk: Uint8Array): number {
  return new ByteReader(chunk).be16()
}

/** Decodes the first `count` samples of a chunk behind those that `out` has.
 *  @throws CorruptionError when the chunk ends before */
export function decodeXor(chunk: Uint8Array, count: number, out: SampleColumns): void {
  if (count === 0) return
  const r = new ByteReader(chunk)
  r.slice(headerBytes)
  // Each sample after the second takes two bits or more: no memory for what cannot be there.
  if (count > 2 + chunk.length * 4) throw new CorruptionError(`want ${count} samples in a chunk`, 0)
  out.reserve(count)
  const start = out.count
  out.t[start] = r.varint()
  out.bits[2 * start + 1] = r.word()
  out.bits[2 * start] = r.word()
  if (count > 1) decodeRest(chunk, count, out, r)
  out.count = start + count
}

/** Everything after the first sample. One 32-bit load shows all control bits of a sample; runs of samples that
 *  change neither interval nor value, two 0 bits each, are counted in the word: 10 against 60 ns a sample. */
function decodeRest(chunk: Uint8Array, count: number, out: SampleColumns, r: ByteReader): void {
  const { t: times, bits } = out
  let o = out.count
  const end = o + count
  let t = times[o] as number
  let low = bits[2 * o] as number
  let high = bits[2 * o + 1] as number
  let delta = r.uvarint()
  let [leading, width, highMask, lowMask] = [0, 64, -1, -1]
  const view = padded(chunk)
  const limit = chunk.length * 8
  let p = r.pos * 8
  let second = true

  for (o++; o < end; o++) {
    if (p > limit) break
    let word = peek(view, p)
    if (second) second = false
    else if (word >= 0) {
      word <<= 1
      p++
      if (word >= 0) {
        let run = Math.min(1 + (Math.clz32(word << 1) >>> 1), end - o, 15)
        p += 2 * run - 1
        for (; run > 0; run--, o++) {
          t += delta
          times[o] = t
          bits[2 * o] = low
          bits[2 * o + 1] = high
        }
        o--
        continue
      }
    } else {
      if (word << 1 >= 0) {
        delta += signed(word << 2, 14)
        p += 16
      } else if (word << 2 >= 0) {
        delta += signed(word << 3, 17)
        p += 20
      } else if (word << 3 >= 0) {
        delta += signed(word << 4, 20)
        p += 24
      } else {
        delta += peek(view, p + 4) * 2 ** 32 + (peek(view, p + 36) >>> 0)
        p += 68
      }
      word = peek(view, p)
    }
    t += delta

    if (word >= 0) p++
    else {
      if (word << 1 >= 0) p += 2
      else {
        leading = (word >>> 25) & 31
        width = (word >>> 19) & 63 || 64
        highMask = width >= 32 ? -1 : ~(-1 >>> width)
        lowMask = width <= 32 ? 0 : width === 64 ? -1 : ~(-1 >>> (width - 32))
        if (leading + width > 64) throw new CorruptionError('window wider than a value', p >>> 3)
        p += 13
      }
      // The window's bits, at the left of two words, moved right by its leading zeros.
      const front = peek(view, p) & highMask
      const back = width > 32 ? peek(view, p + 32) & lowMask : 0
      high ^= front >>> leading
      low ^= leading === 0 ? back : (back >>> leading) | (front << (32 - leading))
      p += width
    }
    times[o] = t
    bits[2 * o] = low
    bits[2 * o + 1] = high
  }
  if (p > limit) throw new CorruptionError(`chunk ends before its ${count} samples`, p >>> 3)
  if (!Number.isSafeInteger(t)) throw new CorruptionError('want times within 2^53, have larger ones', 0)
}

/** The 32 bits from bit `p` on. */
function peek(view: DataView, p: number): number {
  const byte = p >>> 3
  const shift = p & 7
  return (view.getInt32(byte) << shift) | (view.getUint8(byte + 4) >>> (8 - shift))
}

/** The integer in the top `n` bits of a word. The middle of the range is positive: of four bits, 1000 is +8. */
function signed(word: number, n: number): number {
  const value = word >> (32 - n)
  return value === -(2 ** (n - 1)) ? -value : value
}

let scratch = new Uint8Array(4096)
let scratchView = new DataView(scratch.buffer)
/** `peek` reads ahead, and a sample is checked against the end only after it was read. */
const slack = 2 * maxSampleBytes

/** The chunk with zeros behind it, so that no read has to look for the end. Lent until the next call. */
function padded(chunk: Uint8Array): DataView {
  if (scratch.length < chunk.length + slack) {
    scratch = new Uint8Array(2 * chunk.length + slack)
    scratchView = new DataView(scratch.buffer)
  }
  scratch.set(chunk)
  scratch.fill(0, chunk.length, chunk.length + slack)
  return scratchView
}
