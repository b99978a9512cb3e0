import { afterEach, describe, expect, test, vi } from 'vitest'
import { forward } from '../../src/hosts/forward.ts'
import { namesFor, type Names } from '../../src/hosts/names.ts'
import { apiTimeoutMs, pieceBytes } from '../../src/hosts/protocol.ts'
import { serveRequests } from '../../src/hosts/requests.ts'

type Handler = (request: Request) => Promise<Response>

const ends: (() => void)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const end of ends.splice(0)) end()
})

/** What the engine's worker does: it holds the lock and answers. */
async function startEngine(names: Names, handler: Handler | Promise<Handler>): Promise<() => void> {
  const stop = serveRequests(names.apiChannel, Promise.resolve(handler))
  const release = await new Promise<() => void>(resolve => {
    const held = navigator.locks.request(names.lock, () => new Promise<void>(done => resolve(done)))
    // A test that steals it makes the request fail.
    held.catch(() => undefined)
  })
  const end = () => {
    stop()
    release()
  }
  ends.push(end)
  return end
}

function freshNames(): Names {
  return namesFor(`/${crypto.randomUUID()}/`)
}

function get(path: string): Request {
  return new Request(`http://localhost/sub${path}`)
}

const envelope = async (response: Response) => [
  response.status,
  response.headers.get('content-type'),
  await response.json(),
]

describe('a request', () => {
  test('reaches the engine with method, path, headers and body, and its answer comes back', async () => {
    const names = freshNames()
    await startEngine(names, async request => {
      const { pathname, search } = new URL(request.url)
      const said = [request.method, pathname + search, request.headers.get('x-a'), await request.text()]
      return new Response(said.join(' '), { status: 422, headers: { 'x-b': 'c' } })
    })
    const request = new Request('http://localhost/sub/api/v1/query?x=1', {
      method: 'POST',
      headers: { 'x-a': 'b' },
      body: 'query=up',
    })
    const response = await forward(request, '/api/v1/query?x=1', names)
    expect(response.status).toBe(422)
    expect(response.headers.get('x-b')).toBe('c')
    expect(await response.text()).toBe('POST /api/v1/query?x=1 b query=up')
  })

  test('that comes while the engine is opening waits for it', async () => {
    const names = freshNames()
    let open: ((handler: Handler) => void) | undefined
    await startEngine(names, new Promise(resolve => (open = resolve)))
    const answer = forward(get('/metrics'), '/metrics', names)
    await new Promise(resolve => setTimeout(resolve, 50))
    open?.(async () => new Response('up 1\n'))
    expect(await (await answer).text()).toBe('up 1\n')
  })

  test('may have an answer without a body', async () => {
    const names = freshNames()
    await startEngine(names, async () => new Response(null, { status: 204 }))
    const response = await forward(get('/api/v1/x'), '/api/v1/x', names)
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  test('with a body of more than 16 MiB is refused', async () => {
    const names = freshNames()
    await startEngine(names, async () => new Response('reached'))
    const body = new Uint8Array(16 * 1024 * 1024 + 1)
    const response = await forward(new Request('http://localhost/', { method: 'POST', body }), '/', names)
    expect((await envelope(response)).slice(0, 1)).toEqual([413])
  })
})

describe('a long answer', () => {
  test.each([0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes + 5])(
    'of %i bytes arrives whole',
    async size => {
      const names = freshNames()
      const bytes = new Uint8Array(size).map((_, i) => (i * 31) % 251)
      await startEngine(names, async () => new Response(bytes))
      const response = await forward(get('/'), '/', names)
      const arrived = new Uint8Array(await response.arrayBuffer())
      expect(arrived.length).toBe(size)
      expect(arrived.findIndex((byte, i) => byte !== bytes[i])).toBe(-1)
    },
  )

  test('is made only as fast as it is taken', async () => {
    const names = freshNames()
    let made = 0
    const body = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            made++
            controller.enqueue(new Uint8Array(pieceBytes))
            if (made === 50) controller.close()
          },
        },
        { highWaterMark: 0 },
      )
    await startEngine(names, async () => new Response(body()))
    const response = await forward(get('/'), '/', names)
    const reader = response.body?.getReader()
    await reader?.read()
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(made).toBeLessThan(6)
    await reader?.cancel()
  })

  test('that nobody reads any more is not made any more', async () => {
    const names = freshNames()
    let cancelled: (() => void) | undefined
    const told = new Promise<void>(resolve => (cancelled = resolve))
    const body = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(new Uint8Array(pieceBytes)),
      cancel: () => cancelled?.(),
    })
    await startEngine(names, async () => new Response(body))
    const response = await forward(get('/'), '/', names)
    await response.body?.cancel()
    await told
  })

  test('that breaks off fails where it is read', async () => {
    const names = freshNames()
    let pieces = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pieces++ < 2) controller.enqueue(new Uint8Array(pieceBytes))
        else controller.error(new Error('the disk is gone'))
      },
    })
    await startEngine(names, async () => new Response(body))
    const response = await forward(get('/'), '/', names)
    // Whoever reads it whole is told no reason by the browser.
    const read = async () => {
      const reader = response.body!.getReader()
      while (!(await reader.read()).done);
    }
    await expect(read()).rejects.toThrow('the disk is gone')
  })
})

describe('without an engine', () => {
  test('the answer is a 503 in the envelope, at once', async () => {
    const response = await forward(get('/'), '/', freshNames())
    expect(await envelope(response)).toEqual([
      503,
      'application/json',
      { status: 'error', errorType: 'unavailable', error: 'no engine runs: open the page' },
    ])
  })

  test('a lock that tabs share does not count as one', async () => {
    const names = freshNames()
    await navigator.locks.request(names.lock, { mode: 'shared' }, async () => {
      expect((await forward(get('/'), '/', names)).status).toBe(503)
    })
  })

  test.each<[string, (end: () => void, names: Names) => void]>([
    ['ends', end => end()],
    [
      'is killed, and says nothing any more',
      (_, names) => void navigator.locks.request(names.lock, { steal: true }, () => undefined),
    ],
  ])('that %s during the request, too', async (_, finish) => {
    const names = freshNames()
    let reached: (() => void) | undefined
    const working = new Promise<void>(resolve => (reached = resolve))
    const end = await startEngine(names, () => {
      reached?.()
      return new Promise(() => undefined)
    })
    const answer = forward(get('/'), '/', names)
    await working
    finish(end, names)
    expect((await envelope(await answer))[0]).toBe(503)
  })
})

test('after 25 s a request is stopped, and the answer says so', async () => {
  const names = freshNames()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let signal: AbortSignal | undefined
  await startEngine(names, request => {
    signal = request.signal
    return new Promise(() => undefined)
  })
  const answer = forward(get('/'), '/', names)
  await vi.waitUntil(() => signal)
  vi.advanceTimersByTime(apiTimeoutMs)
  const [status, , body] = await envelope(await answer)
  expect(status).toBe(503)
  expect(body).toMatchObject({ errorType: 'timeout', error: 'no answer within 25 s' })
  expect(signal?.aborted).toBe(true)
})
