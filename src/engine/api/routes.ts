import { Hono } from 'hono'
import type { InstantAnswer, RangeAnswer } from '../model/answers.ts'
import { QueryError, type QueryErrorType } from '../model/errors.ts'
import { errorJson, successJson } from './json.ts'
import { durationParam, ParamError, paramsOf, timeParam } from './params.ts'
import type { EngineService } from './service.ts'

/** More points than this in a row are refused, as Prometheus does. */
const maxPoints = 11_000

/** The HTTP API: a `Request` in, a `Response` out, on paths relative to the engine's root. The Service Worker and
 *  the tests call the same object. Behaviour after upstream's `web/api/v1/api.go`.
 *  @param now wall clock in milliseconds, for a query without a time */
export function apiRoutes(engine: EngineService, now: () => number): (request: Request) => Promise<Response> {
  const app = new Hono()

  app.on(['GET', 'POST'], '/api/v1/query', async ({ req }) => {
    const params = await paramsOf(req.raw)
    const query = { expr: params.get('query') ?? '', time: timeParam(params, 'time', now()) }
    return answered(await engine.query(query, req.raw.signal))
  })

  app.on(['GET', 'POST'], '/api/v1/query_range', async ({ req }) => {
    const query = rangeOf(await paramsOf(req.raw))
    return answered(await engine.queryRange(query, req.raw.signal))
  })

  app.get('/metrics', async () => {
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
    return new Response(await engine.metrics(), { headers })
  })

  app.notFound(({ req }) => failed('not_found', `no such path: ${req.path}`))
  app.onError(error => failure(error))
  return async request => app.fetch(request)
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
  return { expr: params.get('query') ?? '', start, end, step }
}

function answered(answer: InstantAnswer | RangeAnswer): Response {
  const pieces = successJson(answer)
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
  if (!(error instanceof QueryError)) return failed('internal', error.message)
  const isText = error.type === 'bad_data'
  return failed(error.type, isText ? `invalid parameter "query": ${error.message}` : error.message)
}

function failed(type: keyof typeof statusOf, message: string): Response {
  const headers = { 'content-type': 'application/json' }
  return new Response(errorJson(type, message), { status: statusOf[type], headers })
}
