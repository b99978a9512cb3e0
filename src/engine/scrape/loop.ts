import { TextCursor } from '../exposition/text.ts'
import { formatDuration } from '../model/duration.ts'
import { SyntaxProblem } from '../model/errors.ts'
import type { Host } from '../model/host.ts'
import type { Appender } from '../model/store.ts'
import type { LastScrape, TargetStatus } from '../model/target.ts'
import { SeriesCache } from './cache.ts'
import { Ingestion, ScrapeCounts } from './ingest.ts'
import type { ScrapeMetrics } from './metrics.ts'
import type { SidecarProxy } from './proxy.ts'
import { Report } from './report.ts'
import { BodyTooLargeError, requestMetrics } from './request.ts'
import { nextStep, scheduleOf, slotAfter } from './schedule.ts'
import type { Target } from './target.ts'
import { straightWay } from './way.ts'

// Timers run in 32 bits, and a clock that is set should be noticed before long.
const longestWaitMs = 3600_000

/** Why a request ends when its loop does. */
const stopped = new Error('scraping was stopped')

/** What loops need of the engine. */
export interface Surroundings {
  readonly host: Host
  readonly appender: () => Appender
  readonly metrics: ScrapeMetrics
  /** The engine's own metrics, for the target that is the engine. */
  readonly selfMetrics: SelfMetrics | null
  /** Where there is none, every target is asked straight. */
  readonly proxy: SidecarProxy | null
  readonly bodyLimit: number
}

export interface SelfMetrics {
  readonly url: string
  readonly text: () => string
}

/** Scrapes one target for as long as it is configured: at once, and then at its slots. One scrape ends before the
 *  next one begins. */
export class ScrapeLoop {
  target: Target
  private readonly around: Surroundings
  private readonly cache: SeriesCache
  private readonly report: Report
  private ingestion: Ingestion
  /** The next slot. */
  private due = 0
  private lastStart: number | null = null
  private lastScrape: LastScrape | null = null
  private health: TargetStatus['health'] = 'unknown'
  private forgetTimer: (() => void) | null = null
  private running: Promise<void> | null = null
  private request: AbortController | null = null
  private state: 'running' | 'ending' | 'stopped' = 'stopped'

  constructor(target: Target, around: Surroundings) {
    this.target = target
    this.around = around
    this.cache = new SeriesCache(Math.floor(around.host.random() * 2 ** 32) | 0)
    this.report = new Report(target.labels)
    this.ingestion = new Ingestion(target, this.cache, around.metrics)
  }

  get status(): TargetStatus {
    const { id, job, url, labels, intervalMs, proxied } = this.target
    return { id, job, url, labels, intervalMs, proxied, health: this.health, lastScrape: this.lastScrape }
  }

  /** Scrapes now; the slots begin half an interval later at the earliest. */
  start(): void {
    this.state = 'running'
    const { host } = this.around
    this.due = slotAfter(this.schedule, host.now() + this.target.intervalMs / 2)
    this.wakeIn(0, () => this.scrape(host.now()))
  }

  /** Goes on with other settings for the same series: same labels, and the same opinion about exposed labels and
   *  timestamps. Another way to the target is tried at once. */
  update(target: Target): void {
    const sameInterval = target.intervalMs === this.target.intervalMs
    const goesOn = this.state === 'running' && target.proxied === this.target.proxied
    this.target = target
    this.ingestion = new Ingestion(target, this.cache, this.around.metrics)
    if (goesOn && sameInterval) return
    this.state = 'running'
    this.due = slotAfter(this.schedule, this.around.host.now())
    // What runs now goes on to the next slot when it is done.
    if (this.running) return
    if (goesOn) this.rest()
    else this.start()
  }

  /** Ends scraping because the target is gone. Its series end where the next scrape would have been; the markers
   *  are written an interval later, since another loop may have taken the series over by then (upstream's
   *  `endOfRunStaleness`).
   *  @param done is called after the last write */
  end(done: () => void): void {
    this.state = 'ending'
    this.cancel()
    if (this.lastStart === null) {
      done()
      return
    }
    const staleAt = this.due
    const { intervalMs } = this.target
    const wait = staleAt + intervalMs * 1.1 - this.around.host.now()
    this.wakeIn(wait, () => this.writeEnd(staleAt).finally(done))
  }

  /** Stops without a trace, as when the engine ends: after a restart the series go on. Resolves when nothing is
   *  written any more. */
  async stop(): Promise<void> {
    this.state = 'stopped'
    this.cancel()
    await this.running
  }

  private get schedule() {
    return scheduleOf(this.target.intervalMs, this.target.hash)
  }

  private cancel(): void {
    this.forgetTimer?.()
    this.forgetTimer = null
    this.request?.abort(stopped)
  }

  private wakeIn(ms: number, action: () => Promise<void>): void {
    this.forgetTimer?.()
    this.forgetTimer = this.around.host.after(Math.min(Math.max(0, ms), 2 ** 31 - 1), () => {
      this.forgetTimer = null
      this.running = action().finally(() => {
        this.running = null
        if (this.state === 'running') this.rest()
      })
    })
  }

  /** Waits for the next slot. */
  private rest(): void {
    const now = this.around.host.now()
    const step = nextStep(this.schedule, this.due, now)
    this.due = step.slot
    this.wakeIn(Math.min(step.slot - now, longestWaitMs), () => this.atSlot())
  }

  /** The timer has run out; whether that was the right moment only the clock knows. */
  private async atSlot(): Promise<void> {
    const step = nextStep(this.schedule, this.due, this.around.host.now())
    this.due = step.slot
    if (step.kind === 'wait') return
    this.due += this.target.intervalMs
    await this.scrape(step.t)
  }

  /** One scrape with everything that belongs to it. Failures end in the status. */
  private async scrape(t: number): Promise<void> {
    const { host } = this.around
    const start = host.monotonic()
    this.observeInterval(start)
    const abort = (this.request = new AbortController())
    let body: Uint8Array | null = null
    let failure: string | null = null
    try {
      body = await this.fetch(abort)
    } catch (error) {
      if (error === stopped) return
      failure = messageOf(error)
      if (error instanceof BodyTooLargeError) this.around.metrics.bodyTooLarge.inc()
    }
    // It may have been stopped in the moment in which the answer was complete.
    if (abort.signal.reason === stopped) return
    const counts = new ScrapeCounts()
    try {
      failure = await this.store(t, start, body, failure, counts)
    } catch (error) {
      failure = `samples were not stored: ${messageOf(error)}`
      host.log('warn', 'scrape commit failed', { target: this.target.url, error: messageOf(error) })
    }
    const durationMs = host.monotonic() - start
    this.lastScrape = { t, durationMs, samples: counts.scraped, error: failure }
  }

  private fetch(abort: AbortController): Promise<Uint8Array> {
    const { host, selfMetrics, proxy, bodyLimit } = this.around
    const { url, timeoutMs, proxied } = this.target
    if (selfMetrics?.url === url) return Promise.resolve(new TextEncoder().encode(selfMetrics.text()))
    const way = proxied && proxy ? proxy : straightWay(host)
    return requestMetrics(host, way, { url, timeoutMs, abort, bodyLimit })
  }

  /** Brings a scrape into the store, answers why it failed or null.
   *  @throws what the store throws at the commit */
  private async store(
    t: number,
    start: number,
    body: Uint8Array | null,
    unread: string | null,
    counts: ScrapeCounts,
  ): Promise<string | null> {
    const { host } = this.around
    let complete = false
    try {
      const { appender, failure } = this.appendBody(t, body ?? new Uint8Array(), counts)
      const error = unread ?? failure
      this.health = error === null ? 'up' : 'down'
      this.report.append(appender, t, error === null, (host.monotonic() - start) / 1000, counts)
      await appender.commit()
      this.report.settle()
      // Nothing to read is not a complete scrape: what was there before is not forgotten.
      complete = error === null && body !== null && body.length > 0
      this.cache.confirm()
      return error
    } catch (error) {
      this.cache.undoStored()
      throw error
    } finally {
      this.cache.end(complete)
    }
  }

  /** Appends the samples of a body, and markers for series that were there last time and are not now. Where the
   *  body cannot be read to its end nothing of it is stored; the series that it did name get no marker. */
  private appendBody(
    t: number,
    body: Uint8Array,
    counts: ScrapeCounts,
  ): { appender: Appender; failure: string | null } {
    let appender = this.around.appender()
    let failure: string | null = null
    try {
      this.ingestion.run(new TextCursor(body, this.cache), appender, t, counts)
    } catch (error) {
      failure = messageOf(error)
      if (!(error instanceof SyntaxProblem)) this.logBug(failure)
      appender.rollback()
      this.cache.rollback()
      appender = this.around.appender()
    }
    for (const ref of this.cache.takeStale()) appender.appendStale(ref, t)
    return { appender, failure }
  }

  private logBug(error: string): void {
    this.around.host.log('error', 'scrape could not be appended', { target: this.target.url, error })
  }

  private async writeEnd(t: number): Promise<void> {
    const { host } = this.around
    const appender = this.around.appender()
    for (const ref of this.cache.tracked()) appender.appendStale(ref, t)
    this.report.appendStale(appender, t)
    try {
      await appender.commit()
    } catch (error) {
      host.log('warn', 'stale markers were not stored', { target: this.target.url, error: messageOf(error) })
    }
  }

  private observeInterval(start: number): void {
    const { intervalSeconds } = this.around.metrics
    if (this.lastStart !== null) {
      intervalSeconds.with(formatDuration(this.target.intervalMs)).observe((start - this.lastStart) / 1000)
    }
    this.lastStart = start
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
