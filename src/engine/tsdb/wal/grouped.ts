import { SampleColumns } from '../../chunks/columns.ts'
import type { SeriesRef } from '../../model/store.ts'
import type { RecordSink } from './reader.ts'
import { recordType, type RecordVisitor } from './records.ts'
import { visitRecord } from './visit.ts'

/** Samples are held back up to here: some for each of many thousand series, in a few megabytes. */
const maxHeld = 128 * 1024
/** Fewer are told as they came. */
const minSorted = 4096

/** Tells records to a visitor, samples of many records at once and series by series. A log has them scrape by scrape, and
 *  series are far apart in memory: going from one to the next takes longer than adding a sample. */
export class GroupedRecords implements RecordSink {
  private readonly visitor: RecordVisitor
  private readonly held = new SampleColumns()
  private refs = new Float64Array(0)
  /** Of what is held. */
  private minRef = Infinity
  private maxRef = 0
  private readonly hold: RecordVisitor

  constructor(visitor: RecordVisitor) {
    this.visitor = visitor
    this.hold = {
      series: () => undefined,
      sample: (ref, t, high, low) => this.add(ref, t, high, low),
      skipped: () => undefined,
    }
  }

  /** @throws CorruptionError with an offset in the record */
  take(record: Uint8Array): void {
    const type = record[0]
    if (type === recordType.samples || type === recordType.samplesWithStart) {
      visitRecord(record, this.hold)
      if (this.held.count >= maxHeld) this.release()
      return
    }
    this.release()
    visitRecord(record, this.visitor)
  }

  /** Tells what is held. */
  release(): void {
    const { held, maxRef, minRef } = this
    const series = maxRef - minRef + 1
    if (held.count < minSorted || series > held.count) {
      for (let i = 0; i < held.count; i++) this.tell(i)
    } else for (const i of this.bySeries(series)) this.tell(i)
    held.count = 0
    this.minRef = Infinity
    this.maxRef = 0
  }

  private add(ref: SeriesRef, t: number, high: number, low: number): void {
    const { held } = this
    held.add(t, high, low)
    if (held.t.length > this.refs.length) this.growRefs(held.t.length)
    this.refs[held.count - 1] = ref
    if (ref < this.minRef) this.minRef = ref
    if (ref > this.maxRef) this.maxRef = ref
  }

  private growRefs(capacity: number): void {
    const refs = new Float64Array(capacity)
    refs.set(this.refs)
    this.refs = refs
  }

  private tell(i: number): void {
    const { bits, t } = this.held
    this.visitor.sample(
      this.refs[i] as number,
      t[i] as number,
      bits[2 * i + 1] as number,
      bits[2 * i] as number,
    )
  }

  /** What is held, the samples of each series together and in order.
   *  @param series how many there may be from `minRef` on */
  private bySeries(series: number): Uint32Array {
    const { held, minRef, refs } = this
    // Where the samples of each series go: first how many it has, then behind those of the series before it.
    const places = new Uint32Array(series + 1)
    for (let i = 0; i < held.count; i++) {
      const next = (refs[i] as number) - minRef + 1
      places[next] = (places[next] as number) + 1
    }
    for (let k = 1; k < series; k++) places[k] = (places[k] as number) + (places[k - 1] as number)
    const order = new Uint32Array(held.count)
    for (let i = 0; i < held.count; i++) {
      const k = (refs[i] as number) - minRef
      const place = places[k] as number
      places[k] = place + 1
      order[place] = i
    }
    return order
  }
}
