import type { Host } from '../../model/host.ts'

/** Others wait no longer than this and what is done between two looks at the clock. */
const turnMs = 8

/** Gives way to others now and then. */
export class Pace {
  /** For work that nobody has to wait for. */
  static readonly hurried = new Pace({ monotonic: () => 0, yield: () => Promise.resolve() })

  private readonly host: Pick<Host, 'monotonic' | 'yield'>
  private readonly signal: AbortSignal | undefined
  private turn: number

  constructor(host: Pick<Host, 'monotonic' | 'yield'>, signal?: AbortSignal) {
    this.host = host
    this.signal = signal
    this.turn = host.monotonic()
  }

  /** Whether it is time to let others run. A look at the clock takes 50 ns. */
  get due(): boolean {
    return this.host.monotonic() - this.turn >= turnMs
  }

  /** Lets others run.
   *  @throws the signal's reason */
  async pause(): Promise<void> {
    await this.host.yield()
    this.check()
    this.turn = this.host.monotonic()
  }

  /** @throws the signal's reason */
  check(): void {
    this.signal?.throwIfAborted()
  }
}
