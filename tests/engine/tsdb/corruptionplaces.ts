import { ByteReader } from '../../../src/engine/bytes/reader.ts'
import {
  indexHeaderBytes,
  parseToc,
  postingsAlignment,
  seriesAlignment,
  sumBytes,
  tocBytes,
} from '../../../src/engine/tsdb/block/indexformat.ts'
import { chunkSize, segmentHeaderBytes } from '../../../src/engine/tsdb/block/segments.ts'
import { endOfChunk, fileHeaderBytes } from '../../../src/engine/tsdb/headchunks/format.ts'
import { pageBytes } from '../../../src/engine/tsdb/wal/segment.ts'

// Where the regions of the store's files are.

/** The place of a byte. */
export type Place = (bytes: Uint8Array) => number

/** The n-th fragment of a segment, from 0 on. */
function fragment(bytes: Uint8Array, n: number): { at: number; data: number; end: number } {
  const r = new ByteReader(bytes)
  for (let found = 0; r.left > 0;) {
    const at = r.pos
    if (r.u8() === 0) {
      r.pos = Math.ceil((at + 1) / pageBytes) * pageBytes
      continue
    }
    const length = r.be16()
    r.skip(4)
    const data = r.pos
    r.skip(length)
    if (found++ === n) return { at, data, end: r.pos }
  }
  throw new Error(`no fragment ${n}`)
}

function endOfFragments(bytes: Uint8Array): number {
  let end = 0
  for (let at = bytes.length - 1; at >= 0 && end === 0; at--) if (bytes[at] !== 0) end = at + 1
  return end
}

export const inSegment = (n: number) => ({
  type: (bytes: Uint8Array) => fragment(bytes, n).at,
  length: (bytes: Uint8Array) => fragment(bytes, n).at + 1,
  checksum: (bytes: Uint8Array) => fragment(bytes, n).at + 3,
  data: (bytes: Uint8Array) => fragment(bytes, n).data + 1,
  end: (bytes: Uint8Array) => fragment(bytes, n).end,
})
export const padding: Place = bytes => endOfFragments(bytes) + 100

/** The n-th chunk of a file of chunks_head, from 0 on. */
export function inHeadChunks(n: number): Record<string, Place> {
  const start = (bytes: Uint8Array) => {
    let at = fileHeaderBytes
    for (let i = 0; i < n; i++) at = endOfChunk(bytes, at)!
    return at
  }
  return {
    series: bytes => start(bytes) + 7,
    minT: bytes => start(bytes) + 14,
    maxT: bytes => start(bytes) + 22,
    encoding: bytes => start(bytes) + 24,
    length: bytes => start(bytes) + 25,
    data: bytes => start(bytes) + 40,
    checksum: bytes => endOfChunk(bytes, start(bytes))! - 1,
  }
}

/** The n-th chunk of a segment of a block, from 0 on. */
export function inChunks(n: number): Record<string, Place> {
  const start = (bytes: Uint8Array) => {
    let at = segmentHeaderBytes
    for (let i = 0; i < n; i++) at += chunkSize(new ByteReader(bytes.subarray(at)))
    return at
  }
  const bytesOfLength = (bytes: Uint8Array) => ((bytes[start(bytes)]! & 0x80) === 0 ? 1 : 2)
  return {
    length: start,
    encoding: bytes => start(bytes) + bytesOfLength(bytes),
    data: bytes => start(bytes) + bytesOfLength(bytes) + 9,
    checksum: bytes => start(bytes) + chunkSize(new ByteReader(bytes.subarray(start(bytes)))) - 1,
  }
}

function toc(bytes: Uint8Array) {
  const at = bytes.length - tocBytes
  return parseToc('index', at, bytes.subarray(at))
}

/** Of a section that begins with its length and ends with its checksum. */
function section(start: Place): { length: Place; data: Place; checksum: Place } {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset)
  return {
    length: bytes => start(bytes) + 3,
    data: bytes => start(bytes) + 9,
    checksum: bytes => start(bytes) + 4 + view(bytes).getUint32(start(bytes)),
  }
}

/** The n-th list of postings, from 0 on: the first one is that of all series. */
function postings(n: number): Place {
  return bytes => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    let at = Math.ceil(toc(bytes).postings / postingsAlignment) * postingsAlignment
    for (let i = 0; i < n; i++) {
      const end = at + 4 + view.getUint32(at) + sumBytes
      at = Math.ceil(end / postingsAlignment) * postingsAlignment
    }
    return at
  }
}

/** The series that stands first. */
const firstSeries: Place = bytes => Math.ceil(toc(bytes).series / seriesAlignment) * seriesAlignment

export const inIndex = {
  magic: () => 0,
  version: () => indexHeaderBytes - 1,
  symbols: section(bytes => toc(bytes).symbols),
  series: {
    length: firstSeries,
    data: (bytes: Uint8Array) => firstSeries(bytes) + 3,
    checksum: (bytes: Uint8Array) => firstSeries(bytes) + 1 + bytes[firstSeries(bytes)]!,
  },
  all: section(postings(0)),
  postings: section(postings(1)),
  table: section(bytes => toc(bytes).postingsTable),
  contents: {
    data: (bytes: Uint8Array) => bytes.length - 30,
    checksum: (bytes: Uint8Array) => bytes.length - 1,
  },
}
