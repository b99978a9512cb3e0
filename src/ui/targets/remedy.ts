import type { Diagnosis } from '../../engine/api/service.ts'
import { texts } from '../texts.ts'

/** What to tell somebody whose target is down: a sentence, and perhaps text to copy. */
export interface Advice {
  readonly text: string
  readonly code?: string
}

/** What to do about a target that cannot be read. `pageOrigin` is where the page came from: over https it
 *  reaches less. */
export function adviceFor(diagnosis: Diagnosis, targetUrl: string, pageOrigin: string): Advice[] {
  const t = texts.remedy
  const url = new URL(targetUrl)
  switch (diagnosis.kind) {
    case 'cors':
      return corsAdvice(diagnosis.header, url)
    case 'proxy':
      return [{ text: t.proxy(diagnosis.error) }, { text: t.proxyAdvice }]
    case 'unreachable':
      return [
        { text: t.unreachable(url.host) },
        ...(blockedAsMixed(url, pageOrigin) ? [{ text: t.mixed }] : []),
      ]
    case 'readable':
      return [{ text: t.readable }]
    case 'http':
      return [{ text: t.status(diagnosis.status) }, ...statusAdvice(diagnosis.status, url.pathname)]
  }
}

function corsAdvice(header: string, target: URL): Advice[] {
  const t = texts.remedy
  const { name, value } = splitHeader(header)
  return [
    { text: t.cors, code: `${name}: ${value}` },
    { text: t.corsExample, code: `w.Header().Set("${name}", "${value}")` },
    { text: t.corsNginx, code: nginx(name, value, target) },
    { text: t.corsSome, code: "prometheus --web.cors.origin='.*'" },
  ]
}

function nginx(name: string, value: string, target: URL): string {
  return [
    `location ${target.pathname} {`,
    `  proxy_pass ${target.origin};`,
    `  add_header ${name} "${value}" always;`,
    '}',
  ].join('\n')
}

/** The engine names the header whole, or its value alone. */
function splitHeader(header: string): { name: string; value: string } {
  const [, name, value] = /^([A-Za-z-]+):\s*(\S.*)$/.exec(header) ?? []
  return name !== undefined && value !== undefined && !/^https?$/.test(name)
    ? { name, value }
    : { name: 'Access-Control-Allow-Origin', value: header }
}

function statusAdvice(status: number, path: string): Advice[] {
  const t = texts.remedy
  if (status === 404) return [{ text: t.status404(path) }]
  if (status === 401 || status === 403) return [{ text: t.statusDenied }]
  return status >= 500 ? [{ text: t.statusServer }] : []
}

function blockedAsMixed(target: URL, pageOrigin: string): boolean {
  return pageOrigin.startsWith('https:') && target.protocol === 'http:'
}
