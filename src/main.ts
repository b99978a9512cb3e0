import { mount } from 'svelte'
import type { EngineClient } from './engine/api/connection.ts'
import { connectEngine, registerServiceWorker } from './hosts/link.ts'
import App from './ui/App.svelte'

declare global {
  /** For inspection: the page's way to the engine. */
  var brazier: { readonly client: EngineClient } | undefined
}

const client = connectEngine()
globalThis.brazier = { client }
mount(App, { target: document.getElementById('app') ?? document.body, props: { client } })
// Without it the page works all the same, only not offline and without the HTTP API.
registerServiceWorker().catch((error: unknown) => console.warn('no service worker:', error))
