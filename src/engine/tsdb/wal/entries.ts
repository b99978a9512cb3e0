// The entries of a record that have a time, whatever their values are: samples, exemplars and histograms are laid out
// alike (see `records.ts`), so a checkpoint drops the old ones without understanding the rest.

import { CorruptionError } from '../../bytes/corruption.ts'
import type { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import { schemas } from '../../model/histogram.ts'
import type { SeriesRef } from '../../model/store.ts'
import { recordType } from './records.ts'

/** Where the value of an entry ends. */
const values: ReadonlyMap<number, (r: ByteReader) => void> = new Map([
  [recordType.samples, skipFloat],
  [recordType.exemplars, skipExemplar],
  [recordType.histograms, skipHistogram],
  [recordType.customHistograms, skipHistogram],
  [recordType.floatHistograms, skipFloatHistogram],
  [recordType.customFloatHistograms, skipFloatHistogram],
  [recordType.samplesWithStart, skipFloat],
  [recordType.histogramsWithStart, skipHistogram],
  [recordType.floatHistogramsWithStart, skipFloatHistogram],
])

export function hasTimes(type: number): boolean {
  return values.has(type)
}

function hasStarts(type: number): boolean {
  return type >= recordType.samplesWithStart
}

// How a start time is told. On disk; never renumber.
const start = { none: 0, same: 1, different: 2 } as const

/** Goes over the entries of a record whose type `hasTimes`. */
export class EntryCursor {
  ref: SeriesRef = 0
  /** Milliseconds, like `st`. */
  t = 0
  /** When the counter began, 0 when that is not known. */
  st = 0
  /** The value's place in the record, [from, to). */
  from = 0
  to = 0
  private readonly r: ByteReader
  private readonly readValue: (r: ByteReader) => void
  private readonly starts: boolean
  /** What the others are told as differences to. */
  private first: { ref: SeriesRef; t: number; st: number } | null = null

  /** @param r behind the type
   *  @param type one that `hasTimes`
   *  @param readValue reads a value; by default it is passed over. `ref` and `t` are those of the entry by then */
  constructor(r: ByteReader, type: number, readValue = values.get(type) as (r: ByteReader) => void) {
    this.r = r
    this.readValue = readValue
    this.starts = hasStarts(type)
  }

  /** Goes to the next entry, if there is one.
   *  @throws CorruptionError */
  next(): boolean {
    const { r } = this
    if (r.left > 0 && !this.starts) this.first ??= { ref: r.be64(), t: r.be64Signed(), st: 0 }
    if (r.left === 0) return false
    if (this.starts) this.nextWithStart()
    else this.nextPlain()
    this.from = r.pos
    this.readValue(r)
    this.to = r.pos
    return true
  }

  private nextPlain(): void {
    const { r, first } = this
    this.ref = (first?.ref ?? 0) + r.varint()
    this.t = (first?.t ?? 0) + r.varint()
  }

  private nextWithStart(): void {
    const { r } = this
    if (this.first === null) {
      this.ref = r.varint()
      this.t = r.varint()
      this.st = readStart(r)
      this.first = { ref: this.ref, t: this.t, st: this.st }
      return
    }
    this.ref += r.varint()
    this.t = this.first.t + r.varint()
    const how = r.u8()
    if (how === start.none) this.st = 0
    else if (how !== start.same) this.st = this.first.st + readStart(r)
  }
}

/** Writes a record of entries that an `EntryCursor` found in another. */
export class EntryWriter {
  private count = 0
  private readonly out = new ByteWriter(4096)
  private readonly type: number
  private first = { ref: 0, t: 0, st: 0 }
  private previous = { ref: 0, st: 0 }

  constructor(type: number) {
    this.type = type
    this.out.u8(type)
  }

  /** @param record what the cursor goes over */
  add(entry: EntryCursor, record: Uint8Array): void {
    const { ref, t, st } = entry
    if (this.count === 0) this.begin({ ref, t, st })
    if (!hasStarts(this.type)) {
      this.out.varint(ref - this.first.ref)
      this.out.varint(t - this.first.t)
    } else if (this.count > 0) {
      this.out.varint(ref - this.previous.ref)
      this.out.varint(t - this.first.t)
      this.writeStart(st)
    }
    this.out.raw(record.subarray(entry.from, entry.to))
    this.previous = { ref, st }
    this.count++
  }

  finish(): Uint8Array {
    return this.out.copy()
  }

  private begin(first: { ref: SeriesRef; t: number; st: number }): void {
    const { out } = this
    this.first = first
    if (hasStarts(this.type)) {
      for (const value of [first.ref, first.t, first.st]) out.varint(value)
    } else {
      out.be64(first.ref)
      out.be64(first.t)
    }
  }

  private writeStart(st: number): void {
    const how = st === 0 ? start.none : st === this.previous.st ? start.same : start.different
    this.out.u8(how)
    if (how === start.different) this.out.varint(st - this.first.st)
  }
}

/** A varint that may be any 64-bit integer: beyond 2^53 it is infinite, as nothing is done with it but comparing. */
export function readAnyVarint(r: ByteReader): number {
  const start = r.pos
  const first = r.u8()
  // Most are short.
  if (first < 0x80) return (first >>> 1) ^ -(first & 1)
  r.pos = start
  const raw = readAnyUvarint(r)
  if ((first & 1) === 0) return raw / 2
  return -(raw + 1) / 2
}

/** A uvarint that may be any 64-bit integer, as `readAnyVarint`. */
export function readAnyUvarint(r: ByteReader): number {
  const start = r.pos
  let byte = r.u8()
  let value = byte & 0x7f
  for (let scale = 128; byte >= 0x80; scale *= 128) {
    if (r.pos - start === 10) throw new CorruptionError('varint longer than 10 bytes', start)
    byte = r.u8()
    value += (byte & 0x7f) * scale
  }
  return value > Number.MAX_SAFE_INTEGER ? Infinity : value
}

function readStart(r: ByteReader): number {
  const st = readAnyVarint(r)
  return Number.isFinite(st) ? st : 0
}

export function skipFloat(r: ByteReader): void {
  r.skip(8)
}

function skipExemplar(r: ByteReader): void {
  r.skip(8)
  skipLabels(r)
}

/** Passes over a label set. */
export function skipLabels(r: ByteReader): void {
  const count = r.uvarint()
  for (let i = 0; i < 2 * count; i++) r.skip(r.uvarint())
}

function skipHistogram(r: ByteReader): void {
  skipHistogramBody(r, readAnyVarint)
}

function skipFloatHistogram(r: ByteReader): void {
  skipHistogramBody(r, skipFloat)
}

// `histograms.ts` says what a histogram is.
function skipHistogramBody(r: ByteReader, skipCount: (r: ByteReader) => unknown): void {
  r.skip(1)
  const schema = r.varint() | 0
  skipFloat(r)
  skipCount(r)
  skipCount(r)
  skipFloat(r)
  for (let i = 0; i < 2; i++) skipMany(r, skipSpan)
  for (let i = 0; i < 2; i++) skipMany(r, skipCount)
  if (schema === schemas.custom) skipMany(r, skipFloat)
}

/** Passes over as many things as are announced. */
export function skipMany(r: ByteReader, skipOne: (r: ByteReader) => unknown): void {
  // Each takes a byte or more, so that a wrong count ends at the end of the record.
  for (let left = r.uvarint(); left > 0; left--) skipOne(r)
}

export function skipSpan(r: ByteReader): void {
  r.varint()
  r.uvarint()
}
