import { nanBits, SampleColumns, staleBits } from '../chunks/columns.ts'
import { encodeSeries } from '../chunks/encode.ts'
import { mergedSamples } from '../chunks/histogramseries.ts'
import { HistogramColumns } from '../model/histogram/columns.ts'
import type { Columns, Querier, TimeRange } from '../model/store.ts'
import type { SeriesChunks } from './block/writer.ts'

/** Everything in a range as series of chunks for a new block. Series without a sample in the range are left out.
 *  @param chunkRangeMs a chunk never crosses a multiple of it */
export async function* recoded(
  querier: Querier,
  range: TimeRange,
  chunkRangeMs: number,
): AsyncGenerator<SeriesChunks> {
  const limits = { samples: mergedSamples, rangeMs: chunkRangeMs }
  const floats = new SampleColumns()
  const none = new HistogramColumns()
  for await (const batch of querier.select([], range)) {
    for (let i = 0; i < batch.count; i++) {
      const columns = batch.columns(i)
      takeFloats(columns, floats)
      const chunks = encodeSeries(floats, columns.histograms ?? none, limits)
      if (chunks.length > 0) yield { labels: batch.labels(i), chunks }
    }
  }
}

/** As bits, with stale markers among them. */
function takeFloats({ count, t, v, stale }: Columns, into: SampleColumns): void {
  into.count = 0
  into.reserve(count)
  into.t.set(t.subarray(0, count))
  into.v.set(v.subarray(0, count))
  into.count = count
  for (let i = 0; i < count; i++) {
    if (!stale?.[i] && !Number.isNaN(v[i])) continue
    const { high, low } = stale?.[i] ? staleBits : nanBits
    into.bits[2 * i] = low
    into.bits[2 * i + 1] = high
  }
}
