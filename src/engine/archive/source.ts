import { ImportError } from '../model/errors.ts'
import { pieceBytes } from './limits.ts'

export interface ReadOptions {
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes of the archive have been read. */
  readonly progress?: ((done: number) => void) | undefined
}

/** The bytes of an archive, read where and when they are wanted. Not by the blob's own stream: how far that reads
 *  ahead is up to the platform. */
export class Source {
  readonly size: number
  private readonly blob: Blob
  private readonly options: ReadOptions
  private done = 0

  constructor(blob: Blob, options: ReadOptions) {
    this.blob = blob
    this.size = blob.size
    this.options = options
  }

  /** The bytes [from, to), all of which must be there.
   *  @throws ImportError */
  async read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    this.options.signal?.throwIfAborted()
    if (to > this.size) {
      throw new ImportError(`want bytes ${from} to ${to} of the archive, have ${this.size} bytes`)
    }
    const bytes = await this.load(from, to)
    this.options.signal?.throwIfAborted()
    this.done += bytes.length
    // A zip's end is read twice.
    this.options.progress?.(Math.min(this.done, this.size))
    return bytes
  }

  /** The bytes [from, to) in pieces. */
  async *pieces(from = 0, to = this.size): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = from; at < to; at += pieceBytes) yield await this.read(at, Math.min(to, at + pieceBytes))
  }

  private async load(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.blob
      .slice(from, to)
      .arrayBuffer()
      .catch((cause: unknown) => {
        // The file was changed or taken away since it was chosen.
        throw new ImportError(`bytes ${from} to ${to} of the archive cannot be read`, { cause })
      })
    if (bytes.byteLength !== to - from) {
      throw new ImportError(`want bytes ${from} to ${to} of the archive, have ${bytes.byteLength} of them`)
    }
    return new Uint8Array(bytes)
  }
}
