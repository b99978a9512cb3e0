import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import type { Disk } from '../../disk/disk.ts'
import type { Pace } from '../block/pace.ts'
import { writeFile } from '../block/output.ts'
import type { SealedChunk, SealedChunks } from './sealed.ts'

/** Chunks of all time ranges, in each of them in the order of their series' labels. */
export interface Part {
  /** Where the time ranges begin of which it has chunks. */
  readonly starts: Iterable<number>
  /** The chunks of a range, a few at a time; those of a series in the order of the text. */
  batches(start: number): AsyncGenerator<readonly SealedChunk[]>
}

const batchChunks = 1000

/** What is in memory. It must not change while it is read. */
export function partInMemory(sealed: SealedChunks, rank: Int32Array): Part {
  const ranges = sealed.sorted(rank)
  async function* batches(start: number): AsyncGenerator<readonly SealedChunk[]> {
    const range = ranges.get(start) ?? []
    for (let i = 0; i < range.length; i += batchChunks) {
      yield range.slice(i, i + batchChunks).map(chunk => sealed.at(chunk))
    }
  }
  return { starts: ranges.keys(), batches }
}

// A run is a file of chunks one behind the other, to be read by this program alone:
//   series u32, line i64, minT i64, maxT i64, samples u16, length u16, bytes
const headerBytes = 4 + 8 + 8 + 8 + 2 + 2

/** Writes chunks into a file of a staging folder.
 *  @throws DiskFullError, or what ends the pace */
export async function writeRun(
  disk: Disk,
  path: string,
  sealed: SealedChunks,
  rank: Int32Array,
  pace: Pace,
): Promise<Part> {
  const places = new Map<number, Place>()
  await writeFile(disk, path, async out => {
    const header = new ByteWriter(headerBytes)
    for (const [start, range] of sealed.sorted(rank)) {
      const from = out.size
      for (const i of range) {
        const chunk = sealed.at(i)
        header.reset()
        header.be32(chunk.series)
        header.be64(chunk.line)
        header.be64(chunk.minT)
        header.be64(chunk.maxT)
        header.be16(chunk.samples)
        header.be16(chunk.bytes.length)
        out.put(header.written())
        out.put(chunk.bytes)
        if (out.full) await out.flush()
        if (pace.due) await pace.pause()
      }
      places.set(start, { from, to: out.size })
    }
  })
  return { starts: places.keys(), batches: start => readRun(disk, path, places.get(start)) }
}

/** Bytes [from, to) of a run. */
interface Place {
  readonly from: number
  readonly to: number
}

/** Larger than any chunk with its header. */
const windowBytes = 256 * 1024

async function* readRun(
  disk: Disk,
  path: string,
  place: Place | undefined,
): AsyncGenerator<readonly SealedChunk[]> {
  if (!place) return
  for (let at = place.from; at < place.to;) {
    const reader = new ByteReader(await disk.read(path, at, Math.min(place.to, at + windowBytes)))
    const batch: SealedChunk[] = []
    let complete = 0
    while (reader.left >= headerBytes) {
      const chunk = readHeader(reader)
      if (reader.left < chunk.length) break
      batch.push({ ...chunk, bytes: reader.slice(chunk.length) })
      complete = reader.pos
    }
    if (complete === 0) throw new Error(`BUG: no chunk at byte ${at} of ${path}`)
    at += complete
    yield batch
  }
}

function readHeader(reader: ByteReader): Omit<SealedChunk, 'bytes'> & { readonly length: number } {
  return {
    series: reader.be32(),
    line: reader.be64(),
    minT: reader.be64Signed(),
    maxT: reader.be64Signed(),
    samples: reader.be16(),
    length: reader.be16(),
  }
}
