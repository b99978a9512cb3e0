import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { Found, Order } from './killedstore.ts'

/** What a store has or was told to have: the bits of values by series and time. */
export type Samples = ReadonlyMap<string, bigint>

/** The origin of a page whose worker is `killedstore.ts`, and what that tells. */
export class KilledServer {
  readonly url: string
  private readonly code: Buffer
  private readonly archive: Uint8Array
  private readonly server: ReturnType<typeof createServer>
  private samples = new Map<string, bigint>()
  private readonly acknowledged = new Map<string, Map<string, bigint>>()
  private readonly waiting = new Map<string, (body: string) => void>()
  private failed: (error: Error) => void = () => undefined

  private constructor(server: ReturnType<typeof createServer>, code: Buffer, archive: Uint8Array) {
    this.server = server
    this.code = code
    this.archive = archive
    this.url = `http://localhost:${(server.address() as AddressInfo).port}/`
    server.on('request', (request, response) => void this.answer(request, response))
  }

  /** @param archive what `archive` answers */
  static async start(archive: Uint8Array): Promise<KilledServer> {
    const code = await bundled()
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new KilledServer(server, code, archive)
  }

  /** What a store has acknowledged. */
  told(scope: string): Samples {
    return this.acknowledged.get(scope) ?? new Map()
  }

  address(order: Order): string {
    return `${this.url}?${encodeURIComponent(JSON.stringify(order))}`
  }

  /** What the store finds when it is opened the next time. */
  async found(): Promise<{ found: Found; samples: Samples }> {
    const found = JSON.parse(await this.next('found')) as Found
    return { found, samples: this.samples }
  }

  reached(): Promise<unknown> {
    return this.next('reached')
  }

  stop(): Promise<void> {
    return new Promise(resolve => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private next(what: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.waiting.set(what, resolve)
      this.failed = reject
    })
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? '/', this.url)
    const path = pathname.slice(1)
    if (request.method === 'GET') {
      this.give(path, response)
      return
    }
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
    } catch {
      // A browser that is killed does not end what it says.
      return
    }
    this.hear(path, Buffer.concat(parts), decodeURIComponent(search.slice(1)))
    response.writeHead(204).end()
  }

  private give(path: string, response: ServerResponse): void {
    if (path === '') response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    else if (path === 'store.js')
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(this.code)
    else if (path === 'archive') response.writeHead(200).end(this.archive)
    else response.writeHead(404).end()
  }

  private hear(what: string, body: Buffer, scope: string): void {
    if (what === 'told') {
      const known = this.acknowledged.get(scope) ?? new Map<string, bigint>()
      this.acknowledged.set(scope, known)
      note(known, body)
    }
    if (what === 'samples') note((this.samples = new Map<string, bigint>()), body)
    else if (what === 'failed') this.failed(new Error(body.toString()))
    else this.waiting.get(what)?.(body.toString())
  }
}

const page = `<!doctype html><title>killed</title>
<script>new Worker('store.js' + location.search, { type: 'module' })</script>`

function note(into: Map<string, bigint>, body: Buffer): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  for (let at = 0; at < body.length; at += 24)
    into.set(
      `${view.getFloat64(at, true)} ${view.getFloat64(at + 8, true)}`,
      view.getBigUint64(at + 16, true),
    )
}

async function bundled(): Promise<Buffer> {
  const outDir = mkdtempSync(join(tmpdir(), 'brazier-killed-'))
  const input = fileURLToPath(new URL('killedstore.ts', import.meta.url))
  try {
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        ...{ outDir, emptyOutDir: true, target: 'es2022', minify: false },
        rolldownOptions: { input, output: { entryFileNames: 'store.js', codeSplitting: false } },
      },
    })
    return readFileSync(join(outDir, 'store.js'))
  } finally {
    rmSync(outDir, { recursive: true, force: true })
  }
}
