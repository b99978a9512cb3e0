import { CorruptionError } from './corruption.ts'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Reads values off the front of a byte slice. Every read is checked against the end and throws
 *  `CorruptionError`, so that a record decodes straight down and is caught in one place. Integers are numbers:
 *  what lies beyond 2^53 is refused. */
export class ByteReader {
  /** Offset of the next byte from the start of the slice. */
  pos = 0
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.bytes.length - this.pos
  }

  u8(): number {
    return this.view.getUint8(this.take(1))
  }

  be16(): number {
    return this.view.getUint16(this.take(2))
  }

  be32(): number {
    return this.view.getUint32(this.take(4))
  }

  /** Four bytes as the sign-carrying bits of an int32: half of a float's bits. */
  word(): number {
    return this.view.getInt32(this.take(4))
  }

  /** An unsigned 64-bit integer. */
  be64(): number {
    const start = this.take(8)
    return this.safe(this.view.getUint32(start) * 2 ** 32 + this.view.getUint32(start + 4), start)
  }

  /** A signed 64-bit integer in two's complement. */
  be64Signed(): number {
    const start = this.take(8)
    return this.safe(this.view.getInt32(start) * 2 ** 32 + this.view.getUint32(start + 4), start)
  }

  /** Go's `binary.Uvarint`: seven bits a byte, the lowest first. */
  uvarint(): number {
    const start = this.pos
    // Most have one byte or two. Behind the end there is undefined, which is not less.
    const first = this.bytes[start] as number
    if (first < 0x80) {
      this.pos = start + 1
      return first
    }
    const second = this.bytes[start + 1] as number
    if (second < 0x80) {
      this.pos = start + 2
      return (first & 0x7f) | (second << 7)
    }
    return this.longUvarint(start)
  }

  /** Go's `binary.Varint`: a uvarint whose lowest bit is the sign. */
  varint(): number {
    const raw = this.uvarint()
    if (raw < 2 ** 31) return (raw >>> 1) ^ -(raw & 1)
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** The next bytes, lent: a view of the slice. */
  slice(length: number): Uint8Array {
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  skip(length: number): void {
    this.take(length)
  }

  /** A string with its length in bytes in front, as uvarint. */
  string(): string {
    return utf8.decode(this.slice(this.uvarint()))
  }

  private longUvarint(start: number): number {
    let byte = this.u8()
    let value = byte & 0x7f
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      if (this.pos - start === 10) throw new CorruptionError('varint longer than 10 bytes', start)
      byte = this.u8()
      value += (byte & 0x7f) * scale
    }
    return this.safe(value, start)
  }

  private take(length: number): number {
    const start = this.pos
    if (length > this.bytes.length - start) {
      throw new CorruptionError(`want ${length} bytes, have ${this.left}`, start)
    }
    this.pos = start + length
    return start
  }

  private safe(value: number, start: number): number {
    if (Number.isSafeInteger(value)) return value
    throw new CorruptionError('want an integer within 2^53, have a larger one', start)
  }
}
