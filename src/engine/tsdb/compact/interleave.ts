import { SampleColumns } from '../../chunks/columns.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import { addHistograms, weave } from '../../chunks/weave.ts'

/** Samples of one series, with stale markers as bits. */
export interface Samples {
  readonly floats: SampleColumns
  readonly histograms: HistogramColumns
}

/** All samples in time order, of several at one time that of the first row. */
export function interleaved(rows: readonly Samples[]): Samples {
  if (rows.length === 1) return rows[0] as Samples
  const half = rows.length >>> 1
  return joined([interleaved(rows.slice(0, half)), interleaved(rows.slice(half))])
}

function joined(rows: readonly [Samples, Samples]): Samples {
  const floats = new SampleColumns(rows[0].floats.count + rows[1].floats.count)
  const histograms = new HistogramColumns(rows[0].histograms.count + rows[1].histograms.count)
  weave(rows, {
    floats: (source, from, to) => addFloats(floats, (rows[source] as Samples).floats, from, to),
    histograms: (source, from, to, follows) =>
      addHistograms(histograms, (rows[source] as Samples).histograms, from, to, follows),
  })
  return { floats, histograms }
}

/** Up to so many samples are copied one by one. */
const fewSamples = 16

/** As bits: a stale marker must not pass through a number. */
function addFloats(out: SampleColumns, { t, bits }: SampleColumns, from: number, to: number): void {
  // Where samples alternate, a view for each costs more than they do.
  if (to - from < fewSamples) {
    for (let i = from; i < to; i++) out.add(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
    return
  }
  out.t.set(t.subarray(from, to), out.count)
  out.bits.set(bits.subarray(2 * from, 2 * to), 2 * out.count)
  out.count += to - from
}
