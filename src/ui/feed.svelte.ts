import { poll } from './poll.ts'

/** An answer of the engine that is asked for again and again while somebody looks. A failure leaves the last
 *  answer in place and stands beside it. */
export class Feed<T> {
  /** The last answer, and when it came in milliseconds since the epoch. */
  latest = $state.raw<{ readonly value: T; readonly at: number } | null>(null)
  problem = $state<string | null>(null)
  private readonly ask: () => Promise<T>
  private readonly everyMs: number

  constructor(ask: () => Promise<T>, everyMs: number) {
    this.ask = ask
    this.everyMs = everyMs
  }

  /** Asks until the returned function is called. */
  start(everyMs = this.everyMs): () => void {
    return poll(() => this.refresh(), everyMs)
  }

  /** Asks once, out of turn. */
  async refresh(): Promise<void> {
    try {
      this.latest = { value: await this.ask(), at: Date.now() }
      this.problem = null
    } catch (error) {
      this.problem = messageOf(error)
    }
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
