import type { ArchiveFormat } from '../model/blocks.ts'
import { ImportError } from '../model/errors.ts'
import type { ArchiveEntry, NewEntry } from './entry.ts'
import { expansionOf, feedBytes, pieceBytes } from './limits.ts'
import { regroup, split } from './pieces.ts'
import { Source, type ReadOptions } from './source.ts'
import { through, Watched } from './streams.ts'
import { readTar, writeTar } from './tar.ts'
import { readZip } from './unzip.ts'
import { writeZip } from './zip.ts'

export type { ArchiveEntry, NewEntry, ReadOptions }

/** The files of a .zip, .tar or .tar.gz, which is known by its first bytes and not by its name. Paths, sizes and
 *  their number are held to `limits.ts`; folders are left out; links and devices are refused.
 *  @throws ImportError that says the entry, what was wanted and what was found; the signal's reason */
export async function* readArchive(archive: Blob, options: ReadOptions = {}): AsyncGenerator<ArchiveEntry> {
  const source = new Source(archive, options)
  const start = await source.read(0, Math.min(source.size, tarMagic.at + tarMagic.text.length))
  if (begins(start, zipMagic) || begins(start, emptyZipMagic)) yield* readZip(source)
  else if (begins(start, gzipMagic)) yield* readTar(gunzip(source), expansionOf(source.size))
  else if (isTar(start)) yield* readTar(source.pieces(), source.size)
  else throw new ImportError(`want a .zip, .tar or .tar.gz, have a file that begins with ${shown(start)}`)
}

const zipMagic = [0x50, 0x4b, 3, 4]
const emptyZipMagic = [0x50, 0x4b, 5, 6]
const gzipMagic = [0x1f, 0x8b]
const tarMagic = { at: 257, text: 'ustar' } as const

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

function isTar(start: Uint8Array): boolean {
  return new TextDecoder().decode(start.subarray(tarMagic.at)) === tarMagic.text
}

function shown(start: Uint8Array): string {
  const bytes = [...start.subarray(0, 8)].map(byte => byte.toString(16).padStart(2, '0'))
  return bytes.length === 0 ? 'nothing' : bytes.join(' ')
}

/** In a browser a file of several gzip members is refused after the first: its decompressor knows only one. */
async function* gunzip(source: Source): AsyncGenerator<Uint8Array> {
  const limit = expansionOf(source.size)
  const feed = new Watched(split(source.pieces(), feedBytes))
  let size = 0
  for await (const piece of through(feed, new DecompressionStream('gzip'), damaged)) {
    size += piece.length
    if (size > limit) throw new ImportError(`want at most ${limit} bytes from such an archive, have more`)
    yield piece
  }

  function damaged(cause: unknown): ImportError {
    return new ImportError(
      `want gzip, have damaged or missing data behind the first ${size} unpacked bytes`,
      { cause },
    )
  }
}

/** Writes an archive of the files, in their order, as pieces of at most 1 MiB that belong to the caller. Nothing is
 *  read before it is asked for, a few pieces aside. Zip entries are stored, not deflated.
 *  @throws Error when a file has more or fewer bytes than it declares */
export function writeArchive(
  format: ArchiveFormat,
  entries: AsyncIterable<NewEntry>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const files = exact(entries)
  return regroup(format === 'zip' ? writeZip(files) : gzip(writeTar(files)), pieceBytes)
}

// Zip knows no years before 1980 and none after 2107.
const firstTime = Date.UTC(1980, 0, 2)
const lastTime = Date.UTC(2107, 11, 30)

/** Holds the files to the sizes that the archive has announced by then, and to times that a header can say. */
async function* exact(entries: AsyncIterable<NewEntry>): AsyncGenerator<NewEntry> {
  for await (const entry of entries) {
    const modified = Math.min(Math.max(entry.modified, firstTime), lastTime)
    yield { ...entry, modified, bytes: exactBytes(entry) }
  }
}

async function* exactBytes({ path, size, bytes }: NewEntry): AsyncGenerator<Uint8Array> {
  let have = 0
  for await (const piece of bytes) {
    have += piece.length
    if (have > size) throw new Error(`${path}: want the declared ${size} bytes, have more`)
    yield piece
  }
  if (have < size) throw new Error(`${path}: want the declared ${size} bytes, have ${have}`)
}

function gzip(bytes: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  return through(new Watched(bytes), new CompressionStream('gzip'), cause => new Error('gzip', { cause }))
}
