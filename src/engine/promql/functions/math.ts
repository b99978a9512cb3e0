import { evaluate, scalarValues } from '../evaluate.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Renaming } from '../naming.ts'
import { emptyRow, presence, type Row } from '../row.ts'
import { argument } from './arguments.ts'
import { larger, log10, log2, smaller } from './mathgo.ts'

/** Functions of each sample by itself. */
export const math = {
  abs: perSample(Math.abs),
  ceil: perSample(Math.ceil),
  floor: perSample(Math.floor),
  exp: perSample(Math.exp),
  ln: perSample(Math.log),
  log2: perSample(log2),
  log10: perSample(log10),
  sqrt: perSample(Math.sqrt),
  sgn: perSample(Math.sign),
  sin: perSample(Math.sin),
  cos: perSample(Math.cos),
  tan: perSample(Math.tan),
  asin: perSample(Math.asin),
  acos: perSample(Math.acos),
  atan: perSample(Math.atan),
  sinh: perSample(Math.sinh),
  cosh: perSample(Math.cosh),
  tanh: perSample(Math.tanh),
  asinh: perSample(Math.asinh),
  acosh: perSample(Math.acosh),
  atanh: perSample(Math.atanh),
  deg: perSample(v => (v * 180) / Math.PI),
  rad: perSample(v => (v * Math.PI) / 180),
  round: withScalars(round),
  clamp: withScalars(clamp),
  clamp_min: withScalars((row, result, least) => clamp(row, result, least, null)),
  clamp_max: withScalars((row, result, most) => clamp(row, result, null, most)),
} satisfies Partial<Record<FunctionName, Implementation>>

/** What is made of the floats of a row. The scalar arguments have a value a step; null where there is no argument. */
type FloatKernel = (row: Row, result: Row, first: Float64Array | null, second: Float64Array | null) => void

function perSample(f: (v: number) => number): Implementation {
  return withScalars(({ values, present }, result) => {
    for (let s = 0; s < values.length; s++) {
      if (present[s] === presence.float) set(result, s, f(values[s] as number))
    }
  })
}

/** Floats become others and lose their name; native histograms are passed over without a word (upstream's
 *  `simpleFloatFunc`). */
function withScalars(kernel: FloatKernel): Implementation {
  return {
    kind: 'special',
    run: async (call, query, sink) => {
      const vector = argument(call, 0)
      const [, a, b] = call.args
      const first = a ? await scalarValues(a, query) : null
      const second = b ? await scalarValues(b, query) : null
      const renaming = new Renaming(query, vector, sink)
      const result = emptyRow(query.grid.steps)
      await evaluate(vector, query, row => {
        result.labels = row.labels
        result.dropName = row.dropName
        result.present.fill(presence.none)
        kernel(row, result, first, second)
        renaming.drop(result)
      })
      await renaming.finish()
    },
  }
}

function set(result: Row, s: number, v: number): void {
  result.values[s] = v
  result.present[s] = presence.float
}

/** Halves go up. Dividing by the inverse costs less precision than multiplying by the step. */
function round({ values, present }: Row, result: Row, nearest: Float64Array | null): void {
  for (let s = 0; s < values.length; s++) {
    if (present[s] !== presence.float) continue
    const inverse = nearest === null ? 1 : 1 / (nearest[s] as number)
    set(result, s, Math.floor((values[s] as number) * inverse + 0.5) / inverse)
  }
}

/** Nothing is left where the bounds leave no room. */
function clamp(
  { values, present }: Row,
  result: Row,
  least: Float64Array | null,
  most: Float64Array | null,
): void {
  for (let s = 0; s < values.length; s++) {
    if (present[s] !== presence.float) continue
    const low = least === null ? -Infinity : (least[s] as number)
    const high = most === null ? Infinity : (most[s] as number)
    if (!(high < low)) set(result, s, larger(low, smaller(high, values[s] as number)))
  }
}
