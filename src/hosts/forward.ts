// The HTTP API on the Service Worker's side of the channel. It keeps nothing between two requests: the browser ends
// and starts a Service Worker as it likes.
import type { Names } from './names.ts'
import { apiTimeoutMs, type ApiMessage, type Piece, type WireHead, type WireRequest } from './protocol.ts'

const bodyBytes = 16 * 1024 * 1024

/** Hands a request to the engine, whoever hosts it, and answers with what it says. Without an engine, or when it
 *  ends meanwhile, the answer is a 503 in Prometheus's envelope, at once.
 *  @param path of the request, counted from the page's folder, with a slash in front and with its query */
export async function forward(request: Request, path: string, names: Names): Promise<Response> {
  if (!(await engineLives(names))) return unavailable('no engine runs: open the page')
  const bodiless = request.method === 'GET' || request.method === 'HEAD'
  const body = bodiless ? null : await request.arrayBuffer()
  if (body && body.byteLength > bodyBytes) {
    return failure(413, 'bad_data', `body of ${body.byteLength} bytes, want at most ${bodyBytes}`)
  }
  const { method, url, headers } = request
  return new Exchange(names).ask({
    method,
    url: new URL(url).origin + path,
    headers: Object.fromEntries(headers),
    body,
  })
}

async function engineLives({ lock }: Names): Promise<boolean> {
  const { held = [] } = await navigator.locks.query()
  return held.some(({ name, mode }) => name === lock && mode === 'exclusive')
}

class Exchange {
  private readonly id = crypto.randomUUID()
  private readonly channel: BroadcastChannel
  /** Ends everything that waits: the clock, the death notice. */
  private readonly over = new AbortController()
  private readonly answered: Promise<Response>
  private answer!: (response: Response) => void
  private stream: ReadableStreamDefaultController<Uint8Array> | null = null

  constructor(names: Names) {
    this.channel = new BroadcastChannel(names.apiChannel)
    this.answered = new Promise(resolve => (this.answer = resolve))
    const timer = setTimeout(
      () => this.fail('timeout', `no answer within ${apiTimeoutMs / 1000} s`),
      apiTimeoutMs,
    )
    this.over.signal.addEventListener('abort', () => clearTimeout(timer))
    // Granted when the engine lets go of its lock, however it ends.
    const { signal } = this.over
    navigator.locks
      .request(names.lock, { mode: 'shared', signal }, () =>
        this.fail('unavailable', 'the engine ended before it answered'),
      )
      .catch(() => undefined)
  }

  ask(request: WireRequest): Promise<Response> {
    this.channel.onmessage = ({ data }: MessageEvent<ApiMessage>) => {
      if (data.id === this.id) this.receive(data)
    }
    this.post({ kind: 'request', id: this.id, request })
    return this.answered
  }

  private receive(message: ApiMessage): void {
    switch (message.kind) {
      case 'answer':
        return this.begin(message.head, message.piece)
      case 'piece':
        return this.add(message.piece)
      case 'broken':
        return this.fail('unavailable', message.message)
    }
  }

  private begin({ status, headers }: WireHead, first: Piece): void {
    const empty = first.last && first.bytes.length === 0
    this.answer(new Response(empty ? null : this.bodyFrom(first), { status, headers }))
    if (first.last) this.end()
  }

  private bodyFrom(first: Piece): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: controller => {
        this.stream = controller
        this.add(first)
      },
      pull: () => this.post({ kind: 'more', id: this.id }),
      cancel: () => {
        this.post({ kind: 'stop', id: this.id })
        this.end()
      },
    })
  }

  private add({ bytes, last }: Piece): void {
    this.stream?.enqueue(bytes)
    if (!last) return
    this.stream?.close()
    this.end()
  }

  private fail(errorType: string, message: string): void {
    if (this.over.signal.aborted) return
    this.post({ kind: 'stop', id: this.id })
    if (this.stream) this.stream.error(new TypeError(message))
    else this.answer(failure(503, errorType, message))
    this.end()
  }

  private end(): void {
    this.over.abort()
    this.channel.close()
  }

  private post(message: ApiMessage): void {
    this.channel.postMessage(message)
  }
}

function unavailable(message: string): Response {
  return failure(503, 'unavailable', message)
}

/** Prometheus's envelope (`web/api/v1/api.go`). */
function failure(status: number, errorType: string, error: string): Response {
  return Response.json({ status: 'error', errorType, error }, { status })
}
