import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation } from './implementation.ts'
import { Renaming } from '../naming.ts'
import { emptyRow, presence, type Row } from '../row.ts'
import { dayOf, dayOfYear, daysInMonth, hourOf, minuteOf, monthOf, weekday, yearOf } from './timecalendar.ts'

/** Functions of times in seconds since 1970, in UTC. */
export const time = {
  minute: datePart(minuteOf),
  hour: datePart(hourOf),
  day_of_week: datePart(weekday),
  day_of_month: datePart(dayOf),
  day_of_year: datePart(dayOfYear),
  days_in_month: datePart(daysInMonth),
  month: datePart(monthOf),
  year: datePart(yearOf),
} satisfies Partial<Record<FunctionName, Implementation>>

/** A part of the date that each sample is, or of the time of evaluation when there is no argument. Native histograms are
 *  no times. */
function datePart(part: (seconds: number) => number): Implementation {
  return {
    kind: 'special',
    run: async ({ args: [vector] }, query, sink) => {
      if (!vector) {
        sink(ofEvaluation(part, query))
        return
      }
      const renaming = new Renaming(query, vector, sink)
      const result = emptyRow(query.grid.steps)
      await evaluate(vector, query, row => {
        result.labels = row.labels
        result.dropName = row.dropName
        for (let s = 0; s < row.values.length; s++) {
          const isTime = row.present[s] === presence.float
          result.present[s] = isTime ? presence.float : presence.none
          if (isTime) result.values[s] = part(row.values[s] as number)
        }
        renaming.drop(result)
      })
      await renaming.finish()
    },
  }
}

function ofEvaluation(part: (seconds: number) => number, { grid }: Evaluation): Row {
  const row = emptyRow(grid.steps)
  row.present.fill(presence.float)
  for (let s = 0; s < grid.steps; s++) row.values[s] = part((grid.start + s * grid.step) / 1000)
  return row
}
