// The HTTP API on the engine's side of the channel: requests in, answers out in pieces that the receiver asks for.
import { apiTimeoutMs, pieceBytes, type ApiMessage, type Piece, type WireRequest } from './protocol.ts'

/** Answers the requests on a channel until the function that it returns is called. Requests that come before the
 *  engine is open wait for it. */
export function serveRequests(
  channelName: string,
  handler: Promise<(request: Request) => Promise<Response>>,
): () => void {
  const channel = new BroadcastChannel(channelName)
  const exchanges = new Map<string, Exchange>()
  const post = (message: ApiMessage) => {
    channel.postMessage(message)
  }
  channel.onmessage = ({ data }: MessageEvent<ApiMessage>) => {
    if (data.kind === 'request') {
      const exchange = new Exchange(data.id, post, () => exchanges.delete(data.id))
      exchanges.set(data.id, exchange)
      void exchange.answer(handler, data.request)
    } else if (data.kind === 'more') void exchanges.get(data.id)?.more()
    else if (data.kind === 'stop') exchanges.get(data.id)?.stop(new DOMException('stopped', 'AbortError'))
  }
  return () => {
    for (const exchange of exchanges.values()) exchange.fail(new Error('the engine ended'))
    channel.close()
  }
}

/** One request and its answer. */
class Exchange {
  private readonly controller = new AbortController()
  private readonly timer: ReturnType<typeof setTimeout>
  private readonly id: string
  private readonly post: (message: ApiMessage) => void
  private readonly forget: () => void
  private body: Pieces | null = null
  private over = false

  constructor(id: string, post: (message: ApiMessage) => void, forget: () => void) {
    this.id = id
    this.post = post
    this.forget = forget
    const late = new DOMException(`no answer within ${apiTimeoutMs / 1000} s`, 'TimeoutError')
    this.timer = setTimeout(() => this.stop(late), apiTimeoutMs)
  }

  async answer(handler: Promise<(request: Request) => Promise<Response>>, wire: WireRequest): Promise<void> {
    const { id } = this
    try {
      const handle = await this.unlessStopped(handler)
      const response = await this.unlessStopped(handle(this.requestOf(wire)))
      this.body = new Pieces(response.body)
      const head = { status: response.status, headers: Object.fromEntries(response.headers) }
      const piece = await this.unlessStopped(this.body.next())
      if (!this.over) this.post({ kind: 'answer', id, head, piece })
      if (piece.last) this.end()
    } catch (error) {
      this.fail(error)
    }
  }

  async more(): Promise<void> {
    try {
      if (!this.body) return
      const piece = await this.unlessStopped(this.body.next())
      this.post({ kind: 'piece', id: this.id, piece })
      if (piece.last) this.end()
    } catch (error) {
      this.fail(error)
    }
  }

  stop(reason: Error): void {
    this.fail(reason)
    this.controller.abort(reason)
  }

  private requestOf({ method, url, headers, body }: WireRequest): Request {
    return new Request(url, { method, headers, body, signal: this.controller.signal })
  }

  /** The answer, or the rest of it, will not come. */
  fail(error: unknown): void {
    if (this.over) return
    this.post({
      kind: 'broken',
      id: this.id,
      message: error instanceof Error ? error.message : String(error),
    })
    this.end()
  }

  private end(): void {
    this.over = true
    clearTimeout(this.timer)
    this.forget()
    this.body?.cancel()
  }

  private unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.controller
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason as Error)
      }
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }
}

/** A body cut, or joined, into pieces of `pieceBytes`; only the last one is shorter. */
class Pieces {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | null
  private rest = new Uint8Array(0)
  private done: boolean

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.reader = body?.getReader() ?? null
    this.done = body === null
  }

  async next(): Promise<Piece> {
    const parts = [this.rest]
    let length = this.rest.length
    while (length < pieceBytes && !this.done) {
      const read = await this.reader?.read()
      if (!read || read.done) this.done = true
      else {
        parts.push(read.value as Uint8Array<ArrayBuffer>)
        length += read.value.length
      }
    }
    const all = joined(parts, length)
    this.rest = all.slice(pieceBytes)
    return { bytes: all.slice(0, pieceBytes), last: this.done && this.rest.length === 0 }
  }

  cancel(): void {
    // Of a body that is read to its end this does nothing; one that broke has told why already.
    this.reader?.cancel().catch(() => undefined)
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
