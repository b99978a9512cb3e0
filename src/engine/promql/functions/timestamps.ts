import type { Columns } from '../../model/store.ts'
import type { VectorSelector } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Renaming } from '../naming.ts'
import { emptyRow, presence, type Row } from '../row.ts'
import { eachSeries, LookTimes } from '../samples/selectors.ts'
import { argument } from './arguments.ts'
import { Newest } from './timestampsnewest.ts'

/** Functions of when samples were taken, instead of what they are. */
export const timestamps = {
  timestamp: ofSamples({
    fromStore: ({ t }) => t / 1000,
    // What was calculated has the time of the step.
    calculated: t => t / 1000,
  }),
  start_timestamp: ofSamples({
    fromStore: ({ start }, query) => (query.options.startTimestamps ? start / 1000 : null),
    // What was calculated never began.
    calculated: () => null,
  }),
} satisfies Partial<Record<FunctionName, Implementation>>

interface Times {
  /** Seconds; null for nothing. */
  readonly fromStore: (newest: Newest, query: Evaluation) => number | null
  /** @param t milliseconds of the step */
  readonly calculated: (t: number) => number | null
}

function ofSamples({ fromStore, calculated }: Times): Implementation {
  return {
    kind: 'special',
    run: async (call, query, sink) => {
      const vector = argument(call, 0)
      const renaming = new Renaming(query, vector, sink)
      if (vector.kind === 'vectorSelector') {
        await eachOfStore(
          vector,
          query,
          newest => fromStore(newest, query),
          row => renaming.drop(row),
        )
      } else {
        const { start, step, steps } = query.grid
        const result = emptyRow(steps)
        await evaluate(vector, query, row => {
          result.labels = row.labels
          result.dropName = row.dropName
          for (let s = 0; s < steps; s++) {
            const seconds = row.present[s] === presence.none ? null : calculated(start + s * step)
            set(result, s, seconds)
          }
          renaming.drop(result)
        })
      }
      await renaming.finish()
    },
  }
}

async function eachOfStore(
  selector: VectorSelector,
  query: Evaluation,
  secondsOf: (newest: Newest) => number | null,
  take: (row: Row) => void,
): Promise<void> {
  const times = new LookTimes(selector, query)
  const result = emptyRow(query.grid.steps)
  const newest = new Newest()
  await eachSeries(selector, times.range(query.lookbackMs), query, (labels, columns: Columns) => {
    result.labels = labels
    result.dropName = false
    newest.of(columns)
    for (let s = 0; s < times.steps; s++) {
      const found = newest.at(times.first + s * times.stepMs, times.lookbackMs)
      set(result, s, found ? secondsOf(newest) : null)
    }
    query.tally.addRow(result)
    take(result)
  })
}

function set(row: Row, s: number, seconds: number | null): void {
  row.present[s] = seconds === null ? presence.none : presence.float
  if (seconds !== null) row.values[s] = seconds
}
