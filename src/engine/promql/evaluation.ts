import { QueryError, type Span } from '../model/errors.ts'
import type { Host } from '../model/host.ts'
import type { Matcher } from '../model/matcher.ts'
import type { Querier, SeriesBatch, TimeRange } from '../model/store.ts'
import type { Annotation } from './annotations.ts'
import type { Deadline } from './deadline.ts'
import { Notes } from './notes.ts'
import type { Profile } from './profile.ts'
import type { Grid } from './row.ts'
import { Tally } from './tally.ts'

/** Longest time of work between two yields, in milliseconds of the monotonic clock. */
const turnMs = 20

/** How the language is to be read (upstream's `EngineOpts` and `parser.Options`). */
export interface LanguageOptions {
  /** The metric's name goes when the query is done, not when an operator takes it away: upstream's feature
   *  `promql-delayed-name-removal`. */
  readonly delayedNameRemoval: boolean
  /** `__type__` and `__unit__` say what a metric is: upstream's feature `type-and-unit-labels`. */
  readonly typeAndUnitLabels: boolean
  /** Counters may tell when they began: upstream's feature `use-start-timestamps`. */
  readonly startTimestamps: boolean
  /** Distance of the steps of a subquery that does not say: upstream takes the global evaluation interval. */
  readonly subqueryStepMs: number
}

/** What all parts of a query share. */
interface Run {
  readonly lookbackMs: number
  readonly maxSamples: number
  readonly options: LanguageOptions
  readonly querier: Querier
  readonly host: Host
  readonly deadline: Deadline
  /** Null unless somebody wants to know what each part of the expression does. */
  readonly profile: Profile | null
}

/** One run of a query: when it is evaluated, what it may use, and what is to be said about it. */
export class Evaluation {
  readonly grid: Grid
  readonly lookbackMs: number
  readonly options: LanguageOptions
  readonly notes: Notes
  readonly profile: Profile | null
  /** Samples that were looked at. */
  readonly tally: Tally
  private readonly run: Run
  private readonly progress: Progress

  /** @param perStep whether samples are counted for each step, too */
  static begin(grid: Grid, run: Run, perStep: boolean): Evaluation {
    const tally = new Tally(perStep ? new Float64Array(grid.steps) : null)
    return new Evaluation(grid, run, {
      tally,
      notes: new Notes(),
      progress: new Progress(run.host.monotonic()),
    })
  }

  private constructor(
    grid: Grid,
    run: Run,
    { tally, notes, progress }: { tally: Tally; notes: Notes; progress: Progress },
  ) {
    this.grid = grid
    this.lookbackMs = run.lookbackMs
    this.options = run.options
    this.profile = run.profile
    this.notes = notes
    this.tally = tally
    this.run = run
    this.progress = progress
  }

  /** The same run at other times: of a subquery, or of what does not depend on the step. It has a tally of its own. */
  withGrid(grid: Grid): Evaluation {
    const { notes, progress } = this
    return new Evaluation(grid, this.run, { tally: new Tally(null), notes, progress })
  }

  /** Last time of evaluation. */
  get end(): number {
    return this.grid.start + (this.grid.steps - 1) * this.grid.step
  }

  /** Values that Prometheus would hold in memory now: its limit is about them. Rows that stream by count as if
   *  they were held. */
  get held(): number {
    return this.progress.held
  }
  set held(values: number) {
    this.progress.held = values
  }

  /** The most that was held at once. */
  get peak(): number {
    return this.progress.peak
  }

  /** Series in the order of their labels. The batches are lent until the next one is asked for. */
  async *select(matchers: readonly Matcher[], range: TimeRange): AsyncGenerator<SeriesBatch> {
    const { querier, deadline } = this.run
    const batches = querier.select(matchers, range)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await deadline.race(this.translated(batches.next()))
        if (next.done) return
        yield next.value
      }
    } finally {
      await deadline.race(Promise.resolve(batches.return?.()))
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
    return this.run.host.monotonic() - this.progress.turn >= turnMs
  }

  /** Lets others run.
   *  @throws QueryError (`canceled`, `timeout`) */
  async pause(): Promise<void> {
    const { host, deadline } = this.run
    const turn = host.yield()
    await (this.profile ? this.profile.idle(turn) : turn)
    this.progress.turn = host.monotonic()
    deadline.check()
  }

  /** Says how many values there are at once.
   *  @throws QueryError (`execution`) when they are too many. */
  limit(values: number): void {
    if (values > this.progress.peak) this.progress.peak = values
    if (values <= this.run.maxSamples) return
    const what = 'query processing would load too many samples into memory in query execution'
    throw new QueryError('execution', what)
  }

  /** Notes something that is no error.
   *  @param place what it is about
   *  @param by the part of the query that noticed it */
  note(annotation: Annotation, place: Span, by = place): void {
    this.notes.add(annotation, place, by)
  }
}

/** How far a run has come. */
class Progress {
  turn: number
  held = 0
  peak = 0

  constructor(now: number) {
    this.turn = now
  }
}
