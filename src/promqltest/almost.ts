const tolerance = 1e-6
const smallestNormal = 2 ** -1022

/** Whether two values are as near as scripts ask for: a relative difference below one in a million. Zero is near to
 *  nothing but zero, and NaN is equal to NaN (upstream's `util/almost`). */
export function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < smallestNormal) return difference < tolerance * smallestNormal
  return difference / Math.min(sum, Number.MAX_VALUE) < tolerance
}
