import { compareBytes, compareLabels, uniqueLabels, type Labels } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../model/store.ts'

/** Several queriers as one: the head and the blocks (upstream's `storage.NewMergeQuerier`). Where two of them have a
 *  sample of the same series at the same time, that of the earlier one counts. */
export class MergedQuerier implements Querier {
  private readonly sources: readonly Querier[]
  private release: () => void

  /** @param release lets go of what the sources read */
  constructor(sources: readonly Querier[], release: () => void = () => undefined) {
    this.sources = sources
    this.release = release
  }

  select(matchers: readonly Matcher[], range: TimeRange): AsyncIterable<SeriesBatch> {
    const selections = this.sources.map(source => source.select(matchers, range))
    return selections.length === 1 ? (selections[0] as AsyncIterable<SeriesBatch>) : merged(selections)
  }

  async labelSets(matchers: readonly Matcher[], range: TimeRange): Promise<Labels[]> {
    const lists = await Promise.all(this.sources.map(source => source.labelSets(matchers, range)))
    return lists.length === 1 ? (lists[0] as Labels[]) : uniqueLabels(lists.flat())
  }

  async labelNames(matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    return union(await Promise.all(this.sources.map(source => source.labelNames(matchers, range))))
  }

  async labelValues(name: string, matchers: readonly Matcher[], range: TimeRange): Promise<string[]> {
    return union(await Promise.all(this.sources.map(source => source.labelValues(name, matchers, range))))
  }

  close(): void {
    this.release()
    this.release = () => undefined
  }
}

function union(lists: readonly string[][]): string[] {
  return lists.length === 1 ? (lists[0] as string[]) : [...new Set(lists.flat())].sort(compareBytes)
}

/** Goes through all selections at once, in label order. A batch ends where one of the selections needs its next. */
async function* merged(selections: readonly AsyncIterable<SeriesBatch>[]): AsyncGenerator<SeriesBatch> {
  const cursors = selections.map(selection => new Cursor(selection[Symbol.asyncIterator]()))
  const joiner = new Joiner()
  try {
    for (;;) {
      for (const cursor of cursors) await cursor.fill()
      const live = cursors.filter(cursor => !cursor.done)
      if (live.length === 0) return
      yield new MergedBatch(rowsOf(live), joiner)
    }
  } finally {
    await Promise.all(cursors.map(cursor => cursor.close()))
  }
}

/** Takes series from the cursors for as long as each of them has one at hand. */
function rowsOf(cursors: readonly Cursor[]): Part[][] {
  const rows: Part[][] = []
  for (;;) {
    let least: Labels | null = null
    for (const cursor of cursors) {
      if (!cursor.hasRow) return rows
      if (least === null || compareLabels(cursor.labels, least) < 0) least = cursor.labels
    }
    if (least === null) return rows
    const row: Part[] = []
    for (const cursor of cursors) if (compareLabels(cursor.labels, least) === 0) row.push(cursor.take())
    rows.push(row)
  }
}

/** One series of one selection. */
interface Part {
  readonly batch: SeriesBatch
  readonly i: number
}

class Cursor {
  done = false
  private readonly batches: AsyncIterator<SeriesBatch>
  private batch: SeriesBatch | null = null
  private at = 0

  constructor(batches: AsyncIterator<SeriesBatch>) {
    this.batches = batches
  }

  get hasRow(): boolean {
    return this.batch !== null && this.at < this.batch.count
  }

  get labels(): Labels {
    return (this.batch as SeriesBatch).labels(this.at)
  }

  take(): Part {
    return { batch: this.batch as SeriesBatch, i: this.at++ }
  }

  /** Sees to it that there is a series at hand, unless there are no more. */
  async fill(): Promise<void> {
    while (!this.hasRow && !this.done) {
      const next = await this.batches.next()
      this.done = next.done === true
      this.batch = next.done === true ? null : next.value
      this.at = 0
    }
  }

  async close(): Promise<void> {
    await this.batches.return?.()
  }
}

class MergedBatch implements SeriesBatch {
  readonly count: number
  private readonly rows: readonly Part[][]
  private readonly joiner: Joiner

  constructor(rows: readonly Part[][], joiner: Joiner) {
    this.count = rows.length
    this.rows = rows
    this.joiner = joiner
  }

  labels(i: number): Labels {
    const { batch, i: at } = this.row(i)[0] as Part
    return batch.labels(at)
  }

  columns(i: number): Columns {
    // Each part lends the columns of its own selection, so none spoils those of another.
    const parts = this.row(i).map(({ batch, i: at }) => batch.columns(at))
    return parts.length === 1 ? (parts[0] as Columns) : this.joiner.join(parts)
  }

  private row(i: number): readonly Part[] {
    const row = this.rows[i]
    if (!row) throw new RangeError(`series ${i} of a batch of ${this.count}`)
    return row
  }
}

/** Joins the samples of one series from several selections into columns of its own, lent until the next call. */
class Joiner {
  private readonly lent: Columns = { count: 0, t: new Float64Array(0), v: new Float64Array(0), stale: null }
  private stale = new Uint8Array(0)

  join(parts: readonly Columns[]): Columns {
    const { lent } = this
    this.reserve(parts.reduce((sum, part) => sum + part.count, 0))
    lent.count = 0
    lent.stale = parts.some(part => part.stale) ? this.stale : null
    // One after the other where they do not overlap, which is the rule.
    const inOrder = parts
      .filter(part => part.count > 0)
      .sort((a, b) => (a.t[0] as number) - (b.t[0] as number))
    if (inOrder.every((part, k) => k === 0 || startsAfter(part, inOrder[k - 1] as Columns))) {
      for (const part of inOrder) this.copy(part)
    } else {
      this.interleave(parts)
    }
    return lent
  }

  private reserve(count: number): void {
    if (count <= this.lent.t.length) return
    const room = Math.max(count, this.lent.t.length * 2)
    this.lent.t = new Float64Array(room)
    this.lent.v = new Float64Array(room)
    this.stale = new Uint8Array(room)
  }

  private copy(part: Columns): void {
    const { lent, stale } = this
    const { count } = lent
    lent.t.set(part.t.subarray(0, part.count), count)
    lent.v.set(part.v.subarray(0, part.count), count)
    if (part.stale) stale.set(part.stale.subarray(0, part.count), count)
    else stale.fill(0, count, count + part.count)
    lent.count += part.count
  }

  /** Sample by sample in time order; of several at one time the first part's. */
  private interleave(parts: readonly Columns[]): void {
    const { lent, stale } = this
    const at = parts.map(() => 0)
    for (;;) {
      let first = -1
      let t = Infinity
      for (const [k, part] of parts.entries()) {
        const i = at[k] as number
        if (i < part.count && (part.t[i] as number) < t) {
          t = part.t[i] as number
          first = k
        }
      }
      if (first < 0) return
      const part = parts[first] as Columns
      const i = at[first] as number
      lent.t[lent.count] = t
      lent.v[lent.count] = part.v[i] as number
      stale[lent.count++] = part.stale?.[i] ?? 0
      for (const [k, other] of parts.entries())
        if (other.t[at[k] as number] === t) at[k] = (at[k] as number) + 1
    }
  }
}

function startsAfter(part: Columns, before: Columns): boolean {
  return (part.t[0] as number) > (before.t[before.count - 1] as number)
}
