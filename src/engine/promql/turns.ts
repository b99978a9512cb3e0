import type { Evaluation } from './evaluation.ts'

// Long work over many series lets others run in between.

/** How many items are sorted or merged between two looks at the clock: some tenths of a millisecond. */
const runLength = 256

/** The items in order; what is equal stays in its order.
 *  @throws QueryError (`canceled`, `timeout`) */
export async function sortInTurns<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  query: Evaluation,
): Promise<T[]> {
  let sorted: T[] = []
  for (let from = 0; from < items.length; from += runLength) {
    if (query.due) await query.pause()
    sorted.push(...items.slice(from, from + runLength).sort(compare))
  }
  for (let length = runLength; length < sorted.length; length *= 2) {
    const merged: T[] = []
    for (let from = 0; from < sorted.length; from += 2 * length) {
      await mergeInTurns(sorted, { from, length }, merged, compare, query)
    }
    sorted = merged
  }
  return sorted
}

/** Merges two runs of so many items, the second of which may be shorter or missing, onto the end of `merged`. */
async function mergeInTurns<T>(
  items: readonly T[],
  { from, length }: { from: number; length: number },
  merged: T[],
  compare: (a: T, b: T) => number,
  query: Evaluation,
): Promise<void> {
  const middle = Math.min(from + length, items.length)
  const end = Math.min(from + 2 * length, items.length)
  let left = from
  let right = middle
  for (let at = from; at < end; at++) {
    if (at % runLength === 0 && query.due) await query.pause()
    const takeRight = left === middle || (right < end && compare(items[left] as T, items[right] as T) > 0)
    merged.push(items[takeRight ? right++ : left++] as T)
  }
}
