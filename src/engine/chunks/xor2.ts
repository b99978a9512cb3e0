// XOR2 chunk: float samples with optional start timestamps (encoding 4; upstream `tsdb/chunkenc/{xor2,st}.go`). Read only:
// Brazier writes encoding 1.
//   ┌───────────┬──────────────┬───────────┬────────────┬─────────────┬────────────┬────────┬────────────┬─────┐
//   │ count u16 │ ST header u8 │ t0 varint │ v0 float64 │ [t0-s0 var] │ Δ1 uvarint │ value1 │ [ST delta] │ ... │
//   └───────────┴──────────────┴───────────┴────────────┴─────────────┴────────────┴────────┴────────────┴─────┘
// From the third sample on, time and value begin with joint bits; ΔΔ is the change of the distance to the sample before:
//   0      ΔΔ 0, value unchanged               1110   ΔΔ in 20 bits, then the value
//   10     ΔΔ 0, then 0 window or 1 new window 11110  ΔΔ in 64 bits, then the value
//   110    ΔΔ in 13 bits, then the value       11111  ΔΔ 0, stale
// Value behind a ΔΔ, and of the second sample: 0 unchanged, 10 window, 110 new window, 111 stale. Values differ from the
// last that was not stale, 0 at first; "unchanged" repeats it even behind a stale marker. ΔΔ are in two's complement here.
//
// ST header: the top bit says that s0, the first start timestamp, is there; the others at which sample the first change
// comes, 0 for none. From there on each sample has a varbit: the first is the last sample's time less the start timestamp,
// the next ones the change of that.

import { CorruptionError } from '../bytes/corruption.ts'
import { BitReader } from './bits.ts'
import { staleBits, type SampleColumns } from './columns.ts'

const headerBytes = 3

/** Decodes the first `count` samples of a chunk behind those that `out` has.
 *  @param starts takes the start timestamps, milliseconds, 0 for none: that of the chunk's first sample at 0. They are
 *    skipped without it.
 *  @throws CorruptionError when the chunk ends before */
export function decodeXor2(
  chunk: Uint8Array,
  count: number,
  out: SampleColumns,
  starts: Float64Array | null = null,
): void {
  if (count === 0) return
  const bits = new BitReader(chunk)
  bits.bits(16)
  const starting = new StartTimes(bits.bits(8), starts)
  // Each sample after the second takes a bit or more: no memory for what cannot be there.
  if (count > 2 + chunk.length * 8) throw new CorruptionError(`want ${count} samples in a chunk`, 0)
  const value = new Value()
  let t = bits.varint()
  value.first(bits)
  add(out, t, value)
  starting.first(bits, t)
  out.reserve(count - 1)
  let delta = 0
  for (let n = 1; n < count; n++) {
    const before = t
    if (n === 1) {
      delta = bits.uvarint()
      value.next(bits)
    } else delta += readJoint(bits, value)
    t += delta
    starting.next(bits, n, before)
    add(out, t, value)
  }
  if (!Number.isSafeInteger(t))
    throw new CorruptionError('want times within 2^53, have larger ones', headerBytes)
}

function add(out: SampleColumns, t: number, value: Value): void {
  if (value.stale) out.add(t, staleBits.high, staleBits.low)
  else out.add(t, value.high, value.low)
}

/** Reads a value with the change of the time's difference in front of it; answers that. */
function readJoint(bits: BitReader, value: Value): number {
  if (bits.bits(1) === 0) return value.keep()
  if (bits.bits(1) === 0) {
    value.change(bits, bits.bits(1) === 1)
    return 0
  }
  const dod = readChange(bits, value)
  if (dod !== null) value.next(bits)
  return dod ?? 0
}

/** Behind two 1 bits; null for a stale marker without a change. */
function readChange(bits: BitReader, value: Value): number | null {
  if (bits.bits(1) === 0) return (bits.bits(13) << 19) >> 19
  if (bits.bits(1) === 0) return (bits.bits(20) << 12) >> 12
  if (bits.bits(1) === 0) return bits.bits(32) * 2 ** 32 + (bits.bits(32) >>> 0)
  value.stale = true
  return null
}

/** The last value that was not stale, as bits, and its window. */
class Value {
  high = 0
  low = 0
  /** Whether the sample itself is a stale marker. */
  stale = false
  private leading = 0
  private width = 64

  first(bits: BitReader): void {
    const high = bits.word()
    const low = bits.word()
    this.stale = high === staleBits.high && low === staleBits.low
    if (this.stale) return
    this.high = high
    this.low = low
  }

  next(bits: BitReader): void {
    let ones = 0
    while (ones < 3 && bits.bits(1) === 1) ones++
    if (ones === 0) this.keep()
    else if (ones === 3) this.stale = true
    else this.change(bits, ones === 2)
  }

  keep(): 0 {
    this.stale = false
    return 0
  }

  change(bits: BitReader, newWindow: boolean): void {
    this.stale = false
    if (newWindow) {
      this.leading = bits.bits(5)
      this.width = bits.bits(6) || 64
      if (this.leading + this.width > 64)
        throw new CorruptionError('window wider than a value', bits.pos >>> 3)
    }
    const trailing = 64 - this.leading - this.width
    if (trailing >= 32) {
      this.high ^= bits.bits(this.width) << (trailing - 32)
      return
    }
    this.high ^= bits.bits(32 - this.leading)
    this.low ^= bits.bits(32 - trailing) << trailing
  }
}

class StartTimes {
  private readonly into: Float64Array | null
  private readonly known: boolean
  /** The sample at which the first change comes; 0 for none. */
  private readonly changesAt: number
  private start = 0
  private difference = 0

  constructor(header: number, into: Float64Array | null) {
    this.known = (header & 0x80) !== 0
    this.changesAt = header & 0x7f
    this.into = into
  }

  first(bits: BitReader, t: number): void {
    if (this.known) this.start = t - bits.varint()
    if (this.into) this.into[0] = this.start
  }

  /** @param before time of the sample before sample n */
  next(bits: BitReader, n: number, before: number): void {
    if (this.changesAt > 0 && n >= this.changesAt) {
      this.difference += bits.varbit()
      this.start = before - this.difference
    }
    if (this.into) this.into[n] = this.start
  }
}
