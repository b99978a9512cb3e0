import type { MemSeries } from './series.ts'

/** An appender between its creation and the end of its commit or rollback. */
export interface OpenAppender {
  /** It adds no sample before this time. */
  readonly minValidT: number
  /** Series that it may add samples to. */
  heldSeries(): Iterable<MemSeries>
}

/** The appenders that are at work (upstream's `isolation`, as far as it concerns appends). */
export class OpenAppenders {
  private readonly open = new Set<OpenAppender>()
  private waiting: (() => void)[] = []

  get count(): number {
    return this.open.size
  }

  add(appender: OpenAppender): void {
    this.open.add(appender)
  }

  remove(appender: OpenAppender): void {
    this.open.delete(appender)
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  /** Series that must not go yet, although they may have no samples. */
  held(): Set<MemSeries> {
    const held = new Set<MemSeries>()
    for (const appender of this.open) for (const series of appender.heldSeries()) held.add(series)
    return held
  }

  /** Resolves once no open appender can add samples before `maxT`. */
  async settled(maxT: number): Promise<void> {
    while (this.reaches(maxT)) await new Promise<void>(resolve => this.waiting.push(resolve))
  }

  /** Resolves once all that are open now have ended. */
  async ended(): Promise<void> {
    const now = [...this.open]
    while (now.some(appender => this.open.has(appender))) {
      await new Promise<void>(resolve => this.waiting.push(resolve))
    }
  }

  private reaches(maxT: number): boolean {
    for (const { minValidT } of this.open) if (minValidT < maxT) return true
    return false
  }
}
