import { nanBits, staleBits } from '../chunks/columns.ts'
import type { Columns, Querier, TimeRange } from '../model/store.ts'
import { encoding } from './block/segments.ts'
import type { SeriesChunks } from './block/writer.ts'
import { MemSeries } from './head/series.ts'

const float = new Float64Array(1)
const floatBits = new Int32Array(float.buffer)

/** Everything in a range as series of chunks for a new block, cut as the head would have cut them. Series without
 *  a sample in the range are left out.
 *  @param chunkRangeMs a chunk never crosses a multiple of it */
export async function* recoded(
  querier: Querier,
  range: TimeRange,
  chunkRangeMs: number,
): AsyncGenerator<SeriesChunks> {
  for await (const batch of querier.select([], range)) {
    for (let i = 0; i < batch.count; i++) {
      const columns = batch.columns(i)
      if (columns.count === 0) continue
      const series = new MemSeries(0, batch.labels(i))
      append(series, columns, chunkRangeMs)
      yield {
        labels: series.labels,
        chunks: series
          .encoded()
          .map(({ count, ...chunk }) => ({ ...chunk, encoding: encoding.xor, samples: count })),
      }
    }
  }
}

function append(series: MemSeries, { count, t, v, stale }: Columns, chunkRangeMs: number): void {
  for (let i = 0; i < count; i++) {
    const at = t[i] as number
    if (stale?.[i]) series.append(at, staleBits.high, staleBits.low, chunkRangeMs)
    else if (Number.isNaN(v[i])) series.append(at, nanBits.high, nanBits.low, chunkRangeMs)
    else {
      float[0] = v[i] as number
      series.append(at, floatBits[1] as number, floatBits[0] as number, chunkRangeMs)
    }
  }
}
