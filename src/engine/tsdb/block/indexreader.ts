import { CorruptionError } from '../../bytes/corruption.ts'
import { ByteReader } from '../../bytes/reader.ts'
import type { Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import { choicesOf, intersect, subtract, type PostingList } from '../../model/postings.ts'
import type { ChunkCache } from './cache.ts'
import { checkSum, damage, within } from './damage.ts'
import type { BlockFile } from './file.ts'
import {
  endOfSeries,
  indexHeaderBytes,
  parseIndexHeader,
  parseToc,
  seriesAlignment,
  sumBytes,
  sumOf,
  tocBytes,
  type Toc,
} from './indexformat.ts'
import { PostingsTable } from './postingstable.ts'
import { Symbols } from './symbols.ts'

/** Where a chunk lies, and the times of its first and last sample. */
export interface ChunkMeta {
  readonly minT: number
  readonly maxT: number
  /** (file number - 1) · 2^32 + offset. */
  readonly ref: number
}

export interface SeriesEntry {
  readonly ref: number
  readonly labels: Labels
  /** In the order of their times. */
  readonly chunks: readonly ChunkMeta[]
}

/** Reads the index's header, table of contents, symbols and postings table; series and postings are read when they
 *  are asked for.
 *  @throws CorruptionError */
export async function openIndex(file: BlockFile): Promise<IndexReader> {
  const version = parseIndexHeader(file.path, await file.readDirect(0, indexHeaderBytes))
  const tocAt = file.size - tocBytes
  if (tocAt < indexHeaderBytes)
    throw damage(file.path, 0, `${indexHeaderBytes + tocBytes} bytes`, String(file.size))
  const toc = parseToc(file.path, tocAt, await file.readDirect(tocAt, file.size))
  const symbolBytes = await readSection(file, toc.symbols, tocAt)
  const symbolsAt = toc.symbols + 4
  const symbols = within(
    file.path,
    symbolsAt,
    () => new Symbols(symbolBytes, version === 1 ? symbolsAt : null),
  )
  const tableBytes = await readSection(file, toc.postingsTable, tocAt)
  const table = within(file.path, toc.postingsTable + 4, () => new PostingsTable(tableBytes, version > 1))
  return new IndexReader(file, version, toc, symbols, table)
}

/** What lies between length and checksum of a section. */
async function readSection(file: BlockFile, start: number, end: number): Promise<Uint8Array> {
  if (start === 0) throw damage(file.path, end, 'symbols and a postings offset table', 'offset 0')
  const length = new ByteReader(await file.readDirect(start, start + 4)).be32()
  const from = start + 4
  const to = from + length
  if (to + sumBytes > end)
    throw damage(file.path, start, `a section of ${length} bytes`, `${end - from} left`)
  const bytes = await file.readDirect(from, to + sumBytes)
  const section = bytes.subarray(0, length)
  checkSum(file.path, from, section, sumOf(bytes))
  return section
}

/** An opened index. */
export class IndexReader {
  readonly file: BlockFile
  readonly version: number
  readonly toc: Toc
  readonly symbols: Symbols
  readonly table: PostingsTable
  /** Series lie in [toc.series, seriesEnd). */
  readonly seriesEnd: number

  constructor(file: BlockFile, version: number, toc: Toc, symbols: Symbols, table: PostingsTable) {
    this.file = file
    this.version = version
    this.toc = toc
    this.symbols = symbols
    this.table = table
    this.seriesEnd = endOfSeries(toc)
  }

  /** The same index for a reader that has a cache of its own. */
  through(cache: ChunkCache): IndexReader {
    return new IndexReader(this.file.through(cache), this.version, this.toc, this.symbols, this.table)
  }

  /** References, ascending, of the series for which every matcher holds: they are in label order.
   *  @throws CorruptionError */
  async select(matchers: readonly Matcher[]): Promise<PostingList> {
    let left: PostingList | null = null
    for (const choice of choicesOf(matchers)) {
      const carriers = await this.postings(this.table.placesOf(choice))
      if (choice.keep) left = left ? intersect(left, carriers) : carriers
      else left = subtract(left ?? (await this.all()), carriers)
      if (left.length === 0) return left
    }
    return left ?? this.all()
  }

  all(): Promise<PostingList> {
    const everySeries = { name: '', keep: true, literals: [''], chosen: () => true }
    return this.postings(this.table.placesOf(everySeries))
  }

  /** Reads series.
   *  @throws CorruptionError */
  async series(refs: PostingList): Promise<SeriesEntry[]> {
    const entries: SeriesEntry[] = []
    const records = {
      count: refs.length,
      offset: (i: number) => this.offsetOf(refs[i] as number),
      size: seriesSize,
      end: this.seriesEnd,
    }
    await this.file.each(records, (i, r) => {
      entries.push(this.parseSeries(refs[i] as number, r))
      return true
    })
    return entries
  }

  offsetOf(ref: number): number {
    return this.version === 1 ? ref : ref * seriesAlignment
  }

  refOf(offset: number): number {
    return this.version === 1 ? offset : offset / seriesAlignment
  }

  /** @param r stands at the series
   *  @throws CorruptionError */
  parseSeries(ref: number, r: ByteReader): SeriesEntry {
    const { path } = this.file
    const front = r.pos
    const length = r.uvarint()
    const start = this.offsetOf(ref) + r.pos - front
    const body = r.slice(length)
    checkSum(path, start, body, r.be32())
    return within(path, start, () => {
      const fields = new ByteReader(body)
      const labels = parseLabels(fields, this.symbols)
      return { ref, labels, chunks: parseChunks(fields) }
    })
  }

  /** The series that are in any of the lists. */
  private async postings(places: readonly number[]): Promise<PostingList> {
    const { path } = this.file
    const end = this.file.size - tocBytes
    const lists: PostingList[] = []
    let length = 0
    const records = {
      count: places.length,
      offset: (i: number) => places[i] as number,
      size: postingsSize,
      end,
    }
    await this.file.each(records, (i, r) => {
      const list = parsePostings(path, places[i] as number, r)
      this.checkRefs(list, places[i] as number)
      lists.push(list)
      length += list.length
      // A series has one value of a label, so the lists of its values cannot be longer together than the file.
      if (length * 4 > end)
        throw damage(path, places[i] as number, `lists apart from each other`, 'the same series again')
      return true
    })
    return union(lists, length)
  }

  private checkRefs(list: PostingList, place: number): void {
    const [first, last] = [list[0], list.at(-1)]
    if (first === undefined || last === undefined) return
    if (this.offsetOf(first) >= this.toc.series && this.offsetOf(last) < this.seriesEnd) return
    const wanted = `series between bytes ${this.toc.series} and ${this.seriesEnd}`
    throw damage(this.file.path, place, wanted, `${this.offsetOf(first)} … ${this.offsetOf(last)}`)
  }
}

/** Size of the series that the reader stands at, with its length and its checksum. */
export function seriesSize(r: ByteReader): number {
  const front = r.pos
  const length = r.uvarint()
  return r.pos - front + length + sumBytes
}

/** Size of the list of postings that the reader stands at. */
export function postingsSize(r: ByteReader): number {
  return r.be32() + 4 + sumBytes
}

function parseLabels(r: ByteReader, symbols: Symbols): Labels {
  const count = r.uvarint()
  if (count * 2 > r.left) throw new CorruptionError(`want ${count} labels in ${r.left} bytes`, r.pos)
  const labels: string[] = []
  let last = -1
  for (let i = 0; i < count; i++) {
    const at = r.pos
    const name = r.uvarint()
    // Symbols ascend, so names do when their references do.
    if (name <= last) throw new CorruptionError(`want a label name behind symbol ${last}, have ${name}`, at)
    last = name
    labels.push(symbols.of(name), symbols.of(r.uvarint()))
  }
  return labels
}

function parseChunks(r: ByteReader): ChunkMeta[] {
  const count = r.uvarint()
  if (count * 3 > r.left) throw new CorruptionError(`want ${count} chunks in ${r.left} bytes`, r.pos)
  const chunks: ChunkMeta[] = []
  let maxT = 0
  let ref = 0
  for (let i = 0; i < count; i++) {
    const at = r.pos
    const minT = maxT + (i === 0 ? r.varint() : r.uvarint())
    maxT = minT + r.uvarint()
    const step = i === 0 ? r.uvarint() : r.varint()
    if (i > 0 && step <= 0)
      throw new CorruptionError(`want a chunk behind the last, have one ${step} bytes on`, at)
    ref += step
    if (!Number.isSafeInteger(maxT) || !Number.isSafeInteger(ref)) {
      throw new CorruptionError('want times and references within 2^53, have larger ones', at)
    }
    chunks.push({ minT, maxT, ref })
  }
  return chunks
}

/** @param r stands at the list
 *  @throws CorruptionError */
export function parsePostings(path: string, place: number, r: ByteReader): PostingList {
  const length = r.be32()
  const body = r.slice(length)
  checkSum(path, place + 4, body, r.be32())
  return within(path, place + 4, () => parseRefs(new ByteReader(body)))
}

function parseRefs(r: ByteReader): PostingList {
  const count = r.be32()
  if (count * 4 !== r.left) throw new CorruptionError(`want ${count} references in ${r.left} bytes`, 0)
  const list = new Uint32Array(count)
  let last = -1
  for (let i = 0; i < count; i++) {
    const ref = r.be32()
    if (ref <= last) throw new CorruptionError(`want a reference above ${last}, have ${ref}`, r.pos - 4)
    list[i] = ref
    last = ref
  }
  return list
}

function union(lists: readonly PostingList[], length: number): PostingList {
  const [only] = lists
  if (lists.length === 1 && only) return only
  const joined = new Uint32Array(length)
  let at = 0
  for (const list of lists) {
    joined.set(list, at)
    at += list.length
  }
  joined.sort()
  let count = 0
  for (const ref of joined) if (count === 0 || joined[count - 1] !== ref) joined[count++] = ref
  return joined.subarray(0, count)
}
