import { schemas, type HistogramLayout } from '../histogram.ts'

/** The bounds of schema 8 in [0.5, 1): every 2^(8 - n)th is one of schema n. Upstream lists them (`exponentialBounds`);
 *  this gives the same 256 numbers. */
const fractions = exponentialBounds()

/** Each schema adds, between the bounds of the one before, these times a root of two. Square roots are exact to the last
 *  bit in every engine, powers are not; upstream's root of two itself is one bit lower than the true one. */
function exponentialBounds(): Float64Array {
  let bounds = Float64Array.of(0.5, 0.5 * 1.414213562373095)
  let factor = Math.SQRT2
  for (let schema = 2; schema <= schemas.max; schema++) {
    factor = Math.sqrt(factor)
    const finer = new Float64Array(bounds.length * 2)
    for (let i = 0; i < bounds.length; i++) {
      const bound = bounds[i] as number
      finer[2 * i] = bound
      finer[2 * i + 1] = bound * factor
    }
    bounds = finer
  }
  return bounds
}

/** The upper bound of a positive bucket, which is also the lower one of the next (upstream `getBound`). The last bucket of
 *  finite numbers ends at the largest of them, the one behind it at +Inf. With custom bounds, bucket -1 ends at -Inf. */
export function upperBound(index: number, { schema, bounds }: HistogramLayout): number {
  return schema === schemas.custom ? customBound(index, bounds) : exponentialBound(index, schema)
}

function customBound(index: number, bounds: Float64Array): number {
  if (index < -1 || index > bounds.length)
    throw new RangeError(`index ${index} out of bounds for custom bounds of length ${bounds.length}`)
  return index === -1 ? -Infinity : (bounds[index] ?? Infinity)
}

export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent
  }
  const perPower = 2 ** schema
  const power = Math.floor(index / perPower)
  const fraction = fractions[(index - power * perPower) << (schemas.max - schema)] as number
  if (fraction === 0.5 && power === 1024) return Number.MAX_VALUE
  // In two steps: 2^1024 is no number, and half of the smallest one is 0.
  return power > 0 ? fraction * 2 ** (power - 1) * 4 : fraction * 2 * 2 ** power
}
