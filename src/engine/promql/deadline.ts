import { QueryError } from '../model/errors.ts'
import type { Host } from '../model/host.ts'

/** Where a query is, for the words that end it (upstream's `contextDone(ctx, …)`). */
type Place = 'query queue' | 'query execution' | 'expression evaluation'

/** The end of a query's patience: rejects what waits when the caller aborts or the time is over. */
export class Deadline {
  /** Where the query is now. */
  place: Place = 'query queue'
  private readonly host: Host
  private readonly lastMoment: number
  private readonly release: () => void
  private readonly rejections = new Set<(error: QueryError) => void>()
  private ended: 'canceled' | 'timeout' | null = null

  constructor(host: Host, timeoutMs: number, signal: AbortSignal | undefined) {
    this.host = host
    this.lastMoment = host.monotonic() + timeoutMs
    const cancel = () => this.end('canceled')
    const stopTimer = host.after(timeoutMs, () => this.end('timeout'))
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    this.release = () => {
      stopTimer()
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** @throws QueryError (`canceled`, `timeout`) when the query has ended. */
  check(): void {
    // A thread that is kept busy by others runs no timers; the clock tells.
    if (!this.ended && this.host.monotonic() > this.lastMoment) this.end('timeout')
    if (this.ended) throw this.error(this.ended)
  }

  /** The promise's answer, unless the query ends before: a slow disk does not hold up a cancelled query. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(this.error(this.ended))
      this.rejections.add(reject)
      void promise.then(resolve, reject).then(() => this.rejections.delete(reject))
    })
  }

  close(): void {
    this.release()
  }

  private end(how: 'canceled' | 'timeout'): void {
    this.ended ??= how
    for (const reject of this.rejections) reject(this.error(this.ended))
  }

  private error(how: 'canceled' | 'timeout'): QueryError {
    const what = how === 'canceled' ? 'was canceled' : 'timed out'
    return new QueryError(how, `query ${what} in ${this.place}`)
  }
}
