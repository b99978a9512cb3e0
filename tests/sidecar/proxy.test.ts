import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../sidecar/app.ts'
import { listen } from '../../sidecar/listen.ts'
import { SidecarMetrics } from '../../sidecar/metrics.ts'
import { proxyRoutes } from '../../sidecar/proxy.ts'
import { readTargetList, Sessions } from '../../sidecar/session.ts'
import { freePort } from '../programs.ts'

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  readonly signal?: AbortSignal
}

/** A sidecar, asked as its page's engine asks it unless a test says otherwise. */
class Sidecar {
  readonly port: number
  readonly origin: string
  token = ''

  constructor(port: number) {
    this.port = port
    this.origin = `http://localhost:${port}`
  }

  ask(path: string, { method = 'GET', headers = {}, body, signal }: Sent = {}): Promise<Reply> {
    const own = {
      host: `localhost:${this.port}`,
      'sec-fetch-site': 'same-origin',
      'x-brazier-token': this.token,
    }
    const all = Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined)
    const options = { host: '127.0.0.1', port: this.port, path, method, agent: false }
    return new Promise((resolve, reject) => {
      const sent = request(
        { ...options, headers: Object.fromEntries(all), ...(signal && { signal }) },
        answer => {
          answer.once('error', reject)
          void textOf(answer).then(text => {
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })
          }, reject)
        },
      )
      sent.once('error', reject).end(body)
    })
  }

  async open(...targets: string[]): Promise<this> {
    const { body } = await this.ask('/sidecar/session')
    this.token = (JSON.parse(body) as { token: string }).token
    const { status } = await this.list(targets)
    expect(status).toBe(204)
    return this
  }

  list(targets: unknown): Promise<Reply> {
    return this.ask('/sidecar/targets', { method: 'POST', body: JSON.stringify(targets) })
  }

  get(url: string, sent: Sent = {}): Promise<Reply> {
    return this.ask(`/proxy?url=${encodeURIComponent(url)}`, sent)
  }
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of message) text += String(piece)
  return text
}

async function startSidecar(fetch = createApp({ root: '.', metrics: new SidecarMetrics('1') }).fetch) {
  const server = await listen(getRequestListener(fetch), 0)
  onTestFinished(() => server.close())
  return new Sidecar(server.port)
}

/** Starts a target and answers its origin. */
async function startTarget(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a listed target is fetched, and what it says comes through', async () => {
  const target = await startTarget((asked, answer) => {
    answer.writeHead(asked.url === '/m?a=1' ? 200 : 404, {
      'content-type': 'text/plain; version=0.0.4',
      'set-cookie': 'a=b',
      'access-control-allow-origin': '*',
    })
    answer.end('up 1\n')
  })
  const sidecar = await (await startSidecar()).open(`${target}/m?a=1`, `${target}/other`)
  const { status, headers, body } = await sidecar.get(`${target}/m?a=1`)
  expect([status, body]).toEqual([200, 'up 1\n'])
  expect(headers).toMatchObject({
    'content-type': 'text/plain; version=0.0.4',
    'content-disposition': 'attachment',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  })
  for (const name of ['set-cookie', 'access-control-allow-origin', 'x-brazier-proxy']) {
    expect(headers).not.toHaveProperty(name)
  }
  expect((await sidecar.get(`${target}/other`)).status).toBe(404)
})

test('the target learns what is wanted and when, and nothing of who asks', async () => {
  let seen: IncomingHttpHeaders = {}
  const target = await startTarget((asked, answer) => {
    seen = asked.headers
    answer.end('m 1\n')
  })
  const sidecar = await (await startSidecar()).open(target)
  await sidecar.get(target, {
    headers: {
      accept: 'text/plain',
      'accept-encoding': 'br, zstd',
      'x-prometheus-scrape-timeout-seconds': '2.5',
      cookie: 'secret=1',
      authorization: 'Bearer secret',
      referer: `${sidecar.origin}/#secret`,
      'x-other': 'secret',
      'user-agent': 'secret',
      'accept-language': 'secret',
    },
  })
  expect(seen).toEqual({
    host: new URL(target).host,
    connection: 'close',
    accept: 'text/plain',
    'accept-encoding': 'gzip',
    'user-agent': 'Brazier',
    'x-prometheus-scrape-timeout-seconds': '2.5',
  })
})

describe('who may ask', () => {
  const rows: [string, Record<string, string>, number][] = [
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }, 403],
    ['somebody who types the address', { 'sec-fetch-site': 'none' }, 403],
    ['another origin', { origin: 'http://localhost:1' }, 403],
    ['an opaque origin', { origin: 'null' }, 403],
    ['a foreign name', { host: 'brazier.example' }, 421],
  ]
  test.each(rows)('not %s', async (_, headers, status) => {
    const sidecar = await (await startSidecar()).open('http://127.0.0.1:1/')
    for (const path of ['/sidecar/session', '/proxy?url=http://127.0.0.1:1/']) {
      const reply = await sidecar.ask(path, { headers })
      expect(reply.status).toBe(status)
      expect(reply.body).not.toContain('token')
    }
    const posted = await sidecar.ask('/sidecar/targets', { method: 'POST', body: '[]', headers })
    expect(posted.status).toBe(status)
  })

  test('a page of its own origin, which posts with an origin', async () => {
    const sidecar = await (await startSidecar()).open()
    const headers = { origin: sidecar.origin }
    const posted = await sidecar.ask('/sidecar/targets', { method: 'POST', body: '[]', headers })
    expect(posted.status).toBe(204)
  })

  test('a browser that tells nothing of who asks', async () => {
    const sidecar = await (await startSidecar()).open()
    const { status } = await sidecar.ask('/sidecar/session', { headers: { 'sec-fetch-site': undefined } })
    expect(status).toBe(200)
  })

  test('nobody without a token, and no other site may read one', async () => {
    const sidecar = await startSidecar()
    for (const token of ['', 'x']) {
      sidecar.token = token
      const replies = [await sidecar.get('http://127.0.0.1:1/'), await sidecar.list([])]
      for (const { status, headers } of replies) {
        expect([status, headers['x-brazier-proxy']]).toEqual([403, 'session'])
      }
    }
    const { headers } = await sidecar.ask('/sidecar/session')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect((await sidecar.ask('/proxy', { method: 'OPTIONS' })).headers).not.toHaveProperty(
      'access-control-allow-headers',
    )
  })

  test.each(['POST', 'PUT', 'HEAD', 'DELETE'])('nobody with %s', async method => {
    const asked: string[] = []
    const target = await startTarget((request, answer) => {
      asked.push(request.method ?? '')
      answer.end()
    })
    const sidecar = await (await startSidecar()).open(target)
    expect((await sidecar.get(target, { method })).status).toBe(405)
    expect(asked).toEqual([])
  })
})

describe('what may be asked for', () => {
  const listed = 'http://127.0.0.1:1/metrics?a=1'
  test.each([
    ['another path', 'http://127.0.0.1:1/metric?a=1', 403],
    ['another query', 'http://127.0.0.1:1/metrics?a=2', 403],
    ['no query', 'http://127.0.0.1:1/metrics', 403],
    ['another port', 'http://127.0.0.1:2/metrics?a=1', 403],
    ['another scheme', 'https://127.0.0.1:1/metrics?a=1', 403],
    ['another name of the same host', 'http://localhost:1/metrics?a=1', 403],
    ['credentials', 'http://u:p@127.0.0.1:1/metrics?a=1', 400],
    ['a file', 'file:///etc/passwd', 400],
    ['nothing', '', 400],
  ])('not %s', async (_, url, status) => {
    const sidecar = await (await startSidecar()).open(listed)
    const reply = await sidecar.get(url)
    expect([reply.status, reply.headers['x-brazier-proxy']]).toEqual([status, 'failed'])
  })

  test('the same URL in another spelling', async () => {
    const target = await startTarget((_, answer) => answer.end('m 1\n'))
    const sidecar = await (await startSidecar()).open(`${target.toUpperCase()}/a/../b#x`)
    expect((await sidecar.get(`${target}/b`)).status).toBe(200)
  })

  test('not what a newer list leaves out', async () => {
    const target = await startTarget((_, answer) => answer.end('m 1\n'))
    const sidecar = await (await startSidecar()).open(target)
    expect((await sidecar.get(target)).status).toBe(200)
    await sidecar.list([`${target}/other`])
    expect((await sidecar.get(target)).status).toBe(403)
  })

  test('not what another session may', async () => {
    const sidecar = await (await startSidecar()).open(listed)
    await sidecar.open()
    expect((await sidecar.get(listed)).status).toBe(403)
  })

  test.each([
    ['{}', 'want a JSON list of URLs, have no list'],
    ['nonsense', 'want a JSON list of URLs, have no JSON'],
    ['["http://h/",5]', 'want an http or https URL without credentials at 1, have 5'],
    ['["ftp://h/"]', 'at 0, have "ftp://h/"'],
    ['["http://u@h/"]', 'at 0, have "http://u@h/"'],
    [JSON.stringify(Array.from({ length: 10_001 }, () => '')), 'want at most 10000 targets, have 10001'],
  ])('a list such as %.20s is refused', async (body, reason) => {
    expect(() => readTargetList(body)).toThrow(reason)
    const sidecar = await (await startSidecar()).open()
    const reply = await sidecar.ask('/sidecar/targets', { method: 'POST', body })
    expect(reply.status).toBe(400)
    expect(reply.body).toContain(reason)
  })

  test('a list that is too long is not read', async () => {
    const sidecar = await (await startSidecar()).open()
    const body = ' '.repeat(2 ** 20 + 1)
    expect((await sidecar.ask('/sidecar/targets', { method: 'POST', body })).status).toBe(413)
  })
})

describe('a redirect', () => {
  /** A target that redirects `/a` to `to`, and says what was asked for. */
  async function redirecting(to: (origin: string) => string, status = 302) {
    const paths: string[] = []
    const target = await startTarget((asked, answer) => {
      paths.push(asked.url ?? '')
      if (asked.url !== '/a') return void answer.end('m 1\n')
      answer.writeHead(status, { location: to(target) }).end('moved')
    })
    return { target, paths }
  }

  test.each([301, 302, 303, 307, 308])('of status %i to another target is followed', async status => {
    const { target, paths } = await redirecting(() => '/b?c', status)
    const sidecar = await (await startSidecar()).open(`${target}/a`, `${target}/b?c`)
    expect(await sidecar.get(`${target}/a`)).toMatchObject({ status: 200, body: 'm 1\n' })
    expect(paths).toEqual(['/a', '/b?c'])
  })

  test.each([
    ['/b', '/b, which is no target of the configuration'],
    [
      'http://169.254.169.254/latest/meta-data/',
      'http://169.254.169.254/latest/meta-data/, which is no target',
    ],
    ['http://u:p@127.0.0.1:1/', 'redirects to "http://u:p@127.0.0.1:1/"'],
    ['file:///etc/passwd', 'redirects to "file:///etc/passwd"'],
    ['http://[', 'redirects to "http://["'],
  ])('to %s is refused by name', async (to, reason) => {
    const { target, paths } = await redirecting(() => to)
    const sidecar = await (await startSidecar()).open(`${target}/a`)
    const { status, headers, body } = await sidecar.get(`${target}/a`)
    expect([status, headers['x-brazier-proxy']]).toEqual([502, 'failed'])
    expect(body).toContain(reason)
    expect(paths).toEqual(['/a'])
  })

  test('to itself ends', async () => {
    const { target, paths } = await redirecting(() => '/a')
    const sidecar = await (await startSidecar()).open(`${target}/a`)
    expect(await sidecar.get(`${target}/a`)).toMatchObject({
      status: 502,
      body: 'stopped after 10 redirects\n',
    })
    expect(paths).toHaveLength(11)
  })
})

describe('a target that', () => {
  test('is not there is told by address', async () => {
    const port = await freePort()
    const sidecar = await (await startSidecar()).open(`http://127.0.0.1:${port}/`)
    const { status, headers, body } = await sidecar.get(`http://127.0.0.1:${port}/`)
    expect([status, headers['x-brazier-proxy']]).toEqual([502, 'unreachable'])
    expect(body).toBe(`connect ECONNREFUSED 127.0.0.1:${port}\n`)
  })

  test('has several addresses is told by all of them', async () => {
    const port = await freePort()
    const sidecar = await (await startSidecar()).open(`http://localhost:${port}/`)
    expect((await sidecar.get(`http://localhost:${port}/`)).body).toContain(
      `connect ECONNREFUSED 127.0.0.1:${port}`,
    )
  })

  test('speaks no HTTP is told, and the sidecar goes on', async () => {
    const target = await startTarget((_, answer) => void answer.socket?.end('nonsense\r\n\r\n'))
    const sidecar = await (await startSidecar()).open(target)
    const { status, headers } = await sidecar.get(target)
    expect([status, headers['x-brazier-proxy']]).toEqual([502, 'failed'])
    expect((await sidecar.get(target)).status).toBe(502)
  })

  test('answers in gzip is decoded', async () => {
    const target = await startTarget((_, answer) => {
      answer.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('m 1\n'))
    })
    const sidecar = await (await startSidecar()).open(target)
    const { headers, body } = await sidecar.get(target)
    expect(body).toBe('m 1\n')
    expect(headers).not.toHaveProperty('content-encoding')
  })

  test('answers in what nobody asked for is refused', async () => {
    const target = await startTarget((_, answer) => {
      answer.writeHead(200, { 'content-encoding': 'br' }).end('m 1\n')
    })
    const sidecar = await (await startSidecar()).open(target)
    expect(await sidecar.get(target)).toMatchObject({
      status: 502,
      body: 'want an answer in gzip or as it is, have "br"\n',
    })
  })

  test.each([204, 304])('answers %i has no body', async code => {
    const target = await startTarget((_, answer) => void answer.writeHead(code).end())
    const sidecar = await (await startSidecar()).open(target)
    expect(await sidecar.get(target)).toMatchObject({ status: code, body: '' })
  })

  test('answers a status that is none is refused', async () => {
    const target = await startTarget((_, answer) => void answer.writeHead(777).end())
    const sidecar = await (await startSidecar()).open(target)
    expect(await sidecar.get(target)).toMatchObject({ status: 502, body: 'answers with status 777\n' })
  })

  const long = 'm 1\n'.repeat(50_000)
  const bodies: [string, Record<string, string>, string | Buffer][] = [
    ['sends too much', {}, long],
    ['sends too much in little', { 'content-encoding': 'gzip' }, gzipSync(long)],
  ]
  test.each(bodies)('%s is cut off, and it shows', async (_, headers, body) => {
    const target = await startTarget((_asked, answer) => void answer.writeHead(200, headers).end(body))
    const sidecar = await startSidecar(proxyRoutes({ bodyLimit: 100_000 }).fetch)
    await sidecar.open(target)
    await expect(sidecar.get(target)).rejects.toThrow('aborted')
    const enough = await startSidecar(proxyRoutes({ bodyLimit: long.length }).fetch)
    await enough.open(target)
    expect((await enough.get(target)).body).toBe(long)
  })

  test('breaks off in the middle breaks off', async () => {
    const target = await startTarget((_, answer) => {
      answer.writeHead(200, { 'content-length': '1000' }).write('m 1\n')
      setTimeout(() => answer.destroy(), 50)
    })
    const sidecar = await (await startSidecar()).open(target)
    await expect(sidecar.get(target)).rejects.toThrow('aborted')
  })

  const hanging: [string, RequestListener][] = [
    ['does not answer', () => undefined],
    ['stops in the middle', (_, answer) => void answer.write('m 1\n')],
  ]
  test.each(hanging)('%s is left when the client goes away', async (_, answer) => {
    let left = () => {}
    let arrived = () => {}
    const leaves = new Promise<void>(resolve => (left = resolve))
    const arrives = new Promise<void>(resolve => (arrived = resolve))
    const target = await startTarget((asked, response) => {
      asked.socket.once('close', left)
      answer(asked, response)
      arrived()
    })
    const sidecar = await (await startSidecar()).open(target)
    const client = new AbortController()
    const asked = sidecar.get(target, { signal: client.signal })
    const ended = expect(asked).rejects.toThrow('aborted')
    await arrives
    client.abort()
    await Promise.all([ended, leaves])
  })
})

test('sessions that nobody uses make room for others', () => {
  const sessions = new Sessions()
  const [used, idle] = [sessions.open(), sessions.open()]
  for (let i = 0; i < 63; i++) {
    expect(sessions.targets(used)).not.toBeNull()
    sessions.open()
  }
  expect(sessions.targets(idle)).toBeNull()
  expect(sessions.replace(idle, new Set())).toBe(false)
  expect(sessions.targets(used)).toEqual(new Set())
})

test('requests are counted by handler', async () => {
  const sidecar = await (await startSidecar()).open()
  await sidecar.get('http://127.0.0.1:1/')
  const { body } = await sidecar.ask('/sidecar/metrics')
  expect(body).toContain('brazier_sidecar_http_requests_total{handler="/proxy",code="403"} 1')
  expect(body).toContain('brazier_sidecar_http_requests_total{handler="/sidecar/targets",code="204"} 1')
})
