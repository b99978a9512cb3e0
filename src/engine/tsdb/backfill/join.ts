import { SampleColumns } from '../../chunks/columns.ts'
import { chunkEncoding } from '../../chunks/decode.ts'
import { decodeXor, XorChunk } from '../../chunks/xor.ts'
import type { Labels } from '../../model/labels.ts'
import type { SeriesChunks } from '../block/writer.ts'
import type { Part } from './runs.ts'
import { orderError } from './samples.ts'
import type { SealedChunk } from './sealed.ts'

/** The series of a time range with their chunks, in label order, from all parts together.
 *  @param parts in the order in which the text had them
 *  @throws ImportError when a series went on in the range with an earlier sample, after it had been in another */
export async function* joined(
  parts: readonly Part[],
  start: number,
  labels: readonly Labels[],
  rank: Int32Array,
): AsyncGenerator<SeriesChunks> {
  const cursors = parts.map(part => new Cursor(part.batches(start), rank))
  for (;;) {
    for (const cursor of cursors) if (cursor.empty) await cursor.fill()
    const least = Math.min(...cursors.map(cursor => cursor.rank))
    if (least === Infinity) return
    const chunks: SealedChunk[] = []
    for (const cursor of cursors) {
      while (cursor.rank === least) {
        chunks.push(cursor.take())
        if (cursor.empty) await cursor.fill()
      }
    }
    const own = labels[(chunks[0] as SealedChunk).series] as Labels
    yield {
      labels: own,
      chunks: inOrder(chunks, own).map(chunk => ({ ...chunk, encoding: chunkEncoding.xor })),
    }
  }
}

/** Goes through the chunks of a part. */
class Cursor {
  /** Whether `fill` is to be called. */
  empty = true
  private readonly batches: AsyncIterator<readonly SealedChunk[]>
  private readonly ranks: Int32Array
  private batch: readonly SealedChunk[] = []
  private at = 0

  constructor(batches: AsyncIterator<readonly SealedChunk[]>, ranks: Int32Array) {
    this.batches = batches
    this.ranks = ranks
  }

  /** Of the series whose chunk comes next; Infinity behind the last. */
  get rank(): number {
    const next = this.batch[this.at]
    return next ? (this.ranks[next.series] as number) : Infinity
  }

  take(): SealedChunk {
    const taken = this.batch[this.at++] as SealedChunk
    this.empty = this.at === this.batch.length
    return taken
  }

  async fill(): Promise<void> {
    const next = await this.batches.next()
    this.batch = next.done === true ? [] : next.value
    this.at = 0
    this.empty = false
  }
}

function inOrder(chunks: readonly SealedChunk[], labels: Labels): SealedChunk[] {
  const kept: SealedChunk[] = []
  for (const chunk of chunks) {
    const last = kept.at(-1)
    const later = last && chunk.minT <= last.maxT ? unrepeated(chunk, last, labels) : chunk
    if (later) kept.push(later)
  }
  return kept
}

/** The chunk without its first sample, which the one before it ends with; null when there is no other.
 *  @throws ImportError where it begins with another */
function unrepeated(chunk: SealedChunk, before: SealedChunk, labels: Labels): SealedChunk | null {
  const first = decoded(chunk)
  const last = decoded(before)
  const t = first.t[0] as number
  const k = last.count - 1
  if (t < before.maxT) throw orderError(chunk.line, labels, { t, before: before.maxT, value: undefined })
  if (first.bits[0] !== last.bits[2 * k] || first.bits[1] !== last.bits[2 * k + 1]) {
    throw orderError(chunk.line, labels, { t, before: t, value: first.v[0] })
  }
  if (first.count === 1) return null
  const rest = new XorChunk()
  for (let i = 1; i < first.count; i++) {
    rest.append(first.t[i] as number, first.bits[2 * i + 1] as number, first.bits[2 * i] as number)
  }
  return { ...chunk, minT: rest.minT, samples: rest.count, bytes: rest.encoded() }
}

function decoded({ bytes, samples }: SealedChunk): SampleColumns {
  const columns = new SampleColumns()
  decodeXor(bytes, samples, columns)
  return columns
}
