import type { Querier, TimeRange } from '../../src/engine/model/store.ts'
import { Checksum, seriesKey } from '../frame/checksum.ts'

/** Of all float samples in the range. Closes the querier. */
export async function checksumOf(querier: Querier, range: TimeRange): Promise<string> {
  const checksum = new Checksum()
  try {
    for await (const batch of querier.select([], range)) {
      for (let i = 0; i < batch.count; i++) {
        const key = seriesKey(batch.labels(i))
        const { count, t, v } = batch.columns(i)
        for (let j = 0; j < count; j++) checksum.add(key, t[j] as number, v[j] as number)
      }
    }
  } finally {
    querier.close?.()
  }
  return checksum.toString()
}
