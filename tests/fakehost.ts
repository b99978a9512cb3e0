import type { FetchInit, Host, LogLevel } from '../src/engine/model/host.ts'

export type Answer = Response | Promise<Response>

export interface LogLine {
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, string | number>>
}

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/** A host whose time stands still until a test moves it, whose network is a function of the test, and whose
 *  chance has a seed. For tests in Node. */
export class FakeHost implements Host {
  /** Answers requests. Without it nothing can be reached. A request that is aborted rejects by itself. */
  onFetch: (url: string, init: FetchInit) => Answer = () => Promise.reject(new TypeError('Failed to fetch'))
  readonly logs: LogLine[] = []
  /** Bytes that the store may use unless it is told otherwise. */
  bytes = 10 * 1024 ** 3

  private wall: number
  private elapsed = 0
  private timers: Timer[] = []
  private yielding = 0
  private chance: number

  constructor({ now = 1_700_000_000_000, seed = 1 }: { now?: number; seed?: number } = {}) {
    this.wall = now
    this.chance = seed
  }

  now(): number {
    return Math.floor(this.wall)
  }

  monotonic(): number {
    return this.elapsed
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { due: this.elapsed + Math.max(0, ms), callback }
    const behind = this.timers.findIndex(({ due }) => due > timer.due)
    this.timers.splice(behind < 0 ? this.timers.length : behind, 0, timer)
    return () => {
      this.timers = this.timers.filter(other => other !== timer)
    }
  }

  async yield(): Promise<void> {
    this.yielding++
    await nextTask()
    this.yielding--
  }

  fetch(url: string, init: FetchInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { signal } = init
      const abort = () => {
        reject(signal.reason as Error)
      }
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
      Promise.resolve()
        .then(() => this.onFetch(url, init))
        .then(resolve, reject)
    })
  }

  /** mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
  random(): number {
    this.chance = (this.chance + 0x6d2b79f5) | 0
    let x = Math.imul(this.chance ^ (this.chance >>> 15), 1 | this.chance)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  async capacity(): Promise<number> {
    return this.bytes
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, string | number>> = {}): void {
    this.logs.push({ level, message, fields })
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.timers.length
  }

  /** Lets `ms` milliseconds pass. Timers run when they are due, in order, and what they start goes as far as it
   *  can without time or disk before the next one runs. */
  async advance(ms: number): Promise<void> {
    const until = this.elapsed + ms
    await this.settle()
    for (let next = this.timers[0]; next && next.due <= until; next = this.timers[0]) {
      this.pass(Math.max(0, next.due - this.elapsed))
      this.timers.shift()
      next.callback()
      await this.settle()
    }
    this.pass(until - this.elapsed)
  }

  /** Time passes while nothing runs: a laptop that sleeps, a tab that is frozen. What was due meanwhile runs at
   *  the next `advance`, late. */
  freeze(ms: number): void {
    this.pass(ms)
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.wall += ms
  }

  /** Lets everything go on that waits for nothing but its turn. */
  async settle(): Promise<void> {
    do await nextTask()
    while (this.yielding > 0)
  }

  private pass(ms: number): void {
    this.elapsed += ms
    this.wall += ms
  }
}

/** Resolves after the promises that are ready now, and those that they make ready, have been served. */
function nextTask(): Promise<void> {
  // Browsers have no setImmediate, which is much quicker where it is.
  return new Promise(resolve => {
    if ('setImmediate' in globalThis) setImmediate(resolve)
    else setTimeout(resolve)
  })
}
