/** The queriers that are in use (upstream's `Head.WaitForPendingReadersInTimeRange`). */
export class Readers {
  private readonly open = new Set<Promise<void>>()

  /** One begins; the function that is answered ends it. */
  enter(): () => void {
    let leave: () => void = () => undefined
    const ended = new Promise<void>(resolve => (leave = resolve))
    this.open.add(ended)
    return () => {
      this.open.delete(ended)
      leave()
    }
  }

  /** Resolves once all that are open now have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.open)
  }
}
