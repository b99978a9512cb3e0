import type { SampleColumns } from '../../chunks/columns.ts'
import { decodeChunk } from '../../chunks/decode.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import { damage, within } from './damage.ts'
import type { StoredChunk } from './segments.ts'

/** Decodes a chunk of a known encoding behind the samples that the columns have. Times are checked: what is read further
 *  on relies on them, and a checksum says nothing about who computed it.
 *  @param after the chunk's times are later
 *  @returns time of its last sample; `after` when it has none
 *  @throws CorruptionError */
export function decodeStored(
  { encoding, data, path, offset }: StoredChunk,
  floats: SampleColumns,
  histograms: HistogramColumns,
  after: number,
): number {
  const [floatCount, histogramCount] = [floats.count, histograms.count]
  within(path, offset, () => decodeChunk(encoding, data, floats, histograms))
  const of = floats.count > floatCount ? floats : histograms
  const from = of === floats ? floatCount : histogramCount
  const { t, count } = of
  let last = after
  for (let i = from; i < count; i++) {
    const time = t[i] as number
    if (time <= last) throw damage(path, offset, 'ascending times', `${time} behind ${last}`)
    last = time
  }
  return last
}
