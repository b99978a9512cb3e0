import { compareBytes, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import { choicesOf, intersect, subtract, type Choice, type PostingList } from '../../model/postings.ts'

/** The inverted index of the head (upstream `index.MemPostings`): for each label the series that carry it.
 *  Series are named by ordinals 0, 1, 2 … in the order of their creation, so lists grow at the end and stay
 *  sorted. */
export class Postings {
  /** Number of series. */
  count = 0
  private readonly byName = new Map<string, Map<string, GrowingList>>()
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
  select(matchers: readonly Matcher[]): PostingList {
    let left: PostingList | null = null
    for (const choice of choicesOf(matchers)) {
      const carriers = this.union(this.listsOf(choice))
      if (choice.keep) left = left ? intersect(left, carriers) : carriers
      else left = subtract(left ?? this.all(), carriers)
      if (left.length === 0) return left
    }
    return left ?? this.all()
  }

  private list(name: string, value: string): GrowingList {
    let values = this.byName.get(name)
    if (!values) this.byName.set(name, (values = new Map<string, GrowingList>()))
    let list = values.get(value)
    if (!list) {
      values.set(value, (list = new GrowingList()))
      this.sortedValues.delete(name)
    }
    return list
  }

  private all(): PostingList {
    return Uint32Array.from({ length: this.count }, (_, ordinal) => ordinal)
  }

  /** Lists of the chosen values. */
  private listsOf({ name, literals, chosen }: Choice): PostingList[] {
    const lists: PostingList[] = []
    const values = this.byName.get(name)
    if (!values) return lists
    if (literals) {
      for (const value of new Set(literals)) {
        const list = values.get(value)
        if (list) lists.push(list.view())
      }
      return lists
    }
    for (const [value, list] of values) if (chosen(value)) lists.push(list.view())
    return lists
  }

  /** The lists of several values of one label have nothing in common: a series has one value. */
  private union(lists: readonly PostingList[]): PostingList {
    if (lists.length === 1) return lists[0] as PostingList
    const length = lists.reduce((sum, list) => sum + list.length, 0)
    const merged = new Uint32Array(length)
    if (length === 0) return merged
    const marked = new Uint8Array(this.count)
    for (const list of lists) for (const ordinal of list) marked[ordinal] = 1
    for (let ordinal = 0, i = 0; i < length; ordinal++) if (marked[ordinal]) merged[i++] = ordinal
    return merged
  }
}

class GrowingList {
  private ordinals = new Uint32Array(4)
  private count = 0

  push(ordinal: number): void {
    if (this.count === this.ordinals.length) {
      const grown = new Uint32Array(this.count * 2)
      grown.set(this.ordinals)
      this.ordinals = grown
    }
    this.ordinals[this.count++] = ordinal
  }

  view(): PostingList {
    return this.ordinals.subarray(0, this.count)
  }
}
