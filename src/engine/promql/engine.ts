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
import type { Expr } from './syntax/ast.ts'
import { evaluate } from './evaluate.ts'
import { Deadline } from './deadline.ts'
import { Evaluation, type LanguageOptions } from './evaluation.ts'
import { answeredSamples } from './functions/extendedsamples.ts'
import { finalNames, dropName } from './naming.ts'
import { parse } from './syntax/parser.ts'
import { preprocess } from './preprocess.ts'
import { Profile } from './profile.ts'
import { QueryQueue } from './queue.ts'
import { bare, eachRange } from './samples/ranges.ts'
import { MatrixBuilder, SamplesBuilder, VectorBuilder } from './results.ts'
import { Clock } from './queryclock.ts'
import type { Grid } from './row.ts'
import { Windows } from './samples/windows.ts'
import { documented, typeOf } from './syntax/types.ts'

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
  /** How many queries run at once, the others wait; 20 by default. */
  readonly maxConcurrency?: number
  /** As upstream's by default. */
  readonly language?: Partial<LanguageOptions>
}

const upstreamLanguage: LanguageOptions = {
  delayedNameRemoval: false,
  typeAndUnitLabels: false,
  startTimestamps: false,
  subqueryStepMs: 60_000,
}

/** Evaluates PromQL (upstream's `promql.Engine`). Queries run one beside the other and yield to each other; too many of
 *  them wait. */
export class QueryEngine {
  private readonly options: Required<QueryEngineOptions> & { readonly language: LanguageOptions }
  private readonly queue: QueryQueue
  private readonly running: Metric
  private readonly samples: Metric
  private readonly durations: Summary

  constructor(options: QueryEngineOptions) {
    const language = { ...upstreamLanguage, ...options.language }
    this.options = {
      ...{ lookbackMs: 300_000, maxSamples: 50_000_000, timeoutMs: 120_000, maxConcurrency: 20 },
      ...options,
      language,
    }
    const { metrics } = options
    this.queue = new QueryQueue(this.options.maxConcurrency)
    const most = 'The max number of concurrent queries.'
    metrics.gauge('prometheus_engine_queries_concurrent_max', most).set(this.queue.most)
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
    const times = { start: query.time, end: query.time, step: 0 }
    const clock = new Clock(this.options.host, this.durations)
    const expr = clock.during('prepare_time', () => preprocess(parse(query.expr), times))
    const grid = { start: query.time, step: 1, steps: 1 }
    return this.run({ query, grid, clock }, signal, evaluation => this.evaluateInstant(expr, evaluation))
  }

  private async evaluateInstant(expr: Expr, query: Evaluation): Promise<Unnoted<InstantAnswer>> {
    const t = query.grid.start
    const inner = bare(expr)
    if (inner.kind === 'string') return { kind: 'string', t, value: inner.value }
    if (inner.kind === 'matrixSelector' || inner.kind === 'subquery') {
      const samples = new SamplesBuilder()
      const windows = new Windows(query.grid, inner, query.lookbackMs)
      await eachRange(inner, windows, query, (labels, nameless, found) => {
        const slid = windows.slide(found)
        const answered = answeredSamples(found, windows)
        const count = answered === found ? slid : answered.floats.count
        // What is in a subquery has been counted already.
        if (inner.kind === 'matrixSelector') query.tally.addWindows(windows, found, slid)
        query.limit((query.held += count))
        if (count > 0) samples.add(nameless ? dropName(labels) : labels, answered)
      })
      return samples.finish()
    }
    const vector = new VectorBuilder()
    const names = finalNames(query, row => vector.add(row))
    await evaluate(expr, query, names.take)
    await names.finish()
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
    const clock = new Clock(this.options.host, this.durations)
    const expr = clock.during('prepare_time', () => preprocess(rangeExpr(query.expr), { start, end, step }))
    const grid = { start, step, steps: end < start ? 0 : Math.floor((end - start) / step) + 1 }
    return this.run({ query, grid, clock }, signal, async evaluation => {
      evaluation.limit(grid.steps)
      const matrix = new MatrixBuilder(grid)
      const names = finalNames(evaluation, row => matrix.add(row))
      if (grid.steps > 0) await evaluate(expr, evaluation, names.take)
      await names.finish()
      return clock.whileWaiting('result_sort', matrix.finish(evaluation))
    })
  }

  /** Waits for the query's turn and evaluates it. */
  private async run<A>(
    { query, grid, clock }: { query: AnyQuery; grid: Grid; clock: Clock },
    signal: AbortSignal | undefined,
    evaluateIt: (evaluation: Evaluation) => Promise<A>,
  ): Promise<A & QueryNotes> {
    const deadline = new Deadline(
      this.options.host,
      Math.min(query.timeoutMs ?? Infinity, this.options.timeoutMs),
      signal,
    )
    this.running.inc()
    try {
      await clock.whileWaiting('queue_time', this.queue.enter(deadline))
      try {
        return await this.inTurn({ query, grid, clock, deadline }, evaluateIt)
      } finally {
        this.queue.leave()
      }
    } finally {
      this.running.inc(-1)
      deadline.close()
    }
  }

  private async inTurn<A>(
    { query, grid, clock, deadline }: { query: AnyQuery; grid: Grid; clock: Clock; deadline: Deadline },
    evaluateIt: (evaluation: Evaluation) => Promise<A>,
  ): Promise<A & QueryNotes> {
    const { host, maxSamples, language } = this.options
    const { perStep = false, perNode = false } = query.statistics ?? {}
    const lookbackMs = query.lookbackMs ?? this.options.lookbackMs
    const profile = perNode ? new Profile(() => host.monotonic()) : null
    deadline.place = 'query execution'
    deadline.check()
    deadline.place = 'expression evaluation'
    const querier = this.options.querier(query.block)
    const run = { lookbackMs, maxSamples, options: language, querier, host, deadline, profile }
    const evaluation = Evaluation.begin(grid, run, perStep)
    try {
      const answer = await clock.whileWaiting('inner_eval', evaluateIt(evaluation))
      deadline.check()
      const texts = (kind: 'warning' | 'info') => evaluation.notes.texts(kind, query.expr)
      const notes = { warnings: texts('warning'), infos: texts('info') }
      return { ...answer, ...notes, stats: clock.statsOf(evaluation) }
    } finally {
      querier.close?.()
      this.samples.inc(evaluation.tally.total)
    }
  }
}

type AnyQuery = QueryLimits & { readonly expr: string; readonly block?: string }

/** @throws QueryError (`bad_data`) when it is no expression, or none that has a value at every step */
function rangeExpr(text: string): Expr {
  const expr = parse(text)
  const type = typeOf(expr)
  if (type === 'scalar' || type === 'vector') return expr
  const wanted = 'for range query, must be Scalar or instant Vector'
  throw new QueryError('bad_data', `invalid expression type "${documented(type)}" ${wanted}`, expr.span)
}

/** An answer before it is said what was noticed on the way. */
type Unnoted<A extends QueryNotes> = A extends QueryNotes ? Omit<A, keyof QueryNotes> : never
