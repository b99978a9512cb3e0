import { describe, expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import type { FetchInit } from '../../../src/engine/model/host.ts'
import { ScrapeManager } from '../../../src/engine/scrape/manager.ts'
import { FakeHost } from '../../fakehost.ts'
import { Recorder } from './recorder.ts'

const base = 'http://localhost:9099/a/'
const minute = 60_000
const on = '__brazier_proxy__: "true"'
const groups = (...each: string[]) => `{job_name: j, scrape_interval: 10s, static_configs: [${each.join()}]}`
const through = (...targets: string[]) => `{targets: [${targets.join()}], labels: {${on}}}`

type Bring = (url: string, init: FetchInit) => Response | Promise<Response>

/** A sidecar as the engine sees it, which can be started anew, and targets that only it can read. */
class World {
  readonly host = new FakeHost()
  readonly store = new Recorder()
  readonly manager: ScrapeManager
  /** What was asked of the sidecar, and of targets directly. */
  readonly asked: string[] = []
  readonly lists: string[][] = []
  headers: Record<string, string> = {}
  bring: Bring = () => new Response('m 1\n')
  /** Answers what is asked of the sidecar instead of it. */
  instead: ((path: string) => Response | Promise<Response>) | null = null
  direct: Bring = (_, { mode }) =>
    mode === 'no-cors' ? Response.error() : Promise.reject(new TypeError('Failed to fetch'))
  private session = 0
  private listed: string[] | null = null

  constructor() {
    const { host, store } = this
    host.onFetch = (url, init) => {
      this.asked.push(url.replace(base, '/'))
      if (!url.startsWith(base)) return this.direct(url, init)
      return this.instead?.(url.slice(base.length)) ?? this.sidecar(url.slice(base.length), init)
    }
    const { appender } = store
    this.manager = new ScrapeManager({ host, metrics: new Registry(), appender, proxyBase: base })
    onTestFinished(() => this.manager.stop())
  }

  /** The sidecar forgets everything. */
  restart(): void {
    this.listed = null
    this.session++
  }

  async apply(...each: string[]): Promise<void> {
    this.manager.apply(parseConfig(`scrape_configs: [${groups(...each)}]`).jobs)
    await this.host.advance(0)
  }

  get status() {
    const [status] = this.manager.targets()
    if (!status) throw new Error('there is no target')
    return status
  }

  /** The answer of a diagnosis, however long it takes. */
  async diagnose() {
    const diagnosis = this.manager.diagnose(this.status.id)
    for (let i = 0; i < 4; i++) await this.host.advance(5000)
    return diagnosis
  }

  private sidecar(path: string, init: FetchInit): Response | Promise<Response> {
    if (path === 'sidecar/session') return Response.json({ token: `token ${this.session}` })
    if (init.headers?.['x-brazier-token'] !== `token ${this.session}`) return failure(403, 'session', 'who?')
    if (path === 'sidecar/targets' && init.method === 'POST') {
      this.lists.push((this.listed = JSON.parse(init.body ?? '') as string[]))
      return new Response(null, { status: 204 })
    }
    const url = new URL(path, base).searchParams.get('url') ?? ''
    if (!this.listed?.includes(url)) return failure(403, 'failed', `${url} is no target`)
    this.headers = { ...init.headers }
    return this.bring(url, init)
  }
}

function failure(status: number, kind: string, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { 'x-brazier-proxy': kind } })
}

const proxyOf = (address: string) => `/proxy?url=${encodeURIComponent(`http://${address}/metrics`)}`

test('a target with the label is asked through the sidecar and keeps its name', async () => {
  const world = new World()
  await world.apply(through('h'), '{targets: [i]}')
  expect(world.asked.sort()).toEqual([
    proxyOf('h'),
    '/sidecar/session',
    '/sidecar/targets',
    'http://i/metrics',
  ])
  expect(world.lists).toEqual([['http://h/metrics']])
  expect(world.status).toMatchObject({
    url: 'http://h/metrics',
    labels: ['instance', 'h', 'job', 'j'],
    proxied: true,
    health: 'up',
  })
  expect(world.manager.targets()[1]).toMatchObject({ proxied: false, health: 'down' })
  expect(world.headers).toMatchObject({
    accept: expect.stringContaining('text/plain'),
    'x-prometheus-scrape-timeout-seconds': '10',
  })
})

test('session and list are made once', async () => {
  const world = new World()
  await world.apply(through('h', 'i'))
  await world.host.advance(5 * minute)
  expect(world.asked.filter(url => url.startsWith('/sidecar'))).toEqual([
    '/sidecar/session',
    '/sidecar/targets',
  ])
  expect(world.asked.length).toBeGreaterThan(50)
})

test('a sidecar that was started anew costs no scrape', async () => {
  const world = new World()
  await world.apply(through('h', 'i', 'k', 'l'))
  world.restart()
  await world.host.advance(minute)
  const up = world.store.samples('up{instance="h", job="j"}')
  expect(up.length).toBeGreaterThan(5)
  expect(up.every(({ v }) => v === 1)).toBe(true)
  expect(world.lists).toHaveLength(2)
  expect(world.asked.filter(url => url === '/sidecar/session')).toHaveLength(2)
})

test('one that never knows it is asked twice and not for ever', async () => {
  const world = new World()
  world.bring = () => failure(403, 'session', 'want the token')
  await world.apply(through('h'))
  expect(world.asked.filter(url => url === proxyOf('h'))).toHaveLength(2)
  expect(world.status.lastScrape?.error).toBe('through the server of this page: want the token')
})

describe('the list', () => {
  test('follows the configuration at once, to nothing when nothing is left', async () => {
    const world = new World()
    await world.apply(through('h'))
    await world.apply(through('h', 'i'))
    await world.apply('{targets: [h]}')
    expect(world.lists).toEqual([['http://h/metrics'], ['http://h/metrics', 'http://i/metrics'], []])
  })

  test('is not told where nobody is asked through the sidecar', async () => {
    const world = new World()
    await world.apply('{targets: [h]}')
    await world.host.advance(minute)
    expect(world.asked.every(url => url === 'http://h/metrics')).toBe(true)
  })

  test('that could not be told is told before the next request', async () => {
    const world = new World()
    await world.apply(through('h'))
    world.instead = () => Promise.reject(new TypeError('Failed to fetch'))
    await world.apply(through('i'))
    world.instead = null
    await world.host.advance(20_000)
    expect(world.lists).toEqual([['http://h/metrics'], ['http://i/metrics']])
    expect(world.status.health).toBe('up')
  })
})

test('a target that changes its way is asked at once, and its series go on', async () => {
  const world = new World()
  await world.apply('{targets: [h]}')
  expect(world.status).toMatchObject({ proxied: false, health: 'down' })
  await world.host.advance(10)
  await world.apply(through('h'))
  expect(world.status).toMatchObject({ proxied: true, health: 'up' })
  await world.host.advance(minute)
  await world.apply('{targets: [h]}')
  expect(world.status).toMatchObject({ proxied: false, health: 'down' })
  const up = world.store.samples('up{instance="h", job="j"}')
  expect(up.map(({ stale }) => stale)).not.toContain(true)
  expect([up[0]?.v, up[1]?.v, up.at(-1)?.v]).toEqual([0, 1, 0])
})

describe('of twenty targets', () => {
  const names = Array.from({ length: 20 }, (_, i) => `h${i}`)

  test('three are asked at a time, and all within an interval', async () => {
    const world = new World()
    let open = 0
    let most = 0
    world.bring = async () => {
      most = Math.max(most, ++open)
      await new Promise<void>(resolve => world.host.after(500, resolve))
      open--
      return new Response('m 1\n')
    }
    await world.apply(through(...names))
    await world.host.advance(5 * minute)
    expect(most).toBe(3)
    for (const name of names) {
      const up = world.store.samples(`up{instance="${name}", job="j"}`)
      expect(up.length).toBeGreaterThanOrEqual(30)
      expect(up.every(({ v }) => v === 1)).toBe(true)
    }
  })

  test('a body that is being read counts', async () => {
    const world = new World()
    let open = 0
    let most = 0
    world.bring = () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            most = Math.max(most, ++open)
            await new Promise<void>(resolve => world.host.after(500, resolve))
            controller.enqueue(new TextEncoder().encode('m 1\n'))
            controller.close()
            open--
          },
        }),
      )
    await world.apply(through(...names))
    await world.host.advance(minute)
    expect(most).toBe(3)
    expect(world.manager.targets().every(({ health }) => health === 'up')).toBe(true)
  })

  test('that all hang none holds the others up beyond its timeout, and those that waited say so', async () => {
    const world = new World()
    world.bring = () => new Promise(() => undefined)
    await world.apply(through(...names))
    await world.host.advance(10_000)
    const errors = world.manager.targets().map(({ lastScrape }) => lastScrape?.error)
    const late = 'context deadline exceeded: no complete answer within 10s'
    expect(errors.slice(0, 3)).toEqual([late, late, late])
    expect(new Set(errors.slice(3))).toEqual(
      new Set([`${late}, 10s of it spent waiting: the server of this page scrapes 3 targets at a time`]),
    )
    world.bring = () => new Response('m 1\n')
    await world.host.advance(20_000)
    expect(world.manager.targets().every(({ health }) => health === 'up')).toBe(true)
  })

  test('that wait none keeps scraping from being stopped', async () => {
    const world = new World()
    world.bring = () => new Promise(() => undefined)
    await world.apply(through(...names))
    await world.manager.stop()
    expect(world.store.names).toEqual([])
    expect(world.host.pending).toBe(0)
  })
})

describe('a failure', () => {
  const rows: [string, (world: World) => void, string, object][] = [
    [
      'of the target keeps its status',
      world => (world.bring = () => new Response('', { status: 503 })),
      'server returned HTTP status 503',
      { kind: 'http', status: 503 },
    ],
    [
      'of the target that looks like one of the sidecar is the target’s',
      world => (world.bring = () => new Response('who?', { status: 403 })),
      'server returned HTTP status 403',
      { kind: 'http', status: 403 },
    ],
    [
      'to reach the target names its address',
      world => (world.bring = () => failure(502, 'unreachable', 'connect ECONNREFUSED 127.0.0.1:9')),
      'through the server of this page: connect ECONNREFUSED 127.0.0.1:9',
      { kind: 'unreachable' },
    ],
    [
      'on the way says what it was',
      world => (world.bring = () => failure(502, 'failed', 'self-signed certificate')),
      'through the server of this page: self-signed certificate',
      { kind: 'proxy', error: 'through the server of this page: self-signed certificate' },
    ],
    [
      'to reach the sidecar says so',
      world => (world.instead = () => Promise.reject(new TypeError('Failed to fetch'))),
      'the server of this page does not answer: Failed to fetch',
      { kind: 'proxy', error: 'the server of this page does not answer: Failed to fetch' },
    ],
    ...[
      () => new Response('not found', { status: 404 }),
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      () => Response.json({ token: 5 }),
      () => Response.json(null),
    ].map((answer): [string, (world: World) => void, string, object] => {
      const error = 'the server of this page reads no targets for it: npm start has one that does'
      const is = (world: World) => (world.instead = answer)
      return ['to find a sidecar says what has one', is, error, { kind: 'proxy', error }]
    }),
    [
      'to answer ends in time',
      world => (world.bring = () => new Promise(() => undefined)),
      'context deadline exceeded: no complete answer within 10s',
      { kind: 'unreachable' },
    ],
  ]
  test.each(rows)('%s', async (_, prepare, error, diagnosis) => {
    const world = new World()
    prepare(world)
    await world.apply(through('h'))
    await world.host.advance(10_000)
    expect(world.status.lastScrape?.error).toBe(error)
    expect(world.status.health).toBe('down')
    expect(await world.diagnose()).toEqual(diagnosis)
  })

  test('is none when the target is read', async () => {
    const world = new World()
    await world.apply(through('h'))
    expect(await world.diagnose()).toEqual({ kind: 'readable' })
  })
})

describe('for a target that no page may read', () => {
  const cors = { kind: 'cors', header: 'Access-Control-Allow-Origin: *' }

  test('the sidecar is found, even one that was started later', async () => {
    const world = new World()
    world.instead = () => Promise.reject(new TypeError('Failed to fetch'))
    await world.apply('{targets: [h]}')
    expect(await world.diagnose()).toEqual({ ...cors, proxy: false })
    world.instead = null
    expect(await world.diagnose()).toEqual({ ...cors, proxy: true })
  })

  test.each([
    () => new Response('<html>'),
    () => new Response('not found', { status: 404 }),
    () => new Promise<Response>(() => undefined),
  ])('a static host is not taken for one', async answer => {
    const world = new World()
    world.instead = answer
    await world.apply('{targets: [h]}')
    expect(await world.diagnose()).toEqual({ ...cors, proxy: false })
  })
})

test('where there is no page every target is asked straight', async () => {
  const world = new World()
  const { host, store } = world
  const manager = new ScrapeManager({ host, metrics: new Registry(), appender: store.appender })
  onTestFinished(() => manager.stop())
  world.direct = () => new Response('m 1\n')
  manager.apply(parseConfig(`scrape_configs: [${groups(through('h'))}]`).jobs)
  await host.advance(0)
  expect(world.asked).toEqual(['http://h/metrics'])
  expect(manager.targets()[0]).toMatchObject({ proxied: true, health: 'up' })
})
