/** At most so many at once; the rest wait in line. */
export class Turns {
  private free: number
  private readonly waiting = new Set<() => void>()

  constructor(count: number) {
    this.free = count
  }

  /** Runs `action` when its turn comes.
   *  @throws the signal's reason when it is aborted before that */
  async take<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    await this.enter(signal)
    try {
      return await action()
    } finally {
      this.leave()
    }
  }

  private async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.free > 0) {
      this.free--
      return
    }
    const admitted = await new Promise<boolean>(resolve => {
      const admit = () => {
        signal.removeEventListener('abort', giveUp)
        resolve(true)
      }
      const giveUp = () => {
        this.waiting.delete(admit)
        resolve(false)
      }
      this.waiting.add(admit)
      signal.addEventListener('abort', giveUp, { once: true })
    })
    if (!admitted) signal.throwIfAborted()
  }

  private leave(): void {
    const [next] = this.waiting
    if (!next) {
      this.free++
      return
    }
    this.waiting.delete(next)
    next()
  }
}
