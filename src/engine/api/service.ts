import type { InstantAnswer, InstantQuery, RangeAnswer, RangeQuery } from '../model/answers.ts'
import type {
  BlocksStatus,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
} from '../model/blocks.ts'
import type { Labels } from '../model/labels.ts'
import type { LanguageTerm, QueryNode, QueryProblem } from '../model/language.ts'
import type { Metadata } from '../model/metadata.ts'
import type { SeriesDeletion, SnapshotInfo, StorageStatus } from '../model/storage.ts'
import type { Diagnosis, NewTarget, TargetStatus } from '../model/target.ts'

/** What the engine offers to its clients: the page over comlink, the HTTP API, the tests. Arguments and answers
 *  survive structured cloning. Rejections: `QueryError` for queries, `SyntaxProblem` for a configuration. */
export interface EngineService {
  query(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer>
  queryRange(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer>
  /** Label sets of the series that a selector matches and that have samples in the range, sorted, each once. */
  series(query: SeriesQuery): Promise<Labels[]>
  /** Sorted label names. */
  labelNames(query: LabelQuery): Promise<string[]>
  /** Sorted values of a label. */
  labelValues(name: string, query?: LabelQuery): Promise<string[]>
  /** What the expositions say of the metrics, by name, each thing once. */
  metadata(): Promise<ReadonlyMap<string, readonly Metadata[]>>

  /** What keeps an expression from being read; empty where nothing does. */
  queryProblems(expr: string): Promise<QueryProblem[]>
  /** The expression as Prometheus formats it.
   *  @throws QueryError */
  formatQuery(expr: string): Promise<string>
  /** What an expression is made of, each node in front of its parts.
   *  @throws QueryError */
  queryNodes(expr: string): Promise<QueryNode[]>
  /** The functions and aggregations that PromQL has. */
  languageTerms(): Promise<LanguageTerm[]>

  targets(): Promise<TargetStatus[]>
  /** Writes the target into the configuration and scrapes it at once. */
  addTarget(target: NewTarget): Promise<void>
  /** Takes a target out of the configuration, along with its job when that was the last of it. */
  removeTarget(id: string): Promise<void>
  /** Whether a target is asked through the sidecar that serves the page, for one that lets no page read it. */
  setProxied(id: string, proxied: boolean): Promise<void>
  /** Finds out why a target cannot be read. */
  diagnose(id: string): Promise<Diagnosis>

  blocks(): Promise<BlocksStatus>
  /** Takes blocks in: all of them, checked to the last byte, or none.
   *  @throws ImportError */
  importBlocks(source: ImportSource, signal?: AbortSignal): Promise<ImportReport>
  /** Begins an archive, which `readExport` answers in pieces of at most 1 MiB; null is the end. An archive that
   *  nobody reads for a minute is given up. */
  openExport(request: ExportRequest, signal?: AbortSignal): Promise<ExportTicket>
  readExport(id: number): Promise<Uint8Array | null>
  closeExport(id: number): Promise<void>
  deleteBlock(ulid: string): Promise<void>
  pinBlock(ulid: string, pinned: boolean): Promise<void>

  storage(): Promise<StorageStatus>
  /** How many bytes the store may use; null leaves it to the host again. */
  setBudget(bytes: number | null): Promise<void>
  /** Makes blocks of what the head can spare, merges blocks and lets old ones go, without waiting for the minute. */
  compact(): Promise<void>
  /** Hides samples from all queries; their bytes go when their blocks are rewritten.
   *  @throws QueryError where a selector is none */
  deleteSeries(deletion: SeriesDeletion): Promise<void>
  /** Rewrites every block of which something was deleted. */
  cleanTombstones(): Promise<void>
  /** Puts the blocks aside under a new name; and, unless `skipHead`, the head as a block of its own. */
  snapshot(options?: { readonly skipHead?: boolean }): Promise<SnapshotInfo>
  deleteSnapshot(name: string): Promise<void>

  status(): Promise<EngineStatus>
  /** The engine's own metrics in text format 0.0.4. */
  metrics(): Promise<string>
}

/** Times are milliseconds; both ends belong to the range. Without them all time is meant. */
export interface LabelQuery {
  /** PromQL vector selectors; a series matches when one of them does. None: every series. */
  readonly match?: readonly string[]
  readonly start?: number
  readonly end?: number
  /** At most so many results; 0 is no limit. */
  readonly limit?: number
}

/** At least one selector must be given. */
export interface SeriesQuery extends LabelQuery {
  readonly match: readonly string[]
}

export type * from '../model/blocks.ts'
export type * from '../model/language.ts'
export type { Metadata } from '../model/metadata.ts'
export type * from '../model/storage.ts'
export type { Diagnosis, NewTarget, TargetStatus } from '../model/target.ts'

export interface EngineStatus {
  readonly version: string
  /** Time of the build, seconds since the epoch. */
  readonly build: number
  /** Changes with every start of an engine. */
  readonly engineId: string
  readonly host: 'shared' | 'dedicated' | 'node' | 'test'
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly head: {
    readonly series: number
    readonly chunks: number
    /** Time of the first and the last sample; null when the head is empty. */
    readonly minT: number | null
    readonly maxT: number | null
  }
  readonly wal: {
    readonly segments: number
    readonly bytes: number
    /** Records that had to be cut off when the store was opened. */
    readonly corruptions: number
  }
  readonly notices: readonly Notice[]
}

/** Something the user has to know, for as long as it holds. */
export interface Notice {
  readonly kind:
    | 'disk-full'
    | 'wal-repaired'
    | 'disk-error'
    | 'config'
    | 'block-broken'
    | 'pins-damaged'
    | 'budget-damaged'
    | 'upkeep-failed'
  readonly detail: string
}
