import { SampleColumns } from '../../chunks/columns.ts'
import { decodeXor, xorCount, XorChunk } from '../../chunks/xor.ts'
import type { TimeRange } from '../../model/store.ts'
import type { StoredSeriesChunk } from '../block/block.ts'
import { damage, within } from '../block/damage.ts'
import { encoding } from '../block/segments.ts'
import type { SeriesChunks } from '../block/writer.ts'

export type NewChunk = SeriesChunks['chunks'][number]

/** Samples of a chunk that is made of overlapping ones: upstream's `seriesToChunkEncoderSplit`. It has no limit of
 *  bytes. */
const samplesPerChunk = 120

/** The chunk as it is. Every encoding begins with the number of samples, as XOR does.
 *  @throws CorruptionError when it has none */
export function passedOn({ minT, maxT, encoding, data, path, offset }: StoredSeriesChunk): NewChunk {
  const samples = within(path, offset, () => xorCount(data))
  return { minT, maxT, encoding, samples, bytes: data }
}

/** The chunk without what was deleted of it, as one chunk; null when nothing is left.
 *  @throws CorruptionError, or Error when it cannot be decoded */
export function cutChunk(chunk: StoredSeriesChunk, deleted: readonly TimeRange[]): StoredSeriesChunk | null {
  const samples = new SampleColumns()
  decode(chunk, samples)
  for (const { minT, maxT } of deleted) samples.cut(minT, maxT)
  if (samples.count === 0) return null
  const { bytes, ...rest } = encode(samples, 0, samples.count)
  return { ...chunk, ...rest, data: bytes }
}

/** Chunks that overlap as one row of samples, encoded anew. Of samples at the same time that of the chunk counts
 *  which comes first here: upstream takes any. Here it is the one that queries gave before.
 *  @throws CorruptionError, or Error when one cannot be decoded */
export function mergedChunks(chunks: readonly StoredSeriesChunk[]): NewChunk[] {
  const samples = interleaved(lanesOf(chunks).map(decodedLane))
  const merged: NewChunk[] = []
  for (let i = 0; i < samples.count; i += samplesPerChunk) {
    merged.push(encode(samples, i, Math.min(i + samplesPerChunk, samples.count)))
  }
  return merged
}

/** As few rows of chunks that follow each other as can be: a few long rows are merged faster than many short ones. */
function lanesOf(chunks: readonly StoredSeriesChunk[]): StoredSeriesChunk[][] {
  const lanes: StoredSeriesChunk[][] = []
  for (const chunk of chunks) {
    const lane = lanes.at(-1)
    if (lane && chunk.minT > (lane.at(-1) as StoredSeriesChunk).maxT) lane.push(chunk)
    else lanes.push([chunk])
  }
  return lanes
}

function decodedLane(lane: readonly StoredSeriesChunk[]): SampleColumns {
  const samples = new SampleColumns(lane.length * samplesPerChunk)
  for (const chunk of lane) decode(chunk, samples)
  return samples
}

function decode(chunk: StoredSeriesChunk, out: SampleColumns): void {
  const { encoding: kind, data, path, offset } = chunk
  if (kind !== encoding.xor) {
    throw new Error(
      `${path}: want XOR chunks where some overlap or are deleted in part, have encoding ${kind} at byte ${offset}`,
    )
  }
  const from = out.count
  within(path, offset, () => decodeXor(data, xorCount(data), out))
  checkTimes(chunk, out.t.subarray(from, out.count))
}

/** What is merged relies on them, and a checksum says nothing about who computed it. */
function checkTimes({ minT, maxT, path, offset }: StoredSeriesChunk, times: Float64Array): void {
  let last = -Infinity
  for (const t of times) {
    if (t <= last) throw damage(path, offset, 'ascending times', `${t} behind ${last}`)
    last = t
  }
  const first = times[0] ?? minT
  if (first >= minT && last <= maxT) return
  throw damage(path, offset, `samples within ${minT} … ${maxT}`, `${first} … ${last}`)
}

/** All samples in time order, of several at one time that of the first row. */
function interleaved(rows: readonly SampleColumns[]): SampleColumns {
  if (rows.length === 1) return rows[0] as SampleColumns
  const half = rows.length >>> 1
  return joined(interleaved(rows.slice(0, half)), interleaved(rows.slice(half)))
}

/** As bits: a stale marker must not pass through a number. */
function joined(a: SampleColumns, b: SampleColumns): SampleColumns {
  const out = new SampleColumns(a.count + b.count)
  let i = 0
  let j = 0
  while (i < a.count && j < b.count) {
    const ta = a.t[i] as number
    const tb = b.t[j] as number
    if (ta <= tb) copy(out, a, i++, 1)
    else copy(out, b, j, 1)
    if (tb <= ta) j++
  }
  copy(out, a, i, a.count - i)
  copy(out, b, j, b.count - j)
  return out
}

function copy(out: SampleColumns, { t, bits }: SampleColumns, from: number, count: number): void {
  for (let i = from; i < from + count; i++) {
    const o = out.count++
    out.t[o] = t[i] as number
    out.bits[2 * o] = bits[2 * i] as number
    out.bits[2 * o + 1] = bits[2 * i + 1] as number
  }
}

/** The samples [from, to) as a chunk. */
function encode({ t, bits }: SampleColumns, from: number, to: number): NewChunk {
  const chunk = new XorChunk()
  for (let i = from; i < to; i++)
    chunk.append(t[i] as number, bits[2 * i + 1] as number, bits[2 * i] as number)
  return {
    minT: t[from] as number,
    maxT: t[to - 1] as number,
    encoding: encoding.xor,
    samples: to - from,
    bytes: chunk.encoded(),
  }
}
