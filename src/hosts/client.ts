// A tab's tie to the engine, whoever hosts it.
//
//              hello                       death notice, another engine's notice, silence
//   waiting ──────────▶ ready ─────────────────────────────────────────────────────────────▶ waiting
//      └──────── a newer build speaks, or the engine retires for one ───────▶ outdated, and the page is loaded anew
import { EngineGoneError, type Connection, type EngineClient } from '../engine/api/connection.ts'
import type {
  BlocksStatus,
  Diagnosis,
  EngineStatus,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
  LabelQuery,
  LanguageTerm,
  Metadata,
  NewTarget,
  QueryNode,
  QueryProblem,
  SeriesDeletion,
  SeriesQuery,
  SnapshotInfo,
  StorageStatus,
  TargetStatus,
} from '../engine/api/service.ts'
import type { InstantAnswer, InstantQuery, RangeAnswer, RangeQuery } from '../engine/model/answers.ts'
import type { Labels } from '../engine/model/labels.ts'
import { fromWire } from './errors.ts'
import type { Names } from './names.ts'
import { protocol, type EngineMethod, type Hello, type Notice } from './protocol.ts'
import { sharedWorkerName, type Starter, type StarterEvents } from './starters.ts'
import { wayOver, type Way } from './way.ts'

const tickMs = 2000
/** Ticks without a sign of life after which an engine counts as hung. Ticks and not time, because a laptop that
 *  slept has heard nothing either. */
const silentTicks = 7
const bootingPatience = 4
const answerWithinMs = 60_000
/** Time for a worker to load and to ask for the lock; longer at every further attempt. */
const startAnewMs = 250
const startAnewMostMs = 4000

export interface ClientOptions {
  readonly names: Names
  readonly starter: (events: StarterEvents) => Starter
  /** Loads the page anew, with the newest shell. */
  readonly reload: () => Promise<void>
}

/** What ends together when the page goes away or into the back/forward cache. */
interface Life {
  readonly tab: string
  readonly notices: BroadcastChannel
  readonly over: AbortController
  readonly ticking: ReturnType<typeof setInterval>
}

/** An engine that has said hello. */
interface Tie {
  readonly hello: Hello
  readonly way: Way
  readonly over: AbortController
  /** Rejects the calls that wait for an answer. */
  readonly calls: Set<(error: Error) => void>
}

/** The attempt to reach an engine that another tab has started. */
interface Joining {
  readonly engineId: string
  readonly door: string
  readonly way: Way
  greeted: boolean
}

interface Waiter {
  resolve(tie: Tie): void
  reject(error: Error): void
}

export class Client implements EngineClient {
  private readonly names: Names
  private readonly starter: Starter
  private readonly reload: () => Promise<void>
  private readonly listeners = new Set<(connection: Connection) => void>()
  private readonly waiters = new Set<Waiter>()
  private connection: Connection = { state: 'waiting' }
  private life: Life | null = null
  private tie: Tie | null = null
  private joining: Joining | null = null
  private silence = 0
  private rescuing = false
  private patience = 0
  private persistent = false
  private lastFailure = 'none has started'
  private calls = 0

  constructor({ names, starter, reload }: ClientOptions) {
    this.names = names
    this.reload = reload
    this.starter = starter({
      way: way => void this.greet(way),
      failed: message => this.workerFailed(message),
    })
  }

  /** Begins, or begins again after `suspend`. */
  async resume(): Promise<void> {
    if (this.life || this.connection.state === 'outdated') return
    if (!isSecureContext) {
      this.lastFailure = 'browsers give a store only to pages that come over https or from localhost'
      return
    }
    const life: Life = {
      tab: crypto.randomUUID(),
      notices: new BroadcastChannel(this.names.channel),
      over: new AbortController(),
      ticking: setInterval(() => this.tick(), tickMs),
    }
    this.life = life
    this.silence = 0
    life.notices.onmessage = ({ data }: MessageEvent<Notice>) => this.notice(data)
    // First of all: the engine takes a tab without its lock for dead.
    await this.holdTabLock(life)
    if (this.life !== life) return
    this.begin()
    this.ask()
  }

  /** Lets go of everything that a frozen page must not keep. */
  suspend(): void {
    const life = this.life
    if (!life) return
    this.life = null
    this.untie()
    this.leaveJoining()
    this.starter.stop()
    clearInterval(life.ticking)
    life.over.abort()
    life.notices.close()
    if (this.connection.state === 'ready') this.tell({ state: 'waiting' })
  }

  watch(listener: (connection: Connection) => void): () => void {
    this.listeners.add(listener)
    listener(this.connection)
    return () => this.listeners.delete(listener)
  }

  query(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer> {
    return this.call('query', [query], signal)
  }
  queryRange(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer> {
    return this.call('queryRange', [query], signal)
  }
  series(query: SeriesQuery): Promise<Labels[]> {
    return this.call('series', [query])
  }
  labelNames(query: LabelQuery): Promise<string[]> {
    return this.call('labelNames', [query])
  }
  labelValues(name: string, query?: LabelQuery): Promise<string[]> {
    return this.call('labelValues', [name, query])
  }
  metadata(): Promise<ReadonlyMap<string, readonly Metadata[]>> {
    return this.call('metadata', [])
  }
  queryProblems(expr: string): Promise<QueryProblem[]> {
    return this.call('queryProblems', [expr])
  }
  formatQuery(expr: string): Promise<string> {
    return this.call('formatQuery', [expr])
  }
  queryNodes(expr: string): Promise<QueryNode[]> {
    return this.call('queryNodes', [expr])
  }
  languageTerms(): Promise<LanguageTerm[]> {
    return this.call('languageTerms', [])
  }
  targets(): Promise<TargetStatus[]> {
    return this.call('targets', [])
  }
  async addTarget(target: NewTarget): Promise<void> {
    await this.call<undefined>('addTarget', [target])
    this.askForPersistence()
  }
  removeTarget(id: string): Promise<void> {
    return this.call('removeTarget', [id])
  }
  setProxied(id: string, proxied: boolean): Promise<void> {
    return this.call('setProxied', [id, proxied])
  }
  diagnose(id: string): Promise<Diagnosis> {
    return this.call('diagnose', [id])
  }
  blocks(): Promise<BlocksStatus> {
    return this.call('blocks', [])
  }
  async importBlocks(source: ImportSource, signal?: AbortSignal): Promise<ImportReport> {
    const report = await this.call<ImportReport>('importBlocks', [source], signal)
    this.askForPersistence()
    return report
  }
  openExport(request: ExportRequest, signal?: AbortSignal): Promise<ExportTicket> {
    return this.call('openExport', [request], signal)
  }
  readExport(id: number): Promise<Uint8Array | null> {
    return this.call('readExport', [id])
  }
  closeExport(id: number): Promise<void> {
    return this.call('closeExport', [id])
  }
  deleteBlock(ulid: string): Promise<void> {
    return this.call('deleteBlock', [ulid])
  }
  pinBlock(ulid: string, pinned: boolean): Promise<void> {
    return this.call('pinBlock', [ulid, pinned])
  }
  storage(): Promise<StorageStatus> {
    return this.call('storage', [])
  }
  setBudget(bytes: number | null): Promise<void> {
    return this.call('setBudget', [bytes])
  }
  compact(): Promise<void> {
    return this.call('compact', [])
  }
  deleteSeries(deletion: SeriesDeletion): Promise<void> {
    return this.call('deleteSeries', [deletion])
  }
  cleanTombstones(): Promise<void> {
    return this.call('cleanTombstones', [])
  }
  snapshot(options?: { readonly skipHead?: boolean }): Promise<SnapshotInfo> {
    return this.call('snapshot', [options])
  }
  deleteSnapshot(name: string): Promise<void> {
    return this.call('deleteSnapshot', [name])
  }
  status(): Promise<EngineStatus> {
    return this.call('status', [])
  }
  metrics(): Promise<string> {
    return this.call('metrics', [])
  }

  private async call<T>(method: EngineMethod, args: readonly unknown[], signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    let { tie } = this
    // It may have ended again before this call had its turn.
    while (!tie || tie.over.signal.aborted) tie = await this.nextTie(signal)
    signal?.throwIfAborted()
    return this.callOver(tie, method, args, signal)
  }

  private callOver<T>(
    tie: Tie,
    method: EngineMethod,
    args: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const id = ++this.calls
    return new Promise((resolve, reject) => {
      const abort = () => {
        void tie.way.door.cancel(id)
        leave(signal?.reason as Error)
      }
      const settle = () => {
        tie.calls.delete(leave)
        signal?.removeEventListener('abort', abort)
      }
      const leave = (error: Error) => {
        settle()
        reject(error)
      }
      tie.calls.add(leave)
      signal?.addEventListener('abort', abort, { once: true })
      tie.way.door.call(id, method, args).then(outcome => {
        settle()
        if (outcome.ok) resolve(outcome.value as T)
        else reject(fromWire(outcome.error))
      }, leave)
    })
  }

  private nextTie(signal: AbortSignal | undefined): Promise<Tie> {
    if (this.connection.state === 'outdated') return Promise.reject(new EngineGoneError())
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.waiters.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const waiter: Waiter = {
        resolve: tie => {
          settle()
          resolve(tie)
        },
        reject: error => {
          settle()
          reject(error)
        },
      }
      const abort = () => waiter.reject(signal?.reason as Error)
      const timer = setTimeout(
        () => waiter.reject(new Error(`no engine within ${answerWithinMs / 1000} s: ${this.lastFailure}`)),
        answerWithinMs,
      )
      signal?.addEventListener('abort', abort, { once: true })
      this.waiters.add(waiter)
    })
  }

  private async greet(way: Way): Promise<void> {
    const life = this.life
    if (!life) return
    const hello = await way.door.hello(life.tab)
    if (this.life === life) this.met(hello, way)
    else way.close()
  }

  private met(hello: Hello, way: Way): void {
    // An engine that is older was loaded from a cache somewhere; as long as it understands the page, it will do.
    if (hello.build > __BUILD__ || hello.protocol !== protocol) return this.outdate(hello.build)
    // Two ways to one engine, or a hello that was under way while the next engine was quicker.
    if (this.tie && this.tie.hello.since >= hello.since) return way.close()
    this.untie()
    this.leaveJoining(way)
    const tie: Tie = { hello, way, over: new AbortController(), calls: new Set() }
    this.tie = tie
    this.silence = 0
    this.awaitDeath(tie)
    this.tell({ state: 'ready', engineId: hello.engineId, host: hello.host })
    for (const waiter of this.waiters) waiter.resolve(tie)
  }

  /** Ports to a dead worker never say so, but its lock is free. Only after the hello: queued before, the request
   *  would be granted while the engine is still on its way to the lock. */
  private awaitDeath(tie: Tie): void {
    const { signal } = tie.over
    navigator.locks
      .request(this.names.lock, { mode: 'shared', signal }, () => {
        // Back to waiting only after the lock is free again.
        setTimeout(() => this.lost(tie))
      })
      .catch(() => undefined)
  }

  private lost(tie: Tie): void {
    if (this.tie !== tie) return
    this.untie()
    this.tell({ state: 'waiting' })
    this.begin()
  }

  /** A SharedWorker that was ended still takes connections for a moment, and never answers them. Its successor is
   *  known by its request for the lock; until there is one the connection is made anew. */
  private begin(): void {
    const { life } = this
    this.starter.start()
    const again = async (afterMs: number) => {
      await new Promise(resolve => setTimeout(resolve, afterMs))
      if (this.tie || this.life !== life || (await this.lockIsWanted())) return
      this.starter.startAnew()
      void again(Math.min(2 * afterMs, startAnewMostMs))
    }
    void again(startAnewMs)
  }

  private untie(): void {
    const { tie } = this
    if (!tie) return
    this.tie = null
    tie.over.abort()
    for (const reject of [...tie.calls]) reject(new EngineGoneError())
    tie.way.close()
  }

  private notice(notice: Notice): void {
    switch (notice.kind) {
      case 'engine':
        return this.heard(notice.hello, notice.open)
      case 'joined':
        return this.joined(notice.door)
      case 'retired':
        if (this.tie?.hello.engineId === notice.engineId) this.outdate(notice.build)
        return
      case 'failure':
        this.lastFailure = notice.message
        console.error(`engine: ${notice.message}`)
    }
  }

  private heard(hello: Hello, open: boolean): void {
    // One that is older is about to retire for the worker of this page.
    if (hello.build > __BUILD__) return this.outdate(hello.build)
    // A hung engine that wakes may still speak before it learns that it was replaced.
    if (this.tie && hello.since < this.tie.hello.since) return
    this.silence = 0
    if (hello.engineId === this.tie?.hello.engineId) return
    // There is never a second engine, so the one that this tab is tied to has ended.
    if (this.tie) this.lost(this.tie)
    if (!open || hello.build !== __BUILD__) return
    if (hello.worker !== this.starter.worker) this.reach(hello)
    // Its predecessor of the same name took the connection.
    else if (!this.tie) this.starter.startAnew()
  }

  /** To an engine that this tab has not started: under its name if tabs share it, otherwise by a channel. */
  private reach(hello: Hello): void {
    if (!this.life) return
    const { shares, worker } = this.starter
    if (hello.host === 'shared' && shares && worker && hello.worker === sharedWorkerName(this.names)) {
      return this.starter.start()
    }
    if (this.joining?.engineId !== hello.engineId) {
      this.leaveJoining()
      const door = crypto.randomUUID()
      const channel = new BroadcastChannel(this.names.door(door))
      const way = wayOver(channel, () => channel.close())
      this.joining = { engineId: hello.engineId, door, way, greeted: false }
    }
    this.post({ kind: 'join', engineId: hello.engineId, door: this.joining.door })
  }

  private joined(door: string): void {
    const { joining } = this
    if (door !== joining?.door || joining.greeted) return
    joining.greeted = true
    void this.greet(joining.way)
  }

  /** @param used the way that has led to an engine, perhaps this one */
  private leaveJoining(used?: Way): void {
    if (this.joining && this.joining.way !== used) this.joining.way.close()
    this.joining = null
  }

  private outdate(build: number): void {
    if (this.connection.state === 'outdated') return
    this.suspend()
    this.tell({ state: 'outdated' })
    for (const waiter of [...this.waiters]) waiter.reject(new EngineGoneError())
    // Once for each build: a host that keeps serving the old page must not make it reload for ever.
    if (sessionStorage.getItem(this.names.reloaded) === String(build)) return
    sessionStorage.setItem(this.names.reloaded, String(build))
    void this.reload()
  }

  private tick(): void {
    if (++this.silence > silentTicks) void this.rescue()
    this.ask()
  }

  private ask(): void {
    this.post({ kind: 'who' })
  }

  /** Whoever should answer does not. One tab at a time replaces it; those behind find it done. */
  private async rescue(): Promise<void> {
    if (this.rescuing || !this.life) return
    this.rescuing = true
    try {
      const { signal } = this.life.over
      await navigator.locks.request(this.names.rescueLock, { signal }, async () => {
        if (this.silence <= silentTicks) return
        this.silence = 0
        // Where nobody holds the lock a worker may still be loading; it gets more time.
        if (!(await this.lockIsHeld()) && ++this.patience % bootingPatience !== 0) return
        this.untie()
        this.tell({ state: 'waiting' })
        await this.starter.replace()
        await this.signOfLife()
      })
    } catch (error) {
      // Suspended meanwhile. Anything else leaves the silence, and with it the next attempt.
      this.lastFailure = String(error)
    }
    this.rescuing = false
  }

  private async lockIsWanted(): Promise<boolean> {
    const { held = [], pending = [] } = await navigator.locks.query()
    const { lock } = this.names
    return [...held, ...pending].some(({ name, mode }) => name === lock && mode === 'exclusive')
  }

  private async lockIsHeld(): Promise<boolean> {
    const { held = [] } = await navigator.locks.query()
    return held.some(({ name }) => name === this.names.lock)
  }

  /** Holds the other tabs back until the new engine has spoken to them, too. */
  private signOfLife(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, tickMs))
  }

  private workerFailed(message: string): void {
    this.lastFailure = message
    // Not hung: it is started again.
    this.silence = 0
  }

  private holdTabLock({ tab, over }: Life): Promise<void> {
    return new Promise(resolve => {
      const hold = () => {
        resolve()
        return new Promise<void>(release => over.signal.addEventListener('abort', () => release()))
      }
      navigator.locks.request(this.names.tabLock(tab), hold).catch((error: unknown) => {
        this.lastFailure = String(error)
      })
    })
  }

  /** Once there is data that somebody wants. The browser may ask the user, so nobody waits for it. */
  private askForPersistence(): void {
    if (this.persistent) return
    this.persistent = true
    navigator.storage.persist().catch((error: unknown) => {
      console.warn(`the store may be evicted when space runs out: ${String(error)}`)
    })
  }

  private tell(connection: Connection): void {
    this.connection = connection
    for (const listener of [...this.listeners]) listener(connection)
  }

  private post(notice: Notice): void {
    this.life?.notices.postMessage(notice)
  }
}
