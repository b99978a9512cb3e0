import type { EngineClient } from '../../engine/api/connection.ts'
import type { InstantAnswer, RangeAnswer } from '../../engine/model/answers.ts'
import type { Span } from '../../engine/model/errors.ts'
import { messageOf } from '../feed.svelte.ts'
import { drawnAtFirst, nothingHidden, toFrame, type Frame } from './frame.ts'
import { Slots } from './palette.ts'
import type { QueryParams } from './params.ts'
import { graphWindow, type GraphWindow } from './window.ts'

/** Why there is no answer. */
export interface QueryFailure {
  readonly message: string
  readonly expr: string
  /** Where in the expression; null when it cannot be told. */
  readonly span: Span | null
}

/** What was asked, whatever the time. */
type Question = Pick<QueryParams, 'expr' | 'block'>

interface GraphResult extends Question {
  readonly answer: RangeAnswer
  readonly window: GraphWindow
  /** From asking until the answer was here. */
  readonly tookMs: number
}

interface TableResult extends Question {
  readonly answer: InstantAnswer
  readonly t: number
  readonly tookMs: number
}

/** Runs queries one after the other. The last answer stays until the next one is here; it goes away only when
 *  another expression or block turns out to have none. */
export class QueryRun {
  graph = $state.raw<GraphResult | null>(null)
  table = $state.raw<TableResult | null>(null)
  problem = $state.raw<QueryFailure | null>(null)
  running = $state(false)
  /** Series that are drawn at most. */
  limit = $state(drawnAtFirst)
  /** Keys of the series that are not shown. */
  hidden = $state.raw(nothingHidden)
  private slots = new Slots()
  readonly frame: Frame | null = $derived(
    this.graph && toFrame(this.graph.answer, this.graph.window, this.limit, this.slots),
  )
  private readonly client: EngineClient
  private current: AbortController | null = null

  constructor(client: EngineClient) {
    this.client = client
  }

  /** Asks what the parameters say and ends what was being asked. Resolves when the answer or a problem is there,
   *  or another query has taken over. */
  async run(params: QueryParams, width: number): Promise<void> {
    this.current?.abort()
    const job = (this.current = new AbortController())
    if (params.expr.trim() === '') {
      this.clear()
      return
    }
    this.running = true
    try {
      await this.ask(params, width, job.signal).catch((error: unknown) => {
        // The next engine gets the same question; a second death is told.
        if (job.signal.aborted || !(error instanceof Error) || error.name !== 'EngineGoneError') throw error
        return this.ask(params, width, job.signal)
      })
    } catch (error) {
      if (!job.signal.aborted) this.fail(params, error)
    } finally {
      if (this.current === job) this.running = false
    }
  }

  /** Asks again unless an answer is still to come. */
  async refresh(params: QueryParams, width: number): Promise<void> {
    if (!this.running) await this.run(params, width)
  }

  /** The expression in Prometheus's form; null when it has none, which is a problem then. */
  async format(expr: string): Promise<string | null> {
    try {
      return await this.client.formatQuery(expr)
    } catch (error) {
      this.problem = { message: messageOf(error), expr, span: spanOf(error) }
      return null
    }
  }

  stop(): void {
    this.current?.abort()
  }

  private async ask(params: QueryParams, width: number, signal: AbortSignal): Promise<void> {
    const { expr, block, tree } = params
    const more = { ...(block !== null && { block }), ...(tree && { statistics: { perNode: true } }) }
    const asked = performance.now()
    const now = Date.now()
    if (params.tab === 'graph') {
      const window = graphWindow(params, now, width)
      const answer = await this.client.queryRange(
        { expr, start: window.start, end: window.end, step: window.step, ...more },
        signal,
      )
      if (signal.aborted) return
      if (!isAbout(this.graph, params)) this.startOver()
      this.graph = { answer, window, expr, block, tookMs: performance.now() - asked }
    } else {
      const t = params.end ?? now
      const answer = await this.client.query({ expr, time: t, ...more }, signal)
      if (signal.aborted) return
      this.table = { answer, t, expr, block, tookMs: performance.now() - asked }
    }
    this.problem = null
  }

  private fail(question: Question, error: unknown): void {
    if (!isAbout(this.graph, question)) this.graph = null
    if (!isAbout(this.table, question)) this.table = null
    this.problem = { message: messageOf(error), expr: question.expr, span: spanOf(error) }
  }

  private clear(): void {
    this.graph = this.table = this.problem = null
    this.running = false
  }

  private startOver(): void {
    this.limit = drawnAtFirst
    this.hidden = nothingHidden
    this.slots = new Slots()
  }
}

function isAbout(result: Question | null, { expr, block }: Question): boolean {
  return result?.expr === expr && result.block === block
}

function spanOf(error: unknown): Span | null {
  const span = error instanceof Error && 'span' in error ? (error.span as Span | null) : null
  return span ?? null
}
