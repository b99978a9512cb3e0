// The engine's home in a browser: the same code in a SharedWorker and, where there is none, in a dedicated worker.
//
//   start ─▶ wait for the lock, asking older engines to retire ─▶ open store and engine ─▶ serve ─▶ retire, close
//                 │ a newer one holds it                                │ the lock is stolen
//                 ▼                                                     ▼
//                end                                                   end
//
// The lock comes before the store: whoever holds it is the only writer.
import { expose, transfer, type Endpoint } from 'comlink'
import { openMounted } from '../disks/mounted.ts'
import { openEngine, type Engine } from '../engine/engine.ts'
import { browserHost } from './browserhost.ts'
import { buffersOf, Calls } from './calls.ts'
import { generationOf, namesFor, type Names } from './names.ts'
import { protocol, type Door, type Hello, type Notice } from './protocol.ts'
import { serveRequests } from './requests.ts'

const retireEveryMs = 250
/** An engine that cannot close its store in this time is left behind; the next one's epoch keeps it from writing. */
const closeWithinMs = 10_000
const retryAtMostMs = 10_000
const sidecarWithinMs = 1500

/** Makes this worker a home of the engine. */
export function hostEngine(): void {
  // Beside the page in a build, one folder below it while developing.
  const base = new URL(import.meta.env.DEV ? '../' : './', self.location.href)
  const home = new Home(base)
  if ('SharedWorkerGlobalScope' in globalThis) {
    self.addEventListener('connect', event => {
      const [port] = (event as MessageEvent).ports
      if (port) home.admit(port, () => port.close())
    })
  } else {
    home.admit(self, () => undefined)
  }
  // For inspection with the browser's tools.
  Object.assign(globalThis, { brazier: { engine: home.engine } })
  void home.live()
}

class Home {
  readonly engine: Promise<Engine>
  private opened!: (engine: Engine) => void
  private readonly base: URL
  private readonly names: Names
  private readonly notices: BroadcastChannel
  private readonly clients = new Set<Calls>()
  private readonly doors = new Set<string>()
  /** Withdraws the request for the lock. */
  private readonly withdrawal = new AbortController()
  private hello: Hello
  private asking: ReturnType<typeof setInterval> | undefined
  private holding = false
  private open = false
  private end!: () => void
  private readonly ended: Promise<void>

  constructor(base: URL) {
    this.base = base
    this.names = namesFor(base.pathname)
    this.engine = new Promise(resolve => (this.opened = resolve))
    this.ended = new Promise(resolve => (this.end = resolve))
    this.hello = {
      engineId: crypto.randomUUID(),
      build: __BUILD__,
      protocol,
      host: 'SharedWorkerGlobalScope' in globalThis ? 'shared' : 'dedicated',
      worker: self.name,
      since: 0,
    }
    this.notices = new BroadcastChannel(this.names.channel)
    this.notices.onmessage = ({ data }: MessageEvent<Notice>) => this.notice(data)
    this.reportFailures()
  }

  /** From the request for the lock to the end of the worker. */
  async live(): Promise<void> {
    const ask = () => this.post({ kind: 'retire', build: __BUILD__ })
    ask()
    // Again and again: a holder that is just starting does not hear the first one.
    this.asking = setInterval(ask, retireEveryMs)
    try {
      await navigator.locks.request(this.names.lock, { signal: this.withdrawal.signal }, () => this.reign())
    } catch (error) {
      // Withdrawn, or stolen by a tab to which this engine looked dead. It must not touch anything any more.
      console.warn(`the engine's lock is lost: ${String(error)}`)
    }
    self.close()
  }

  /** Lets a client in. Its calls end with the lock of its tab. */
  admit(endpoint: Endpoint, close: () => void): void {
    const calls = new Calls(this.engine)
    this.clients.add(calls)
    const leave = () => {
      calls.cancelAll()
      this.clients.delete(calls)
      close()
    }
    const door: Door = {
      hello: async tab => {
        this.watchTab(tab, leave)
        await this.engine
        return this.hello
      },
      call: async (id, method, args) => {
        const outcome = await calls.call(id, method, args)
        return transfer(outcome, outcome.ok ? buffersOf(outcome.value) : [])
      },
      cancel: id => calls.cancel(id),
    }
    expose(door, endpoint)
  }

  /** The time during which this worker holds the lock. */
  private async reign(): Promise<void> {
    clearInterval(this.asking)
    this.holding = true
    this.hello = { ...this.hello, since: Date.now() }
    this.announce()
    const stopServing = serveRequests(
      this.names.apiChannel,
      this.engine.then(engine => engine.handle),
    )
    const engine = await Promise.race([this.openPatiently(this.sidecar()), this.ended])
    if (engine) {
      this.open = true
      this.opened(engine)
      this.announce()
      await this.ended
      for (const client of this.clients) client.cancelAll()
      await Promise.race([engine.close(), delay(closeWithinMs)])
    }
    stopServing()
  }

  /** Opens store and engine. An error, such as a full disk, may pass, so it is tried again. */
  private async openPatiently(sidecar: Promise<string | null>): Promise<Engine> {
    for (let wait = 500; ; wait = Math.min(2 * wait, retryAtMostMs)) {
      try {
        return await this.openOnce(sidecar)
      } catch (error) {
        this.fail(error)
      }
      await delay(wait)
    }
  }

  private async openOnce(sidecar: Promise<string | null>): Promise<Engine> {
    const { engineId, host: kind } = this.hello
    const disk = await openMounted({ scope: this.names.store })
    try {
      return await openEngine({
        host: browserHost(),
        disk,
        kind,
        version: __APP_VERSION__,
        build: __BUILD__,
        engineId,
        selfUrl: new URL('metrics', this.base).href,
        sidecarUrl: await sidecar,
      })
    } catch (error) {
      await disk.close()
      throw error
    }
  }

  /** URL of the sidecar's metrics, when a sidecar serves the page. A static host has none, or answers every path
   *  with the page. */
  private async sidecar(): Promise<string | null> {
    const url = new URL('sidecar/metrics', this.base).href
    try {
      const signal = AbortSignal.timeout(sidecarWithinMs)
      const { ok, headers } = await fetch(url, { signal, cache: 'no-store' })
      return ok && headers.get('content-type')?.startsWith('text/plain') ? url : null
    } catch {
      return null
    }
  }

  private notice(notice: Notice): void {
    switch (notice.kind) {
      case 'who':
        if (this.holding) this.announce()
        return
      case 'join':
        if (this.holding && notice.engineId === this.hello.engineId) this.join(notice.door)
        return
      case 'retire':
        if (!this.holding) return
        if (notice.build > __BUILD__) this.retire(notice.build)
        else this.announce()
        return
      case 'engine':
        if (!this.holding) this.defer(notice.hello)
    }
  }

  /** What the holder of the lock means to one that waits for it. */
  private defer({ build, worker }: Hello): void {
    if (build < __BUILD__) return
    const abandoned = build === __BUILD__ && generationOf(worker) > generationOf(self.name)
    // No page asks for this worker any more.
    if (build > __BUILD__ || abandoned) this.withdrawal.abort()
    // An equal will not retire: it is waited for in silence.
    else clearInterval(this.asking)
  }

  private join(door: string): void {
    if (!this.doors.has(door)) {
      this.doors.add(door)
      const channel = new BroadcastChannel(this.names.door(door))
      this.admit(channel, () => {
        this.doors.delete(door)
        channel.close()
      })
    }
    this.post({ kind: 'joined', door })
  }

  private watchTab(tab: string, leave: () => void): void {
    const request = navigator.locks.request(this.names.tabLock(tab), { mode: 'shared' }, leave)
    request.catch((error: unknown) => this.fail(error))
  }

  private retire(build: number): void {
    this.holding = false
    this.post({ kind: 'retired', engineId: this.hello.engineId, build })
    this.end()
  }

  private announce(): void {
    this.post({ kind: 'engine', open: this.open, hello: this.hello })
  }

  private reportFailures(): void {
    self.addEventListener('error', event => this.fail(event.error ?? event.message))
    self.addEventListener('unhandledrejection', event => this.fail(event.reason))
  }

  private fail(error: unknown): void {
    console.error(error)
    this.post({
      kind: 'failure',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }

  private post(notice: Notice): void {
    this.notices.postMessage(notice)
  }
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
