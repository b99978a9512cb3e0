import { compareLabels, type Labels } from '../../model/labels.ts'
import type { PostingList } from '../../model/postings.ts'

/** Knows the order of the head's series by their labels. Kept between queries: sorting 100,000 series takes a
 *  quarter of a second, ranks of known ones nothing. */
export class LabelOrder {
  /** The ordinals of all series seen, in label order. */
  private sorted: PostingList = new Uint32Array(0)
  private ranks = new Uint32Array(0)

  /** Sorts ordinals by the labels of their series. The array is the caller's and is not changed; the answer is
   *  lent until series come or go.
   *  @param ordinals each once
   *  @param all the labels of every series, by ordinal; it may have grown since the last call */
  sort(ordinals: PostingList, all: readonly { readonly labels: Labels }[]): PostingList {
    this.catchUp(all)
    const { ranks, sorted } = this
    if (ordinals.length === sorted.length) return sorted
    // Ranks are sorted as plain numbers: 7 against 80 ms for 100,000 series with a function that compares.
    return ordinals
      .map(ordinal => ranks[ordinal] as number)
      .sort()
      .map(rank => sorted[rank] as number)
  }

  /** Series have gone, and the others have new ordinals, in the order of the old ones.
   *  @param moved the new ordinal by the old one, -1 for a series that has gone */
  renumber(moved: Int32Array): void {
    const { sorted } = this
    const kept = new Uint32Array(sorted.length)
    let count = 0
    for (const ordinal of sorted) {
      const now = moved[ordinal] as number
      if (now >= 0) kept[count++] = now
    }
    this.rank(kept.slice(0, count))
  }

  /** Sorts the new series and merges them with the known ones. */
  private catchUp(all: readonly { readonly labels: Labels }[]): void {
    const known = this.sorted
    if (known.length === all.length) return
    const compare = (a: number, b: number) => compareLabels(labelsOf(all, a), labelsOf(all, b))
    const added = Array.from({ length: all.length - known.length }, (_, i) => known.length + i).sort(compare)
    this.rank(merge(known, added, compare))
  }

  private rank(sorted: PostingList): void {
    this.sorted = sorted
    this.ranks = new Uint32Array(sorted.length)
    for (let rank = 0; rank < sorted.length; rank++) this.ranks[sorted[rank] as number] = rank
  }
}

function labelsOf(all: readonly { readonly labels: Labels }[], ordinal: number): Labels {
  return (all[ordinal] as { labels: Labels }).labels
}

function merge(a: PostingList, b: readonly number[], compare: (a: number, b: number) => number): PostingList {
  const merged = new Uint32Array(a.length + b.length)
  let i = 0
  let at = 0
  for (const next of b) {
    for (; i < a.length && compare(a[i] as number, next) < 0; i++) merged[at++] = a[i] as number
    merged[at++] = next
  }
  merged.set(a.subarray(i), at)
  return merged
}
