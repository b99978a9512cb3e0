import { showBytes } from './show.ts'

/** The bytes are no number. The message is Go's. */
export class FloatProblem extends Error {
  override readonly name = 'FloatProblem'
}

const zero = 48
const dot = 46
const plus = 43
const minus = 45

// A product or quotient of two numbers that are exact themselves is rounded once, so it is the nearest. Half of the
// floats that need more than 15 digits have 16 that are exact, too: 30 against 300 ns.
const mostDigits = 16
const powersOfTen = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** Reads the bytes [from, to) as a number in the notation of the text formats: what Go's `strconv.ParseFloat`
 *  accepts, without hexadecimal floats and underscores (`parseFloat` of upstream's `model/textparse`).
 *  @throws FloatProblem */
export function readFloat(bytes: Uint8Array, from: number, to: number): number {
  const sign = bytes[from]
  const start = sign === minus || sign === plus ? from + 1 : from
  let mantissa = 0
  let digits = 0
  let afterDot = 0
  let dotAt = -1
  let i = start
  for (; i < to; i++) {
    const digit = (bytes[i] as number) - zero
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 || digit > 0) digits++
      if (digits <= mostDigits) mantissa = mantissa * 10 + digit
      if (dotAt >= 0) afterDot++
    } else if (digit === dot - zero && dotAt < 0) dotAt = i
    else break
  }
  const some = i - start > (dotAt < 0 ? 0 : 1)
  if (!some) return readName(bytes, from, to)
  const exponent = i === to ? 0 : readExponent(bytes, i, from, to)
  if (mantissa === 0 && digits === 0) return sign === minus ? -0 : 0
  const scale = exponent - afterDot
  const exact = digits <= mostDigits && mantissa <= Number.MAX_SAFE_INTEGER
  if (!exact || scale > 22 || scale < -22) return readExactly(bytes, from, to)
  const power = powersOfTen[scale < 0 ? -scale : scale] as number
  const size = scale < 0 ? mantissa / power : mantissa * power
  return sign === minus ? -size : size
}

/** The exponent, whose letter stands at `at`. */
function readExponent(bytes: Uint8Array, at: number, from: number, to: number): number {
  const letter = bytes[at]
  if (letter !== 101 && letter !== 69) throw invalid(bytes, from, to)
  const sign = bytes[at + 1]
  let i = sign === minus || sign === plus ? at + 2 : at + 1
  if (i >= to) throw invalid(bytes, from, to)
  let exponent = 0
  for (; i < to; i++) {
    const digit = (bytes[i] as number) - zero
    if (digit < 0 || digit > 9) throw invalid(bytes, from, to)
    // Far out every exponent is as good as another, and the sum must not become Infinity.
    if (exponent < 100_000) exponent = exponent * 10 + digit
  }
  return sign === minus ? -exponent : exponent
}

/** Infinity with or without sign, NaN without. */
function readName(bytes: Uint8Array, from: number, to: number): number {
  if (to - from <= '+infinity'.length) {
    const text = asciiOf(bytes, from, to).toLowerCase()
    if (text === 'nan') return NaN
    const match = /^([+-]?)inf(inity)?$/.exec(text)
    if (match) return match[1] === '-' ? -Infinity : Infinity
  }
  throw invalid(bytes, from, to)
}

/** The slow way, for numbers that are valid: JavaScript rounds to the nearest, too. */
function readExactly(bytes: Uint8Array, from: number, to: number): number {
  const value = Number(asciiOf(bytes, from, to))
  if (Number.isFinite(value)) return value
  throw new FloatProblem(`strconv.ParseFloat: parsing ${showBytes(bytes, from, to)}: value out of range`)
}

function invalid(bytes: Uint8Array, from: number, to: number): FloatProblem {
  const isRefused = (byte: number) => byte === 112 || byte === 80 || byte === 95
  if (bytes.subarray(from, to).some(isRefused)) return new FloatProblem('unsupported character in float')
  return new FloatProblem(`strconv.ParseFloat: parsing ${showBytes(bytes, from, to)}: invalid syntax`)
}

const decoder = new TextDecoder()

function asciiOf(bytes: Uint8Array, from: number, to: number): string {
  const slice = bytes.subarray(from, to)
  // Three times as fast as the decoder for the few bytes of a number; too many would overflow the stack.
  return slice.length <= 64
    ? String.fromCharCode.apply(null, slice as unknown as number[])
    : decoder.decode(slice)
}

/** A float as OpenMetrics writes it in `le` and `quantile`: the fewest digits that read back as the same
 *  number, always with a dot or an exponent (upstream's `labels.FormatOpenMetricsFloat`). */
export function formatOpenMetricsFloat(v: number): string {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? 'NaN' : v > 0 ? '+Inf' : '-Inf'
  if (v === 0) return '0.0'
  const [digits = '', power = '0'] = v.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 6) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  const text = String(v)
  return text.includes('.') ? text : `${text}.0`
}
