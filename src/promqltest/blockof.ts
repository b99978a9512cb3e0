import { nanBits, staleBits } from '../engine/chunks/columns.ts'
import { XorChunk } from '../engine/chunks/xor.ts'
import { stagingSuffix } from '../engine/disk/disk.ts'
import { MemoryDisk } from '../engine/disk/memory.ts'
import type { Host } from '../engine/model/host.ts'
import type { Columns, Querier, TimeRange } from '../engine/model/store.ts'
import { openBlock, type Block } from '../engine/tsdb/block/block.ts'
import { ChunkCache } from '../engine/tsdb/block/cache.ts'
import { newUlid } from '../engine/tsdb/block/ulid.ts'
import { writeBlock, type SeriesChunks } from '../engine/tsdb/block/writer.ts'

/** On disk. */
const xor = 1
/** As upstream cuts the head's chunks. */
const samplesPerChunk = 120
const cacheBytes = 16 * 1024 * 1024

/** A block of all samples of a store, on a disk of its own. */
export async function blockOf(querier: Querier, range: TimeRange, host: Host): Promise<Block> {
  const disk = new MemoryDisk()
  const ulid = newUlid(host)
  // A block's range is open at its end.
  const spec = { ulid, minT: range.minT, maxT: range.maxT + 1 }
  await writeBlock(disk, spec, seriesOf(querier, range))
  await disk.publish([{ from: `${ulid}${stagingSuffix}`, to: ulid }])
  return openBlock({ disk, cache: new ChunkCache(cacheBytes) }, ulid)
}

async function* seriesOf(querier: Querier, range: TimeRange): AsyncGenerator<SeriesChunks> {
  for await (const batch of querier.select([], range)) {
    for (let i = 0; i < batch.count; i++) {
      yield { labels: batch.labels(i), chunks: chunksOf(batch.columns(i)) }
    }
  }
}

type Chunk = SeriesChunks['chunks'][number]

function chunksOf(columns: Columns): Chunk[] {
  const chunks: Chunk[] = []
  for (let from = 0; from < columns.count; from += samplesPerChunk) {
    chunks.push(encode(columns, from, Math.min(from + samplesPerChunk, columns.count)))
  }
  return chunks
}

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

function encode({ t, v, stale }: Columns, from: number, to: number): Chunk {
  const chunk = new XorChunk()
  for (let i = from; i < to; i++) {
    const value = v[i] as number
    float[0] = value
    const special = stale?.[i] === 1 ? staleBits : value !== value ? nanBits : null
    chunk.append(t[i] as number, special?.high ?? (words[1] as number), special?.low ?? (words[0] as number))
  }
  const samples = to - from
  const [minT, maxT] = [t[from] as number, t[to - 1] as number]
  return { minT, maxT, encoding: xor, samples, bytes: chunk.encoded() }
}
