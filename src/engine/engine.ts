import { apiRoutes } from './api/routes.ts'
import type {
  BlocksStatus,
  Diagnosis,
  EngineService,
  EngineStatus,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
  LabelQuery,
  LanguageTerm,
  Metadata,
  NewTarget,
  Notice,
  QueryNode,
  QueryProblem,
  SeriesDeletion,
  SeriesQuery,
  SnapshotInfo,
  StorageStatus,
  TargetStatus,
} from './api/service.ts'
import { addTarget, removeTarget, setProxied } from './config/edit.ts'
import { parseConfig } from './config/parse.ts'
import { NotFoundError, type Disk } from './disk/disk.ts'
import { findProblems, format, languageTerms, nodesOf } from './language.ts'
import { findNames, findSeries, findValues } from './lookups.ts'
import { Registry } from './metrics/registry.ts'
import type { InstantAnswer, InstantQuery, RangeAnswer, RangeQuery } from './model/answers.ts'
import { QueryError } from './model/errors.ts'
import type { Host } from './model/host.ts'
import type { Labels } from './model/labels.ts'
import type { Querier } from './model/store.ts'
import { QueryEngine } from './promql/engine.ts'
import { parseMetricSelector } from './promql/syntax/metricselector.ts'
import { ScrapeManager } from './scrape/manager.ts'
import { openDb, type CommittedSamples, type Db, type DbOptions } from './tsdb/db.ts'

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
  /** Text of a prometheus.yml that is in force instead of the one on the disk, and that nothing here changes. */
  readonly config?: string
  readonly store?: DbOptions
}

const configPath = 'prometheus.yml'
const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() }

/** Opens the store, reads the configuration and starts to scrape. Nobody else may write to the disk until
 *  `close` resolves.
 *  @throws what the disk throws; a damaged log is repaired and told as a notice
 *  @throws SyntaxProblem where the given configuration is none, before anything else is done */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  if (options.config !== undefined) parseConfig(options.config)
  const metrics = new Registry()
  const db = await openDb(options.disk, options.host, metrics, options.store)
  return new Engine(options, metrics, db, options.config ?? (await storedConfig(options.disk)))
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
    this.queries = new QueryEngine({ querier: block => querierOf(db, block), host, metrics })
    const selfMetrics = selfUrl === null ? null : { url: selfUrl, text: () => metrics.text() }
    const appender = () => db.appender()
    this.scrapes = new ScrapeManager({
      host,
      appender,
      metrics,
      selfMetrics,
      proxyBase: proxyBaseOf(options),
    })
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

  series(query: SeriesQuery): Promise<Labels[]> {
    return this.lookUp(querier => findSeries(querier, query))
  }

  labelNames(query: LabelQuery): Promise<string[]> {
    return this.lookUp(querier => findNames(querier, query))
  }

  labelValues(name: string, query: LabelQuery = {}): Promise<string[]> {
    return this.lookUp(querier => findValues(querier, name, query))
  }

  async metadata(): Promise<ReadonlyMap<string, readonly Metadata[]>> {
    return this.db.metadata()
  }

  async queryProblems(expr: string): Promise<QueryProblem[]> {
    return findProblems(expr)
  }

  async formatQuery(expr: string): Promise<string> {
    return format(expr)
  }

  async queryNodes(expr: string): Promise<QueryNode[]> {
    return nodesOf(expr)
  }

  async languageTerms(): Promise<LanguageTerm[]> {
    return languageTerms()
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

  async setProxied(id: string, proxied: boolean): Promise<void> {
    const target = this.scrapes.targets().find(one => one.id === id)
    if (target) await this.edit(text => setProxied(text, target, proxied))
  }

  diagnose(id: string): Promise<Diagnosis> {
    return this.scrapes.diagnose(id)
  }

  async blocks(): Promise<BlocksStatus> {
    const { blocks, transfers } = this.db
    return { blocks: blocks.infos(), broken: blocks.broken(), jobs: transfers.jobs() }
  }

  importBlocks(source: ImportSource, signal?: AbortSignal): Promise<ImportReport> {
    return this.db.transfers.import(source, signal)
  }

  async openExport(request: ExportRequest, signal?: AbortSignal): Promise<ExportTicket> {
    const { transfers } = this.db
    if (request.kind !== 'text') return transfers.export(request, signal)
    const { match, minT, maxT } = request
    // In a request the end is open, as in a block.
    return transfers.exportText(match.map(parseMetricSelector), { minT, maxT: maxT - 1 })
  }

  readExport(id: number): Promise<Uint8Array | null> {
    return this.db.transfers.readExport(id)
  }

  closeExport(id: number): Promise<void> {
    return this.db.transfers.closeExport(id)
  }

  async deleteBlock(ulid: string): Promise<void> {
    if (!(await this.db.blocks.remove(ulid))) throw new Error(`want a block of the store, have ${ulid}`)
  }

  async pinBlock(ulid: string, pinned: boolean): Promise<void> {
    if (!this.db.blocks.metaOf(ulid)) throw new Error(`want a block of the store, have ${ulid}`)
    await this.db.blocks.pins.set([ulid], pinned)
  }

  storage(): Promise<StorageStatus> {
    return this.db.storage()
  }

  setBudget(bytes: number | null): Promise<void> {
    return this.db.budget.set(bytes)
  }

  async compact(): Promise<void> {
    const { upkeep } = this.db
    await upkeep.run()
    if (upkeep.failure) throw upkeep.failure
  }

  async deleteSeries({ match, minT, maxT }: SeriesDeletion): Promise<void> {
    await this.db.admin.deleteSeries(match.map(parseMetricSelector), { minT, maxT })
  }

  cleanTombstones(): Promise<void> {
    return this.db.admin.cleanTombstones()
  }

  snapshot({ skipHead = false }: { readonly skipHead?: boolean } = {}): Promise<SnapshotInfo> {
    return this.db.admin.snapshot(skipHead)
  }

  deleteSnapshot(name: string): Promise<void> {
    return this.db.admin.snapshots.remove(name)
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

  private async lookUp<T>(find: (querier: Querier) => Promise<T>): Promise<T> {
    const querier = this.db.querier()
    try {
      return await find(querier)
    } finally {
      querier.close?.()
    }
  }

  /** One edit after the other: a valid new text is stored, and then in force. A failed one changes nothing. */
  private edit(change: (text: string) => string): Promise<void> {
    const edited = this.lastEdit
      .catch(() => undefined)
      .then(async () => {
        if (this.options.config !== undefined) throw new Error('the configuration is a file; edit it there')
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

/** What a query looks at: everything, or one block. */
function querierOf(db: Db, block: string | undefined): Querier {
  if (block === undefined) return db.querier()
  const querier = db.blockQuerier(block)
  if (!querier) throw new QueryError('execution', `there is no block ${block} in the store`)
  return querier
}

/** Where the sidecar would be, beside the page. Whether it is there is found out when it is needed, since it may come
 *  later. Node reaches every target itself. */
function proxyBaseOf({ kind, selfUrl }: EngineOptions): string | null {
  return kind === 'node' || selfUrl === null ? null : new URL('./', selfUrl).href
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
