import { createTarDecoder, createTarPacker, type TarHeader } from 'modern-tar'
import { ImportError } from '../model/errors.ts'
import type { ArchiveEntry, NewEntry } from './entry.ts'
import { Roll } from './limits.ts'
import { cleanPath } from './paths.ts'
import { drain, through, Watched } from './streams.ts'

/** The files of a tar archive, in its order: ustar, pax and GNU's long names. Sparse files of GNU's own kind pass for
 *  plain ones with too few bytes; blocks have checksums that tell.
 *  @param maxSize what a single file may declare
 *  @throws ImportError */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  maxSize: number,
): AsyncGenerator<ArchiveEntry> {
  const place = new Place(bytes)
  const source = new Watched(place)
  const name = (cause: unknown) => place.error(cause)
  const roll = new Roll()
  // Lenient, it would skip over damage and take what it finds next for a header.
  for await (const { header, body } of through(source, createTarDecoder({ strict: true }), name)) {
    const path = cleanPath(header.name)
    checkKind(path, header)
    place.after = path
    if (header.type === 'directory') {
      roll.addFolder(path)
      continue
    }
    if (path === '')
      throw new ImportError(`${JSON.stringify(header.name)}: want the name of a file, have none`)
    roll.addFile(path)
    if (header.size > maxSize) {
      throw new ImportError(`${path}: want at most ${maxSize} bytes, have ${header.size} declared`)
    }
    const contents = new Contents(body, echo => source.errorFor(echo, name))
    yield { path, size: header.size, bytes: contents }
    await contents.skip()
  }
}

/** Counts the bytes on their way into the decoder, which does not say where it found what it refuses. */
class Place {
  /** The file whose header was read last. */
  after: string | null = null
  private readonly bytes: AsyncIterable<Uint8Array>
  private read = 0

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.bytes = bytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const piece of this.bytes) {
      this.read += piece.length
      yield piece
    }
  }

  error(cause: unknown): ImportError {
    const where =
      this.after === null ? 'at the beginning of the archive' : `after the header of ${this.after}`
    const found = cause instanceof Error ? cause.message : String(cause)
    return new ImportError(`want a whole tar archive, have ${where}, before byte ${this.read}: ${found}`, {
      cause,
    })
  }
}

function checkKind(path: string, { type, pax }: TarHeader): void {
  // A link could lead anywhere; a device is none of our business.
  if (type !== 'file' && type !== 'directory') {
    throw new ImportError(`${path}: want a file or a folder, have a ${type ?? 'nameless thing'}`)
  }
  if (Object.keys(pax ?? {}).some(key => key.startsWith('GNU.sparse.'))) {
    throw new ImportError(`${path}: want a plain file, have a sparse one`)
  }
}

/** The bytes of one entry. The decoder goes on when they have been read or skipped. */
class Contents {
  private readonly body: ReadableStream<Uint8Array>
  private readonly errorFor: (echo: unknown) => unknown
  private reading: AsyncGenerator<Uint8Array> | null = null

  constructor(body: ReadableStream<Uint8Array>, errorFor: (echo: unknown) => unknown) {
    this.body = body
    this.errorFor = errorFor
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.reading = this.read()
    return this.reading
  }

  async skip(): Promise<void> {
    if (this.reading) await this.reading.return(undefined)
    else await this.body.cancel()
  }

  private async *read(): AsyncGenerator<Uint8Array> {
    try {
      yield* drain(this.body)
    } catch (echo) {
      throw this.errorFor(echo)
    }
  }
}

/** Archives the files, in their order, as ustar; with pax headers where a path or size asks for it. */
export async function* writeTar(entries: AsyncIterable<NewEntry>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker()
  const packing = pack(entries, controller).catch((error: unknown) => controller.error(error))
  try {
    yield* drain(readable)
  } finally {
    await packing
  }
}

async function pack(
  entries: AsyncIterable<NewEntry>,
  controller: ReturnType<typeof createTarPacker>['controller'],
): Promise<void> {
  for await (const { path, size, modified, bytes } of entries) {
    const writer = controller.add({ name: path, size, mtime: new Date(modified) }).getWriter()
    for await (const piece of bytes) await writer.write(piece)
    await writer.close()
  }
  controller.finalize()
}
