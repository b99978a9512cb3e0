// The way to targets that let no page read them. Only the page of this server may take it, and only to the targets
// of its configuration:
//
//   engine ── GET  /sidecar/session ─────────────▶ token                       (src/engine/scrape/proxy.ts)
//          ── POST /sidecar/targets [url, …] ────▶ replaces the list            with the token
//          ── GET  /proxy?url=… ─────────────────▶ what the target answers      with the token
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { pipeline, Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context as AnyContext, type Next } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { readTargetList, Sessions, targetHref, TargetListProblem } from './session.ts'

const tokenHeader = 'x-brazier-token'
/** On answers that are the proxy's own and not the target's: how it failed. */
const failureHeader = 'x-brazier-proxy'
const timeoutHeader = 'x-prometheus-scrape-timeout-seconds'

/** `session`: the token is unknown, another can be had; `unreachable`: nothing answers at the target; `failed`:
 *  anything else. */
type FailureKind = 'session' | 'unreachable' | 'failed'

const longestList = 2 ** 20
// More than an engine takes, which then says so in its own words.
const longestBody = 128 * 2 ** 20
// As many as Go's client follows.
const mostRedirects = 10
const longestAccept = 1024

interface Env {
  Bindings: HttpBindings
}
type Context = AnyContext<Env>

class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'
  readonly kind: FailureKind
  readonly status: 400 | 403 | 502

  constructor(status: 400 | 403 | 502, kind: FailureKind, message: string) {
    super(message)
    this.status = status
    this.kind = kind
  }
}

export interface ProxyOptions {
  /** Bytes of a decoded body at most; a longer one is cut off in a way that its reader notices. */
  readonly bodyLimit?: number
}

/** `/sidecar/session`, `/sidecar/targets` and `/proxy`. */
export function proxyRoutes({ bodyLimit: limit = longestBody }: ProxyOptions = {}): Hono<Env> {
  const sessions = new Sessions()
  const app = new Hono<Env>()
  for (const path of ['/sidecar/session', '/sidecar/targets', '/proxy']) app.use(path, onlyThisPage)
  app.get('/sidecar/session', c => c.json({ token: sessions.open() }))
  app.post('/sidecar/targets', bodyLimit({ maxSize: longestList, onError: listTooLong }), c =>
    takeTargets(c, sessions),
  )
  app.get('/proxy', c => passOn(c, sessions, limit))
  app.all('/proxy', c => c.text('only GET goes through the proxy\n', 405))
  return app
}

/** Refuses what another site's page sends. Without the right to read answers it never has a token; this refuses it
 *  before anything happens. No answer is kept, or could be embedded elsewhere. */
async function onlyThisPage(c: Context, next: Next): Promise<Response | undefined> {
  const origin = c.req.header('origin')
  const site = c.req.header('sec-fetch-site')
  const own = `http://${(c.req.header('host') ?? '').toLowerCase()}`
  if ((origin ?? own) !== own || (site ?? 'same-origin') !== 'same-origin')
    return c.text(`only the page of ${own} may ask this\n`, 403)
  await next()
  c.res.headers.set('cache-control', 'no-store')
  c.res.headers.set('cross-origin-resource-policy', 'same-origin')
  return undefined
}

function listTooLong(c: Context): Response {
  return refusal(c, 413, 'failed', `want a list of at most ${longestList} bytes`)
}

async function takeTargets(c: Context, sessions: Sessions): Promise<Response> {
  try {
    const known = sessions.replace(tokenOf(c), readTargetList(await c.req.text()))
    return known ? c.body(null, 204) : noSession(c)
  } catch (error) {
    if (error instanceof TargetListProblem) return refusal(c, 400, 'failed', error.message)
    throw error
  }
}

async function passOn(c: Context, sessions: Sessions, limit: number): Promise<Response> {
  if (c.req.method !== 'GET') return c.body(null, 405)
  const allowed = sessions.targets(tokenOf(c))
  if (!allowed) return noSession(c)
  const url = c.req.query('url') ?? ''
  try {
    const answer = await fetchTarget(url, allowed, headersFor(c), c.req.raw.signal)
    const { statusCode: status = 0, headers } = answer
    const body = bodyOf(answer, limit)
    return new Response(body && streamed(body, () => c.env.outgoing.destroy()), {
      status,
      headers: {
        'content-type': headers['content-type'] ?? 'text/plain',
        // Nobody comes here by navigation; if one did, it must not become a page of this origin.
        'content-disposition': 'attachment',
      },
    })
  } catch (error) {
    if (error instanceof ProxyFailure) return refusal(c, error.status, error.kind, error.message)
    throw error
  }
}

function tokenOf(c: Context): string {
  return c.req.header(tokenHeader) ?? ''
}

function noSession(c: Context): Response {
  return refusal(c, 403, 'session', `want the token of /sidecar/session in ${tokenHeader}`)
}

function refusal(c: Context, status: 400 | 403 | 413 | 502, kind: FailureKind, message: string): Response {
  return c.text(`${message}\n`, status, { [failureHeader]: kind })
}

/** What the target is told: what is wanted, in which time, and nothing of who asks. */
function headersFor(c: Context): Record<string, string> {
  const timeout = Number(c.req.header(timeoutHeader))
  return {
    accept: (c.req.header('accept') ?? '*/*').slice(0, longestAccept),
    // What the browser offers it would also have to decode.
    'accept-encoding': 'gzip',
    'user-agent': 'Brazier',
    ...(timeout > 0 && { [timeoutHeader]: String(timeout) }),
  }
}

/** The target's answer, after redirects to other targets.
 *  @throws ProxyFailure */
async function fetchTarget(
  wanted: string,
  allowed: ReadonlySet<string>,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = targetHref(wanted)
  if (url === null) throw new ProxyFailure(400, 'failed', 'want ?url= with the URL of a target')
  if (!allowed.has(url)) throw new ProxyFailure(403, 'failed', `${url} is no target of the configuration`)
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const answer = await get(url, headers, signal)
    const next = redirectOf(answer, url)
    if (next === null) return answer
    answer.destroy()
    if (!allowed.has(next))
      throw new ProxyFailure(
        502,
        'failed',
        `${url} redirects to ${next}, which is no target of the configuration`,
      )
    url = next
  }
  throw new ProxyFailure(502, 'failed', `stopped after ${mostRedirects} redirects`)
}

function get(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was kept may be closing just now, and a scrape is not tried again.
    const sent = request(url, { headers, signal, agent: false }, answer => {
      // Whoever reads it learns of it from the stream.
      answer.on('error', () => undefined)
      resolve(answer)
    })
    // It may come after the answer, too.
    sent.on('error', error => reject(new ProxyFailure(502, kindOf(error), reasonOf(error))))
    sent.end()
  })
}

/** Where a redirect leads; null when the answer is none. */
function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: string): string | null {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return null
  const to = targetHref(location, new URL(from))
  if (to !== null) return to
  throw new ProxyFailure(502, 'failed', `${from} redirects to ${JSON.stringify(location.slice(0, 200))}`)
}

const nobody = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
]

function kindOf(error: NodeJS.ErrnoException): FailureKind {
  return nobody.includes(error.code ?? '') ? 'unreachable' : 'failed'
}

/** For a name with several addresses Node tells the failures one by one and says nothing itself. */
function reasonOf(error: Error): string {
  const all = error instanceof AggregateError ? (error.errors as Error[]) : [error]
  return all.map(({ message }) => message).join(', ')
}

/** The body as the target meant it. */
function bodyOf(answer: IncomingMessage, limit: number): Readable | null {
  const { statusCode = 0 } = answer
  if (statusCode < 200 || statusCode > 599) throw failedWith(answer, `answers with status ${statusCode}`)
  if ([204, 205, 304].includes(statusCode)) {
    answer.destroy()
    return null
  }
  const encoding = (answer.headers['content-encoding'] ?? 'identity').toLowerCase()
  const bounded = boundedBy(limit)
  // Errors come out at the end that is read.
  const ended = () => undefined
  if (encoding === 'identity') pipeline(answer, bounded, ended)
  else if (/^(x-)?gzip$/.test(encoding)) pipeline(answer, createGunzip(), bounded, ended)
  else throw failedWith(answer, `want an answer in gzip or as it is, have ${JSON.stringify(encoding)}`)
  return bounded
}

function failedWith(answer: IncomingMessage, message: string): ProxyFailure {
  answer.destroy()
  return new ProxyFailure(502, 'failed', message)
}

function boundedBy(limit: number): Transform {
  let size = 0
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      size += piece.length
      if (size > limit) done(new Error(`the target sent more than ${limit} bytes`))
      else done(null, piece)
    },
  })
}

/** A stream for a Response. `breakOff` is called where it would fail: an answer whose body fails is otherwise ended
 *  in good order, with the error's text as its last line, and half a text looks like a whole one. */
function streamed(body: Readable, breakOff: () => void): ReadableStream<Uint8Array> {
  const pieces = body.iterator() as AsyncIterator<Buffer>
  return new ReadableStream({
    async pull(controller) {
      const next = await pieces.next().catch(breakOff)
      if (next?.done) controller.close()
      else if (next) controller.enqueue(next.value)
    },
    cancel: () => void body.destroy(),
  })
}
