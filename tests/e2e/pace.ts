import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const tickMs = 20

/** Time as it would have been on a machine that is there for the tests: ticks of 20 ms that came, however late each
 *  of them was. Where other machines share the processors both the page and this clock are held up. */
export class FairClock {
  readonly #began = performance.now()
  #ticks = 0
  #over = false

  constructor() {
    void this.#run()
  }

  /** Milliseconds since the clock was made, at most those on the wall. */
  get ms(): number {
    return this.#ticks * tickMs
  }

  /** Both times, for a report. */
  get told(): string {
    return `${this.ms} ms, ${Math.round(performance.now() - this.#began)} ms on the wall`
  }

  /** Waits until `done`. @throws Error once `limitMs` have passed on this clock */
  async until(what: string, limitMs: number, done: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await done())) {
      if (this.ms > limitMs)
        throw new Error(`want ${what} within ${limitMs} ms, have waited for ${this.told}`)
      await sleep(tickMs)
    }
  }

  stop(): void {
    this.#over = true
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      await sleep(tickMs)
      this.#ticks++
    }
  }
}
