import { SampleColumns } from '../../chunks/columns.ts'
import type { SeriesRef } from '../../model/store.ts'

/** Floats of many series, in columns that grow. */
export class Floats {
  readonly columns = new SampleColumns()
  /** The series of each; may be longer than there are. */
  refs = new Float64Array(0)

  get count(): number {
    return this.columns.count
  }

  add(ref: SeriesRef, t: number, high: number, low: number): void {
    const { columns } = this
    columns.add(t, high, low)
    if (columns.t.length > this.refs.length) this.growRefs(columns.t.length)
    this.refs[columns.count - 1] = ref
  }

  /** Puts row `from` in the place of row `to`. */
  move(from: number, to: number): void {
    const { refs } = this
    const { t, bits } = this.columns
    refs[to] = refs[from] as number
    t[to] = t[from] as number
    bits[2 * to] = bits[2 * from] as number
    bits[2 * to + 1] = bits[2 * from + 1] as number
  }

  private growRefs(length: number): void {
    const refs = new Float64Array(length)
    refs.set(this.refs)
    this.refs = refs
  }
}

const mostSpares = 8
const mostRows = 64 * 1024

/** Columns that are used again: a scrape needs as many as the one before, and new ones cost it more than the encoding of its
 *  samples. */
export class SpareFloats {
  private readonly spares: Floats[] = []

  take(): Floats {
    return this.spares.pop() ?? new Floats()
  }

  /** @param floats that nobody looks at any more */
  giveBack(floats: Floats): void {
    floats.columns.count = 0
    const { length } = floats.refs
    if (length > 0 && length <= mostRows && this.spares.length < mostSpares) this.spares.push(floats)
  }
}
