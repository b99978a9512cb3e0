import type { ExportTicket } from '../../engine/api/service.ts'

/** Takes the bytes of an archive, in their order. */
export interface Destination {
  write(piece: Uint8Array<ArrayBuffer>): Promise<void>
  /** All are there. Answers the name of the file. */
  close(ticket: ExportTicket): Promise<string>
  /** There will be no more. */
  abort(): Promise<void>
}

/** Chromium keeps blobs in its memory, one of 1.4 GB as well: larger archives go to a file that the user names, where
 *  the browser can write to one. */
const downloadAtMostBytes = 256 * 1024 * 1024

interface FilePicker {
  readonly showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>
}

/** To be called while a click is being handled: at other times a browser asks its user nothing.
 *  @param bytes how many there will be, about
 *  @throws DOMException `AbortError` when the user names no file */
export async function openDestination(bytes: number, suggestedName: string): Promise<Destination> {
  const { showSaveFilePicker: pick } = globalThis as FilePicker
  if (!pick || bytes <= downloadAtMostBytes) return new Download()
  const file = await pick({ suggestedName })
  return new NamedFile(file.name, await file.createWritable())
}

/** Goes the way of every download when it is complete. */
class Download implements Destination {
  private readonly pieces: Blob[] = []

  async write(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    // Out of the page's own memory.
    this.pieces.push(new Blob([piece]))
  }

  async close({ fileName, type }: ExportTicket): Promise<string> {
    const href = URL.createObjectURL(new Blob(this.pieces, { type }))
    const link = Object.assign(document.createElement('a'), { href, download: fileName })
    link.click()
    // The browser asks for the bytes after the click, Firefox much later.
    setTimeout(() => URL.revokeObjectURL(href), 60_000)
    return fileName
  }

  async abort(): Promise<void> {
    this.pieces.length = 0
  }
}

/** The file changes when all bytes are there, and not before. */
class NamedFile implements Destination {
  private readonly name: string
  private readonly stream: FileSystemWritableFileStream

  constructor(name: string, stream: FileSystemWritableFileStream) {
    this.name = name
    this.stream = stream
  }

  write(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.stream.write(piece)
  }

  async close(): Promise<string> {
    await this.stream.close()
    return this.name
  }

  async abort(): Promise<void> {
    // A stream that has failed is gone already, and says so.
    await this.stream.abort().catch(() => undefined)
  }
}
