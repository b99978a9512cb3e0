import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { openEngine, type Engine, type EngineOptions } from '../../src/engine/engine.ts'
import type { VectorAnswer } from '../../src/engine/model/answers.ts'
import { FakeHost } from '../fakehost.ts'

const selfUrl = 'http://localhost:9099/metrics'

/** An engine on a memory disk under a clock that the test moves; its network answers each URL with a text. */
async function start({ disk = new MemoryDisk(), pages = {}, ...rest }: Partial<Setup> = {}) {
  const host = rest.host ?? new FakeHost()
  host.onFetch = async url => {
    const text = pages[url]
    if (text === undefined) throw new TypeError('Failed to fetch')
    return new Response(text, { headers: { 'content-type': 'text/plain; version=0.0.4' } })
  }
  const options: EngineOptions = {
    host,
    disk,
    kind: 'test',
    version: '0.0.0',
    build: 1,
    engineId: 'test',
    selfUrl,
    sidecarUrl: null,
  }
  return { engine: await openEngine(options), host, disk }
}
interface Setup {
  disk: MemoryDisk
  host: FakeHost
  /** Texts by URL; any other address is not reached. */
  pages: Partial<Record<string, string>>
}

async function vector(engine: Engine, expr: string, time: number): Promise<VectorAnswer> {
  const answer = await engine.query({ expr, time })
  if (answer.kind !== 'vector') throw new Error(`want a vector, have ${answer.kind}`)
  return answer
}

describe('without a configuration', () => {
  test('the engine scrapes itself every five seconds', async () => {
    const { engine, host } = await start()
    await host.advance(21_000)
    const up = await vector(engine, 'up', host.now())
    expect(up.labels).toEqual([['__name__', 'up', 'instance', 'localhost:9099', 'job', 'brazier']])
    expect([...up.values]).toEqual([1])
    const rate = await vector(engine, 'rate(prometheus_tsdb_head_samples_appended_total[20s])', host.now())
    expect(rate.values[0]).toBeGreaterThan(0)
    await engine.close()
  })
})

describe('a target that the user adds', () => {
  const url = 'http://10.0.0.1:8080/metrics'
  const target = { url, job: 'app', intervalMs: 1000 }
  const pages = { [url]: 'requests_total{code="200"} 42\n' }

  test('is scraped, queried, and there after a restart with its samples', async () => {
    const first = await start({ pages })
    await first.engine.addTarget(target)
    await first.host.advance(5000)
    const before = await vector(first.engine, 'requests_total', first.host.now())
    expect([...before.values]).toEqual([42])

    const disk = first.disk.crash('process')
    const second = await start({ disk, pages, host: first.host })
    expect(await vector(second.engine, 'requests_total', first.host.now())).toMatchObject({
      labels: before.labels,
      values: before.values,
    })
    expect((await second.engine.targets()).map(one => one.url)).toContain(url)
    await second.host.advance(3000)
    const [row] = (await second.engine.targets()).filter(one => one.url === url)
    expect(row).toMatchObject({ health: 'up', lastScrape: { samples: 1, error: null } })
    await second.engine.close()
  })

  test('goes away with a stale marker', async () => {
    const { engine, host } = await start({ pages })
    await engine.addTarget(target)
    await host.advance(5000)
    const [row] = (await engine.targets()).filter(one => one.url === url)
    await engine.removeTarget(row?.id ?? '')
    await host.advance(10_000)
    expect((await vector(engine, 'requests_total', host.now())).labels).toEqual([])
    expect((await engine.targets()).map(one => one.url)).toEqual([selfUrl])
    await engine.close()
  })

  test('is asked through the sidecar when it is told so, and after a restart still', async () => {
    const { engine, disk } = await start()
    await engine.addTarget(target)
    const find = async (one: Engine) => (await one.targets()).find(row => row.url === url)
    await engine.setProxied((await find(engine))?.id ?? '', true)
    await engine.setProxied('nobody', true)
    expect(await find(engine)).toMatchObject({ proxied: true })
    await engine.close()
    const asked: string[] = []
    const host = new FakeHost()
    const second = await start({ disk, host })
    host.onFetch = address => {
      asked.push(address)
      return new Response(null, { status: 404 })
    }
    await host.advance(0)
    expect(await find(second.engine)).toMatchObject({ proxied: true, health: 'down' })
    expect(asked).toEqual(['http://localhost:9099/sidecar/session'])
    await second.engine.close()
  })

  test('that cannot be right is refused, and the configuration stays as it was', async () => {
    const { engine } = await start()
    await expect(engine.addTarget({ ...target, url: 'no url' })).rejects.toThrow()
    expect((await engine.targets()).map(one => one.url)).toEqual([selfUrl])
    await engine.addTarget(target)
    await expect(engine.addTarget({ ...target, intervalMs: 2000 })).rejects.toThrow(/app/)
    expect(await engine.targets()).toHaveLength(2)
    await engine.close()
  })
})

test('a malformed exposition fails the scrape with its place; earlier data stays', async () => {
  const url = 'http://10.0.0.1:8080/metrics'
  const pages: Record<string, string> = { [url]: 'a 1\n' }
  const { engine, host } = await start({ pages })
  await engine.addTarget({ url, job: 'app', intervalMs: 1000 })
  await host.advance(3000)
  const good = host.now()
  pages[url] = 'a 1\nb{c="d" 2\n'
  await host.advance(3000)
  const [row] = (await engine.targets()).filter(one => one.url === url)
  expect(row).toMatchObject({ health: 'down' })
  expect(row?.lastScrape?.error).toMatch(/line 2, column \d+/)
  expect([...(await vector(engine, 'up{job="app"}', host.now())).values]).toEqual([0])
  expect([...(await vector(engine, 'a', good)).values]).toEqual([1])
  await engine.close()
})

test('a full disk pauses appends with a notice, queries go on, and it recovers', async () => {
  const { engine, host, disk } = await start()
  await host.advance(11_000)
  disk.capacity = disk.used
  const full = host.now()
  await host.advance(10_000)
  expect((await engine.status()).notices).toMatchObject([{ kind: 'disk-full' }])
  expect((await vector(engine, 'up', full)).labels).toHaveLength(1)
  disk.capacity = Infinity
  await host.advance(10_000)
  expect((await engine.status()).notices).toEqual([])
  expect((await vector(engine, 'count_over_time(up[6s])', host.now())).labels).toHaveLength(1)
  await engine.close()
})

describe('the HTTP API', () => {
  async function ask(path: string, init?: RequestInit) {
    const { engine, host } = await start()
    await host.advance(12_000)
    const response = await engine.handle(new Request(`http://brazier${path}`, init))
    const text = await response.text()
    await engine.close()
    return { status: response.status, type: response.headers.get('content-type'), text, now: host.now() }
  }

  test('answers an instant query, by default for now', async () => {
    const { status, type, text, now } = await ask('/api/v1/query?query=up')
    expect([status, type]).toEqual([200, 'application/json'])
    expect(JSON.parse(text)).toEqual({
      status: 'success',
      data: {
        resultType: 'vector',
        result: [
          {
            metric: { __name__: 'up', instance: 'localhost:9099', job: 'brazier' },
            value: [now / 1000, '1'],
          },
        ],
      },
    })
  })

  test('takes a form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { text } = await ask('/api/v1/query', { method: 'POST', headers, body: 'query=1%2B1&time=1.5' })
    expect(text).toBe('{"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]}}')
  })

  test('answers a range query', async () => {
    const { text } = await ask('/api/v1/query_range?query=vector_is_no_metric&start=1&end=2&step=1s')
    expect(text).toBe('{"status":"success","data":{"resultType":"matrix","result":[]}}')
  })

  test.each([
    ['/api/v1/query?query=up&time=x', 400, 'bad_data', /invalid parameter "time".*cannot parse "x"/],
    ['/api/v1/query?query=sum(', 400, 'bad_data', /invalid parameter "query": 1:5: parse error/],
    ['/api/v1/query', 400, 'bad_data', /no expression found in input/],
    [
      '/api/v1/query_range?query=up&start=2&end=1&step=1',
      400,
      'bad_data',
      /end timestamp must not be before/,
    ],
    [
      '/api/v1/query_range?query=up&start=1&end=2&step=0',
      400,
      'bad_data',
      /zero or negative query resolution/,
    ],
    ['/api/v1/query_range?query=up&start=0&end=11001&step=1', 400, 'bad_data', /11,000 points/],
    ['/api/v1/query_range?query=up&start=0&end=1&step=x', 400, 'bad_data', /valid duration/],
    ['/api/v1/nothing', 404, 'not_found', /\/api\/v1\/nothing/],
  ])('%s is refused in the envelope', async (path, code, errorType, error) => {
    const { status, text } = await ask(path)
    expect(status).toBe(code)
    expect(JSON.parse(text)).toEqual({
      status: 'error',
      errorType,
      error: expect.stringMatching(error) as string,
    })
  })

  test('11,001 points pass, as in Prometheus', async () => {
    const { status } = await ask('/api/v1/query_range?query=up&start=0&end=11000&step=1')
    expect(status).toBe(200)
  })

  test('shows its own metrics', async () => {
    const { text } = await ask('/metrics')
    expect(text).toMatch(/^prometheus_tsdb_head_series \d+$/m)
    expect(text).toMatch(/^brazier_build_info\{version="0.0.0",revision="1",host="test"\} 1$/m)
  })
})
