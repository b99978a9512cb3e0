import { compareBytes, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import { choicesOf, intersect, subtract, type Choice, type PostingList } from '../../model/postings.ts'

/** The inverted index of the head (upstream `index.MemPostings`): for each label the series that carry it.
 *  Series are named by ordinals 0, 1, 2 … in the order of their creation, so lists grow at the end and stay
 *  sorted. */
export class Postings {
  /** Number of series. */
  count = 0
  private readonly byName = new Map<string, Map<string, Carriers>>()
  private readonly sortedValues = new Map<string, string[]>()

  /** Adds a series and answers its ordinal. */
  add(labels: Labels): number {
    const ordinal = this.count++
    for (let i = 0; i < labels.length; i += 2) {
      this.enter(labels[i] as string, labels[i + 1] as string, ordinal)
    }
    return ordinal
  }

  /** Takes series out; the others get new ordinals, in the order of the old ones.
   *  @param moved the new ordinal by the old one, -1 for a series that goes
   *  @param freed is told the names and the values of labels that no series carries any more */
  renumber(moved: Int32Array, freed: (text: string) => void): void {
    this.count = 0
    for (const ordinal of moved) if (ordinal >= 0) this.count++
    for (const [name, values] of this.byName) {
      const before = values.size
      for (const [value, carriers] of values) {
        const left = renumbered(carriers, moved)
        if (left === carriers) continue
        if (left !== null) values.set(value, left)
        else {
          values.delete(value)
          freed(value)
        }
      }
      if (values.size < before) this.sortedValues.delete(name)
      if (values.size > 0) continue
      this.byName.delete(name)
      freed(name)
    }
  }

  /** Whether a series carries this label. */
  has(name: string, value: string): boolean {
    return this.byName.get(name)?.has(value) ?? false
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

  hasName(name: string): boolean {
    return this.byName.has(name)
  }

  private enter(name: string, value: string, ordinal: number): void {
    let values = this.byName.get(name)
    if (!values) this.byName.set(name, (values = new Map<string, Carriers>()))
    const carriers = values.get(value)
    if (carriers === undefined) {
      values.set(value, ordinal)
      this.sortedValues.delete(name)
    } else if (typeof carriers === 'number') values.set(value, new GrowingList(carriers, ordinal))
    else carriers.push(ordinal)
  }

  private all(): PostingList {
    return new Uint32Array(this.count).map((_, ordinal) => ordinal)
  }

  /** Lists of the chosen values. */
  private listsOf({ name, literals, chosen }: Choice): PostingList[] {
    const lists: PostingList[] = []
    const values = this.byName.get(name)
    if (!values) return lists
    if (literals) {
      for (const value of new Set(literals)) {
        const list = values.get(value)
        if (list !== undefined) lists.push(viewOf(list))
      }
      return lists
    }
    for (const [value, list] of values) if (chosen(value)) lists.push(viewOf(list))
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

/** The ordinals of the series that carry a label. One alone needs no list: labels that tell single series apart
 *  are the most numerous. */
type Carriers = number | GrowingList

function viewOf(carriers: Carriers): PostingList {
  return typeof carriers === 'number' ? Uint32Array.of(carriers) : carriers.view()
}

/** What is left of the carriers; null when nothing is. */
function renumbered(carriers: Carriers, moved: Int32Array): Carriers | null {
  if (typeof carriers !== 'number') return carriers.renumber(moved) > 0 ? carriers : null
  const ordinal = moved[carriers] as number
  return ordinal < 0 ? null : ordinal
}

class GrowingList {
  private ordinals: Uint32Array
  private count = 2

  constructor(first: number, second: number) {
    this.ordinals = Uint32Array.of(first, second)
  }

  push(ordinal: number): void {
    // By half: there are ten ordinals a series in these lists.
    if (this.count === this.ordinals.length) this.resize(this.count + (this.count >>> 1) + 1)
    this.ordinals[this.count++] = ordinal
  }

  view(): PostingList {
    return this.ordinals.subarray(0, this.count)
  }

  /** Answers how many are left. */
  renumber(moved: Int32Array): number {
    const { ordinals, count } = this
    let left = 0
    for (let i = 0; i < count; i++) {
      const ordinal = moved[ordinals[i] as number] as number
      if (ordinal >= 0) ordinals[left++] = ordinal
    }
    this.count = left
    if (left * 2 < ordinals.length) this.resize(left)
    return left
  }

  private resize(length: number): void {
    const ordinals = new Uint32Array(length)
    ordinals.set(this.ordinals.subarray(0, this.count))
    this.ordinals = ordinals
  }
}
