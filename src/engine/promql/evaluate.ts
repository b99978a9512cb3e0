import { aggregate } from './aggregate/aggregate.ts'
import type { Expr, StepInvariant, UnaryExpr } from './syntax/ast.ts'
import { binary } from './binary/binary.ts'
import type { Evaluation } from './evaluation.ts'
import { implementations } from './functions/implementations.ts'
import { Renaming } from './naming.ts'
import { overRange } from './samples/ranges.ts'
import { emptyRow, histogramAt, presence, samplesIn, setHistogram, type Row, type Sink } from './row.ts'
import { selectInstant } from './samples/selectors.ts'

/** Evaluates an instant vector or a scalar at all steps and hands on one row a series, in the order of the result;
 *  rows without any value are left out. A scalar is one row without labels.
 *  @throws QueryError (`execution`, `timeout`, `canceled`) */
export async function evaluate(expr: Expr, query: Evaluation, sink: Sink): Promise<void> {
  const before = query.held
  let produced = 0
  await operate(expr, query, row => {
    const samples = samplesIn(row)
    if (samples === 0) return
    produced += samples
    query.limit(before + produced)
    sink(row)
  })
  // What went into the operator is let go now, what came out of it is there.
  query.limit(query.held + produced)
  query.held = before + produced
}

/** The values of a scalar at all steps; the caller owns them. */
export async function scalarValues(expr: Expr, query: Evaluation): Promise<Float64Array> {
  let values = new Float64Array(0)
  await evaluate(expr, query, row => (values = row.values.slice()))
  return values
}

function operate(expr: Expr, query: Evaluation, sink: Sink): Promise<void> {
  if (query.profile === null || expr.kind === 'paren' || expr.kind === 'stepInvariant')
    return operator(expr, query, sink)
  return query.profile.of(expr, { samplesIn, take: sink }, take => operator(expr, query, take))
}

function operator(expr: Expr, query: Evaluation, sink: Sink): Promise<void> {
  switch (expr.kind) {
    case 'number':
      return constant(expr.value, query, sink)
    case 'paren':
      return operate(expr.expr, query, sink)
    case 'unary':
      return unary(expr, query, sink)
    case 'binary':
      return binary(expr, query, sink)
    case 'aggregate':
      return aggregate(expr, query, sink)
    case 'call': {
      const implementation = implementations[expr.name]
      if (implementation.kind === 'special') return implementation.run(expr, query, sink)
      return overRange(expr, implementation, query, sink)
    }
    case 'vectorSelector':
      return selectInstant(expr, query, sink)
    case 'stepInvariant':
      return once(expr, query, sink)
    case 'matrixSelector':
    case 'subquery':
    case 'string':
      throw new Error(`BUG: ${expr.kind} has no value at a step`)
  }
}

async function constant(value: number, query: Evaluation, sink: Sink): Promise<void> {
  const row = emptyRow(query.grid.steps)
  row.values.fill(value)
  row.present.fill(presence.float)
  sink(row)
}

/** Evaluates at the first step and answers the same at all others. */
async function once({ expr }: StepInvariant, query: Evaluation, sink: Sink): Promise<void> {
  const { start, step, steps } = query.grid
  const atFirst = query.withGrid({ start, step, steps: 1 })
  const row = emptyRow(steps)
  await operate(expr, atFirst, first => {
    row.labels = first.labels
    row.dropName = first.dropName
    row.present.fill(first.present[0] as number)
    row.values.fill(first.values[0] as number)
    row.histograms = first.histograms && Array.from({ length: steps }, () => first.histograms?.[0] ?? null)
    sink(row)
  })
  query.tally.addForEachStep(atFirst.tally, steps)
}

async function unary({ op, expr }: UnaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  if (op === '+') return operate(expr, query, sink)
  const result = emptyRow(query.grid.steps)
  const renaming = new Renaming(query, expr, sink)
  await operate(expr, query, row => {
    negate(row, result)
    renaming.drop(result)
  })
  await renaming.finish()
}

function negate(row: Row, result: Row): void {
  const { labels, dropName, values, present } = row
  result.labels = labels
  result.dropName = dropName
  result.histograms = null
  result.present.set(present)
  for (let s = 0; s < values.length; s++) {
    if (present[s] === presence.histogram) setHistogram(result, s, histogramAt(row, s).scaled(-1))
    else result.values[s] = -(values[s] as number)
  }
}
