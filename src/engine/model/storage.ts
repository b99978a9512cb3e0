// What is said of the store's room and of what is done to it. Everything here survives structured cloning.

/** Bytes, unless it says otherwise. */
export interface StorageStatus {
  /** What the blocks may use with logs and head together: the user's word, or the host's. */
  readonly budget: number
  /** Whether the user set the budget. */
  readonly budgetIsOwn: boolean
  /** All blocks, the pinned ones included. */
  readonly blocks: number
  readonly wal: number
  /** The log of out-of-order samples. */
  readonly wbl: number
  /** Finished chunks of the head. */
  readonly headChunks: number
  /** Milliseconds; null keeps samples of any age. */
  readonly retentionMs: number | null
  readonly snapshots: readonly SnapshotInfo[]
  /** Whether the store is being compacted, or otherwise rewritten, at this moment. */
  readonly busy: boolean
}

/** Blocks as they were at one moment, put aside. */
export interface SnapshotInfo {
  /** Of its folder, such as `20261124T101500Z-4f2a61c09b7d8e35`. */
  readonly name: string
  readonly blocks: number
  readonly bytes: number
}

/** Samples to delete. Times are milliseconds, and both ends belong to the range. */
export interface SeriesDeletion {
  /** PromQL vector selectors; a series matches when one of them does. At least one. */
  readonly match: readonly string[]
  readonly minT: number
  readonly maxT: number
}
