import { QueryError } from '../model/errors.ts'
import type { Host } from '../model/host.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Querier, SeriesBatch, TimeRange } from '../model/store.ts'
import type { Grid } from './row.ts'

/** Longest time of work between two yields, in milliseconds of the monotonic clock. */
const turnMs = 20

/** The place where a query was when it was ended (upstream's `contextDone(ctx, …)`). */
const place = 'expression evaluation'

/** The end of a query's patience: rejects what waits when the caller aborts or the time is over. */
export class Deadline {
  private ended: QueryError | null = null
  private readonly rejections = new Set<(error: QueryError) => void>()
  private readonly release: () => void

  constructor(host: Host, timeoutMs: number, signal: AbortSignal | undefined) {
    const cancel = () => this.end(new QueryError('canceled', `query was canceled in ${place}`))
    const stopTimer = host.after(timeoutMs, () =>
      this.end(new QueryError('timeout', `query timed out in ${place}`)),
    )
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    this.release = () => {
      stopTimer()
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** @throws QueryError (`canceled`, `timeout`) when the query has ended. */
  check(): void {
    if (this.ended) throw this.ended
  }

  /** The promise's answer, unless the query ends before: a slow disk does not hold up a cancelled query. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(this.ended)
      this.rejections.add(reject)
      void promise.then(resolve, reject).then(() => this.rejections.delete(reject))
    })
  }

  close(): void {
    this.release()
  }

  private end(error: QueryError): void {
    this.ended ??= error
    for (const reject of this.rejections) reject(this.ended)
  }
}

/** One run of a query: when it is evaluated, what it may use, and what is to be said about it. */
export class Evaluation {
  readonly grid: Grid
  readonly lookbackMs: number
  /** Samples that were looked at; those in several windows count several times. */
  samples = 0
  /** Values that Prometheus would hold in memory now: its limit is about them. Rows that stream by count as if
   *  they were held. */
  held = 0
  private readonly host: Host
  private readonly querier: Querier
  private readonly deadline: Deadline
  private readonly maxSamples: number
  private readonly timeoutMs: number
  private readonly started: number
  private turn: number
  private readonly infos = new Map<string, number>()

  constructor(options: {
    grid: Grid
    lookbackMs: number
    maxSamples: number
    timeoutMs: number
    querier: Querier
    host: Host
    deadline: Deadline
  }) {
    this.grid = options.grid
    this.lookbackMs = options.lookbackMs
    this.maxSamples = options.maxSamples
    this.timeoutMs = options.timeoutMs
    this.querier = options.querier
    this.host = options.host
    this.deadline = options.deadline
    this.started = this.turn = this.host.monotonic()
  }

  /** Last time of evaluation. */
  get end(): number {
    return this.grid.start + (this.grid.steps - 1) * this.grid.step
  }

  /** Series in the order of their labels. The batches are lent until the next one is asked for. */
  async *select(matchers: readonly Matcher[], range: TimeRange): AsyncGenerator<SeriesBatch> {
    const batches = this.querier.select(matchers, range)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.deadline.race(this.translated(batches.next()))
        if (next.done) return
        yield next.value
      }
    } finally {
      await this.deadline.race(Promise.resolve(batches.return?.()))
    }
  }

  private async translated<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      throw new QueryError(
        'execution',
        `expanding series: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  /** Whether it is time to let others run. Called once a series. */
  get due(): boolean {
    return this.host.monotonic() - this.turn >= turnMs
  }

  /** Lets others run.
   *  @throws QueryError (`canceled`, `timeout`) */
  async pause(): Promise<void> {
    await this.host.yield()
    this.turn = this.host.monotonic()
    // A thread that is kept busy by others runs no timers; the clock tells.
    if (this.turn - this.started > this.timeoutMs)
      throw new QueryError('timeout', `query timed out in ${place}`)
    this.deadline.check()
  }

  /** Says how many values there are at once.
   *  @throws QueryError (`execution`) when they are too many. */
  limit(values: number): void {
    if (values <= this.maxSamples) return
    const what = 'query processing would load too many samples into memory in query execution'
    throw new QueryError('execution', what)
  }

  /** Notes something that is no error. The same text is noted once, with its last place in the query.
   *  @param offset the place in UTF-16 units */
  inform(text: string, offset: number): void {
    this.infos.set(text, Math.max(offset, this.infos.get(text) ?? 0))
  }

  get notes(): ReadonlyMap<string, number> {
    return this.infos
  }
}
