import type { WindowKernel } from './implementation.ts'
import { presence } from '../row.ts'
import { ofFloats, scratchIndexes } from './rangeskernels.ts'

/** Whether a value takes the place of one that came before. */
type Better = (value: number, before: number) => boolean

/** The greatest or least value of each window, the first one among equals unless `better` says otherwise. NaN only
 *  where there is nothing else. */
export function extreme(better: Better): WindowKernel {
  return ofExtreme(better, (i, { v }) => v[i] as number)
}

/** When it was taken, in seconds; where there are only NaN, the newest counts. */
export function timeOfExtreme(better: Better): WindowKernel {
  return ofExtreme(better, (i, { t }) => (t[i] as number) / 1000)
}

/** A queue holds the indexes of the values that can still win, best first. */
function ofExtreme(
  better: Better,
  answer: (i: number, samples: { readonly t: Float64Array; readonly v: Float64Array }) => number,
): WindowKernel {
  return ofFloats((floats, { windows }, { values, present }) => {
    const { steps, from, to } = windows
    const { v, count } = floats
    const queue = scratchIndexes(count + 1)
    let head = 0
    let tail = 0
    let seen = 0
    for (let s = 0; s < steps; s++) {
      const first = from[s] as number
      const end = to[s] as number
      for (seen = Math.max(seen, first); seen < end; seen++) {
        const value = v[seen] as number
        if (Number.isNaN(value)) continue
        while (tail > head && better(value, v[queue[tail - 1] as number] as number)) tail--
        queue[tail++] = seen
      }
      while (head < tail && (queue[head] as number) < first) head++
      present[s] = end > first ? presence.float : presence.none
      if (end > first) values[s] = answer(head < tail ? (queue[head] as number) : end - 1, floats)
    }
  })
}
