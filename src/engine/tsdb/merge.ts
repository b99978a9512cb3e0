import { HistogramColumns } from '../model/histogram/columns.ts'
import { compareBytes, compareLabels, uniqueLabels, type Labels } from '../model/labels.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../model/store.ts'
import { addHistograms, weave } from '../chunks/weave.ts'

/** Up to so many samples are copied one by one. */
const fewSamples = 16

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
  private readonly lent: Columns = {
    count: 0,
    t: new Float64Array(0),
    v: new Float64Array(0),
    stale: null,
    histograms: null,
  }
  private stale = new Uint8Array(0)
  private readonly histograms = new HistogramColumns()

  join(parts: readonly Columns[]): Columns {
    const { lent, histograms } = this
    this.reserve(parts.reduce((sum, part) => sum + part.count, 0))
    lent.count = 0
    lent.stale = parts.some(part => part.stale) ? this.stale : null
    if (histograms.count > 0) histograms.clear()
    const sources = parts.map(part => ({ floats: part, histograms: part.histograms }))
    weave(sources, {
      floats: (source, from, to) => this.add(parts[source] as Columns, from, to),
      histograms: (source, from, to, follows) => {
        const rows = parts[source]?.histograms
        if (rows) addHistograms(histograms, rows, from, to, follows)
      },
    })
    lent.histograms = histograms.count > 0 ? histograms : null
    return lent
  }

  private reserve(count: number): void {
    if (count <= this.lent.t.length) return
    const room = Math.max(count, this.lent.t.length * 2)
    this.lent.t = new Float64Array(room)
    this.lent.v = new Float64Array(room)
    this.stale = new Uint8Array(room)
  }

  private add({ t, v, stale }: Columns, from: number, to: number): void {
    const { lent } = this
    const { count } = lent
    lent.count = count + to - from
    // Where samples alternate, a view for each costs more than they do.
    if (to - from < fewSamples) {
      for (let i = from; i < to; i++) {
        lent.t[count + i - from] = t[i] as number
        lent.v[count + i - from] = v[i] as number
        if (lent.stale) this.stale[count + i - from] = stale?.[i] ?? 0
      }
      return
    }
    lent.t.set(t.subarray(from, to), count)
    lent.v.set(v.subarray(from, to), count)
    if (!lent.stale) return
    if (stale) this.stale.set(stale.subarray(from, to), count)
    else this.stale.fill(0, count, lent.count)
  }
}
