// The index of a block (upstream `tsdb/index/index.go`, versions 1 to 3; 3 is read as 2):
//   ┌─────────────────────────────────┐
//   │ magic u32 baaad700 │ version u8 │
//   ├─────────────────────────────────┤
//   │ symbols                         │  len u32 │ count u32 │ each: uvarint length, bytes │ CRC32
//   ├─────────────────────────────────┤
//   │ series                          │  each at a multiple of 16: uvarint len │ labels and chunks │ CRC32
//   ├─────────────────────────────────┤
//   │ label indices (older writers)   │  not read
//   ├─────────────────────────────────┤
//   │ postings                        │  each at a multiple of 4: len u32 │ count u32 │ refs u32 │ CRC32
//   ├─────────────────────────────────┤
//   │ label offset table (older ones) │  not read
//   ├─────────────────────────────────┤
//   │ postings offset table           │  len u32 │ count u32 │ each: 2, name, value, uvarint offset │ CRC32
//   ├─────────────────────────────────┤
//   │ table of contents               │  6 offsets u64 │ CRC32
//   └─────────────────────────────────┘
// The checksums cover what lies between length and checksum. From version 2 on, a series is named by its offset / 16
// and a symbol by its ordinal; in version 1 both are offsets, and series are not aligned. The postings of the empty
// name and value are all series.

import { ByteReader } from '../../bytes/reader.ts'
import { checkSum, damage, hex, within } from './damage.ts'

// On disk; never renumber.
export const indexMagic = 0xbaaad700
export const indexHeaderBytes = 5
export const tocBytes = 6 * 8 + 4
export const seriesAlignment = 16
export const postingsAlignment = 4
export const sumBytes = 4

/** Where the sections begin. */
export interface Toc {
  readonly symbols: number
  readonly series: number
  readonly labelIndices: number
  readonly labelIndicesTable: number
  readonly postings: number
  readonly postingsTable: number
}

/** @returns the version */
export function parseIndexHeader(path: string, bytes: Uint8Array): number {
  const r = new ByteReader(bytes)
  const magic = r.be32()
  if (magic !== indexMagic) throw damage(path, 0, `magic number ${hex(indexMagic)}`, hex(magic))
  const version = r.u8()
  if (version < 1 || version > 3) throw damage(path, 4, 'version 1–3', String(version))
  return version
}

/** @param offset of the table of contents; all sections lie before it */
export function parseToc(path: string, offset: number, bytes: Uint8Array): Toc {
  const r = new ByteReader(bytes)
  checkSum(path, offset, bytes.subarray(0, -sumBytes), sumOf(bytes))
  const next = (name: string) => {
    const at = r.pos
    const start = within(path, offset, () => r.be64())
    // A section that is not there has offset 0.
    if (start < offset && (start === 0 || start >= indexHeaderBytes)) return start
    throw damage(path, offset + at, `${name} between bytes ${indexHeaderBytes} and ${offset}`, String(start))
  }
  const symbols = next('symbols')
  const series = next('series')
  const labelIndices = next('label indices')
  const labelIndicesTable = next('label offset table')
  const postings = next('postings')
  const postingsTable = next('postings offset table')
  return { symbols, series, labelIndices, labelIndicesTable, postings, postingsTable }
}

/** Where the series end: at the next section. */
export function endOfSeries(toc: Toc): number {
  const behind = [toc.labelIndices, toc.labelIndicesTable, toc.postings, toc.postingsTable]
  return Math.min(...behind.filter(start => start >= toc.series && start > 0))
}

/** The checksum that ends a section. */
export function sumOf(bytes: Uint8Array): number {
  return new ByteReader(bytes.subarray(-sumBytes)).be32()
}
