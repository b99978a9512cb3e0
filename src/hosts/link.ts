import engineUrl from '../../sw/shared-worker.ts?sharedworker&url'
import type { EngineClient } from '../engine/api/connection.ts'
import { Client } from './client.ts'
import { namesFor } from './names.ts'
import { DedicatedStarter, SharedStarter } from './starters.ts'

const updateWithinMs = 5000

/** Ties the page to the engine of its folder, and starts one when there is none. Returns at once; calls wait until
 *  an engine is there. `?host=dedicated` hosts it as in a browser without SharedWorker. */
export function connectEngine(): EngineClient {
  const names = namesFor(base().pathname)
  // Vite's dev server does not transform a worker whose URL has a further query.
  const url = import.meta.env.DEV ? engineUrl : `${engineUrl}?v=${__BUILD__}`
  const dedicated = new URLSearchParams(location.search).get('host') === 'dedicated'
  const Starter = dedicated || !('SharedWorker' in globalThis) ? DedicatedStarter : SharedStarter
  const client = new Client({ names, starter: events => new Starter(url, names, events), reload: reloadAnew })
  window.addEventListener('pagehide', () => client.suspend())
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) void client.resume()
  })
  void client.resume()
  return client
}

/** Installs the Service Worker, which serves the page offline and the HTTP API.
 *
 *  A new version of it is activated as soon as it is installed, by any page, and all pages load anew. Waiting for
 *  the last page to close, as browsers do by themselves, would take for ever: the engine's worker counts as one and
 *  outlives them. Two versions of the page never run two engines: the lock sees to that. */
export async function registerServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  let controlled = serviceWorker.controller !== null
  serviceWorker.addEventListener('controllerchange', () => {
    if (controlled) location.reload()
    controlled = true
  })
  const script = new URL('service-worker.js', base())
  const registration = await serviceWorker.register(script, { updateViaCache: 'none' })
  activate(registration.waiting)
  registration.addEventListener('updatefound', () => {
    const { installing } = registration
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'installed') activate(registration.waiting)
    })
  })
}

function activate(waiting: ServiceWorker | null): void {
  waiting?.postMessage('activate')
}

/** Loads the page anew, with the newest shell that can be had. */
async function reloadAnew(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration(base())
  if (registration) {
    // Offline there is nothing newer than what the Service Worker has.
    await Promise.race([registration.update().catch(() => undefined), delay(updateWithinMs)])
    // A new one loads the page as soon as it controls it.
    if (registration.installing ?? registration.waiting) await delay(updateWithinMs)
  }
  location.reload()
}

/** The page's folder. */
function base(): URL {
  return new URL('./', document.baseURI)
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
