import { CorruptionError } from '../bytes/corruption.ts'
import { assert } from '../model/errors.ts'

/** Writes bits behind each other, the highest first, into bytes that grow. What was written stays as it is. */
export class BitWriter {
  /** The bits so far, zeros behind them. Replaced by a larger array when full. */
  bytes: Uint8Array
  /** Bits so far. */
  length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity)
  }

  get byteLength(): number {
    return (this.length + 7) >>> 3
  }

  /** Writes the lowest `n` bits of `value`, 0 < n ≤ 32; the bits above them must be 0, or the sign's at n = 32. */
  write(value: number, n: number): void {
    // A spare byte, so that a value that ends with a byte may touch the next.
    if (this.length + n > (this.bytes.length - 1) * 8) this.grow()
    const { bytes } = this
    let at = this.length >>> 3
    let room = 8 - (this.length & 7)
    let left = n
    this.length += n
    for (; left > room; room = 8) {
      left -= room
      bytes[at] = (bytes[at] as number) | (value >>> left)
      at++
    }
    bytes[at] = (bytes[at] as number) | (value << (room - left))
  }

  /** Writes an integer in Prometheus's variable bits: as many as its size needs, up to 2^53 either way (upstream
   *  `putVarbitInt`). */
  varbit(value: number): void {
    if (value === 0) this.write(0, 1)
    else if (value >= -3 && value <= 4) this.write(0b10_000 | (value & 7), 5)
    else if (value >= -31 && value <= 32) this.write(0b110_000000 | (value & 63), 9)
    else if (value >= -255 && value <= 256) this.write(0b1110 * 512 + (value & 511), 13)
    else if (value >= -2047 && value <= 2048) this.write(0b11110 * 4096 + (value & 4095), 17)
    else if (value >= -131_071 && value <= 131_072) this.write((0b111110 << 18) | (value & 0x3ffff), 24)
    else if (value >= -16_777_215 && value <= 16_777_216) this.write((0x7e << 25) | (value & 0x1ffffff), 32)
    else this.long(value)
  }

  /** The same for integers that are never negative (upstream `putVarbitUint`). */
  uvarbit(value: number): void {
    if (value === 0) this.write(0, 1)
    else if (value <= 7) this.write(0b10_000 | value, 5)
    else if (value <= 63) this.write(0b110_000000 | value, 9)
    else if (value <= 511) this.write(0b1110 * 512 + value, 13)
    else if (value <= 4095) this.write(0b11110 * 4096 + value, 17)
    else if (value <= 262_143) this.write((0b111110 << 18) | value, 24)
    else if (value <= 33_554_431) this.write((0x7e << 25) | value, 32)
    else this.long(value)
  }

  /** What was written, in an array of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.byteLength)
  }

  private long(value: number): void {
    assert(Number.isSafeInteger(value), `${value} in a chunk`)
    this.write(0xfe, 8)
    this.write(Math.floor(value / 2 ** 32) & 0xffffff, 24)
    this.write(value | 0, 32)
  }

  private grow(): void {
    const grown = new Uint8Array(this.bytes.length * 2)
    grown.set(this.bytes)
    this.bytes = grown
  }
}

/** The bits of one chunk, read from the front. Every read is checked against the end once it is done: until then it runs
 *  into zeros. Readers share those zeros, so only the newest may be read from. */
export class BitReader {
  /** Bits read so far. */
  pos = 0
  private readonly view: DataView
  private readonly end: number

  constructor(chunk: Uint8Array) {
    this.view = padded(chunk)
    this.end = chunk.length * 8
  }

  /** Bits not yet read. */
  get left(): number {
    return this.end - this.pos
  }

  /** The next n bits, 0 < n ≤ 32; an int32 for all 32. */
  bits(n: number): number {
    const word = peek(this.view, this.pos)
    return this.take(n, n === 32 ? word : word >>> (32 - n))
  }

  /** Half of a float. */
  word(): number {
    return this.bits(32)
  }

  /** Go's `binary.Uvarint`, in bytes that need not begin with one. */
  uvarint(): number {
    const start = this.pos
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      if (this.pos - start === 80) throw new CorruptionError('varint longer than 10 bytes', start >>> 3)
      const byte = this.bits(8)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return this.safe(value)
    }
  }

  /** Go's `binary.Varint`. */
  varint(): number {
    const raw = this.uvarint()
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** What `BitWriter.varbit` wrote. */
  varbit(): number {
    const word = peek(this.view, this.pos)
    if (word >= 0) return this.take(1, 0)
    const prefix = Math.clz32(~word)
    if (prefix > 6) return this.longVarbit(prefix)
    const width = varbitWidths[prefix] as number
    return this.take(prefix + 1 + width, signed(word << (prefix + 1), width))
  }

  /** What `BitWriter.uvarbit` wrote. */
  uvarbit(): number {
    const word = peek(this.view, this.pos)
    if (word >= 0) return this.take(1, 0)
    const prefix = Math.clz32(~word)
    if (prefix > 6) return this.longUvarbit(prefix)
    const width = varbitWidths[prefix] as number
    return this.take(prefix + 1 + width, (word << (prefix + 1)) >>> (32 - width))
  }

  /** Takes the 0 bits that come next, `most` of them at most; answers how many. */
  zeros(most: number): number {
    let count = 0
    for (;;) {
      const run = Math.min(Math.clz32(peek(this.view, this.pos)), most - count)
      this.take(run, 0)
      count += run
      if (run < 32 || count === most) return count
    }
  }

  private longVarbit(prefix: number): number {
    // Nothing that is in use needs eight bytes; the middle of the range is positive in seven.
    const p = this.pos + 8
    if (prefix > 7) return this.take(72, this.safe(join(peek(this.view, p), peek(this.view, p + 32))))
    const value = join(peek(this.view, p) >> 8, peek(this.view, p + 24))
    return this.take(64, this.safe(value === -(2 ** 55) ? -value : value))
  }

  private longUvarbit(prefix: number): number {
    const p = this.pos + 8
    if (prefix > 7) return this.take(72, this.safe(join(peek(this.view, p) >>> 0, peek(this.view, p + 32))))
    return this.take(64, this.safe(join(peek(this.view, p) >>> 8, peek(this.view, p + 24))))
  }

  /** Moves on by what was just read. */
  private take(bits: number, value: number): number {
    this.pos += bits
    if (this.pos > this.end)
      throw new CorruptionError(`want ${bits} more bits, have ${this.end - this.pos + bits}`, this.pos >>> 3)
    return value
  }

  private safe(value: number): number {
    if (Number.isSafeInteger(value)) return value
    throw new CorruptionError('want an integer within 2^53, have a larger one', this.pos >>> 3)
  }
}

/** Bits of a value by the number of 1 bits in front of it. */
const varbitWidths = [0, 3, 6, 9, 12, 18, 25] as const

function join(high: number, low: number): number {
  return high * 2 ** 32 + (low >>> 0)
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

/** The longest read, and what `peek` sees beyond it. */
const slack = 24
let scratch = new Uint8Array(4096)
let scratchView = new DataView(scratch.buffer)

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
