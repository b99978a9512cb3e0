// Logarithms and powers of two. JavaScript engines differ in the last bit of theirs; these are Go's (`math.Log2`,
// `math.Exp2`, after FreeBSD's e_log.c and e_exp.c), so that an interpolated value is Prometheus's to the last bit.

/** ln 2 in two parts, the first of which has zeros at its end: times a small integer it is exact. */
const ln2 = { high: 6.9314718036912381649e-1, low: 1.90821492927058770002e-10 } as const

const float = new Float64Array(1)
/** The low word first. */
const words = new Uint32Array(float.buffer)
const exponentBits = 0x7ff00000

/** log₂ x, exact for powers of two. */
export function log2(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN
  if (x === Infinity) return x
  const exponent = exponentOf(x)
  const fraction = fractionOf(x)
  return fraction === 0.5 ? exponent - 1 : ln(fraction) * Math.LOG2E + exponent
}

/** The power of two just above x; x is half of it or more. */
function exponentOf(x: number): number {
  float[0] = x
  const biased = ((words[1] as number) & exponentBits) >>> 20
  return biased === 0 ? exponentOf(x * 2 ** 54) - 54 : biased - 1022
}

/** x in units of that power: in [0.5, 1). */
function fractionOf(x: number): number {
  float[0] = x < 2 ** -1022 ? x * 2 ** 54 : x
  words[1] = ((words[1] as number) & ~exponentBits) | (1022 << 20)
  return float[0]
}

/** ln x for x in [0.5, 1): with f = x - 1 and s = f / (2 + f), a polynomial in s² that errs by less than 2^-58. */
function ln(x: number): number {
  const small = x < Math.SQRT1_2
  const k = small ? -1 : 0
  const f = (small ? x * 2 : x) - 1
  const s = f / (2 + f)
  const s2 = s * s
  const s4 = s2 * s2
  const odd =
    s2 *
    (6.66666666666673513e-1 +
      s4 * (2.857142874366239149e-1 + s4 * (1.818357216161805012e-1 + s4 * 1.479819860511658591e-1)))
  const even = s4 * (3.999999999940941908e-1 + s4 * (2.222219843214978396e-1 + s4 * 1.531383769920937332e-1))
  const half = 0.5 * f * f
  return k * ln2.high - (half - (s * (half + (odd + even)) + k * ln2.low) - f)
}

/** 2 to the power of x. */
export function exp2(x: number): number {
  if (Number.isNaN(x)) return x
  if (x >= 1024) return Infinity
  if (x < -1074) return 0
  const k = Math.trunc(x > 0 ? x + 0.5 : x - 0.5)
  const t = x - k
  const power = exp(t * ln2.high, -t * ln2.low)
  // 2^1024 is no number.
  return k > 1023 ? power * 2 * 2 ** (k - 1) : power * 2 ** k
}

/** e to the power of high - low, which is at most half of ln 2. */
function exp(high: number, low: number): number {
  const r = high - low
  const r2 = r * r
  const even =
    r2 *
    (1.66666666666666657415e-1 +
      r2 *
        (-2.77777777770155933842e-3 +
          r2 *
            (6.61375632143793436117e-5 + r2 * (-1.6533902205465251539e-6 + r2 * 4.13813679705723846039e-8))))
  const c = r - even
  return 1 - (low - (r * c) / (2 - c) - high)
}

/** How much of a bucket lies below v, from 0 to 1 (upstream `Bucket.FractionBelow`). Custom buckets and zero buckets are
 *  taken to be filled evenly, exponential ones evenly on a logarithmic scale.
 *  @param v between the bounds, which are finite */
export function fractionBelow(
  v: number,
  lower: number,
  upper: number,
  scale: 'linear' | 'logarithmic',
): number {
  if (scale === 'linear') return (v - lower) / (upper - lower)
  const from = log2(Math.abs(lower))
  const to = log2(Math.abs(upper))
  const at = log2(Math.abs(v))
  return v > 0 ? (at - from) / (to - from) : 1 - (at - to) / (from - to)
}
