// Where Go's mathematics has another answer than JavaScript's.

/** Go's `math.Max`: +Inf wins over NaN. */
export function larger(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b)
}

/** Go's `math.Min`: -Inf wins over NaN. */
export function smaller(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b)
}

/** Go's `math.Log2`: exact for powers of two. */
export function log2(v: number): number {
  if (!(v > 0 && v < Infinity)) return Math.log(v)
  let exponent = 0
  let fraction = v
  // Numbers below the normal ones have their first bit anywhere.
  if (fraction < smallestNormal) {
    fraction *= 2 ** 52
    exponent = -52
  }
  float[0] = fraction
  const high = words[1] as number
  exponent += ((high >>> 20) & 0x7ff) - 1022
  words[1] = (high & ~(0x7ff << 20)) | (1022 << 20)
  fraction = float[0]
  return fraction === 0.5 ? exponent - 1 : Math.log(fraction) * (1 / Math.LN2) + exponent
}

/** Go's `math.Log10`: of 1000 it is a little less than 3. */
export function log10(v: number): number {
  return log2(v) * (Math.LN2 / Math.LN10)
}

const smallestNormal = 2 ** -1022
const float = new Float64Array(1)
const words = new Int32Array(float.buffer)
