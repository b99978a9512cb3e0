import { SampleColumns } from '../../chunks/columns.ts'
import { decodeXor, XorChunk } from '../../chunks/xor.ts'
import type { ClosedChunk } from './series.ts'

/** The part of a chunk that lies in [minT, maxT): the chunk itself where that is all of it, null where it is
 *  nothing. */
export function cutChunk(chunk: ClosedChunk, minT: number, maxT: number): ClosedChunk | null {
  if (chunk.minT >= minT && chunk.maxT < maxT) return chunk
  const samples = new SampleColumns()
  decodeXor(chunk.bytes, chunk.count, samples)
  samples.clip(minT, maxT - 1)
  const { count, t, bits } = samples
  if (count === 0) return null
  const cut = new XorChunk()
  for (let i = 0; i < count; i++) cut.append(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
  return { minT: t[0] as number, maxT: t[count - 1] as number, count, bytes: cut.encoded() }
}
