import type { Matcher } from './matcher.ts'

/** Numbers of series, ascending: those that carry a label. */
export type PostingList = Uint32Array

/** What one matcher does to a selection: with `keep` only series stay that carry one of the chosen values of the
 *  label, without it those series go. */
export interface Choice {
  readonly name: string
  readonly keep: boolean
  /** The chosen values, where the matcher names them all. */
  readonly literals: readonly string[] | null
  readonly chosen: (value: string) => boolean
}

/** The steps that select the series for which every matcher holds, those that keep first; they start from all
 *  series (upstream `tsdb.PostingsForMatchers`). A matcher that does not match the empty string needs the label:
 *  its postings are all that can be in the answer. The others also hold for series without the label: they take
 *  away. */
export function choicesOf(matchers: readonly Matcher[]): Choice[] {
  const choices = matchers.map(({ name, type, literals, matches }): Choice => {
    const negative = type === '!=' || type === '!~'
    if (!matches('')) return { name, keep: true, literals: negative ? null : literals, chosen: matches }
    return { name, keep: false, literals: negative ? literals : null, chosen: value => !matches(value) }
  })
  return choices.sort((a, b) => Number(b.keep) - Number(a.keep))
}

/** What two lists have in common. */
export function intersect(a: PostingList, b: PostingList): PostingList {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  const common = new Uint32Array(short.length)
  let count = 0
  let from = 0
  for (const series of short) {
    from = seek(long, from, series)
    if (long[from] === series) common[count++] = series
  }
  return common.subarray(0, count)
}

/** What is in the first list and not in the second. */
export function subtract(a: PostingList, b: PostingList): PostingList {
  if (b.length === 0) return a
  const rest = new Uint32Array(a.length)
  let count = 0
  let from = 0
  for (const series of a) {
    from = seek(b, from, series)
    if (b[from] !== series) rest[count++] = series
  }
  return rest.subarray(0, count)
}

/** Index of the first element from `from` on that is not below `wanted`: doubling steps, then halving ones, so
 *  that a short list passes over a long one quickly and equal ones step by step. */
function seek(list: PostingList, from: number, wanted: number): number {
  let step = 1
  let low = from
  let high = from
  while (high < list.length && (list[high] as number) < wanted) {
    low = high + 1
    high += step
    step *= 2
  }
  high = Math.min(high, list.length)
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as number) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
