import type { Host } from '../model/host.ts'
import { quote } from '../model/labels.ts'
import type { Way } from './way.ts'

/** The answer is larger than a scrape may be. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

export interface ScrapeRequest {
  readonly url: string
  readonly timeoutMs: number
  /** Ends the request, for the caller as for the timeout; it rejects with the reason. */
  readonly abort: AbortController
  /** The body must be smaller. */
  readonly bodyLimit: number
}

/** Asks a target for its metrics: the body of a 200 in a text format, nothing else.
 *  @throws Error whose message is what the user sees of a failed scrape */
export async function requestMetrics(host: Host, way: Way, request: ScrapeRequest): Promise<Uint8Array> {
  const { url, timeoutMs, bodyLimit } = request
  return withTimeout(host, timeoutMs, request.abort, signal =>
    way.ask({ url, timeoutMs, signal }, async response => {
      if (response.status !== 200) {
        void response.body?.cancel().catch(() => undefined)
        throw new Error(`server returned HTTP status ${response.status} ${response.statusText}`.trim())
      }
      const body = await readBody(response, signal, bodyLimit)
      checkType(response.headers.get('content-type'))
      return body
    }),
  )
}

/** Runs `action` and aborts when the time is over before it is done. */
export async function withTimeout<T>(
  host: Host,
  timeoutMs: number,
  abort: AbortController,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const forget = host.after(timeoutMs, () => {
    abort.abort(new Error(`context deadline exceeded: no complete answer within ${timeoutMs / 1000}s`))
  })
  try {
    return await action(abort.signal)
  } finally {
    forget()
  }
}

/** The body as bytes, read in pieces so that a target cannot fill the memory.
 *  @throws BodyTooLargeError when it has `limit` bytes or more; the signal's reason when aborted */
export async function readBody(response: Response, signal: AbortSignal, limit: number): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array()
  const reader = response.body.getReader()
  const cancel = () => void reader.cancel(signal.reason).catch(() => undefined)
  // A cancelled reader ends as if the body did.
  signal.addEventListener('abort', cancel, { once: true })
  const pieces: Uint8Array[] = []
  let size = 0
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      size += piece.value.length
      if (size >= limit) {
        cancel()
        throw new BodyTooLargeError(`body size limit exceeded: want less than ${limit} bytes`)
      }
      pieces.push(piece.value)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  signal.throwIfAborted()
  return joined(pieces, size)
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = pieces
  if (first && pieces.length === 1) return first
  const body = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    body.set(piece, at)
    at += piece.length
  }
  return body
}

/** Upstream refuses an answer without a type, too; most of them come from simple programs and are text. */
function checkType(contentType: string | null): void {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === '' || type.startsWith('text/')) return
  throw new Error(`received unsupported Content-Type ${quote(contentType ?? '')}`)
}
