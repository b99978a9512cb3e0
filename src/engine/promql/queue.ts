import type { Deadline } from './deadline.ts'

/** Lets so many queries run at once; the others wait for their turn, first come, first served (upstream's
 *  `--query.max-concurrency`). */
export class QueryQueue {
  readonly most: number
  private running = 0
  private readonly waiting: (() => void)[] = []

  constructor(most: number) {
    this.most = most
  }

  /** Waits until the query may run; then `leave` ends its turn.
   *  @throws QueryError (`canceled`, `timeout`) when the query has ended before; then its turn never comes */
  async enter(deadline: Deadline): Promise<void> {
    if (this.running < this.most) {
      this.running++
      return
    }
    let begin: () => void = () => undefined
    const turn = new Promise<void>(resolve => (begin = resolve))
    this.waiting.push(begin)
    try {
      await deadline.race(turn)
    } catch (error) {
      this.withdraw(begin)
      throw error
    }
  }

  leave(): void {
    const next = this.waiting.shift()
    if (next) next()
    else this.running--
  }

  private withdraw(begin: () => void): void {
    const at = this.waiting.indexOf(begin)
    if (at >= 0) this.waiting.splice(at, 1)
    // Its turn came in the moment in which it ended.
    else this.leave()
  }
}
