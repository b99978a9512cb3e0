import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../sidecar/app.ts'
import { contentSecurityPolicy } from '../../sidecar/csp.ts'
import { parseFlags } from '../../sidecar/flags.ts'
import { listen, PortInUseError, type Listening } from '../../sidecar/listen.ts'
import { SidecarMetrics } from '../../sidecar/metrics.ts'
import { freePort, start } from '../programs.ts'

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A request as written: `fetch` would tidy the path and refuse to lie about the host. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { host: `localhost:${port}`, ...headers },
    }
    const sent = request({ ...options, agent: false }, response => {
      let body = ''
      response.on('data', chunk => (body += String(chunk)))
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
    sent.once('error', reject).end()
  })
}

describe('the served page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-sidecar-'))
  let server: Listening

  beforeAll(async () => {
    const root = join(folder, 'dist')
    mkdirSync(join(root, 'assets'), { recursive: true })
    writeFileSync(join(folder, 'secret.txt'), 'secret')
    writeFileSync(join(root, 'index.html'), '<title>Brazier</title>')
    writeFileSync(join(root, 'engine.js'), '//')
    writeFileSync(join(root, 'assets/index-B1a_c3-Z.js'), '//')
    writeFileSync(join(root, 'manifest.webmanifest'), '{}')
    const app = createApp({ root, metrics: new SidecarMetrics('1.2.3') })
    server = await listen(getRequestListener(app.fetch), 0)
  })
  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['/', 'text/html; charset=utf-8', 'no-cache'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['/engine.js?v=17', 'text/javascript; charset=utf-8', 'no-cache'],
    ['/assets/index-B1a_c3-Z.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/manifest.webmanifest', 'application/manifest+json', 'no-cache'],
  ])('%s is served as %s, %s, under the policy', async (path, type, cache) => {
    const { status, headers } = await ask(server.port, path)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe(type)
    expect(headers['cache-control']).toBe(cache)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-security-policy']).toBe(`${contentSecurityPolicy}; frame-ancestors 'self'`)
  })

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/..\\secret.txt',
    '//etc/passwd',
    '/%00',
    '/none.js',
    '/assets',
  ])('%s leads nowhere', async path => {
    const { status, body } = await ask(server.port, path)
    expect([400, 404]).toContain(status)
    expect(body).not.toContain('secret')
  })

  test.each([
    ['localhost', 200],
    ['LOCALHOST', 200],
    ['127.0.0.1', 307],
    ['[::1]', 307],
    ['brazier.example', 421],
    ['localhost.brazier.example', 421],
    ['0.0.0.0', 421],
  ])('named %s it answers %i', async (name, status) => {
    const reply = await ask(server.port, '/?g0.expr=up', { host: `${name}:${server.port}` })
    expect(reply.status).toBe(status)
    if (status === 307) expect(reply.headers.location).toBe(`http://localhost:${server.port}/?g0.expr=up`)
  })

  test('another port in the name is another server', async () => {
    expect((await ask(server.port, '/', { host: 'localhost:1' })).status).toBe(421)
    expect((await ask(server.port, '/', { host: 'localhost' })).status).toBe(421)
  })

  test('a redirect stays here whatever the path says', async () => {
    const { headers } = await ask(server.port, '//brazier.example/x', { host: `127.0.0.1:${server.port}` })
    expect(headers.location).toBe(`http://localhost:${server.port}//brazier.example/x`)
  })

  test.each([
    ['http://localhost:5173', 'http://localhost:5173'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    ['https://brazier.example', undefined],
    ['http://localhost.brazier.example', undefined],
    ['null', undefined],
  ])('a page of %s may read its metrics: %s', async (origin, allowed) => {
    const { status, headers, body } = await ask(server.port, '/sidecar/metrics', { origin })
    expect(status).toBe(200)
    expect(headers['access-control-allow-origin']).toBe(allowed)
    expect(headers['vary']).toBe('Origin')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toContain('brazier_sidecar_build_info{version="1.2.3"')
    expect(body).toContain('process_cpu_seconds_total')
  })

  test('requests are counted by handler, never by a path of the client', async () => {
    await ask(server.port, '/no/such/path')
    const { body } = await ask(server.port, '/sidecar/metrics')
    expect(body).toMatch(/brazier_sidecar_http_requests_total\{handler="page",code="404"\} [1-9]/)
    expect(body).not.toContain('/no/such/path')
  })

  test.each(['/api/v1/query?query=up', '/metrics', '/federate'])(
    '%s says in Prometheus’s envelope that the engine is in the browser',
    async path => {
      const { status, body } = await ask(server.port, path)
      expect(status).toBe(503)
      expect(JSON.parse(body)).toMatchObject({ status: 'error', errorType: 'unavailable' })
    },
  )

  test('an address that is not the sidecar’s is none', async () => {
    expect((await ask(server.port, '/sidecar/none')).status).toBe(404)
  })
})

describe('listening', () => {
  const nothing = () => undefined

  test('a port that another program has is refused, and nothing stays open', async () => {
    const taken = createServer()
    const port = await freePort()
    await new Promise<void>(resolve => taken.listen(port, '127.0.0.1', resolve))
    await expect(listen(nothing, port)).rejects.toThrow(PortInUseError)
    await expect(listen(nothing, port)).rejects.toThrow(`port ${port} is in use`)
    taken.close()
  })

  test('closing ends kept-alive and unanswered connections', async () => {
    let asked: () => void = nothing
    const arrived = new Promise<void>(resolve => (asked = resolve))
    const server = await listen(async () => asked(), 0)
    const cut = ask(server.port, '/').catch((error: unknown) => String(error))
    await arrived
    await server.close()
    expect(await cut).toContain('socket hang up')
    await expect(ask(server.port, '/')).rejects.toThrow('ECONNREFUSED')
  })
})

describe('flags', () => {
  test.each([
    [[], { kind: 'serve', port: 9099 }],
    [['--port', '9100'], { kind: 'serve', port: 9100 }],
    [['--port=0'], { kind: 'serve', port: 0 }],
    [['--version'], { kind: 'print', text: 'brazier 1.2.3' }],
  ])('%j', (args, command) => {
    expect(parseFlags(args, '1.2.3')).toEqual(command)
  })

  test('--help names every flag', () => {
    const command = parseFlags(['--help'], '1.2.3')
    expect(command.kind).toBe('print')
    for (const flag of ['--port', '--version', '--help']) expect(JSON.stringify(command)).toContain(flag)
  })

  test.each([
    [['--port', '65536'], "--port wants a number from 0 to 65535, found '65536'"],
    [['--port', '-1'], '--port'],
    [['--port', 'http'], "found 'http'"],
    [['--port'], '--port'],
    [['--nonsense'], "'--nonsense'"],
    [['dist'], "'dist'"],
  ])('%j is refused with one line', (args, reason) => {
    const command = parseFlags(args, '1.2.3')
    expect(command).toMatchObject({ kind: 'refuse', reason: expect.stringContaining(reason) })
    expect(JSON.stringify(command)).not.toContain('\\n')
  })
})

describe('the program', () => {
  const cwd = join(import.meta.dirname, '../..')
  const run = (port: number) =>
    start(process.execPath, ['--import', 'tsx', 'sidecar/main.ts', '--port', String(port)], {
      cwd,
      ready: program => program.log().includes('(Ctrl-C ends it)'),
      timeoutMs: 120_000,
    })

  test(
    'prints its address, refuses a busy port by one line, and ends with code 0',
    { timeout: 300_000 },
    async () => {
      const port = await freePort()
      const first = await run(port)
      try {
        expect(first.log()).toBe(`Brazier is at http://localhost:${port} (Ctrl-C ends it)\n`)
        await expect(run(port)).rejects.toThrow(
          `brazier: port ${port} is in use; choose another with --port (npm start -- --port ${port + 1})\n`,
        )
        // A connection that a browser would keep must not keep the program.
        await fetch(`http://localhost:${port}/sidecar/metrics`).then(response => response.text())
      } finally {
        await first.stop()
      }
      expect(await first.ended).toBe(0)
    },
  )
})
