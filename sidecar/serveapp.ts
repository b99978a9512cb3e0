import type { HttpBindings } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'

export type Handle = (request: Request) => Promise<Response>

interface Env {
  Bindings: HttpBindings
}

export interface ServeAppOptions {
  /** The engine's API; null while the engine is being opened. */
  readonly handle: () => Handle | null
  /** Whether only this machine can connect. */
  readonly loopback: boolean
}

/** As much as Go's `ParseForm` reads. */
const maxBody = 10 * 1024 * 1024

/** Whether a host's name or address is this machine, whoever says it. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host)
}

/** Everything that `serve` answers, as a function from Request to Response. */
export function createServeApp({ handle, loopback }: ServeAppOptions): Hono<Env> {
  const app = new Hono<Env>()
  if (loopback) app.use(noForeignName)
  app.use(readableHere)
  app.get('/-/healthy', c => c.text('Brazier is Healthy.\n'))
  app.get('/-/ready', c => (handle() ? c.text('Brazier is Ready.\n') : c.text('Service Unavailable\n', 503)))
  app.use(bodyLimit({ maxSize: maxBody, onError: tooLarge }))
  app.all('*', c => handle()?.(c.req.raw) ?? failed(503, 'unavailable', 'the data is being opened'))
  return app
}

/** A foreign name that resolves to this machine (DNS rebinding) would let any site read the data. The port may be
 *  another one: it is, in a tunnel. */
const noForeignName: MiddlewareHandler<Env> = async (c, next) => {
  const { hostname } = new URL(c.req.url)
  if (!isLoopback(hostname)) return failed(421, 'bad_data', `want this machine, have '${hostname}'`)
  return next()
}

/** Pages of this machine may read the answers, Brazier's own among them. Upstream lets those of any site do so. */
const readableHere = cors({
  origin: origin => (URL.canParse(origin) && isLoopback(new URL(origin).hostname) ? origin : null),
  allowMethods: ['GET', 'POST', 'OPTIONS'],
  allowHeaders: ['Accept', 'Authorization', 'Content-Type', 'Origin'],
})

function tooLarge(): Response {
  return failed(413, 'bad_data', `want a body of at most ${maxBody} bytes`)
}

/** Prometheus's envelope (`web/api/v1/api.go`). */
function failed(status: number, errorType: string, error: string): Response {
  return Response.json({ status: 'error', errorType, error }, { status })
}
