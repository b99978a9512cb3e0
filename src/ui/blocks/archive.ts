import type { EngineClient } from '../../engine/api/connection.ts'
import type { ExportRequest, ExportTicket } from '../../engine/api/service.ts'
import { unlessAborted } from './abort.ts'
import type { Destination } from './destination.ts'

export type ArchiveSource = Pick<EngineClient, 'openExport' | 'readExport' | 'closeExport'>

/** How an archive was saved. */
export interface SavedArchive {
  readonly fileName: string
  readonly bytes: number
}

/** Reads an archive from the engine, piece by piece into a destination.
 *  @param arrived told when the archive begins, and after each piece, with the bytes so far
 *  @throws the signal's reason once it is aborted, without waiting for the piece that is under way; then, and when
 *  anything else is thrown, the destination has been aborted */
export async function saveArchive(
  source: ArchiveSource,
  request: ExportRequest,
  destination: Destination,
  signal: AbortSignal,
  arrived: (ticket: ExportTicket, bytes: number) => void,
): Promise<SavedArchive> {
  try {
    const ticket = await opened(source, request, signal)
    const bytes = await copy(source, ticket, destination, signal, bytes => arrived(ticket, bytes))
    return { fileName: await destination.close(ticket), bytes }
  } catch (error) {
    await destination.abort()
    throw error
  }
}

async function opened(
  source: ArchiveSource,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<ExportTicket> {
  const opening = source.openExport(request, signal)
  return unlessAborted(opening, signal).catch((error: unknown) => {
    opening.then(({ id }) => close(source, id), ignored)
    throw error
  })
}

/** Answers how many bytes there were. */
async function copy(
  source: ArchiveSource,
  { id }: ExportTicket,
  destination: Destination,
  signal: AbortSignal,
  arrived: (bytes: number) => void,
): Promise<number> {
  let bytes = 0
  try {
    for (;;) {
      arrived(bytes)
      const piece = await unlessAborted(source.readExport(id), signal)
      if (!piece) return bytes
      await destination.write(piece as Uint8Array<ArrayBuffer>)
      bytes += piece.length
    }
  } catch (error) {
    close(source, id)
    throw error
  }
}

/** Nobody waits for it, and an engine that has ended has nothing open. */
function close(source: ArchiveSource, id: number): void {
  source.closeExport(id).catch(ignored)
}

function ignored(): void {
  return undefined
}
