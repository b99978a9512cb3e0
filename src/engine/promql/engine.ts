import type {
  InstantAnswer,
  InstantQuery,
  QueryLimits,
  QueryNotes,
  RangeAnswer,
  RangeQuery,
  ScalarAnswer,
  VectorAnswer,
} from '../model/answers.ts'
import { QueryError } from '../model/errors.ts'
import type { Host } from '../model/host.ts'
import type { Querier } from '../model/store.ts'
import type { Metric, Registry, Summary } from '../metrics/registry.ts'
import { unwrap, type Expr } from './ast.ts'
import { evaluate } from './evaluate.ts'
import { Deadline, Evaluation } from './evaluation.ts'
import { parse } from './parser.ts'
import { position } from './position.ts'
import { MatrixBuilder, SamplesBuilder, VectorBuilder } from './results.ts'
import type { Grid } from './row.ts'
import { selectRange } from './selectors.ts'
import { documented, typeOf } from './types.ts'

export interface QueryEngineOptions {
  /** Called once a query: the querier sees one state of the store, or the one block that the query names.
   *  Throws QueryError when there is no such block. */
  readonly querier: (block?: string) => Querier
  readonly host: Host
  readonly metrics: Registry
  /** How old an instant value may be; 5 minutes by default. */
  readonly lookbackMs?: number
  /** Values that a query may hold at once, counted as Prometheus counts them; 50 million by default. */
  readonly maxSamples?: number
  /** 2 minutes by default. */
  readonly timeoutMs?: number
}

/** How many infos an answer carries; the rest is counted (`web/api/v1`). */
const maxNotes = 10

/** Evaluates PromQL (upstream's `promql.Engine`). Queries run one beside the other and yield to each other. */
export class QueryEngine {
  private readonly options: Required<QueryEngineOptions>
  private readonly running: Metric
  private readonly samples: Metric
  private readonly durations: Summary

  constructor(options: QueryEngineOptions) {
    this.options = { lookbackMs: 300_000, maxSamples: 50_000_000, timeoutMs: 120_000, ...options }
    const { metrics } = options
    const running = 'The current number of queries being executed or waiting.'
    this.running = metrics.gauge('prometheus_engine_queries', running)
    const samples =
      'The total number of samples loaded by all queries (full window per step for range-vector).'
    this.samples = metrics.counter('prometheus_engine_query_samples_total', samples)
    const durations = 'prometheus_engine_query_duration_seconds'
    this.durations = metrics.summary(durations, 'Query timings', ['slice'])
  }

  /** Evaluates at one time. Any type of expression will do.
   *  @throws QueryError */
  async instant(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer> {
    const grid = { start: query.time, step: 1, steps: 1 }
    const expr = this.parse(query.expr)
    return this.run(query, grid, signal, evaluation => this.evaluateInstant(expr, evaluation))
  }

  private async evaluateInstant(expr: Expr, query: Evaluation): Promise<Unnoted<InstantAnswer>> {
    const t = query.grid.start
    const inner = unwrap(expr)
    if (inner.kind === 'string') return { kind: 'string', t, value: inner.value }
    if (inner.kind === 'matrixSelector') {
      const samples = new SamplesBuilder()
      await selectRange(inner, query, (labels, columns) => samples.add(labels, columns))
      return samples.finish()
    }
    const vector = new VectorBuilder()
    await evaluate(inner, query, row => vector.add(row))
    const answer: Unnoted<VectorAnswer> = { t, ...vector.finish() }
    if (typeOf(inner) !== 'scalar') return answer
    const scalar: Unnoted<ScalarAnswer> = { kind: 'scalar', t, value: answer.values[0] as number }
    return scalar
  }

  /** Evaluates at start, start + step, … while ≤ end. How many steps are too many is the caller's business, as
   *  long as `maxSamples` is not.
   *  @throws QueryError; `bad_data` when the expression is no scalar or instant vector */
  async range(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer> {
    const { start, end, step } = query
    if (!(step > 0)) {
      const wanted = 'zero or negative query resolution step widths are not accepted. Try a positive integer'
      throw new QueryError('bad_data', wanted)
    }
    const expr = this.parse(query.expr)
    const type = typeOf(expr)
    if (type !== 'scalar' && type !== 'vector') {
      const wanted = 'for range query, must be Scalar or instant Vector'
      throw new QueryError('bad_data', `invalid expression type "${documented(type)}" ${wanted}`, expr.span)
    }
    const grid = { start, step, steps: end < start ? 0 : Math.floor((end - start) / step) + 1 }
    return this.run(query, grid, signal, async evaluation => {
      evaluation.limit(grid.steps)
      const matrix = new MatrixBuilder(grid)
      if (grid.steps > 0) await evaluate(expr, evaluation, row => matrix.add(row))
      return this.timed('result_sort', () => matrix.finish())
    })
  }

  private parse(expr: string): Expr {
    return this.timed('prepare_time', () => parse(expr))
  }

  private async run<A>(
    query: QueryLimits & { readonly expr: string; readonly block?: string },
    grid: Grid,
    signal: AbortSignal | undefined,
    evaluateIt: (evaluation: Evaluation) => Promise<A>,
  ): Promise<A & QueryNotes> {
    const { host, querier, maxSamples } = this.options
    const lookbackMs = query.lookbackMs ?? this.options.lookbackMs
    const timeoutMs = Math.min(query.timeoutMs ?? Infinity, this.options.timeoutMs)
    const started = host.monotonic()
    const source = querier(query.block)
    const deadline = new Deadline(host, timeoutMs, signal)
    const limits = { lookbackMs, maxSamples, timeoutMs }
    const evaluation = new Evaluation({ grid, ...limits, querier: source, host, deadline })
    this.running.inc()
    try {
      deadline.check()
      const answer = await evaluateIt(evaluation)
      deadline.check()
      const seconds = (host.monotonic() - started) / 1000
      const stats = { samples: evaluation.samples, seconds }
      return { ...answer, warnings: [], infos: noteTexts(evaluation.notes, query.expr), stats }
    } finally {
      deadline.close()
      source.close?.()
      this.running.inc(-1)
      this.samples.inc(evaluation.samples)
      this.durations.with('inner_eval').observe((host.monotonic() - started) / 1000)
    }
  }

  private timed<T>(slice: string, work: () => T): T {
    const started = this.options.host.monotonic()
    try {
      return work()
    } finally {
      this.durations.with(slice).observe((this.options.host.monotonic() - started) / 1000)
    }
  }
}

/** An answer before it is said what was noticed on the way. */
type Unnoted<A extends QueryNotes> = A extends QueryNotes ? Omit<A, keyof QueryNotes> : never

function noteTexts(notes: ReadonlyMap<string, number>, query: string): string[] {
  const texts = [...notes].map(([text, offset]) => `${text} (${position(query, offset)})`)
  const omitted = texts.length - maxNotes
  return omitted > 0 ? [...texts.slice(0, maxNotes), `${omitted} more info annotations omitted`] : texts
}
