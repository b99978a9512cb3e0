import { describe, expect, test } from 'vitest'
import { apiRoutes } from '../../../src/engine/api/routes.ts'
import type { EngineService } from '../../../src/engine/api/service.ts'
import { QueryError } from '../../../src/engine/model/errors.ts'
import { noNotes } from '../../querynotes.ts'

const now = 1_700_000_000_000
const notes = { ...noNotes, histograms: null }
const names = ['a', 'b', 'c']
const labels = names.map(name => ['__name__', 'm', 'x', name])

/** What a call was asked for. */
type Asked = readonly [method: string, ...args: readonly unknown[]]

/** The API in front of an engine that has three of everything, and notes what it is asked for. An expression or a
 *  selector `bad` is refused. */
function api() {
  const asked: Asked[] = []
  const note = (method: string, query: { expr?: string; match?: readonly string[] }, ...rest: unknown[]) => {
    asked.push([method, query, ...rest])
    if (query.expr === 'bad' || query.match?.includes('bad')) {
      throw new QueryError('bad_data', '1:1: parse error: no good')
    }
    if (query.expr === 'slow') throw new QueryError('timeout', 'query timed out in expression evaluation')
  }
  const engine: Partial<EngineService> = {
    query: async query => {
      note('query', query)
      return { kind: 'vector', t: query.time, labels, values: Float64Array.of(1, 2, 3), ...notes }
    },
    queryRange: async query => {
      note('queryRange', query)
      const { start, step } = query
      const values = Float64Array.of(1, 2, 3)
      return {
        kind: 'matrix',
        start,
        step,
        steps: 1,
        labels,
        values,
        present: Uint8Array.of(1, 1, 1),
        ...notes,
      }
    },
    series: async query => {
      note('series', query)
      return labels
    },
    labelNames: async query => {
      note('labelNames', query)
      return names
    },
    labelValues: async (name, query = {}) => {
      note('labelValues', query, name)
      return names
    },
    metrics: async () => 'up 1\n',
  }
  const handle = apiRoutes(engine as EngineService, () => now)
  const get = async (path: string) => shown(await handle(new Request(`http://localhost${path}`)))
  const post = async (path: string, form: string) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
    return shown(
      await handle(new Request(`http://localhost${path}`, { method: 'POST', headers, body: form })),
    )
  }
  return { asked, get, post }
}

async function shown(response: Response): Promise<{ status: number; body: unknown }> {
  expect(response.headers.get('content-type')).toBe('application/json')
  return { status: response.status, body: await response.json() }
}

const allTime = { start: -Infinity, end: Infinity, limit: 0 }

describe('what is asked of the engine', () => {
  test.each<[path: string, asked: Asked]>([
    ['/api/v1/query?query=up', ['query', { expr: 'up', time: now }]],
    ['/api/v1/query?query=up&time=1.5', ['query', { expr: 'up', time: 1500 }]],
    ['/api/v1/query?query=up&time=2023-11-14T22:13:20.5Z', ['query', { expr: 'up', time: now + 500 }]],
    [
      '/api/v1/query?query=up&timeout=1m&lookback_delta=30',
      ['query', { expr: 'up', time: now, timeoutMs: 60_000, lookbackMs: 30_000 }],
    ],
    ['/api/v1/query?query=up&timeout=&lookback_delta=0', ['query', { expr: 'up', time: now }]],
    ['/api/v1/query?query=up&stats=true', ['query', { expr: 'up', time: now }]],
    ['/api/v1/query?query=up&stats=all', ['query', { expr: 'up', time: now, statistics: { perStep: true } }]],
    [
      '/api/v1/query_range?query=up&start=1&end=2&step=500ms&timeout=1',
      ['queryRange', { expr: 'up', start: 1000, end: 2000, step: 500, timeoutMs: 1000 }],
    ],
    ['/api/v1/series?match[]=up', ['series', { ...allTime, match: ['up'] }]],
    [
      '/api/v1/series?match[]=up&match%5B%5D=down{a="b"}&start=1&end=2&limit=7',
      ['series', { match: ['up', 'down{a="b"}'], start: 1000, end: 2000, limit: 8 }],
    ],
    ['/api/v1/labels', ['labelNames', { ...allTime, match: [] }]],
    ['/api/v1/labels?match[]=up&start=1', ['labelNames', { ...allTime, match: ['up'], start: 1000 }]],
    [
      '/api/v1/labels?start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z',
      ['labelNames', { match: [], start: -8.64e15, end: 8.64e15, limit: 0 }],
    ],
    ['/api/v1/label/job/values', ['labelValues', { ...allTime, match: [] }, 'job']],
    [
      '/api/v1/label/__name__/values?match[]=up&limit=2',
      ['labelValues', { ...allTime, match: ['up'], limit: 3 }, '__name__'],
    ],
  ])('GET %s', async (path, asked) => {
    const one = api()
    expect(await one.get(path)).toMatchObject({ status: 200, body: { status: 'success' } })
    expect(one.asked).toEqual([asked])
  })

  test.each([
    ['', false, undefined],
    ['&stats=true', true, undefined],
    ['&stats=all', true, undefined],
    [
      '&stats=1',
      true,
      [
        'value "1" for parameter "stats" is deprecated and will be rejected in the next major release, use "true" or "all"',
      ],
    ],
  ])('a query with %j says what it cost: %s', async (param, wanted, warnings) => {
    for (const path of ['query?query=up', 'query_range?query=up&start=1&end=2&step=1']) {
      const { body } = await api().get(`/api/v1/${path}${param}`)
      const answer = body as { data: object; warnings?: string[] }
      expect('stats' in answer.data).toBe(wanted)
      expect(answer.warnings).toEqual(warnings)
    }
  })

  test('a form is read like the query, and comes before it', async () => {
    const one = api()
    await one.post('/api/v1/query?query=no&time=5', 'query=up')
    await one.post('/api/v1/query_range', 'query=up&start=0&end=10&step=5')
    await one.post('/api/v1/series?match[]=b', 'match[]=a&end=10')
    await one.post('/api/v1/labels', 'match%5B%5D=a%2Bb')
    expect(one.asked).toEqual([
      ['query', { expr: 'up', time: 5000 }],
      ['queryRange', { expr: 'up', start: 0, end: 10_000, step: 5000 }],
      ['series', { ...allTime, match: ['a', 'b'], end: 10_000 }],
      ['labelNames', { ...allTime, match: ['a+b'] }],
    ])
  })
})

describe('a label in the path', () => {
  test.each([
    ['http.status', 'http.status'],
    ['http%2Estatus', 'http.status'],
    ['a%2Fb%3Fc', 'a/b?c'],
    ['caf%C3%A9', 'café'],
    // Value-escaped, as in prometheus/common.
    ['U__http_2e_status', 'http.status'],
    ['U__a__b', 'a_b'],
    ['U____name__', '_name_'],
    ['U__a_1f525_b', 'a🔥b'],
    ['U__a_E9_', 'aé'],
    // What is not escaped properly means itself.
    ['U__a_b', 'U__a_b'],
    ['U__a_2e', 'U__a_2e'],
    ['U__a_d800_', 'U__a_d800_'],
    ['U__a_01f525_', 'U__a_01f525_'],
    ['U__', 'invalid label name: ""'],
    ['%FF', 'invalid label name: "%FF"'],
  ])('%s means %s', async (segment, meant) => {
    const one = api()
    const { status, body } = await one.get(`/api/v1/label/${segment}/values`)
    expect(status === 200 ? one.asked[0]?.[2] : (body as { error: string }).error).toBe(meant)
  })

  test('is read with GET only', async () => {
    expect(await api().post('/api/v1/label/job/values', '')).toMatchObject({ status: 404 })
  })
})

describe('answers', () => {
  const cut = 'results truncated due to limit'
  test('names and values are lists, series are objects', async () => {
    const one = api()
    const data = async (path: string) => ((await one.get(path)).body as { data: unknown }).data
    expect(await data('/api/v1/labels')).toEqual(names)
    expect(await data('/api/v1/label/x/values')).toEqual(names)
    expect(await data('/api/v1/series?match[]=m')).toEqual(names.map(x => ({ __name__: 'm', x })))
  })

  test.each([
    ['/api/v1/labels?limit=2', ['a', 'b']],
    ['/api/v1/label/x/values?limit=1', ['a']],
    ['/api/v1/series?match[]=m&limit=1', [{ __name__: 'm', x: 'a' }]],
    [
      '/api/v1/query?query=m&time=0&limit=1',
      { resultType: 'vector', result: [{ metric: { __name__: 'm', x: 'a' }, value: [0, '1'] }] },
    ],
    [
      '/api/v1/query_range?query=m&start=0&end=0&step=1&limit=1',
      { resultType: 'matrix', result: [{ metric: { __name__: 'm', x: 'a' }, values: [[0, '1']] }] },
    ],
  ])('%s is cut, and says so', async (path, data) => {
    expect(await api().get(path)).toEqual({ status: 200, body: { status: 'success', data, warnings: [cut] } })
  })

  test.each(['/api/v1/labels', '/api/v1/series?match[]=m', '/api/v1/query?query=m'])(
    '%s is whole when the limit is 0 or as large as the answer',
    async path => {
      for (const limit of ['0', '3', '%2B3', '']) {
        const { body } = await api().get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}`)
        expect(body).not.toHaveProperty('warnings')
      }
    },
  )

  test('a scalar has nothing to cut', async () => {
    const engine = { query: async () => ({ kind: 'scalar', t: 0, value: 7, ...notes }) as const }
    const handle = apiRoutes(engine as unknown as EngineService, () => now)
    const { body } = await shown(await handle(new Request('http://localhost/api/v1/query?query=7&limit=1')))
    expect(body).toEqual({ status: 'success', data: { resultType: 'scalar', result: [0, '7'] } })
  })
})

describe('refused in Prometheus’s words', () => {
  const time = (name: string) =>
    `invalid parameter "${name}": invalid time value for '${name}': cannot parse "x" to a valid timestamp`
  const limit = (problem: string) => `invalid parameter "limit": ${problem}`
  test.each([
    ['/api/v1/query?query=bad', 'invalid parameter "query": 1:1: parse error: no good'],
    ['/api/v1/query?query=up&time=x', time('time')],
    ['/api/v1/query?query=up&timeout=x', 'invalid parameter "timeout": cannot parse "x" to a valid duration'],
    [
      '/api/v1/query?query=up&lookback_delta=x',
      'error parsing lookback delta duration: cannot parse "x" to a valid duration',
    ],
    [
      '/api/v1/query_range?query=bad&start=0&end=1&step=1',
      'invalid parameter "query": 1:1: parse error: no good',
    ],
    ['/api/v1/query_range?query=up', 'invalid parameter "start": cannot parse "" to a valid timestamp'],
    [
      '/api/v1/query_range?query=up&start=2&end=1&step=1',
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      '/api/v1/query_range?query=up&start=0&end=1&step=1e10',
      'invalid parameter "step": cannot parse "1e10" to a valid duration. It overflows int64',
    ],
    ['/api/v1/series', 'no match[] parameter provided'],
    ['/api/v1/series?match=up', 'no match[] parameter provided'],
    ['/api/v1/series?match[]=bad', 'invalid parameter "match[]": 1:1: parse error: no good'],
    ['/api/v1/series?match[]=up&start=x', time('start')],
    ['/api/v1/labels?match[]=up&match[]=bad', '1:1: parse error: no good'],
    ['/api/v1/labels?end=x', time('end')],
    ['/api/v1/label/job/values?match[]=bad', '1:1: parse error: no good'],
    ['/api/v1/labels?limit=x', limit('strconv.Atoi: parsing "x": invalid syntax')],
    ['/api/v1/labels?limit=1.5', limit('strconv.Atoi: parsing "1.5": invalid syntax')],
    [
      '/api/v1/labels?limit=9999999999999999999',
      limit('strconv.Atoi: parsing "9999999999999999999": value out of range'),
    ],
    ['/api/v1/labels?limit=-1', limit('limit must be non-negative')],
    ['/api/v1/query?query=up&limit=x', limit('strconv.Atoi: parsing "x": invalid syntax')],
  ])('%s', async (path, error) => {
    expect(await api().get(path)).toEqual({
      status: 400,
      body: { status: 'error', errorType: 'bad_data', error },
    })
  })

  test('a query that takes too long is a 503', async () => {
    expect(await api().get('/api/v1/query?query=slow')).toEqual({
      status: 503,
      body: {
        status: 'error',
        errorType: 'timeout',
        error: 'query timed out in expression evaluation',
      },
    })
  })
})
