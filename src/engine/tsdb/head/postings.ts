import { compareBytes, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'

/** The inverted index of the head (upstream `index.MemPostings`): for each label the series that carry it.
 *  Series are named by ordinals 0, 1, 2 … in the order of their creation, so lists grow at the end and stay
 *  sorted. */
export class Postings {
  /** Number of series. */
  count = 0
  private readonly byName = new Map<string, Map<string, PostingList>>()
  private readonly sortedValues = new Map<string, string[]>()

  /** Adds a series and answers its ordinal. */
  add(labels: Labels): number {
    const ordinal = this.count++
    for (let i = 0; i < labels.length; i += 2) {
      this.list(labels[i] as string, labels[i + 1] as string).push(ordinal)
    }
    return ordinal
  }

  names(): string[] {
    return [...this.byName.keys()].sort(compareBytes)
  }

  /** Sorted values of a label. Lent: not to be changed. */
  values(name: string): readonly string[] {
    const known = this.sortedValues.get(name)
    if (known) return known
    const sorted = [...(this.byName.get(name)?.keys() ?? [])].sort(compareBytes)
    this.sortedValues.set(name, sorted)
    return sorted
  }

  /** Ordinals, ascending, of the series for which every matcher holds; of all series without matchers. Lent. */
  select(matchers: readonly Matcher[]): Int32Array {
    let found: Int32Array | null = null
    // A matcher that does not match the empty string needs the label; its postings are all that can be in the
    // answer. The others also hold for series without the label: they take away.
    for (const matcher of matchers) {
      if (matcher.matches('')) continue
      const with_ = this.union(this.listsOf(matcher.name, positiveLiterals(matcher), v => matcher.matches(v)))
      found = found ? intersect(found, with_) : with_
      if (found.length === 0) return found
    }
    let left: Int32Array = found ?? this.all()
    for (const matcher of matchers) {
      if (!matcher.matches('')) continue
      left = subtract(
        left,
        this.union(this.listsOf(matcher.name, negativeLiterals(matcher), v => !matcher.matches(v))),
      )
    }
    return left
  }

  private list(name: string, value: string): PostingList {
    let values = this.byName.get(name)
    if (!values) this.byName.set(name, (values = new Map<string, PostingList>()))
    let list = values.get(value)
    if (!list) {
      values.set(value, (list = new PostingList()))
      this.sortedValues.delete(name)
    }
    return list
  }

  private all(): Int32Array {
    return Int32Array.from({ length: this.count }, (_, ordinal) => ordinal)
  }

  /** Lists of the values for which `wanted` holds; `literals` names them when they are known. */
  private listsOf(
    name: string,
    literals: readonly string[] | null,
    wanted: (value: string) => boolean,
  ): Int32Array[] {
    const lists: Int32Array[] = []
    const values = this.byName.get(name)
    if (!values) return lists
    if (literals) {
      for (const value of new Set(literals)) {
        const list = values.get(value)
        if (list) lists.push(list.view())
      }
      return lists
    }
    for (const [value, list] of values) if (wanted(value)) lists.push(list.view())
    return lists
  }

  /** The lists of several values of one label have nothing in common: a series has one value. */
  private union(lists: readonly Int32Array[]): Int32Array {
    if (lists.length === 1) return lists[0] as Int32Array
    const length = lists.reduce((sum, list) => sum + list.length, 0)
    const merged = new Int32Array(length)
    if (length === 0) return merged
    const marked = new Uint8Array(this.count)
    for (const list of lists) for (const ordinal of list) marked[ordinal] = 1
    for (let ordinal = 0, i = 0; i < length; ordinal++) if (marked[ordinal]) merged[i++] = ordinal
    return merged
  }
}

/** The values that match, where the matcher says them. */
function positiveLiterals({ type, literals }: Matcher): readonly string[] | null {
  return type === '=' || type === '=~' ? literals : null
}

/** The values that do not match, where the matcher says them. */
function negativeLiterals({ type, literals }: Matcher): readonly string[] | null {
  return type === '!=' || type === '!~' ? literals : null
}

class PostingList {
  private ordinals = new Int32Array(4)
  private count = 0

  push(ordinal: number): void {
    if (this.count === this.ordinals.length) {
      const grown = new Int32Array(this.count * 2)
      grown.set(this.ordinals)
      this.ordinals = grown
    }
    this.ordinals[this.count++] = ordinal
  }

  view(): Int32Array {
    return this.ordinals.subarray(0, this.count)
  }
}

/** What two ascending lists have in common. */
function intersect(a: Int32Array, b: Int32Array): Int32Array {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  const common = new Int32Array(short.length)
  let count = 0
  let from = 0
  for (const ordinal of short) {
    from = seek(long, from, ordinal)
    if (long[from] === ordinal) common[count++] = ordinal
  }
  return common.subarray(0, count)
}

/** What is in the first ascending list and not in the second. */
function subtract(a: Int32Array, b: Int32Array): Int32Array {
  if (b.length === 0) return a
  const rest = new Int32Array(a.length)
  let count = 0
  let from = 0
  for (const ordinal of a) {
    from = seek(b, from, ordinal)
    if (b[from] !== ordinal) rest[count++] = ordinal
  }
  return rest.subarray(0, count)
}

/** Index of the first element from `from` on that is not below `wanted`: doubling steps, then halving ones, so
 *  that a short list passes over a long one quickly and equal ones step by step. */
function seek(list: Int32Array, from: number, wanted: number): number {
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
