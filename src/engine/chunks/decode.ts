import type { HistogramColumns } from '../model/histogram/columns.ts'
import type { SampleColumns } from './columns.ts'
import { decodeFloatHistograms } from './floathistogram.ts'
import { decodeHistograms } from './histogram.ts'
import { decodeXor, xorCount } from './xor.ts'
import { decodeXor2 } from './xor2.ts'

/** How the samples of a chunk are written. On disk; never renumber. Upstream also has 5 and 6, histograms with start
 *  timestamps, as an experiment. */
export const chunkEncoding = { xor: 1, histogram: 2, floatHistogram: 3, xor2: 4 } as const

export function isDecodable(encoding: number): boolean {
  return encoding >= chunkEncoding.xor && encoding <= chunkEncoding.xor2
}

export function hasFloats(encoding: number): boolean {
  return encoding === chunkEncoding.xor || encoding === chunkEncoding.xor2
}

/** Decodes a finished chunk that is decodable behind the samples that the columns have: floats into one, histograms into
 *  the other. Start timestamps are left out.
 *  @throws CorruptionError */
export function decodeChunk(
  encoding: number,
  data: Uint8Array,
  floats: SampleColumns,
  histograms: HistogramColumns,
): void {
  // Every encoding begins with the number of samples, as XOR does.
  const count = xorCount(data)
  if (encoding === chunkEncoding.xor) decodeXor(data, count, floats)
  else if (encoding === chunkEncoding.xor2) decodeXor2(data, count, floats)
  else if (encoding === chunkEncoding.histogram) decodeHistograms(data, count, histograms)
  else decodeFloatHistograms(data, count, histograms)
}
