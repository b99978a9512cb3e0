import { SampleColumns } from '../../chunks/columns.ts'
import type { SeriesRef } from '../../model/store.ts'
import type { RecordSink } from './reader.ts'
import { recordType, type RecordVisitor } from './records.ts'
import { visitRecord } from './visit.ts'

/** Samples are held back up to here: some for each of many thousand series, in a few megabytes. */
const maxHeld = 128 * 1024
/** A difference to the first series, one to its time, a value. */
const leastSampleBytes = 10
/** Fewer are told as they came. */
const minSorted = 4096

/** Tells records to a visitor, samples of many records at once and series by series. A log has them scrape by scrape, and
 *  series are far apart in memory: going from one to the next takes longer than adding a sample. */
export class GroupedRecords implements RecordSink {
  private readonly visitor: RecordVisitor
  private readonly held = new HeldSamples()

  constructor(visitor: RecordVisitor) {
    this.visitor = visitor
  }

  /** @throws CorruptionError with an offset in the record */
  take(record: Uint8Array): void {
    const { held } = this
    const type = record[0]
    if (type === recordType.samples || type === recordType.samplesWithStart) {
      held.reserve(Math.ceil(record.length / leastSampleBytes))
      visitRecord(record, held)
      if (held.count >= maxHeld) this.release()
      return
    }
    this.release()
    visitRecord(record, this.visitor)
  }

  /** Tells what is held. */
  release(): void {
    const { held } = this
    if (held.sortable) this.tellSorted()
    else for (let i = 0; i < held.count; i++) this.tell(held.refs[i] as SeriesRef, held.columns, i)
    held.clear()
  }

  private tellSorted(): void {
    const { visitor } = this
    const { minRef, ends, columns } = this.held.sorted()
    let from = 0
    for (let k = 0; k < ends.length; k++) {
      const to = ends[k] as number
      if (to === from) continue
      if (visitor.samples) visitor.samples(minRef + k, columns, from, to)
      else for (let i = from; i < to; i++) this.tell(minRef + k, columns, i)
      from = to
    }
  }

  private tell(ref: SeriesRef, { t, bits }: SampleColumns, i: number): void {
    this.visitor.sample(ref, t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
  }
}

/** Samples of many series. Heard of anything else it is deaf. */
class HeldSamples implements RecordVisitor {
  count = 0
  columns = new SampleColumns()
  refs = new Float64Array(0)
  private spare = new SampleColumns()
  private minRef = Infinity
  private maxRef = 0

  /** Whether they are many, of series whose numbers are close to each other. */
  get sortable(): boolean {
    return this.count >= minSorted && this.maxRef - this.minRef < this.count
  }

  /** Makes room for as many more; needed before they come. */
  reserve(more: number): void {
    const { columns } = this
    columns.count = this.count
    columns.reserve(more)
    if (this.refs.length === columns.t.length) return
    const refs = new Float64Array(columns.t.length)
    refs.set(this.refs.subarray(0, this.count))
    this.refs = refs
  }

  sample(ref: SeriesRef, t: number, high: number, low: number): void {
    const { columns } = this
    const i = this.count++
    this.refs[i] = ref
    columns.t[i] = t
    columns.bits[2 * i] = low
    columns.bits[2 * i + 1] = high
    if (ref < this.minRef) this.minRef = ref
    if (ref > this.maxRef) this.maxRef = ref
  }

  series(): void {
    // Not asked for them.
  }
  skipped(): void {
    // Not asked for them.
  }

  clear(): void {
    this.count = 0
    this.minRef = Infinity
    this.maxRef = 0
  }

  /** The samples of each series together and in order, those of `minRef + k` up to `ends[k]`. The columns are lent until the
   *  next call. */
  sorted(): { minRef: SeriesRef; ends: Uint32Array; columns: SampleColumns } {
    const { count, columns, refs, minRef, spare } = this
    // Where the samples of each series go: first how many it has, then behind those of the series before it.
    const places = new Uint32Array(this.maxRef - minRef + 2)
    for (let i = 0; i < count; i++) (places[(refs[i] as number) - minRef + 1] as number)++
    for (let k = 1; k < places.length; k++) places[k] = (places[k] as number) + (places[k - 1] as number)
    spare.reserve(count)
    const { t, bits } = columns
    const to = { t: spare.t, bits: spare.bits }
    for (let i = 0; i < count; i++) {
      const k = (refs[i] as number) - minRef
      const place = places[k] as number
      places[k] = place + 1
      to.t[place] = t[i] as number
      to.bits[2 * place] = bits[2 * i] as number
      to.bits[2 * place + 1] = bits[2 * i + 1] as number
    }
    return { minRef, ends: places.subarray(0, -1), columns: spare }
  }
}
