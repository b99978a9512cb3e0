import type { InstantAnswer, InstantQuery, RangeAnswer, RangeQuery } from '../model/answers.ts'
import type { Diagnosis, NewTarget, TargetStatus } from '../model/target.ts'

/** What the engine offers to its clients: the page over comlink, the HTTP API, the tests. Arguments and answers
 *  survive structured cloning. Rejections: `QueryError` for queries, `SyntaxProblem` for a configuration. */
export interface EngineService {
  query(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer>
  queryRange(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer>
  /** Sorted metric names of the head, for completion. */
  labelValues(name: string): Promise<string[]>

  targets(): Promise<TargetStatus[]>
  /** Writes the target into the configuration and scrapes it at once. */
  addTarget(target: NewTarget): Promise<void>
  /** Takes a target out of the configuration, along with its job when that was the last of it. */
  removeTarget(id: string): Promise<void>
  /** Finds out why a target cannot be read. */
  diagnose(id: string): Promise<Diagnosis>

  status(): Promise<EngineStatus>
  /** The engine's own metrics in text format 0.0.4. */
  metrics(): Promise<string>
}

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
  readonly kind: 'disk-full' | 'wal-repaired' | 'disk-error' | 'config'
  readonly detail: string
}
