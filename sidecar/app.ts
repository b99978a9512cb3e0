import type { HttpBindings } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono, type Context as AnyContext, type MiddlewareHandler as AnyHandler, type Next } from 'hono'
import { contentSecurityPolicy } from './csp.ts'
import type { SidecarMetrics } from './metrics.ts'
import { proxyRoutes } from './proxy.ts'

interface Env {
  Bindings: HttpBindings
}
type Context = AnyContext<Env>

export interface AppOptions {
  /** Folder of the built page. */
  readonly root: string
  readonly metrics: SidecarMetrics
}

/** Everything the sidecar answers, as a function from Request to Response. */
export function createApp({ root, metrics }: AppOptions): Hono<Env> {
  const app = new Hono<Env>()
  app.use(counted(metrics), guarded, onlyLocalhost)
  app.get('/sidecar/metrics', async c => {
    allowLoopbackOrigins(c)
    return c.body(await metrics.text(), 200, {
      'content-type': metrics.contentType,
      'cache-control': 'no-store',
    })
  })
  app.route('/', proxyRoutes())
  app.all('/sidecar/*', c => c.text('no such address in the sidecar\n', 404))
  for (const path of ['/api/v1/*', '/metrics', '/federate']) app.all(path, engineIsElsewhere)
  app.use(revalidated, serveStatic({ root }))
  app.notFound(c => c.text('not found; npm run build makes the page\n', 404))
  return app
}

function counted(metrics: SidecarMetrics): AnyHandler<Env> {
  return async (c, next) => {
    const start = performance.now()
    await next()
    metrics.observe(handlerOf(c.req.path), c.res.status, (performance.now() - start) / 1000)
  }
}

const handlers = ['/proxy', '/sidecar/metrics', '/sidecar/session', '/sidecar/targets']

function handlerOf(path: string): string {
  if (handlers.includes(path)) return path
  if (path.startsWith('/sidecar/')) return '/sidecar/*'
  return path.startsWith('/api/v1/') ? '/api/v1/*' : 'page'
}

async function guarded(c: Context, next: Next): Promise<void> {
  await next()
  // `frame-ancestors` counts in a header only.
  c.res.headers.set('content-security-policy', `${contentSecurityPolicy}; frame-ancestors 'self'`)
  c.res.headers.set('x-content-type-options', 'nosniff')
}

/** Serves one name only. A foreign name that resolves to this machine (DNS rebinding) is refused; the loopback
 *  addresses are sent to the name, because another origin would be another, empty store. */
async function onlyLocalhost(c: Context, next: Next): Promise<Response | undefined> {
  const port = c.env.incoming.socket.localPort
  const suffix = port === 80 ? '' : `:${port ?? ''}`
  const host = (c.req.header('host') ?? '').toLowerCase()
  if (host === `localhost${suffix}`) {
    await next()
    return undefined
  }
  if (host === `127.0.0.1${suffix}` || host === `[::1]${suffix}`) {
    const { pathname, search } = new URL(c.req.url)
    return c.redirect(`http://localhost${suffix}${pathname}${search}`, 307)
  }
  return c.text(`this server is http://localhost${suffix}, not '${host}'\n`, 421)
}

/** A page of this machine (another port, a development server) may read the answer; no other site may. */
function allowLoopbackOrigins(c: Context): void {
  c.header('vary', 'Origin')
  const origin = c.req.header('origin')
  if (origin !== undefined && /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin))
    c.header('access-control-allow-origin', origin)
}

/** The engine lives in the browser, where its Service Worker answers these addresses. */
function engineIsElsewhere(c: Context): Response {
  const error = 'the engine runs in the browser: open the page, and its Service Worker answers there'
  return c.json({ status: 'error', errorType: 'unavailable', error }, 503)
}

/** Names with a hash may be kept for ever; whatever keeps its name (index.html, engine.js, service-worker.js)
 *  must be asked for again, or a new release would meet an old one. */
async function revalidated(c: Context, next: Next): Promise<void> {
  await next()
  const hashed = c.res.status === 200 && /^\/assets\/.+-[\w-]{8}\.\w+$/.test(c.req.path)
  c.res.headers.set('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
}
