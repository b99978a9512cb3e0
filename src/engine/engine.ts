import { apiRoutes } from './api/routes.ts'
import type {
  Diagnosis,
  EngineService,
  EngineStatus,
  NewTarget,
  Notice,
  TargetStatus,
} from './api/service.ts'
import { addTarget, removeTarget } from './config/edit.ts'
import { parseConfig } from './config/parse.ts'
import { NotFoundError, type Disk } from './disk/disk.ts'
import { Registry } from './metrics/registry.ts'
import type { InstantAnswer, InstantQuery, RangeAnswer, RangeQuery } from './model/answers.ts'
import type { Host } from './model/host.ts'
import { QueryEngine } from './promql/engine.ts'
import { ScrapeManager } from './scrape/manager.ts'
import { openDb, type CommittedSamples, type Db } from './tsdb/db.ts'

export interface EngineOptions {
  readonly host: Host
  readonly disk: Disk
  readonly kind: EngineStatus['host']
  readonly version: string
  readonly build: number
  readonly engineId: string
  /** Where the engine's own `/metrics` would be asked for; the engine scrapes itself without going there. */
  readonly selfUrl: string | null
  /** Metrics of the sidecar that serves the page, when there is one. */
  readonly sidecarUrl: string | null
}

const configPath = 'prometheus.yml'
const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() }

/** Opens the store, reads the configuration and starts to scrape. Nobody else may write to the disk until
 *  `close` resolves.
 *  @throws what the disk throws; a damaged log is repaired and told as a notice */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const metrics = new Registry()
  const db = await openDb(options.disk, options.host, metrics)
  return new Engine(options, metrics, db, await storedConfig(options.disk))
}

/** Prometheus itself, put together. The only file that sees all the rooms. */
export class Engine implements EngineService {
  /** Answers requests of the HTTP API; the path counts from the engine's root. */
  readonly handle: (request: Request) => Promise<Response>
  private readonly options: EngineOptions
  private readonly startedAt: number
  private readonly metricsRegistry: Registry
  private readonly db: Db
  private readonly queries: QueryEngine
  private readonly scrapes: ScrapeManager
  private config: string
  private readonly configNotices: Notice[] = []
  private lastEdit: Promise<void> = Promise.resolve()

  /** @param stored the configuration's text, null while the user has made none */
  constructor(options: EngineOptions, metrics: Registry, db: Db, stored: string | null) {
    const { host, selfUrl } = options
    this.options = options
    this.startedAt = host.now()
    this.metricsRegistry = metrics
    this.db = db
    this.queries = new QueryEngine({ querier: () => db.querier(), host, metrics })
    const selfMetrics = selfUrl === null ? null : { url: selfUrl, text: () => metrics.text() }
    this.scrapes = new ScrapeManager({ host, appender: () => db.appender(), metrics, selfMetrics })
    this.handle = apiRoutes(this, () => host.now())
    this.describeBuild()
    this.config = stored ?? defaultConfig(options)
    this.applyStored()
  }

  query(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer> {
    return this.queries.instant(query, signal)
  }

  queryRange(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer> {
    return this.queries.range(query, signal)
  }

  labelValues(name: string): Promise<string[]> {
    return this.db.querier().labelValues(name, [], { minT: -Infinity, maxT: Infinity })
  }

  async targets(): Promise<TargetStatus[]> {
    return this.scrapes.targets()
  }

  addTarget(target: NewTarget): Promise<void> {
    return this.edit(text => addTarget(text, target))
  }

  removeTarget(id: string): Promise<void> {
    const target = this.scrapes.targets().find(one => one.id === id)
    return target ? this.edit(text => removeTarget(text, target)) : Promise.resolve()
  }

  diagnose(id: string): Promise<Diagnosis> {
    return this.scrapes.diagnose(id)
  }

  async status(): Promise<EngineStatus> {
    const { version, build, engineId, kind } = this.options
    const { head, wal } = this.db.stats()
    const notices = [...this.db.notices(), ...this.configNotices]
    return { version, build, engineId, host: kind, startedAt: this.startedAt, head, wal, notices }
  }

  async metrics(): Promise<string> {
    return this.metricsRegistry.text()
  }

  /** Tells of every batch of samples once the log has it and queries see it. */
  onCommit(listener: (batch: CommittedSamples) => void): () => void {
    return this.db.onCommit(listener)
  }

  /** Stops scraping, brings everything to the disk for good and lets go of it. */
  async close(): Promise<void> {
    await this.scrapes.stop()
    await this.lastEdit.catch(() => undefined)
    await this.db.close()
    await this.options.disk.close()
  }

  /** One edit after the other: a valid new text is stored, and then in force. A failed one changes nothing. */
  private edit(change: (text: string) => string): Promise<void> {
    const edited = this.lastEdit
      .catch(() => undefined)
      .then(async () => {
        const text = change(this.config)
        const { jobs } = parseConfig(text)
        await this.options.disk.write(configPath, utf8.encode.encode(text))
        this.config = text
        this.configNotices.length = 0
        this.scrapes.apply(jobs)
      })
    this.lastEdit = edited
    return edited
  }

  private applyStored(): void {
    try {
      this.scrapes.apply(parseConfig(this.config).jobs)
    } catch (error) {
      // It was valid when it was written, so another version wrote it. The data stays within reach.
      this.configNotices.push({
        kind: 'config',
        detail: error instanceof Error ? error.message : String(error),
      })
    }
  }

  private describeBuild(): void {
    const { version, build, kind } = this.options
    const labels = ['version', 'revision', 'host']
    this.metricsRegistry
      .gauge(
        'brazier_build_info',
        'A metric with the constant value 1, labelled by the build and its host.',
        labels,
      )
      .with(version, String(build), kind)
      .set(1)
    this.metricsRegistry
      .gauge('process_start_time_seconds', 'Start time of the engine since the epoch in seconds.')
      .set(this.startedAt / 1000)
  }
}

async function storedConfig(disk: Disk): Promise<string | null> {
  try {
    return utf8.decode.decode(await disk.read(configPath))
  } catch (error) {
    if (error instanceof NotFoundError) return null
    throw error
  }
}

/** Without a configuration Brazier looks at itself, so that there is something to see at once. */
function defaultConfig({ selfUrl, sidecarUrl }: EngineOptions): string {
  const jobs = [
    ['brazier', selfUrl],
    ['sidecar', sidecarUrl],
  ] as const
  const empty = 'global:\n  scrape_interval: 5s\n'
  return jobs.reduce(
    (text, [job, url]) => (url === null ? text : addTarget(text, { job, url, intervalMs: 5000 })),
    empty,
  )
}
