import { rightFirst } from './errors.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import { Matching, type VectorBinaryExpr } from './matching.ts'
import { Joined } from '../naming.ts'
import { masked, presence, type Row, type Sink } from '../row.ts'

/** `and`, `or` and `unless` (upstream `VectorAnd`, `VectorOr`, `VectorUnless`): what matters is which series are there. */
export function setOperator(expr: VectorBinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  switch (expr.op) {
    case 'and':
      return filter(expr, query, sink, true)
    case 'unless':
      return filter(expr, query, sink, false)
    default:
      return either(expr, query, sink)
  }
}

/** The left side where the right side has a match, or has none. */
async function filter(expr: VectorBinaryExpr, query: Evaluation, sink: Sink, wanted: boolean): Promise<void> {
  const matching = new Matching(expr.matching, false)
  const right = new Presences(query.grid.steps)
  await rightFirst(expr, query, () =>
    evaluate(expr.right, query, row => right.add(matching.keyOf(row.labels), row)),
  )
  const kept = new Uint8Array(query.grid.steps)
  await evaluate(expr.left, query, row => {
    const there = right.of(matching.keyOf(row.labels))
    for (let s = 0; s < kept.length; s++) {
      kept[s] = (there?.[s] === 1) === wanted ? (row.present[s] as number) : presence.none
    }
    sink(masked(row, kept))
  })
}

/** The left side, and the right side where the left one has no match. */
async function either(expr: VectorBinaryExpr, query: Evaluation, sink: Sink): Promise<void> {
  const matching = new Matching(expr.matching, false)
  const left = new Presences(query.grid.steps)
  // A series of one side goes on where the same one of the other side pauses.
  const joined = new Joined()
  await evaluate(expr.left, query, row => {
    left.add(matching.keyOf(row.labels), row)
    joined.add(row)
  })
  const kept = new Uint8Array(query.grid.steps)
  await evaluate(expr.right, query, row => {
    const there = left.of(matching.keyOf(row.labels))
    for (let s = 0; s < kept.length; s++) {
      kept[s] = there?.[s] === 1 ? presence.none : (row.present[s] as number)
    }
    if (kept.some(present => present !== presence.none)) joined.add(masked(row, kept))
  })
  await joined.emit(query, sink)
}

/** At which steps there is anything that matches: 1 for each. */
class Presences {
  private readonly steps: number
  private readonly byKey = new Map<string, Uint8Array>()

  constructor(steps: number) {
    this.steps = steps
  }

  add(key: string, { present }: Row): void {
    let there = this.byKey.get(key)
    if (!there) this.byKey.set(key, (there = new Uint8Array(this.steps)))
    for (let s = 0; s < present.length; s++) if (present[s] !== presence.none) there[s] = 1
  }

  of(key: string): Uint8Array | undefined {
    return this.byKey.get(key)
  }
}
