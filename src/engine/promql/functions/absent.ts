import { evaluate } from '../evaluate.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { emptyRow, presence } from '../row.ts'
import { argument } from './arguments.ts'
import { absentLabels } from './rangesabsent.ts'

export const absent = {
  absent: {
    kind: 'special',
    run: async (call, query, sink) => {
      const vector = argument(call, 0)
      const row = emptyRow(query.grid.steps, absentLabels(vector))
      row.values.fill(1)
      row.present.fill(presence.float)
      await evaluate(vector, query, ({ present }) => {
        for (let s = 0; s < present.length; s++)
          if (present[s] !== presence.none) row.present[s] = presence.none
      })
      sink(row)
    },
  },
} satisfies Partial<Record<FunctionName, Implementation>>
