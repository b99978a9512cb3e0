import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation, RangeContext } from './implementation.ts'
import { compensate } from '../../model/kahan.ts'
import { presence } from '../row.ts'
import type { FloatSamples } from '../samples/samples.ts'
import { ofFloats, type FloatKernel } from './rangeskernels.ts'
import { doubleExponentialSmoothing } from './regressionsmoothing.ts'

export const regression = {
  deriv: {
    kind: 'overRange',
    kernel: ofFloats(
      ofPairs((floats, from, to) => {
        // Times as distances from one of them: squares of whole times would leave no digits for the rest.
        line.fit(floats, from, to, floats.t[from] as number)
        return line.slope
      }),
    ),
  },
  predict_linear: {
    kind: 'overRange',
    kernel: ofFloats(
      ofPairs((floats, from, to, { args, query }, s) => {
        line.fit(floats, from, to, query.grid.start + s * query.grid.step)
        return line.slope * ((args[0] as Float64Array)[s] as number) + line.intercept
      }),
    ),
  },
  double_exponential_smoothing: { kind: 'overRange', kernel: doubleExponentialSmoothing },
} satisfies Partial<Record<FunctionName, Implementation>>

/** Applies a function to the floats [from, to) of each window with two at least. */
function ofPairs(
  reduce: (floats: FloatSamples, from: number, to: number, context: RangeContext, step: number) => number,
): FloatKernel {
  return (floats, context, { values, present }) => {
    const { steps, from, to } = context.windows
    for (let s = 0; s < steps; s++) {
      const first = from[s] as number
      const end = to[s] as number
      present[s] = end - first < 2 ? presence.none : presence.float
      if (end - first >= 2) values[s] = reduce(floats, first, end, context, s)
    }
  }
}

/** The straight line that is nearest to the samples, by least squares (upstream `linearRegression`). */
class Line {
  /** Per second. */
  slope = 0
  /** Value at the origin. */
  intercept = 0

  /** @param origin milliseconds */
  fit({ t, v }: FloatSamples, from: number, to: number, origin: number): void {
    if (isConstant(v, from, to)) {
      const y = v[from] as number
      const isInfinite = y === Infinity || y === -Infinity
      this.slope = isInfinite ? NaN : 0
      this.intercept = isInfinite ? NaN : y
      return
    }
    let sumX = 0
    let sumY = 0
    let sumXY = 0
    let sumX2 = 0
    let asideX = 0
    let asideY = 0
    let asideXY = 0
    let asideX2 = 0
    for (let i = from; i < to; i++) {
      const x = ((t[i] as number) - origin) / 1000
      const y = v[i] as number
      asideX = compensate(asideX, sumX, x, sumX + x)
      sumX += x
      asideY = compensate(asideY, sumY, y, sumY + y)
      sumY += y
      asideXY = compensate(asideXY, sumXY, x * y, sumXY + x * y)
      sumXY += x * y
      asideX2 = compensate(asideX2, sumX2, x * x, sumX2 + x * x)
      sumX2 += x * x
    }
    this.solve(to - from, sumX + asideX, sumY + asideY, sumXY + asideXY, sumX2 + asideX2)
  }

  private solve(n: number, sumX: number, sumY: number, sumXY: number, sumX2: number): void {
    const covariance = sumXY - (sumX * sumY) / n
    const variance = sumX2 - (sumX * sumX) / n
    this.slope = covariance / variance
    this.intercept = sumY / n - (this.slope * sumX) / n
  }
}

// Kernels run to their end without interruption, so they can share one.
const line = new Line()

function isConstant(v: Float64Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (v[i] !== v[from]) return false
  return true
}
