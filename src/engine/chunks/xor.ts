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
/** What `put` may touch when a sample is written, from the byte on in which it begins. */
const roomForSample = maxSampleBytes + 6

/** A chunk that is being written, sample by sample. Bits once written stay as they are, so a reader that
 *  remembers `bytes` and `count` reads the same samples whatever is appended later.
 *
 *  A scrape appends one sample to each of thousands of chunks, and waits for memory more than for anything else. So
 *  what a sample needs of its chunk is in one row, with the chunk's first bytes behind it: 155 against 218 ns a sample
 *  and 125 bytes less a chunk than with a field for each, over 100,000 chunks. */
export class XorChunk {
  /** The page, in which the chunk's state begins at byte `at`. */
  private readonly words: Int32Array
  private readonly doubles: Float64Array
  private readonly at: number
  /** Where the bytes lie from `from` on. Others may lie in the same buffer; the chunk moves to a larger place when its
   *  own is full. */
  private view: DataView

  constructor() {
    const { page, slot } = nextSlot()
    this.words = page.words
    this.doubles = page.doubles
    this.view = page.view
    this.at = slot * slotBytes
    const w = this.at >>> 2
    const from = this.at + stateBytes
    this.words[w + word.from] = from
    this.words[w + word.to] = from + firstBytes
    this.words[w + word.bits] = from * 8 + headerBits
    this.words[w + word.leading] = noWindow
  }

  get count(): number {
    return this.word(word.count)
  }
  /** Time of the first sample. */
  get minT(): number {
    return this.doubles[(this.at >>> 3) + double.minT] as number
  }
  /** Time and bits of the last sample. */
  get t(): number {
    return this.doubles[(this.at >>> 3) + double.t] as number
  }
  /** Kept here for whoever fills the chunk: a sample from this time on starts another. */
  get nextAt(): number {
    return this.doubles[(this.at >>> 3) + double.nextAt] as number
  }
  set nextAt(t: number) {
    this.doubles[(this.at >>> 3) + double.nextAt] = t
  }
  get high(): number {
    return this.word(word.high)
  }
  get low(): number {
    return this.word(word.low)
  }

  /** The chunk so far, without its count; zeros behind it. */
  get bytes(): Uint8Array {
    const from = this.word(word.from)
    return new Uint8Array(this.view.buffer, from, this.word(word.to) - from)
  }

  /** Bytes that the samples take, as upstream counts them before it appends. */
  get byteLength(): number {
    return ((this.word(word.bits) + 7) >>> 3) - this.word(word.from)
  }

  /** Adds a sample behind the others: `t` ascends, `high` and `low` are the bits of its value. */
  append(t: number, high: number, low: number): void {
    const { words, doubles } = this
    const w = this.at >>> 2
    const d = this.at >>> 3
    const count = words[w + word.count] as number
    assert(count < 0xffff, 'chunk is full')
    if (((words[w + word.bits] as number) >>> 3) + roomForSample > (words[w + word.to] as number)) this.move()
    const { view } = this
    let bits = words[w + word.bits] as number
    if (count === 0) {
      doubles[d + double.minT] = t
      bits = putUvarint(view, bits, t < 0 ? -2 * t - 1 : 2 * t)
      bits = put(view, bits, high, 32)
      bits = put(view, bits, low, 32)
    } else {
      const delta = t - (doubles[d + double.t] as number)
      if (count === 1) bits = putUvarint(view, bits, delta)
      else bits = putDeltaOfDelta(view, bits, delta - (doubles[d + double.delta] as number))
      doubles[d + double.delta] = delta
      const highDiff = high ^ (words[w + word.high] as number)
      const lowDiff = low ^ (words[w + word.low] as number)
      if ((highDiff | lowDiff) === 0) bits++
      else bits = this.putDifference(bits, highDiff, lowDiff)
    }
    words[w + word.bits] = bits
    words[w + word.count] = count + 1
    doubles[d + double.t] = t
    words[w + word.high] = high
    words[w + word.low] = low
  }

  /** Adds samples [from, to) behind the others. */
  appendRun({ t, bits }: SampleColumns, from: number, to: number): void {
    for (let i = from; i < to; i++)
      this.append(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
  }

  /** The finished chunk in an array of its own. */
  encoded(): Uint8Array {
    const encoded = new Uint8Array(this.byteLength)
    this.encodeInto(encoded, 0)
    return encoded
  }

  /** Writes the finished chunk to a place that has room for it. */
  encodeInto(target: Uint8Array, at: number): void {
    target.set(new Uint8Array(this.view.buffer, this.word(word.from), this.byteLength), at)
    target[at] = this.count >>> 8
    target[at + 1] = this.count & 0xff
  }

  private word(index: number): number {
    return this.words[(this.at >>> 2) + index] as number
  }

  private putDifference(at: number, high: number, low: number): number {
    const { words, view } = this
    const w = this.at >>> 2
    // Five bits hold at most 31 leading zeros, which is why the low word need not be looked at.
    let leading = high === 0 ? 31 : Math.clz32(high)
    let trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low)
    const lastLeading = words[w + word.leading] as number
    const lastTrailing = words[w + word.trailing] as number
    let bits = at
    if (leading >= lastLeading && trailing >= lastTrailing) {
      leading = lastLeading
      trailing = lastTrailing
      bits = put(view, bits, 0b10, 2)
    } else {
      words[w + word.leading] = leading
      words[w + word.trailing] = trailing
      bits = put(view, bits, 0x1800 | (leading << 6) | ((64 - leading - trailing) & 63), 13)
    }
    if (trailing >= 32) return put(view, bits, high >>> (trailing - 32), 64 - leading - trailing)
    bits = put(view, bits, high, 32 - leading)
    return put(view, bits, low >>> trailing, 32 - trailing)
  }

  private move(): void {
    const { words } = this
    const w = this.at >>> 2
    const from = words[w + word.from] as number
    const place = largerPlace((words[w + word.to] as number) - from)
    new Uint8Array(place.view.buffer).set(this.bytes, place.from)
    words[w + word.bits] = (words[w + word.bits] as number) + (place.from - from) * 8
    words[w + word.from] = place.from
    words[w + word.to] = place.to
    this.view = place.view
  }
}

// The state of a chunk, by index of a double or a word.
const double = { t: 0, minT: 1, delta: 2, nextAt: 3 } as const
const word = { low: 8, high: 9, bits: 10, count: 11, from: 12, to: 13, leading: 14, trailing: 15 } as const
/** A line of the cache. */
const stateBytes = 64
/** Leading zeros of the window while there is none: no value has so many. */
const noWindow = 0xff
const firstBytes = 64
const slotBytes = stateBytes + firstBytes
/** Not too many: the last chunk of a page keeps the memory of all. */
const slotsPerPage = 32

interface Page {
  readonly view: DataView
  readonly words: Int32Array
  readonly doubles: Float64Array
}

let page = newPage()
let used = 0

function newPage(): Page {
  const buffer = new ArrayBuffer(slotsPerPage * slotBytes)
  return { view: new DataView(buffer), words: new Int32Array(buffer), doubles: new Float64Array(buffer) }
}

/** A place of zeros. It is never used again: a reader may remember it. */
function nextSlot(): { page: Page; slot: number } {
  if (used === slotsPerPage) {
    page = newPage()
    used = 0
  }
  return { page, slot: used++ }
}

/** Where chunks go when their place is full. There are many in a buffer: one of its own takes another 180 bytes, and makes
 *  work for the garbage collector. */
class Shelf {
  readonly placeBytes: number
  private view = viewOf(0)
  private used = 0

  constructor(placeBytes: number) {
    this.placeBytes = placeBytes
  }

  next(): { view: DataView; from: number; to: number } {
    if (this.used === this.view.byteLength) {
      this.view = viewOf(shelfBytes)
      this.used = 0
    }
    const from = this.used
    this.used += this.placeBytes
    return { view: this.view, from, to: this.used }
  }
}

const shelfBytes = 4096
const shelves = [new Shelf(256), new Shelf(512)]

/** @param size of the place that is full */
function largerPlace(size: number): { view: DataView; from: number; to: number } {
  const shelf = shelves.find(({ placeBytes }) => placeBytes > size)
  return shelf ? shelf.next() : { view: viewOf(size * 2), from: 0, to: size * 2 }
}

function viewOf(length: number): DataView {
  return new DataView(new ArrayBuffer(length))
}

/** Writes the lowest `n` bits of `value`, 1 ≤ n ≤ 32; the bits above them must be 0. The up to four bytes behind them become
 *  0, as they are. Answers the place behind. */
function put(view: DataView, bits: number, value: number, n: number): number {
  const at = bits >>> 3
  const front = view.getUint8(at) << 24
  const left = 32 - (bits & 7) - n
  if (left >= 0) view.setInt32(at, front | (value << left))
  else {
    view.setInt32(at, front | (value >>> -left))
    view.setUint8(at + 4, value << (8 + left))
  }
  return bits + n
}

function putUvarint(view: DataView, bits: number, value: number): number {
  assert(Number.isSafeInteger(value) && value >= 0, `time difference ${value} in a chunk`)
  let at = bits
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) at = put(view, at, (rest % 128) | 0x80, 8)
  return put(view, at, rest, 8)
}

function putDeltaOfDelta(view: DataView, bits: number, dod: number): number {
  if (dod === 0) return bits + 1
  if (dod >= -8191 && dod <= 8192) return put(view, bits, 0x8000 | (dod & 0x3fff), 16)
  if (dod >= -65_535 && dod <= 65_536) return put(view, bits, 0xc0000 | (dod & 0x1ffff), 20)
  if (dod >= -524_287 && dod <= 524_288) return put(view, bits, 0xe00000 | (dod & 0xfffff), 24)
  let at = put(view, bits, 0xf, 4)
  at = put(view, at, Math.floor(dod / 2 ** 32), 32)
  return put(view, at, dod | 0, 32)
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
