// The two ways in which a tab brings an engine to life. Neither says who becomes it: the lock does.
import type { Names } from './names.ts'
import { wayOver, type Way } from './way.ts'

export interface Starter {
  /** Whether its workers are shared by all tabs, so that `start` leads to one that is there already. */
  readonly shares: boolean
  /** Name of the worker that this tab has started; null while it has none. */
  readonly worker: string | null
  /** Sees to it that there is a worker that wants to be the engine. */
  start(): void
  /** No worker stands at the lock although `start` was called: what it reached may have been about to end. */
  startAnew(): void
  /** Makes the engine that does not answer give way, and starts another. */
  replace(): Promise<void>
  /** Lets go of everything; the page goes away or into the back/forward cache. */
  stop(): void
}

/** What a starter tells. */
export interface StarterEvents {
  /** The worker may be spoken to; it answers `hello` once it is the engine. */
  way(way: Way): void
  /** Its script could not be loaded, or the browser refused it. */
  failed(message: string): void
}

const againMs = 1000

/** The name of a worker that all tabs of this build share. */
export function sharedWorkerName(names: Names): string {
  return names.worker(__BUILD__, storedGeneration(names))
}

function storedGeneration({ generation }: Names): number {
  return Number(localStorage.getItem(generation) ?? 0)
}

/** One worker for all tabs. */
export class SharedStarter implements Starter {
  readonly shares = true
  worker: string | null = null
  private readonly url: string
  private readonly names: Names
  private readonly events: StarterEvents
  private port: MessagePort | null = null
  private retry: ReturnType<typeof setTimeout> | undefined

  constructor(url: string, names: Names, events: StarterEvents) {
    this.url = url
    this.names = names
    this.events = events
  }

  start(): void {
    this.stop()
    this.worker = sharedWorkerName(this.names)
    // The same options in every tab: the browser refuses a connection with others.
    const worker = new SharedWorker(this.url, { type: 'module', name: this.worker, extendedLifetime: true })
    worker.onerror = event => {
      this.events.failed(event.message || `could not start ${this.url}`)
      this.retry = setTimeout(() => this.start(), againMs)
    }
    this.port = worker.port
    this.events.way(wayOver(worker.port, () => worker.port.close()))
  }

  startAnew(): void {
    // A worker that is still loading is found again under its name.
    this.start()
  }

  async replace(): Promise<void> {
    // A tab cannot end a SharedWorker. All tabs leave it behind under another name, and lose it the lock.
    if (sharedWorkerName(this.names) === this.worker) {
      localStorage.setItem(this.names.generation, String(storedGeneration(this.names) + 1))
      await stealLock(this.names.lock)
    }
    this.start()
  }

  stop(): void {
    clearTimeout(this.retry)
    this.port?.close()
    this.port = null
    this.worker = null
  }
}

/** A worker in the tab that leads; the others wait to lead. */
export class DedicatedStarter implements Starter {
  readonly shares = false
  private readonly name: string
  private readonly url: string
  private readonly names: Names
  private readonly events: StarterEvents
  private running: Worker | null = null
  /** Ends the wait for the lead, or the lead. */
  private candidacy: AbortController | null = null
  private leading = false

  constructor(url: string, names: Names, events: StarterEvents) {
    this.url = url
    this.names = names
    this.events = events
    this.name = `${names.worker(__BUILD__, 0)}:${crypto.randomUUID()}`
  }

  get worker(): string | null {
    return this.running ? this.name : null
  }

  start(): void {
    if (this.leading) this.spawn()
    else if (!this.candidacy) void this.stand()
  }

  startAnew(): void {
    // A worker of one's own does not end unseen.
  }

  async replace(): Promise<void> {
    if (this.leading) {
      this.spawn()
      return
    }
    this.stop()
    void this.stand({ steal: true })
    await stealLock(this.names.lock)
  }

  stop(): void {
    this.candidacy?.abort()
    this.candidacy = null
    this.end()
  }

  private async stand(options: LockOptions = {}): Promise<void> {
    const candidacy = new AbortController()
    this.candidacy = candidacy
    const { signal } = candidacy
    const lead = () => {
      if (signal.aborted) return
      this.leading = true
      this.spawn()
      return new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    }
    try {
      // The platform takes a signal only where nothing is stolen.
      await navigator.locks.request(this.names.leaderLock, options.steal ? options : { signal }, lead)
    } catch {
      // Aborted by `stop`, or stolen by a tab to which this one's engine looked dead: then stand again.
    }
    if (this.candidacy !== candidacy) return
    this.stop()
    setTimeout(() => this.start(), againMs)
  }

  private spawn(): void {
    this.running?.terminate()
    const worker = new Worker(this.url, { type: 'module', name: this.name })
    this.running = worker
    worker.onerror = event => this.events.failed(event.message || `could not start ${this.url}`)
    this.events.way(wayOver(worker, () => undefined))
  }

  /** A page in the back/forward cache would keep the lock of its worker for ever. */
  private end(): void {
    this.leading = false
    this.running?.terminate()
    this.running = null
  }
}

/** Takes a lock from whoever holds it and lets go of it at once. */
async function stealLock(name: string): Promise<void> {
  await navigator.locks.request(name, { steal: true }, () => undefined)
}
