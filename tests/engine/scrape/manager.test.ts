import { describe, expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { ScrapeManager } from '../../../src/engine/scrape/manager.ts'
import type { SelfMetrics } from '../../../src/engine/scrape/loop.ts'
import { FakeHost } from '../../fakehost.ts'
import { Recorder } from './recorder.ts'

const start = 1_700_000_000_000
const minute = 60_000

interface Options {
  readonly selfMetrics?: SelfMetrics
  readonly bodyLimit?: number
}

/** A manager in a world that a test plays: bodies come from `body`, by URL. */
class World {
  readonly host = new FakeHost({ now: start })
  readonly store = new Recorder()
  readonly metrics = new Registry()
  readonly manager: ScrapeManager
  /** Milliseconds after the start at which requests came. */
  readonly requests: number[] = []
  body: (url: string) => string | Response | Promise<Response> = () => 'm 1\n'

  constructor(options: Options = {}) {
    const { host, metrics, store } = this
    this.manager = new ScrapeManager({ host, metrics, appender: store.appender, ...options })
    host.onFetch = url => {
      this.requests.push(host.now() - start)
      const body = this.body(url)
      return typeof body === 'string'
        ? new Response(body, { headers: { 'content-type': 'text/plain' } })
        : body
    }
    onTestFinished(() => this.manager.stop())
  }

  /** Applies jobs and lets the first scrape happen. */
  async apply(jobs: string): Promise<void> {
    this.manager.apply(parseConfig(`scrape_configs: [${jobs}]`).jobs)
    await this.host.advance(0)
  }

  /** Goes to the next slot of the only target, where the body is `body`. */
  async next(body: string | Response | (() => Response)): Promise<void> {
    this.body = typeof body === 'function' ? body : () => body
    const before = this.requests.length
    for (let i = 0; this.requests.length === before && i < 200; i++) await this.host.advance(100)
  }

  get status() {
    const [status] = this.manager.targets()
    if (!status) throw new Error('there is no target')
    return status
  }

  counter(name: string): number {
    const line = this.metrics
      .text()
      .split('\n')
      .find(text => text.startsWith(`${name} `))
    return Number(line?.split(' ')[1])
  }

  print(series: string): string {
    return this.store.print(series, start)
  }
}

const job = '{job_name: j, scrape_interval: 10s, static_configs: [{targets: [h]}]}'
const withLabels = (name: string, more = '') => `${name}{${more}instance="h", job="j"}`
const m = withLabels('m')
const up = withLabels('up')

test('a target is scraped at once and then at its slots, and the samples carry the slots’ times', async () => {
  const world = new World()
  await world.apply(job)
  await world.host.advance(minute)
  const times = world.store.samples(m).map(({ t }) => t)
  expect(times[0]).toBe(start)
  expect(times).toHaveLength(7)
  const gaps = times.slice(2).map((t, i) => t - (times[i + 1] ?? 0))
  expect(gaps).toEqual([10_000, 10_000, 10_000, 10_000, 10_000])
  expect((times[1] ?? 0) - start).toBeGreaterThanOrEqual(5000)
  expect(world.store.names).toEqual(
    [
      'm',
      'scrape_duration_seconds',
      'scrape_samples_post_metric_relabeling',
      'scrape_samples_scraped',
      'scrape_series_added',
      'up',
    ].map(name => withLabels(name)),
  )
})

test('a day of scraping makes a sample for every slot, with labels made once', async () => {
  const world = new World()
  await world.apply('{job_name: j, scrape_interval: 15s, static_configs: [{targets: [h]}]}')
  await world.host.advance(24 * 60 * minute)
  const samples = world.store.samples(m)
  expect(samples.length).toBeGreaterThanOrEqual(5760)
  expect(samples.slice(2).every(({ t }, i) => t - (samples[i + 1]?.t ?? 0) === 15_000)).toBe(true)
  expect(world.store.lookUps).toBe(6)
  expect(world.host.logs).toEqual([])
}, 120_000)

test('a late timer within 1 % of the interval does not show, a later one does', async () => {
  const world = new World()
  await world.apply(job)
  await world.next('m 1')
  const slot = world.store.samples(m).at(-1)?.t ?? 0
  await world.host.advance(9000)
  world.host.freeze(slot + 10_000 + 90 - world.host.now())
  await world.host.advance(0)
  expect(world.store.samples(m).at(-1)?.t).toBe(slot + 10_000)
  world.host.freeze(slot + 20_000 + 150 - world.host.now())
  await world.host.advance(0)
  expect(world.store.samples(m).at(-1)?.t).toBe(slot + 20_150)
  await world.host.advance(10_000)
  expect(world.store.samples(m).at(-1)?.t).toBe(slot + 30_000)
})

test('after a sleep it goes on at the next slot, and the gap stays a gap', async () => {
  const world = new World()
  await world.apply(job)
  await world.next('m 1')
  const slot = world.store.samples(m).at(-1)?.t ?? 0
  const before = world.store.samples(m).length
  world.host.freeze(8 * 60 * minute + 3000)
  await world.host.advance(0)
  expect(world.store.samples(m)).toHaveLength(before)
  await world.host.advance(10_000)
  const after = world.store.samples(m).slice(before)
  expect(after).toHaveLength(1)
  expect(((after[0]?.t ?? 0) - slot) % 10_000).toBe(0)
})

test('when the clock is set back it finds the slots again', async () => {
  const world = new World()
  await world.apply(job)
  await world.next('m 1')
  const slot = world.store.samples(m).at(-1)?.t ?? 0
  const count = world.requests.length
  world.host.jump(-60 * minute)
  await world.host.advance(30_000)
  expect(world.requests.length - count).toBeGreaterThanOrEqual(2)
  // Prometheus refuses them, too: they are older than what is there.
  expect(world.store.samples(m).at(-1)?.t).toBe(slot)
  expect(world.counter('prometheus_target_scrapes_sample_out_of_order_total')).toBeGreaterThanOrEqual(2)
})

test('a target that hangs ends at its timeout, and never has two requests at once', async () => {
  const world = new World()
  let open = 0
  let most = 0
  world.host.onFetch = (_, { signal }) => {
    most = Math.max(most, ++open)
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        open--
        reject(signal.reason as Error)
      })
    })
  }
  await world.apply(
    '{job_name: j, scrape_interval: 10s, scrape_timeout: 10s, static_configs: [{targets: [h]}]}',
  )
  await world.host.advance(5 * minute)
  expect(most).toBe(1)
  expect(world.status).toMatchObject({ health: 'down', lastScrape: { durationMs: 10_000, samples: 0 } })
  expect(world.status.lastScrape?.error).toBe('context deadline exceeded: no complete answer within 10s')
  expect(world.store.samples(up).length).toBeGreaterThan(15)
})

test('a body that stops in the middle ends at the timeout, too', async () => {
  const world = new World()
  await world.apply(job)
  await world.next(
    () => new Response(new ReadableStream({ start: stream => stream.enqueue(new Uint8Array([109])) })),
  )
  await world.host.advance(9800)
  expect(world.status.health).toBe('up')
  await world.host.advance(200)
  expect(world.status.lastScrape?.error).toMatch(/^context deadline exceeded/)
})

describe('staleness', () => {
  /** Plays bodies slot after slot and prints a series, slots numbered from 1 and the first scrape 0. */
  async function play(bodies: (string | Response)[], series: string, jobText = job): Promise<string> {
    const world = new World()
    const [first = '', ...rest] = bodies
    world.body = () => first
    await world.apply(jobText)
    for (const body of rest) await world.next(body)
    const times = world.store.samples(up).map(({ t }) => t)
    const samples = world.store.samples(series)
    return samples.map(({ t, v, stale }) => `${times.indexOf(t)}=${stale ? 'stale' : v}`).join(' ')
  }
  const down = () => new Response('', { status: 500 })
  const a = withLabels('a')
  const b = withLabels('b')
  const rows: [string, (string | Response)[], string, string][] = [
    [
      'a series that has gone ends where the scrape is',
      ['a 1\nb 1', 'b 1', 'b 1', 'a 2\nb 1'],
      a,
      '0=1 1=stale 3=2',
    ],
    ['a failed scrape ends all series, once', ['a 1', down(), down(), 'a 2'], a, '0=1 1=stale 3=2'],
    ['an answer without a byte does so, too', ['a 1', '', 'a 2'], a, '0=1 1=stale 2=2'],
    ['an answer without a sample does so, too', ['a 1', '# EOF', 'a 2'], a, '0=1 1=stale 2=2'],
    ['what a broken text still names is not ended', ['a 1\nb 1', 'a 2\n7&-', 'a 3\nb 3'], a, '0=1 2=3'],
    ['what it does not name is', ['a 1\nb 1', 'a 2\n7&-', 'a 3\nb 3'], b, '0=1 1=stale 2=3'],
    ['a broken text that names nothing ends all', ['a 1', '<html>', 'a 3'], a, '0=1 1=stale 2=3'],
    ['what only broken texts had is not ended', ['b 1', 'a 1\n7&-', 'b 1', 'b 1'], a, ''],
    ['a series with timestamps ends by itself', ['a 1 1600000000000', '', ''], a, '-1=1'],
    ['the value NaN is no end', ['a NaN', 'a 1'], a, '0=NaN 1=1'],
    ['up itself never ends by a failure', ['a 1', down(), 'a 1'], up, '0=1 1=0 2=1'],
  ]
  test.each(rows)('%s', async (_, bodies, series, expected) => {
    expect(await play(bodies, series)).toBe(expected)
  })

  test('timestamps that are not honoured end like the rest', async () => {
    const text = job.replace('job_name: j', 'job_name: j, honor_timestamps: false')
    expect(await play(['a 1 1600000000000', ''], a, text)).toBe('0=1 1=stale')
  })
})

describe('a target that is removed', () => {
  test('ends its series where the next scrape would have been, an interval later', async () => {
    const world = new World()
    await world.apply(job)
    await world.next('m 1')
    const slot = world.store.samples(m).at(-1)?.t ?? 0
    await world.apply('')
    expect(world.manager.targets()).toEqual([])
    const requests = world.requests.length
    await world.host.advance(slot + 20_990 - world.host.now())
    expect(world.store.samples(m).at(-1)?.stale).toBe(false)
    await world.host.advance(20)
    for (const series of [m, up, withLabels('scrape_series_added')]) {
      expect(world.store.samples(series).at(-1)).toEqual({ t: slot + 10_000, v: NaN, stale: true })
    }
    expect(world.requests).toHaveLength(requests)
    expect(world.host.pending).toBe(0)
  })

  test('and comes back meanwhile goes on as if nothing had been', async () => {
    const world = new World()
    world.body = () => 'm 1\ngone 1'
    await world.apply(job)
    await world.next('m 1\ngone 1')
    await world.apply('')
    await world.host.advance(2000)
    world.body = () => 'm 2'
    await world.apply(job)
    await world.host.advance(minute)
    expect(world.store.samples(m).every(({ stale }) => !stale)).toBe(true)
    expect(world.store.samples(withLabels('gone')).filter(({ stale }) => stale)).toEqual([
      { t: world.store.samples(m).find(({ v }) => v === 2)?.t, v: NaN, stale: true },
    ])
  })

  test('in the middle of a scrape leaves nothing of it', async () => {
    const world = new World()
    await world.apply(job)
    const before = world.store.samples(up).length
    world.body = () => new Promise(() => undefined)
    await world.host.advance(15_000)
    await world.apply('')
    await world.host.settle()
    expect(world.store.samples(up)).toHaveLength(before)
    await world.host.advance(minute)
    expect(world.store.samples(up).at(-1)?.stale).toBe(true)
  })

  test('before its first scrape leaves nothing at all', async () => {
    const world = new World()
    world.manager.apply(parseConfig(`scrape_configs: [${job}]`).jobs)
    world.manager.apply([])
    await world.host.advance(minute)
    expect([world.requests, world.store.names]).toEqual([[], []])
  })
})

describe('a configuration that changes', () => {
  test('leaves targets that stay alone', async () => {
    const world = new World()
    const other = job.replace('targets: [h]', 'targets: [i, h]')
    await world.apply(job)
    const [before] = world.manager.targets()
    await world.apply(other)
    expect(world.manager.targets()[1]).toEqual(before)
    await world.host.advance(minute)
    expect(world.store.samples(m).every(({ stale }) => !stale)).toBe(true)
  })

  test('with another interval goes on with the same series at other slots', async () => {
    const world = new World()
    await world.apply(job)
    await world.apply(job.replace('10s', '20s'))
    const before = world.store.samples(m).length
    await world.host.advance(minute)
    const times = world.store
      .samples(m)
      .slice(before)
      .map(({ t }) => t)
    expect(times.slice(1).map((t, i) => t - (times[i] ?? 0))).toEqual([20_000, 20_000])
    expect(world.store.lookUps).toBe(6)
    expect(world.status.intervalMs).toBe(20_000)
  })

  test('with another opinion about labels begins anew, and ends what the old one had', async () => {
    const world = new World()
    world.body = () => 'm{job="x"} 1\n'
    await world.apply(job)
    await world.apply(job.replace('job_name: j', 'job_name: j, honor_labels: true'))
    await world.host.advance(minute)
    expect(world.store.samples(withLabels('m', 'exported_job="x", ')).at(-1)?.stale).toBe(true)
    expect(world.store.samples('m{instance="h", job="x"}').at(-1)?.stale).toBe(false)
    expect(world.store.samples(up).at(-1)?.stale).toBe(false)
  })
})

test('stopping ends requests and leaves no trace, as a restart would go on', async () => {
  const world = new World()
  await world.apply(job)
  const before = world.store.samples(up).length
  world.body = () => new Promise(() => undefined)
  await world.host.advance(15_000)
  await world.manager.stop()
  await world.host.advance(minute)
  expect(world.store.samples(up)).toHaveLength(before)
  expect([...world.store.samples(m), ...world.store.samples(up)].some(({ stale }) => stale)).toBe(false)
  expect(world.host.pending).toBe(0)
})

test('stopping waits for a commit that is under way', async () => {
  const world = new World()
  let open = () => {}
  world.store.gate = new Promise(resolve => (open = resolve))
  await world.apply(job)
  let ended = false
  const stopping = world.manager.stop().then(() => (ended = true))
  await world.host.settle()
  expect(ended).toBe(false)
  open()
  await stopping
  expect(world.store.samples(up)).toHaveLength(1)
})

describe('the report', () => {
  test('counts what was there, what was kept and what is new', async () => {
    const world = new World()
    world.body = () => 'a 1\nb 1\na 1\n'
    await world.apply(job)
    await world.next('a 1\nb 1\nc 1')
    await world.next('a 1\nnope')
    await world.next('a 1\nb 1')
    const values = (name: string) => world.store.samples(withLabels(name)).map(({ v }) => v)
    expect(values('up')).toEqual([1, 1, 0, 1])
    expect(values('scrape_samples_scraped')).toEqual([3, 3, 1, 2])
    expect(values('scrape_samples_post_metric_relabeling')).toEqual([3, 3, 1, 2])
    expect(values('scrape_series_added')).toEqual([2, 1, 0, 0])
    expect(world.counter('prometheus_target_scrapes_sample_duplicate_timestamp_total')).toBe(1)
  })

  test('tells how long a scrape took', async () => {
    const world = new World()
    await world.apply(job)
    world.body = async () => {
      await new Promise<void>(resolve => world.host.after(1234, resolve))
      return new Response('m 1')
    }
    await world.host.advance(20_000)
    expect(world.store.samples(withLabels('scrape_duration_seconds'))[1]?.v).toBe(1.234)
  })

  test('says it all again to the page', async () => {
    const world = new World()
    await world.apply(job)
    expect(world.status).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      job: 'j',
      url: 'http://h/metrics',
      labels: ['instance', 'h', 'job', 'j'],
      intervalMs: 10_000,
      proxied: false,
      health: 'up',
      lastScrape: { t: start, durationMs: 0, samples: 1, error: null },
    })
  })
})

test('samples from the far future are counted and left out, and so are those the store finds too old', async () => {
  const world = new World()
  world.body = () => `a 1 ${start + 10 * minute}\nb 1 ${start + 10 * minute + 1}\n`
  await world.apply(job)
  expect(world.store.names.filter(name => /^[ab]/.test(name))).toEqual([withLabels('a')])
  expect(world.counter('prometheus_target_scrapes_sample_out_of_bounds_total')).toBe(1)
  await world.next(`a 1 ${start}`)
  expect(world.counter('prometheus_target_scrapes_sample_out_of_order_total')).toBe(1)
})

describe('a scrape fails', () => {
  const text = (body: string | null, type: string | null, status = 200) => {
    const response = new Response(body, { status, statusText: status === 404 ? 'Not Found' : '' })
    response.headers.delete('content-type')
    if (type !== null) response.headers.set('content-type', type)
    return response
  }
  const rows: [string, () => Response, string | null][] = [
    ['not with text', () => text('m 1', 'text/plain; version=0.0.4; charset=utf-8'), null],
    ['not with another text', () => text('m 1', 'Text/Other'), null],
    ['not without a type', () => text('m 1', null), null],
    ['not without a body', () => text(null, null), null],
    [
      'with another status',
      () => text('m 1', 'text/plain', 404),
      'server returned HTTP status 404 Not Found',
    ],
    ['with a redirect that was not followed', () => text(null, null, 304), 'server returned HTTP status 304'],
    [
      'with JSON',
      () => text('{}', 'application/json'),
      'received unsupported Content-Type "application/json"',
    ],
    [
      'with a page',
      () => text('<html>', 'text/html'),
      'line 1, column 1: expected a valid start token, got "<" ("INVALID") while parsing: "<"',
    ],
    [
      'with a body that is too large',
      () => text('#'.repeat(1000), 'text/plain'),
      'body size limit exceeded: want less than 1000 bytes',
    ],
  ]
  test.each(rows)('%s', async (_, response, error) => {
    const world = new World({ bodyLimit: 1000 })
    world.body = response
    await world.apply(job)
    expect(world.status.lastScrape?.error).toBe(error)
    expect(world.status.health).toBe(error === null ? 'up' : 'down')
    expect(world.print(up)).toBe(error === null ? '0=1' : '0=0')
  })

  test('when nothing can be reached, with what the platform says', async () => {
    const world = new World()
    world.body = () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
    await world.apply(job)
    expect(world.status.lastScrape?.error).toBe('fetch failed: connect ECONNREFUSED')
    await world.next('m 1')
    expect(world.status).toMatchObject({ health: 'up', lastScrape: { error: null } })
  })
})

test('a request is one that a browser sends without asking the target first', async () => {
  const world = new World()
  const headers: Record<string, string>[] = []
  world.host.onFetch = (_, init) => {
    headers.push({ ...init.headers })
    return new Response('m 1')
  }
  await world.apply(job)
  expect(Object.keys(headers[0] ?? {})).toEqual(['accept'])
  expect(headers[0]?.['accept']?.length).toBeLessThanOrEqual(128)
})

describe('a full disk', () => {
  const full = Object.assign(new Error('no space left to write wal/00000000'), { name: 'DiskFullError' })

  test('is told at the target, whose next scrape tries again', async () => {
    const world = new World()
    world.store.failure = full
    await world.apply(job)
    expect(world.status).toMatchObject({
      health: 'up',
      lastScrape: { error: 'samples were not stored: no space left to write wal/00000000' },
    })
    world.store.failure = null
    await world.next('m 2')
    expect(world.status.lastScrape?.error).toBe(null)
    expect(world.store.samples(m).map(({ v }) => v)).toEqual([2])
    expect(world.store.samples(up)).toHaveLength(1)
  })

  test('loses no end of a series', async () => {
    const world = new World()
    world.body = () => 'a 1\nb 1'
    await world.apply(job)
    world.store.failure = full
    await world.next('b 1')
    world.store.failure = null
    await world.next('b 1')
    const gone = world.store.samples(withLabels('a'))
    expect(gone.map(({ stale }) => stale)).toEqual([false, true])
    expect(gone[1]?.t).toBe(world.store.samples(up).at(-1)?.t)
  })
})

test('a store that cannot even begin is an error of the scrape, and the loop goes on', async () => {
  const world = new World()
  const appender = world.store.appender
  world.store.appender = appender
  let broken = true
  const manager = new ScrapeManager({
    host: world.host,
    metrics: new Registry(),
    appender: () => {
      if (broken) throw new Error('closed')
      return appender()
    },
  })
  onTestFinished(() => manager.stop())
  manager.apply(parseConfig(`scrape_configs: [${job}]`).jobs)
  await world.host.advance(0)
  expect(manager.targets()[0]?.lastScrape?.error).toBe('samples were not stored: closed')
  broken = false
  await world.host.advance(20_000)
  expect(manager.targets()[0]?.lastScrape?.error).toBe(null)
  expect(world.counter('prometheus_target_scrapes_sample_duplicate_timestamp_total')).toBe(0)
})

test('the engine’s own metrics do not go over the network', async () => {
  const world = new World({ selfMetrics: { url: 'http://h/metrics', text: () => 'own 5\n' } })
  await world.apply(job)
  expect(world.requests).toEqual([])
  expect(world.print(withLabels('own'))).toBe('0=5')
  expect(await world.manager.diagnose(world.status.id)).toEqual({ kind: 'readable' })
})

describe('a diagnosis', () => {
  type Answer = (mode: string | undefined) => Response | Promise<Response>
  const refused = () => Promise.reject(new TypeError('Failed to fetch'))
  const rows: [string, Answer, object][] = [
    ['finds nothing wrong', () => new Response('m 1'), { kind: 'readable' }],
    ['finds another status', () => new Response('', { status: 503 }), { kind: 'http', status: 503 }],
    [
      'finds an answer that may not be read',
      mode => (mode === 'no-cors' ? Response.error() : refused()),
      { kind: 'cors', header: 'Access-Control-Allow-Origin: *', proxy: false },
    ],
    ['finds nobody', refused, { kind: 'unreachable' }],
    ['does not wait for ever', () => new Promise<Response>(() => undefined), { kind: 'unreachable' }],
  ]
  test.each(rows)('%s', async (_, answer, expected) => {
    const world = new World()
    await world.apply(job)
    world.host.onFetch = (_url, { mode }) => answer(mode)
    const diagnosis = world.manager.diagnose(world.status.id)
    await world.host.advance(5000)
    await world.host.advance(5000)
    expect(await diagnosis).toEqual(expected)
  })

  test('of an unknown target is refused', async () => {
    await expect(new World().manager.diagnose('x')).rejects.toThrow('no target x')
  })
})

test('pools, targets and intervals are counted', async () => {
  const world = new World()
  await world.apply('{job_name: a, scrape_interval: 5s, static_configs: [{targets: [x, y]}]}, {job_name: b}')
  await world.host.advance(minute)
  await world.apply('{job_name: c, static_configs: [{targets: [x]}]}')
  const text = world.metrics.text()
  expect(text).toContain('prometheus_target_scrape_pools_total 3\n')
  expect(text).toContain('prometheus_target_scrape_pool_targets{scrape_job="a"} 0\n')
  expect(text).toContain('prometheus_target_scrape_pool_targets{scrape_job="c"} 1\n')
  expect(text).toContain('prometheus_target_scrape_pool_sync_total{scrape_job="a"} 1\n')
  expect(text).toMatch(/prometheus_target_interval_length_seconds_count\{interval="5s"\} 2\d\n/)
})
