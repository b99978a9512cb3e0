import { Hono } from 'hono'
import type { InstantAnswer, RangeAnswer } from '../model/answers.ts'
import { QueryError, type QueryErrorType } from '../model/errors.ts'
import { errorJson, seriesJson, successJson, textsJson } from './json.ts'
import {
  durationParam,
  labelNameParam,
  limitParam,
  lookbackParam,
  ParamError,
  statsParam,
  type StatsParam,
  paramsOf,
  timeoutParam,
  timeParam,
} from './params.ts'
import type { EngineService, LabelQuery } from './service.ts'

/** More points than this in a row are refused, as Prometheus does. */
const maxPoints = 11_000

/** The HTTP API: a `Request` in, a `Response` out, on paths relative to the engine's root. The Service Worker, the
 *  Node host and the tests call the same object. Behaviour after upstream's `web/api/v1/api.go`.
 *  @param now wall clock in milliseconds, for a query without a time */
export function apiRoutes(engine: EngineService, now: () => number): (request: Request) => Promise<Response> {
  const app = new Hono()

  app.on(['GET', 'POST'], '/api/v1/query', async ({ req }) => {
    const params = await paramsOf(req.raw)
    const limit = limitParam(params)
    const query = { time: timeParam(params, 'time', now()), ...evaluationOf(params) }
    return answered(await blaming('query', engine.query(query, req.raw.signal)), limit, statsParam(params))
  })

  app.on(['GET', 'POST'], '/api/v1/query_range', async ({ req }) => {
    const params = await paramsOf(req.raw)
    const limit = limitParam(params)
    const query = { ...rangeOf(params), ...evaluationOf(params) }
    return answered(
      await blaming('query', engine.queryRange(query, req.raw.signal)),
      limit,
      statsParam(params),
    )
  })

  app.on(['GET', 'POST'], '/api/v1/series', async ({ req }) => {
    const params = await paramsOf(req.raw)
    if (!params.has('match[]')) throw new ParamError('no match[] parameter provided')
    const { limit, query } = labelQueryOf(params)
    return listed(await blaming('match[]', engine.series(query)), limit, seriesJson)
  })

  app.on(['GET', 'POST'], '/api/v1/labels', async ({ req }) => {
    const { limit, query } = labelQueryOf(await paramsOf(req.raw))
    return listed(await engine.labelNames(query), limit, textsJson)
  })

  app.get('/api/v1/label/:name/values', async ({ req }) => {
    const { pathname, searchParams } = new URL(req.url)
    const name = labelNameParam(pathname.split('/').at(-2) ?? '')
    const { limit, query } = labelQueryOf(searchParams)
    return listed(await engine.labelValues(name, query), limit, textsJson)
  })

  app.get('/metrics', async () => {
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
    return new Response(await engine.metrics(), { headers })
  })

  app.notFound(({ req }) => failed('not_found', `no such path: ${req.path}`))
  app.onError(error => failure(error))
  return async request => app.fetch(request)
}

/** What a query of either kind has. */
function evaluationOf(params: URLSearchParams) {
  const timeoutMs = timeoutParam(params)
  const lookbackMs = lookbackParam(params)
  return {
    expr: params.get('query') ?? '',
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(lookbackMs !== undefined && { lookbackMs }),
    ...(statsParam(params).perStep && { statistics: { perStep: true } }),
  }
}

function rangeOf(params: URLSearchParams) {
  const start = timeParam(params, 'start')
  const end = timeParam(params, 'end')
  if (end < start)
    throw new ParamError('invalid parameter "end": end timestamp must not be before start time')
  const step = Math.trunc(durationParam(params, 'step'))
  if (step <= 0) {
    throw new ParamError(
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    )
  }
  if (Math.trunc((end - start) / step) > maxPoints) {
    throw new ParamError(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    )
  }
  return { start, end, step }
}

/** One more than the limit is asked for, which tells whether the limit cuts anything off. */
function labelQueryOf(params: URLSearchParams): { limit: number; query: LabelQuery & { match: string[] } } {
  const limit = limitParam(params)
  const query = {
    match: params.getAll('match[]'),
    start: timeParam(params, 'start', -Infinity),
    end: timeParam(params, 'end', Infinity),
    limit: limit === 0 ? 0 : limit + 1,
  }
  return { limit, query }
}

/** Upstream names the parameter of an expression that is at fault, except where labels are asked for. */
async function blaming<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof QueryError) || error.type !== 'bad_data') throw error
    throw new ParamError(`invalid parameter "${name}": ${error.message}`)
  }
}

const cut = 'results truncated due to limit'

/** @param limit how many series are sent at most; 0 is no limit */
function answered(
  answer: InstantAnswer | RangeAnswer,
  limit: number,
  { wanted, warnings }: StatsParam,
): Response {
  const isCut = 'labels' in answer && limit > 0 && answer.labels.length > limit
  const kept = isCut ? { ...answer, labels: answer.labels.slice(0, limit) } : answer
  const more = isCut ? [cut, ...warnings] : warnings
  return streamed(successJson({ ...kept, warnings: [...kept.warnings, ...more] }, { stats: wanted }))
}

function listed<T>(
  all: readonly T[],
  limit: number,
  write: (all: readonly T[], warnings: readonly string[]) => Generator<string, void>,
): Response {
  const isCut = limit > 0 && all.length > limit
  return streamed(isCut ? write(all.slice(0, limit), [cut]) : write(all, []))
}

function streamed(pieces: Generator<string, void>): Response {
  const utf8 = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.next()
      if (piece.done) controller.close()
      else controller.enqueue(utf8.encode(piece.value))
    },
  })
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

const statusOf: Record<QueryErrorType | 'not_found', number> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  unavailable: 500,
  not_found: 404,
}

function failure(error: Error): Response {
  if (error instanceof ParamError) return failed('bad_data', error.message)
  return failed(error instanceof QueryError ? error.type : 'internal', error.message)
}

function failed(type: keyof typeof statusOf, message: string): Response {
  const headers = { 'content-type': 'application/json' }
  return new Response(errorJson(type, message), { status: statusOf[type], headers })
}
