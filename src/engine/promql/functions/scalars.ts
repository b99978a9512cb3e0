import { evaluate, scalarValues } from '../evaluate.ts'
import type { Call } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { emptyRow, presence, type Sink } from '../row.ts'
import { argument } from './arguments.ts'
import { larger, smaller } from './mathgo.ts'

/** Functions that answer a number a step, and `vector`, which makes a series of one. */
export const scalars = {
  pi: numbers(values => void values.fill(Math.PI)),
  time: numbers((values, query) => eachStep(query, (s, t) => (values[s] = t / 1000))),
  scalar: numbers(onlyOne),
  vector: numbers(async (values, query, call) => values.set(await scalarValues(argument(call, 0), query))),
  max_of: numbers((values, query, call) => ofTwo(larger, values, query, call)),
  min_of: numbers((values, query, call) => ofTwo(smaller, values, query, call)),
  start: folded(),
  end: folded(),
  range: folded(),
  step: folded(),
} satisfies Partial<Record<FunctionName, Implementation>>

type Numbers = (values: Float64Array, query: Evaluation, call: Call) => void | Promise<void>

/** One row without labels that has a value at every step.
 *  @param fill puts the values in */
function numbers(fill: Numbers): Implementation {
  return {
    kind: 'special',
    run: async (call: Call, query: Evaluation, sink: Sink) => {
      const row = emptyRow(query.grid.steps)
      row.present.fill(presence.float)
      await fill(row.values, query, call)
      sink(row)
    },
  }
}

function eachStep({ grid: { start, step, steps } }: Evaluation, take: (s: number, t: number) => void): void {
  for (let s = 0; s < steps; s++) take(s, start + s * step)
}

/** The value of the only float of a step; of none or several it is NaN. Histograms don't count. */
async function onlyOne(values: Float64Array, query: Evaluation, call: Call): Promise<void> {
  const found = new Uint8Array(values.length)
  values.fill(NaN)
  await evaluate(argument(call, 0), query, row => {
    for (let s = 0; s < found.length; s++) {
      if (row.present[s] !== presence.float) continue
      values[s] = found[s] === 0 ? (row.values[s] as number) : NaN
      found[s] = 1
    }
  })
}

async function ofTwo(
  choose: (a: number, b: number) => number,
  values: Float64Array,
  query: Evaluation,
  call: Call,
): Promise<void> {
  const a = await scalarValues(argument(call, 0), query)
  const b = await scalarValues(argument(call, 1), query)
  for (let s = 0; s < values.length; s++) values[s] = choose(a[s] as number, b[s] as number)
}

/** `preprocess` has made a number of it. */
function folded(): Implementation {
  return { kind: 'special', run: ({ name }) => Promise.reject(new Error(`BUG: ${name} is still a call`)) }
}
