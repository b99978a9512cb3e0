import { readFileSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

interface Served {
  /** Ends with a slash. */
  readonly url: string
  /** Closes the port and every connection. */
  stop(): Promise<void>
}

async function serve(listener: RequestListener, path: string, port = 0): Promise<Served> {
  const server = createServer(listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The page's own origin is spelt localhost; its targets may be anywhere on loopback.
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return { url: `http://localhost:${bound}${path}`, stop: () => end(server) }
}

function end(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

export interface Site extends Served {
  /** Serves another folder from now on: a deployment. */
  deploy(root: string): void
}

/** A static host that knows nothing of Brazier: it serves a folder under a path, sends no header that helps, and
 *  lets browsers keep what they got for ten minutes, as large hosts do. */
export async function startSite({ root = 'dist', base = '/', port = 0 } = {}): Promise<Site> {
  let folder = root
  const listener: RequestListener = (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = path.startsWith(base) ? normalize(path.slice(base.length - 1)) : '/..'
    const from = join(folder, file.endsWith('/') ? `${file}index.html` : file)
    if (file.includes('..') || !statSync(from, { throwIfNoEntry: false })?.isFile())
      return void response.writeHead(404).end('not found')
    const type = types[extname(from)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=600' }).end(readFileSync(from))
  }
  const served = await serve(listener, base, port)
  return { ...served, deploy: to => (folder = to) }
}

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

export interface Target extends Served {
  /** What is scraped: `url` + `metrics`. */
  readonly metrics: string
  /** Answers this from now on; a function is asked at each request and may take its time. */
  answer(next: Answer | string | ((request: IncomingMessage) => Answer | Promise<Answer>)): void
  /** Number of scrapes so far; preflights are not counted. */
  scrapes(): number
}

const cors = { 'access-control-allow-origin': '*' }

/** A scrape target whose answers a test decides. Without `cors` the browser may ask but not read. */
export async function startTarget(body: string, { cors: open = true } = {}): Promise<Target> {
  let answer: (request: IncomingMessage) => Answer | Promise<Answer> = () => ({ body })
  let scrapes = 0
  const listener: RequestListener = (request, response) => {
    scrapes++
    void Promise.resolve(answer(request)).then(({ status = 200, headers, body }) => {
      const type = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
      response.writeHead(status, { ...type, ...(open && cors), ...headers }).end(body)
    })
  }
  const served = await serve(listener, '/')
  return {
    ...served,
    metrics: `${served.url}metrics`,
    answer: next => {
      answer = typeof next === 'function' ? next : () => (typeof next === 'string' ? { body: next } : next)
    },
    scrapes: () => scrapes,
  }
}

export interface Hold extends Served {
  release(): void
}

/** A server that answers nobody until it is told to. Who asks it synchronously hangs that long. */
export async function startHold(): Promise<Hold> {
  let release = (): void => undefined
  const released = new Promise<void>(resolve => (release = resolve))
  const listener: RequestListener = (_, response) => {
    void released.then(() => response.writeHead(204, cors).end())
  }
  return { ...(await serve(listener, '/')), release }
}
