import { ByteReader } from '../../bytes/reader.ts'
import { compareLabels, formatLabels, type Labels } from '../../model/labels.ts'
import { subtract, type PostingList } from '../../model/postings.ts'
import { damage } from './damage.ts'
import type { BlockFile } from './file.ts'
import { seriesAlignment, tocBytes } from './indexformat.ts'
import {
  parsePostings,
  postingsSize,
  seriesSize,
  type ChunkMeta,
  type IndexReader,
  type SeriesEntry,
} from './indexreader.ts'
import type { BlockMeta } from './meta.ts'
import { Scan } from './scan.ts'
import { chunkSize, offsetOf, parseChunk, segmentHeaderBytes, segmentOf, type Segments } from './segments.ts'

/** Reads everything of index and segments once, front to back: every checksum, that series and symbols are in order,
 *  that chunks lie in the block's range and are where the index says, and that every list of postings names series
 *  that exist. Label indices of older writers are not looked at, as nothing reads them.
 *  @param read is told the bytes of each read, and may throw to end it
 *  @throws CorruptionError */
export async function verifyBlock(
  meta: BlockMeta,
  index: IndexReader,
  segments: Segments,
  read: (bytes: number) => void,
): Promise<void> {
  checkSymbols(index)
  const walk = new SegmentWalk(segments, read)
  const refs = new GrowingRefs()
  const order = new SeriesOrder(index)
  for await (const { entry, at } of everySeries(index, read)) {
    refs.push(entry.ref)
    order.check(entry.labels, at)
    for (const chunk of entry.chunks) {
      checkRange(index, chunk, at, meta)
      await walk.to(chunk.ref, index.file.path, at)
    }
  }
  await walk.toEnd()
  await checkPostings(index, refs.list(), read)
}

function checkSymbols(index: IndexReader): void {
  const unsorted = index.version === 1 ? -1 : index.symbols.firstUnsorted()
  if (unsorted < 0) return
  const place = index.toc.symbols + 4 + index.symbols.startOf(unsorted)
  throw damage(index.file.path, place, 'symbols in order', `symbol ${unsorted} before the one in front of it`)
}

/** All series in the order of the file, and where each stands. */
async function* everySeries(
  index: IndexReader,
  read: (bytes: number) => void,
): AsyncGenerator<{ entry: SeriesEntry; at: number }> {
  const scan = new Scan(index.file, read)
  const end = index.seriesEnd
  const aligned = (at: number) =>
    index.version === 1 ? at : Math.ceil(at / seriesAlignment) * seriesAlignment
  for (let at = aligned(index.toc.series); at < end;) {
    const found = scan.record(at, seriesSize, end)
    const r = found instanceof ByteReader ? found : await found
    const front = r.pos
    const entry = index.parseSeries(index.refOf(at), r)
    const size = r.pos - front
    yield { entry, at }
    at = aligned(at + size)
  }
}

class SeriesOrder {
  private last: Labels | null = null
  private readonly index: IndexReader

  constructor(index: IndexReader) {
    this.index = index
  }

  check(labels: Labels, at: number): void {
    const { last } = this
    this.last = labels
    if (last === null || compareLabels(last, labels) < 0) return
    throw damage(this.index.file.path, at, `a series behind ${formatLabels(last)}`, formatLabels(labels))
  }
}

/** A sample at the very end of the range is let pass: some 2.x versions wrote it, and queries find it. */
function checkRange(index: IndexReader, { minT, maxT }: ChunkMeta, at: number, meta: BlockMeta): void {
  if (minT >= meta.minTime && maxT <= meta.maxTime) return
  const wanted = `chunks within ${meta.minTime} … ${meta.maxTime}`
  throw damage(index.file.path, at, wanted, `${minT} … ${maxT}`)
}

/** Goes through the chunks of all segments in step with the index, which names them in the order of the files. */
class SegmentWalk {
  private readonly segments: Segments
  private readonly read: (bytes: number) => void
  private readonly numbers: number[]
  private file: BlockFile | null = null
  private scan: Scan | null = null
  private number = -1
  private at = 0

  constructor(segments: Segments, read: (bytes: number) => void) {
    this.segments = segments
    this.read = read
    this.numbers = [...segments.files.keys()]
  }

  /** Checks all chunks up to and with this one.
   *  @param path with `place`, who names the chunk */
  async to(ref: number, path: string, place: number): Promise<void> {
    while (this.number < segmentOf(ref) && (await this.next()));
    if (this.number !== segmentOf(ref)) {
      throw damage(path, place, `a chunk in segments ${this.known()}`, `segment ${segmentOf(ref) + 1}`)
    }
    while (this.at < offsetOf(ref) && this.left) await this.step()
    if (this.at !== offsetOf(ref) || !this.left) {
      const found = `a reference to byte ${offsetOf(ref)} of segment ${this.number + 1}, where none begins`
      throw damage(path, place, 'a reference to a chunk behind the last', found)
    }
    await this.step()
  }

  async toEnd(): Promise<void> {
    while (await this.next());
  }

  /** Finishes the segment and goes on to the next; answers whether there is one. */
  private async next(): Promise<boolean> {
    while (this.left) await this.step()
    const number = this.numbers.shift()
    if (number === undefined) return false
    this.number = number
    this.file = await this.segments.open(number)
    this.scan = new Scan(this.file, this.read)
    this.read(segmentHeaderBytes)
    this.at = segmentHeaderBytes
    return true
  }

  private get left(): boolean {
    return this.file !== null && this.at < this.file.size
  }

  private async step(): Promise<void> {
    const { file, scan } = this
    if (!file || !scan) return
    const found = scan.record(this.at, chunkSize, file.size)
    const r = found instanceof ByteReader ? found : await found
    const front = r.pos
    parseChunk(file.path, this.at, r)
    this.at += r.pos - front
  }

  private known(): string {
    return [...this.segments.files.keys()].map(number => number + 1).join(', ') || '(none)'
  }
}

async function checkPostings(
  index: IndexReader,
  series: PostingList,
  read: (bytes: number) => void,
): Promise<void> {
  const { path, size } = index.file
  const scan = new Scan(index.file, read)
  let all: PostingList | null = null
  for (const { name, value, offset } of index.table.lists()) {
    const found = scan.record(offset, postingsSize, size - tocBytes)
    const list = parsePostings(path, offset, found instanceof ByteReader ? found : await found)
    const [unknown] = subtract(list, series)
    if (unknown !== undefined) {
      const wanted = `series for ${JSON.stringify(name)}=${JSON.stringify(value)}`
      throw damage(path, offset, wanted, `reference ${unknown}, where no series begins`)
    }
    if (name === '' && value === '') all = list
  }
  const listed = all?.length ?? 0
  if (listed === series.length) return
  throw damage(path, index.toc.postingsTable, `a list of all ${series.length} series`, `${listed} of them`)
}

class GrowingRefs {
  private refs = new Uint32Array(1024)
  private count = 0

  push(ref: number): void {
    if (this.count === this.refs.length) {
      const grown = new Uint32Array(this.count * 2)
      grown.set(this.refs)
      this.refs = grown
    }
    this.refs[this.count++] = ref
  }

  list(): PostingList {
    return this.refs.subarray(0, this.count)
  }
}
