import type { EngineClient } from '../../engine/api/connection.ts'
import type { ExportRequest, ExportTicket } from '../../engine/api/service.ts'
import { unlessAborted } from './abort.ts'

export type ArchiveSource = Pick<EngineClient, 'openExport' | 'readExport' | 'closeExport'>

/** An archive as the browser keeps it, and the name that it should have as a file. */
export interface Archive {
  readonly fileName: string
  readonly blob: Blob
}

/** Reads an archive from the engine. Each piece becomes a blob at once, which the browser moves out of the page's
 *  memory, so that an archive may be larger than that.
 *  @param arrived told when the archive begins, and after each piece, with the bytes so far
 *  @throws the signal's reason once it is aborted, without waiting for the piece that is under way */
export async function readArchive(
  source: ArchiveSource,
  request: ExportRequest,
  signal: AbortSignal,
  arrived: (ticket: ExportTicket, bytes: number) => void,
): Promise<Archive> {
  const opening = source.openExport(request)
  const ticket = await unlessAborted(opening, signal).catch((error: unknown) => {
    opening.then(({ id }) => close(source, id), ignored)
    throw error
  })
  const blobs: Blob[] = []
  let bytes = 0
  try {
    for (;;) {
      arrived(ticket, bytes)
      const piece = await unlessAborted(source.readExport(ticket.id), signal)
      if (!piece) return { fileName: ticket.fileName, blob: new Blob(blobs, { type: ticket.type }) }
      bytes += piece.length
      blobs.push(new Blob([piece as Uint8Array<ArrayBuffer>]))
    }
  } catch (error) {
    close(source, ticket.id)
    throw error
  }
}

/** Hands the archive to the browser's downloads. */
export function saveArchive({ fileName, blob }: Archive): void {
  const href = URL.createObjectURL(blob)
  const link = Object.assign(document.createElement('a'), { href, download: fileName })
  link.click()
  // The browser asks for the bytes after the click, Firefox much later.
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}

/** Nobody waits for it, and an engine that has ended has nothing open. */
function close(source: ArchiveSource, id: number): void {
  source.closeExport(id).catch(ignored)
}

function ignored(): void {
  return undefined
}
