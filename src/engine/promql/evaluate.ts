import { aggregate } from './aggregate.ts'
import type { Expr, UnaryExpr } from './ast.ts'
import { binary } from './binary.ts'
import type { Evaluation } from './evaluation.ts'
import { dropName, hasOneName, Joined } from './naming.ts'
import { countPresent, emptyRow, type Sink } from './row.ts'
import { overRange, selectInstant } from './selectors.ts'

/** Evaluates an instant vector or a scalar at all steps and hands on one row a series, in the order of the result;
 *  rows without any value are left out. A scalar is one row without labels.
 *  @throws QueryError (`execution`, `timeout`, `canceled`) */
export async function evaluate(expr: Expr, query: Evaluation, sink: Sink): Promise<void> {
  const before = query.held
  let produced = 0
  await operate(expr, query, row => {
    const values = countPresent(row)
    if (values === 0) return
    produced += values
    query.limit(before + produced)
    sink(row)
  })
  // What went into the operator is let go now, what came out of it is there.
  query.limit(query.held + produced)
  query.held = before + produced
}

function operate(expr: Expr, query: Evaluation, sink: Sink): Promise<void> {
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
    case 'call':
      return overRange(expr, query, sink)
    case 'vectorSelector':
      return selectInstant(expr, query, sink)
    case 'matrixSelector':
    case 'string':
      throw new Error(`BUG: ${expr.kind} has no value at a step`)
  }
}

async function constant(value: number, query: Evaluation, sink: Sink): Promise<void> {
  const row = emptyRow(query.grid.steps)
  row.values.fill(value)
  row.present.fill(1)
  sink(row)
}

async function unary({ op, expr }: UnaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  if (op === '+') return operate(expr, query, sink)
  const joined = hasOneName(expr) ? null : new Joined()
  const result = emptyRow(query.grid.steps)
  await operate(expr, query, ({ labels, values, present }) => {
    for (let s = 0; s < values.length; s++) result.values[s] = -(values[s] as number)
    result.present.set(present)
    result.labels = dropName(labels)
    if (joined) joined.add(result)
    else sink(result)
  })
  joined?.emit(sink)
}
