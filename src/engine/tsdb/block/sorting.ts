import type { Pace } from './pace.ts'

/** Sorted at once: of strings in 2 ms. */
const runLength = 2048

/** The numbers below `count` in order; others run meanwhile. A merge sort over runs that are sorted at once. */
export async function sortedOrder(
  count: number,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<Uint32Array> {
  let order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  for (let from = 0; from < count; from += runLength) {
    order.subarray(from, from + runLength).sort(compare)
    if (pace.due) await pace.pause()
  }
  let merged = new Uint32Array(count)
  for (let length = runLength; length < count; length *= 2) {
    for (let from = 0; from < count; from += 2 * length) await merge(from, length)
    ;[order, merged] = [merged, order]
  }
  return order

  /** Merges two neighbouring runs. */
  async function merge(from: number, length: number): Promise<void> {
    const middle = Math.min(from + length, count)
    const end = Math.min(middle + length, count)
    let [left, right] = [from, middle]
    for (let at = from; at < end; at++) {
      const takesLeft =
        right === end || (left < middle && compare(order[left] as number, order[right] as number) <= 0)
      merged[at] = order[takesLeft ? left++ : right++] as number
      if (at % runLength === 0 && pace.due) await pace.pause()
    }
  }
}
