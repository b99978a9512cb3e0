import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listenAt, type Listening } from '../../sidecar/listen.ts'
import { createServeApp, type Handle } from '../../sidecar/serveapp.ts'
import { parseServeFlags } from '../../sidecar/serveflags.ts'
import { peer, startNodeExporter, startPrometheus, type RunningPeer } from '../peers.ts'
import { freePort } from '../programs.ts'
import { serveFromSource, startServe } from './serving.ts'

const nodeExporter = peer('prometheus-node-exporter')
const prometheus = peer('prometheus')
const root = join(import.meta.dirname, '../..')

describe('flags', () => {
  test.each([
    [['--data', 'd'], { data: 'd', address: { host: '127.0.0.1', port: 9090 }, config: null }],
    [
      ['--data=d', '--listen', 'localhost:0', '--config', 'p.yml'],
      { data: 'd', address: { host: 'localhost', port: 0 }, config: 'p.yml' },
    ],
    [
      ['--data', 'd', '--listen', '[::1]:80'],
      { data: 'd', address: { host: '::1', port: 80 }, config: null },
    ],
    [
      ['--data', 'd', '--listen', '0.0.0.0:80'],
      { data: 'd', address: { host: '0.0.0.0', port: 80 }, config: null },
    ],
  ])('%j', (args, command) => {
    expect(parseServeFlags(args, '1.2.3')).toEqual({ kind: 'serve', ...command })
  })

  test('--help names every flag, --version the version', () => {
    const help = JSON.stringify(parseServeFlags(['--help'], '1.2.3'))
    for (const flag of ['--data', '--listen', '--config', '--version', '--help']) expect(help).toContain(flag)
    expect(parseServeFlags(['--version'], '1.2.3')).toEqual({ kind: 'print', text: 'brazier 1.2.3' })
  })

  test.each([
    [[], 'want --data DIR'],
    [['--data', ''], 'want --data DIR'],
    [['--data', 'd', '--listen', ':9090'], "found ':9090'"],
    [['--data', 'd', '--listen', '9090'], "found '9090'"],
    [['--data', 'd', '--listen', '127.0.0.1:65536'], "found '127.0.0.1:65536'"],
    [['--data', 'd', '--listen', '::1:80'], "found '::1:80'"],
    [['--data', 'd', '--listen', '[localhost]:80'], "found '[localhost]:80'"],
    [['--data', 'd', '--listen', 'http://localhost:80'], "found 'http://localhost:80'"],
    [['--data', 'd', '--config', ''], '--config wants a file'],
    [['--data', 'd', '--nonsense'], "'--nonsense'"],
    [['d'], "'d'"],
  ])('%j is refused with one line', (args, reason) => {
    const command = parseServeFlags(args, '1.2.3')
    expect(command).toMatchObject({ kind: 'refuse', reason: expect.stringContaining(reason) })
    expect(JSON.stringify(command)).not.toContain('\\n')
  })
})

describe('what is answered', () => {
  let opened = false
  let local: Listening
  let open: Listening
  const echo: Handle = async asked => new Response(`${asked.method} ${(await asked.text()).length}`)

  beforeAll(async () => {
    const listening = (loopback: boolean) => {
      const app = createServeApp({ handle: () => (opened ? echo : null), loopback })
      return listenAt(getRequestListener(app.fetch), { host: '127.0.0.1', port: 0 })
    }
    local = await listening(true)
    open = await listening(false)
  })
  afterAll(() => Promise.all([local.close(), open.close()]))

  test('while the folder is being opened it is healthy and not ready', async () => {
    opened = false
    const url = `http://127.0.0.1:${local.port}`
    expect(await status(`${url}/-/healthy`)).toBe(200)
    expect(await status(`${url}/-/ready`)).toBe(503)
    const response = await fetch(`${url}/api/v1/query?query=up`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: 'error', errorType: 'unavailable' })
    opened = true
    expect(await (await fetch(`${url}/-/ready`)).text()).toBe('Brazier is Ready.\n')
    expect(await (await fetch(`${url}/api/v1/query`)).text()).toBe('GET 0')
  })

  test.each([
    ['localhost', 200],
    ['localhost:9', 200],
    ['127.0.0.1', 200],
    ['127.1.2.3', 200],
    ['[::1]:80', 200],
    ['brazier.example', 421],
    ['localhost.brazier.example', 421],
    ['127.0.0.1.brazier.example', 421],
  ])('named %s on this machine it answers %i', async (host, code) => {
    opened = true
    expect(await statusNamed(local.port, host)).toBe(code)
    expect(await statusNamed(open.port, host)).toBe(200)
  })

  test.each([
    ['http://localhost:9099', 'http://localhost:9099'],
    ['http://[::1]:9099', 'http://[::1]:9099'],
    ['https://brazier.example', null],
    ['null', null],
  ])('a page of %s may read it: %s', async (origin, allowed) => {
    opened = true
    const url = `http://127.0.0.1:${local.port}/api/v1/query`
    const response = await fetch(url, { headers: { origin } })
    await response.text()
    expect(response.headers.get('access-control-allow-origin')).toBe(allowed)
  })

  test('a form of more than 10 MiB is refused, announced or not', async () => {
    opened = true
    const url = `http://127.0.0.1:${local.port}/api/v1/query`
    const form = 'x'.repeat(10 * 1024 * 1024)
    const post = (body: BodyInit) => fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(await (await post(form)).text()).toBe(`POST ${form.length}`)
    expect((await post(`${form}x`)).status).toBe(413)
    expect((await post(new Blob([form, 'x']).stream())).status).toBe(413)
  })
})

describe.skipIf(nodeExporter.missing)(`serve, scraping ${nodeExporter.name}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-serve-'))
  const data = join(folder, 'data')
  const config = join(folder, 'prometheus.yml')
  let exporter: RunningPeer

  beforeAll(async () => {
    exporter = await startNodeExporter()
    const target = exporter.url.replace('http://', '')
    const job = `job_name: node, scrape_interval: 1s, static_configs: [{targets: ['${target}']}]`
    writeFileSync(config, `scrape_configs: [{${job}}]\n`)
  })
  afterAll(async () => {
    await exporter.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('what it scraped is there for GET and POST, after a restart, and for a real Prometheus', async () => {
    const first = await startServe('--data', data, '--config', config)
    let before
    let until
    try {
      until = await lastScrape(first.url, 3)
      before = await samplesUntil(first.url, until)
      await checkQueries(first.url, until)
    } finally {
      await first.stop()
    }
    expect(await first.ended).toBe(0)
    expect(first.log()).toBe(`Brazier answers at ${first.url} (Ctrl-C ends it)\n`)
    expect(readdirSync(data)).not.toContain('lock')
    expect(Object.keys(before).length).toBeGreaterThan(100)

    const second = await startServe('--data', data)
    let lists
    try {
      expect(await samplesUntil(second.url, until)).toEqual(before)
      lists = await listsOf(second.url)
      const again = await refused('--data', data, '--listen', '127.0.0.1:0')
      expect(again).toMatchObject({ code: 1, stdout: '' })
      expect(again.stderr).toMatch(/^brazier: want .*lock to be free, but process \d+ .*holds it\n$/)
    } finally {
      await second.stop()
    }
    expect(await second.ended).toBe(0)
    if (!prometheus.missing) expect(await throughPrometheus(data, until)).toEqual({ samples: before, lists })
  })

  /** The samples as a real Prometheus reads them from the folder, which nobody else gets meanwhile. */
  async function throughPrometheus(dataDir: string, until: number): Promise<unknown> {
    const running = await startPrometheus({ dataDir })
    try {
      expect(running.log()).not.toMatch(/repair|corrupt|level=(warn|error)/i)
      const { code, stderr } = await refused('--data', dataDir, '--listen', '127.0.0.1:0')
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /^brazier: want .* to be free, but process \d+ \(prometheus\) (holds it|writes to .*)\n$/,
      )
      return { samples: await samplesUntil(running.url, until), lists: await listsOf(running.url) }
    } finally {
      await running.stop()
    }
  }

  /** Answers that don't depend on the time. */
  function listsOf(url: string): Promise<unknown> {
    const match = { 'match[]': '{__name__=~"node_(cpu|network)_.*",job="node"}' }
    const paths = ['labels', 'label/__name__/values', 'label/mode/values']
    return Promise.all([
      ...paths.flatMap(path => [ask(url, path, {}), ask(url, path, match)]),
      ask(url, 'series', match).then(series => (series as object[]).map(entriesOf).sort()),
    ])
  }

  async function checkQueries(url: string, until: number): Promise<void> {
    const time = String(until)
    const up = await ask(url, 'query', { query: 'up', time })
    expect(up).toMatchObject({ resultType: 'vector', result: [{ value: [until, '1'] }] })
    expect(await ask(url, 'query', { query: 'up', time }, 'POST')).toEqual(up)
    const range = {
      query: 'rate(node_cpu_seconds_total[5s])',
      start: String(until - 2),
      end: time,
      step: '1',
    }
    const rates = (await ask(url, 'query_range', range)) as { result: unknown[] }
    expect(rates.result.length).toBeGreaterThan(0)
    expect(await ask(url, 'query_range', range, 'POST')).toEqual(rates)

    const match = { 'match[]': 'node_cpu_seconds_total{mode="idle",cpu="0"}' }
    const series = await ask(url, 'series', match)
    expect(series).toMatchObject([
      { __name__: 'node_cpu_seconds_total', mode: 'idle', cpu: '0', job: 'node' },
    ])
    expect(await ask(url, 'series', match, 'POST')).toEqual(series)
    expect(await ask(url, 'labels', match)).toEqual(['__name__', 'cpu', 'instance', 'job', 'mode'])
    expect(await ask(url, 'labels', match, 'POST')).toEqual(['__name__', 'cpu', 'instance', 'job', 'mode'])
    expect(await ask(url, 'label/mode/values', { 'match[]': 'node_cpu_seconds_total' })).toContain('idle')
    expect(await ask(url, 'label/__name__/values', {})).toContain('node_load1')

    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/^prometheus_tsdb_head_samples_appended_total\{type="float"\} [1-9]/m)
    expect(await status(`${url}/-/ready`)).toBe(200)
    await expect(fetch(`${url}/api/v1/nothing`).then(response => response.json())).resolves.toMatchObject({
      status: 'error',
      errorType: 'not_found',
    })
  }

  test('a client that goes away in the middle of an answer leaves no word of it', async () => {
    const program = await startServe('--data', join(folder, 'left'), '--config', config)
    try {
      await lastScrape(program.url, 1)
      const abort = new AbortController()
      const query = encodeURIComponent('{__name__=~".+"}[1h]')
      const response = await fetch(`${program.url}/api/v1/query?query=${query}`, { signal: abort.signal })
      await response.body?.getReader().read()
      abort.abort()
      expect(await status(`${program.url}/-/ready`)).toBe(200)
    } finally {
      await program.stop()
    }
    expect(program.log()).toBe(`Brazier answers at ${program.url} (Ctrl-C ends it)\n`)
  })
})

describe('serve', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-serve-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  test('refuses bad flags with code 2, and what it cannot use with code 1, in one line each', async () => {
    const port = await freePort()
    const taken = await listenAt(async () => undefined, { host: '127.0.0.1', port })
    const config = file('bad.yml', 'scrape_configs:\n- job_name: a\n  scrape_intervall: 1s\n')
    const plain = file('plain', '')
    const free = ['--listen', '127.0.0.1:0']
    try {
      const rows: [args: string[], code: number, reason: string][] = [
        [['--data', data, '--nonsense'], 2, "Unknown option '--nonsense' (--help lists the flags)"],
        [
          ['--data', data, '--config', config, ...free],
          1,
          `${config}:3:3: field scrape_intervall not found in type config.ScrapeConfig`,
        ],
        [
          ['--data', data, '--config', `${config}.no`, ...free],
          1,
          `ENOENT: no such file or directory, open '${config}.no'`,
        ],
        [['--data', plain, ...free], 1, `EEXIST: file already exists, mkdir '${plain}'`],
        [
          ['--data', data, '--listen', `127.0.0.1:${port}`],
          1,
          `port ${port} is in use; choose another with --listen`,
        ],
      ]
      const runs = await Promise.all(rows.map(([args]) => refused(...args)))
      expect(runs).toEqual(
        rows.map(([, code, reason]) => ({ code, stdout: '', stderr: `brazier: ${reason}\n` })),
      )
    } finally {
      await taken.close()
    }
  })

  test('through npm it says nothing else, and a signal to npm ends it with everything on disk', async () => {
    const port = await freePort()
    const args = ['run', '-s', 'serve', '--', '--data', data, '--listen', `127.0.0.1:${port}`]
    const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let log = ''
    for (const stream of [npm.stdout, npm.stderr]) stream.on('data', chunk => (log += String(chunk)))
    const ended = new Promise(resolve => npm.once('close', resolve))
    while (!log.includes('Ctrl-C') && npm.exitCode === null) await sleep(50)
    npm.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(log).toBe(`Brazier answers at http://127.0.0.1:${port} (Ctrl-C ends it)\n`)
    expect(readdirSync(data)).not.toContain('lock')
  })
})

/** Series as JSON → its samples. */
type Samples = Record<string, readonly (readonly [t: number, v: string])[]>

/** Everything that was scraped up to a time, seconds. */
async function samplesUntil(url: string, until: number): Promise<Samples> {
  const answer = await ask(url, 'query', { query: '{job="node"}[1h]', time: String(until) })
  const { result } = answer as { result: { metric: Record<string, string>; values: [number, string][] }[] }
  return Object.fromEntries(result.map(({ metric, values }) => [entriesOf(metric), values]))
}

function entriesOf(metric: object): string {
  return JSON.stringify(Object.entries(metric).sort())
}

/** Waits until a target has been scraped so many times; answers the time of the newest scrape, seconds. */
async function lastScrape(url: string, times: number): Promise<number> {
  for (;;) {
    const { result } = (await ask(url, 'query', { query: 'up[1h]' })) as {
      result: { values: [number, string][] }[]
    }
    const values = result[0]?.values ?? []
    const last = values.at(-1)
    if (last && values.length >= times) return last[0]
    await sleep(100)
  }
}

/** The data of an answer of the API. */
async function ask(
  url: string,
  path: string,
  params: Record<string, string>,
  method: 'GET' | 'POST' = 'GET',
): Promise<unknown> {
  const form = new URLSearchParams(params)
  const response =
    method === 'GET'
      ? await fetch(`${url}/api/v1/${path}?${form.toString()}`)
      : await fetch(`${url}/api/v1/${path}`, { method, body: form })
  const { data, error } = (await response.json()) as { data?: unknown; error?: string }
  if (error !== undefined) throw new Error(`${path} answers ${response.status}: ${error}`)
  return data
}

async function status(url: string): Promise<number> {
  const response = await fetch(url)
  await response.arrayBuffer()
  return response.status
}

/** `fetch` would not lie about the host. */
function statusNamed(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/', headers: { host }, agent: false }
    request(options, response => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
      .once('error', reject)
      .end()
  })
}

/** Runs the program to its end. */
function refused(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  // One that is not refused would stay.
  const options = { cwd: root, timeout: 120_000 }
  return new Promise(resolve => {
    const child = execFile(process.execPath, [...serveFromSource, ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}
