// Zip files are read by their central directory, which has the size and the checksum of every entry (APPNOTE.TXT
// 6.3.10, sections 4.3 and 4.5.3). What stands in front of an entry's data only says where the data begins.
//   ┌───────────────────────────────────────┬─────┬───────────────────┬──────────────────────┬─────┐
//   │ local header, path, extra, data, (desc) │ … │ central directory │ (zip64 end, locator) │ end │
//   └───────────────────────────────────────┴─────┴───────────────────┴──────────────────────┴─────┘
import { ImportError } from '../model/errors.ts'
import { crc32 } from './crc32.ts'
import type { ArchiveEntry } from './entry.ts'
import { expansionOf, feedBytes, maxDirectoryBytes, maxEntries, Roll } from './limits.ts'
import { cleanPath } from './paths.ts'
import { split } from './pieces.ts'
import type { Source } from './source.ts'
import { through, Watched } from './streams.ts'

// On disk; never renumber.
const signature = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
} as const
const length = { local: 30, central: 46, end: 22, zip64End: 56, zip64Locator: 20 } as const
const method = { stored: 0, deflated: 8 } as const
const encrypted = 1
const zip64Extra = 1
const unix = 3
const fileType = { mask: 0xf000, file: 0x8000, folder: 0x4000, link: 0xa000 } as const

const maxCommentBytes = 0xffff
/** In a 32-bit field: the value is in the zip64 extra. */
const elsewhere = 0xffffffff

/** The files of a zip archive, in the order of its directory.
 *  @throws ImportError */
export async function* readZip(source: Source): AsyncGenerator<ArchiveEntry> {
  const directory = await findDirectory(source)
  const entries = parseDirectory(await source.read(directory.from, directory.to), directory)
  checkSizes(entries, source.size)
  for (const entry of entries) {
    yield { path: entry.path, size: entry.size, bytes: contents(source, entry, directory.from) }
  }
}

interface Directory {
  /** Where it lies in the archive: [from, to). */
  readonly from: number
  readonly to: number
  readonly count: number
}

interface Entry {
  readonly path: string
  /** As the archive spells it. */
  readonly name: Uint8Array
  readonly method: number
  readonly crc: number
  /** Unpacked. */
  readonly size: number
  readonly packed: number
  /** Of the local header. */
  readonly at: number
}

async function findDirectory(source: Source): Promise<Directory> {
  const from = Math.max(0, source.size - length.end - maxCommentBytes)
  const tail = viewOf(await source.read(from, source.size))
  let at = tail.byteLength - length.end
  while (at >= 0 && !endsWith(tail, at)) at--
  if (at < 0) {
    throw new ImportError(
      `want a zip's end record within the last ${source.size - from} bytes, have none: the archive is cut off`,
    )
  }
  const wide = await readZip64End(source, tail, { at, from })
  const directory = wide ?? {
    from: tail.getUint32(at + 16, true),
    to: tail.getUint32(at + 16, true) + tail.getUint32(at + 12, true),
    count: tail.getUint16(at + 10, true),
  }
  const disks = [tail.getUint16(at + 4, true), tail.getUint16(at + 6, true)]
  if (wide === null && disks.some(disk => disk !== 0))
    throw new ImportError('want a zip in one part, have several')
  checkDirectory(directory, from + at)
  return directory
}

/** Whether the end record is here: its comment must reach to the end of the file. */
function endsWith(tail: DataView, at: number): boolean {
  const comment = tail.byteLength - at - length.end
  return tail.getUint32(at, true) === signature.end && tail.getUint16(at + 20, true) === comment
}

/** The directory by the wide end record, or null when there is none.
 *  @param end where the end record lies in the tail, and the tail in the archive */
async function readZip64End(
  source: Source,
  tail: DataView,
  end: { readonly at: number; readonly from: number },
): Promise<Directory | null> {
  const locator = end.at - length.zip64Locator
  if (locator < 0 || tail.getUint32(locator, true) !== signature.zip64Locator) return null
  const at = wideNumber(tail, locator + 8)
  if (at + length.zip64End > end.from + locator) {
    throw new ImportError(`want a zip64 end record before byte ${end.from + locator}, have it at ${at}`)
  }
  const record = viewOf(await source.read(at, at + length.zip64End))
  const found = record.getUint32(0, true)
  if (found !== signature.zip64End) {
    throw new ImportError(`want a zip64 end record at byte ${at}, have ${hex(found)}`)
  }
  const from = wideNumber(record, 48)
  return { from, to: from + wideNumber(record, 40), count: wideNumber(record, 32) }
}

function checkDirectory({ from, to, count }: Directory, end: number): void {
  if (count > maxEntries)
    throw new ImportError(`want at most ${maxEntries} entries in the zip, have ${count}`)
  if (to > end) {
    throw new ImportError(
      `want the zip's directory before its end record at byte ${end}, have it end at ${to}`,
    )
  }
  if (to - from > maxDirectoryBytes) {
    throw new ImportError(`want a zip directory of at most ${maxDirectoryBytes} bytes, have ${to - from}`)
  }
}

/** The files of the directory; folders and nothing else are left out. */
function parseDirectory(bytes: Uint8Array, { from, count }: Directory): Entry[] {
  const view = viewOf(bytes)
  const roll = new Roll()
  const entries: Entry[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const size = sizeOfRecord(view, at)
    if (size === null) {
      throw new ImportError(
        `want entry ${i + 1} of ${count} in the zip's directory at byte ${from + at}, have none`,
      )
    }
    const entry = parseRecord(bytes.subarray(at, at + size))
    at += size
    if (entry.folder) roll.addFolder(entry.path)
    else {
      roll.addFile(entry.path)
      entries.push(entry)
    }
  }
  if (at !== bytes.length) {
    throw new ImportError(
      `want the zip's directory to end at byte ${from + at}, have ${bytes.length - at} more bytes`,
    )
  }
  return entries
}

/** Bytes of the record that begins here, or null when there is no whole one. */
function sizeOfRecord(view: DataView, at: number): number | null {
  if (at + length.central > view.byteLength || view.getUint32(at, true) !== signature.central) return null
  const variable =
    view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  const size = length.central + variable
  return at + size > view.byteLength ? null : size
}

function parseRecord(record: Uint8Array): Entry & { readonly folder: boolean } {
  const view = viewOf(record)
  const name = record.subarray(length.central, length.central + view.getUint16(28, true))
  const spelt = new TextDecoder().decode(name)
  const path = cleanPath(spelt)
  const folder = spelt.endsWith('/') || path === ''
  const kind = view.getUint16(10, true)
  if (view.getUint16(8, true) & encrypted)
    throw new ImportError(`${path}: want a plain file, have an encrypted one`)
  if (kind !== method.stored && kind !== method.deflated) {
    throw new ImportError(`${path}: want it stored (0) or deflated (8), have method ${kind}`)
  }
  checkType(path, view, folder)
  return { path, folder, name, method: kind, crc: view.getUint32(16, true), ...placeOf(path, record) }
}

/** A link could lead anywhere. */
function checkType(path: string, view: DataView, folder: boolean): void {
  const madeBy = view.getUint8(5)
  const type = view.getUint16(40, true) & fileType.mask
  if (madeBy !== unix || type === 0) return
  if (type === (folder ? fileType.folder : fileType.file)) return
  const found = type === fileType.link ? 'a symbolic link' : `type ${hex(type)}`
  throw new ImportError(`${path}: want a file or a folder, have ${found}`)
}

/** Sizes and offset, from the zip64 extra where they do not fit into 32 bits. */
function placeOf(path: string, record: Uint8Array): Pick<Entry, 'size' | 'packed' | 'at'> {
  const view = viewOf(record)
  const wide = wideNumbers(record)
  const number = (at: number) => {
    const narrow = view.getUint32(at, true)
    if (narrow !== elsewhere) return narrow
    const found = wide.shift()
    if (found === undefined)
      throw new ImportError(`${path}: want its sizes in a zip64 extra field, have none`)
    return found
  }
  // The order is the extra's.
  const size = number(24)
  const packed = number(20)
  return { size, packed, at: number(42) }
}

function wideNumbers(record: Uint8Array): number[] {
  const view = viewOf(record)
  const from = length.central + view.getUint16(28, true)
  const end = from + view.getUint16(30, true)
  for (let at = from; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== zip64Extra) continue
    const bytes = Math.min(view.getUint16(at + 2, true), end - at - 4)
    return Array.from({ length: Math.min(3, bytes >> 3) }, (_, i) => wideNumber(view, at + 4 + 8 * i))
  }
  return []
}

/** Refuses bombs before anything is unpacked. Entries that share data would add up to more than there is. */
function checkSizes(entries: readonly Entry[], archiveBytes: number): void {
  const limit = expansionOf(archiveBytes)
  let size = 0
  let packed = 0
  for (const entry of entries) {
    size += entry.size
    packed += entry.packed
    if (size > limit) {
      throw new ImportError(
        `${entry.path}: want at most ${limit} bytes from such an archive, have ${size} declared`,
      )
    }
    if (packed > archiveBytes) {
      throw new ImportError(
        `${entry.path}: want entries of at most ${archiveBytes} bytes, have ${packed} declared`,
      )
    }
  }
}

async function* contents(source: Source, entry: Entry, limit: number): AsyncGenerator<Uint8Array> {
  const { path, size, crc } = entry
  const from = await findData(source, entry, limit)
  const packed = source.pieces(from, from + entry.packed)
  const plain = entry.method === method.stored ? packed : inflate(packed, entry, from)
  let have = 0
  let sum = 0
  for await (const piece of plain) {
    have += piece.length
    if (have > size) throw new ImportError(`${path}: want the declared ${size} bytes, have more`)
    sum = crc32(piece, sum)
    yield piece
  }
  if (have < size) throw new ImportError(`${path}: want the declared ${size} bytes, have ${have}`)
  if (sum !== crc) throw new ImportError(`${path}: want checksum ${hex(crc)}, have ${hex(sum)}`)
}

/** Where the data begins: behind a header that has the same path.
 *  @param limit where data must end: the directory's beginning */
async function findData(source: Source, { path, name, at, packed }: Entry, limit: number): Promise<number> {
  const end = Math.min(at + length.local + name.length, limit)
  if (at >= limit) throw new ImportError(`${path}: want its header before byte ${limit}, have it at ${at}`)
  const header = await source.read(at, end)
  const view = viewOf(header)
  if (header.length < length.local + name.length || view.getUint32(0, true) !== signature.local) {
    throw new ImportError(`${path}: want a zip's local header at byte ${at}, have none`)
  }
  const there = header.subarray(length.local)
  if (view.getUint16(26, true) !== name.length || there.some((byte, i) => byte !== name[i])) {
    throw new ImportError(`${path}: want the same path in the header at byte ${at}, have another`)
  }
  const from = end + view.getUint16(28, true)
  if (from + packed > limit) {
    throw new ImportError(
      `${path}: want ${packed} bytes from byte ${from}, have ${Math.max(0, limit - from)}`,
    )
  }
  return from
}

function inflate(
  packed: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { path }: Entry,
  from: number,
): AsyncGenerator<Uint8Array> {
  const feed = new Watched(split(packed, feedBytes))
  return through(feed, new DecompressionStream('deflate-raw'), cause => {
    return new ImportError(`${path}: want deflated data from byte ${from}, have damaged data`, { cause })
  })
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function wideNumber(view: DataView, at: number): number {
  const n = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
  if (!Number.isSafeInteger(n)) throw new ImportError(`want zip64 sizes below 2^53, have ${n}`)
  return n
}

function hex(n: number): string {
  return `0x${n.toString(16).padStart(8, '0')}`
}
