/** The next compensation of a Kahan sum with Neumaier's improvement (`util/kahansum`): the caller adds `inc` to
 *  `sum`, which gives `total`, and the compensation at the very end. A pair of results would cost an object. */
export function compensate(c: number, sum: number, inc: number, total: number): number {
  if (total === Infinity || total === -Infinity) return 0
  return Math.abs(sum) >= Math.abs(inc) ? c + (sum - total + inc) : c + (inc - total + sum)
}
