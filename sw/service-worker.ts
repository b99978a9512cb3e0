/// <reference lib="webworker" />
// Serves the page offline and hands requests of the HTTP API to the engine. It holds no engine and no state: the
// browser ends it whenever it is idle.
import { forward } from '../src/hosts/forward.ts'
import { namesFor } from '../src/hosts/names.ts'

declare const self: ServiceWorkerGlobalScope

const base = new URL(self.registration.scope).pathname
const names = namesFor(base)
const cacheName = names.cache + __PRECACHE__.version
const page = new URL('index.html', self.registration.scope).href

self.addEventListener('install', event => event.waitUntil(precache()))
self.addEventListener('activate', event => event.waitUntil(takeOver()))

// Not unasked: src/hosts/link.ts says when and why.
self.addEventListener('message', event => {
  if (event.data === 'activate') void self.skipWaiting()
})

self.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  // Every scrape of the engine passes here as well, so what is not ours goes at once.
  if (url.origin !== self.location.origin || !url.pathname.startsWith(base)) return
  const path = `/${url.pathname.slice(base.length)}`
  if (/^\/(sidecar|proxy)(\/|$)/.test(path)) return
  if (/^\/(api\/v1\/.*|metrics|federate)$/.test(path)) {
    event.respondWith(forward(request, path + url.search, names))
  } else if (request.method === 'GET') {
    event.respondWith(shell(request, url))
  }
})

async function precache(): Promise<void> {
  const cache = await caches.open(cacheName)
  await Promise.all(
    __PRECACHE__.files.map(async file => {
      const url = new URL(file, self.registration.scope)
      const response = await fetch(url, { cache: 'reload' })
      if (!response.ok) throw new Error(`${url.href} answers ${response.status}`)
      // Browsers refuse a redirected answer for a page.
      await cache.put(url, response.redirected ? new Response(response.body, response) : response)
    }),
  )
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(names.cache) && name !== cacheName) await caches.delete(name)
  }
  // The first visit is offered the API without a reload.
  await self.clients.claim()
}

async function shell(request: Request, url: URL): Promise<Response> {
  const cached = isOurs(url) ? await cachedAnswer(request) : undefined
  return cached ?? fetch(request)
}

async function cachedAnswer(request: Request): Promise<Response | undefined> {
  const cache = await caches.open(cacheName)
  const options = { ignoreSearch: true, ignoreVary: true }
  const file = await cache.match(request, options)
  // Whatever else is opened under the page's folder is the page.
  return file ?? (request.mode === 'navigate' ? cache.match(page, options) : undefined)
}

/** A page that is newer than this Service Worker asks for an engine of its own build. */
function isOurs({ searchParams, pathname }: URL): boolean {
  const version = searchParams.get('v')
  return !pathname.endsWith('/engine.js') || version === null || version === String(__BUILD__)
}
