import type { Plugin } from 'vite'
import { contentSecurityPolicy } from '../../sidecar/csp.ts'

/** Puts the Content-Security-Policy into the built page, so that it holds on any static host. Builds only: Vite's
 *  dev server injects scripts of its own. */
export function cspMeta(): Plugin {
  return {
    name: 'brazier:csp-meta',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy },
        injectTo: 'head-prepend',
      },
    ],
  }
}
