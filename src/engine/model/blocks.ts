// What is said of blocks between the engine and its clients. Everything here survives structured cloning.

/** A block as the store has it. */
export interface BlockInfo {
  readonly ulid: string
  /** Milliseconds; the block covers [minT, maxT), as in its meta.json. */
  readonly minT: number
  readonly maxT: number
  readonly series: number
  readonly samples: number
  readonly chunks: number
  /** Of all its files. */
  readonly bytes: number
  /** 1 for one cut from the head, more for one that was compacted. */
  readonly level: number
  /** Outside retention and compaction: imported blocks are, until somebody says otherwise. */
  readonly pinned: boolean
}

/** A block that is in the store's folder and cannot be opened. */
export interface BrokenBlock {
  readonly ulid: string
  /** File, offset, what was wanted and what was found. */
  readonly error: string
}

/** An import or export that is running, or has just ended. */
export interface BlockJob {
  readonly id: number
  readonly kind: 'import' | 'export'
  /** Of the archive or folder. */
  readonly name: string
  readonly phase: 'reading' | 'checking' | 'publishing' | 'writing'
  /** Bytes; `total` is null while it is not known. */
  readonly done: number
  readonly total: number | null
}

export interface BlocksStatus {
  /** By minT, then ULID. */
  readonly blocks: readonly BlockInfo[]
  readonly broken: readonly BrokenBlock[]
  readonly jobs: readonly BlockJob[]
}

/** One file that the user picked or dropped, with its path in the folder that it came in. */
export interface SourceFile {
  readonly path: string
  readonly bytes: Blob
}

/** Samples from outside: an archive (.zip, .tar, .tar.gz) or the files of one or more block folders, or of whole data
 *  directories, whose logs become blocks; or OpenMetrics text in which every sample has its time. */
export type ImportSource =
  | { readonly kind: 'archive'; readonly name: string; readonly bytes: Blob }
  | { readonly kind: 'folder'; readonly name: string; readonly files: readonly SourceFile[] }
  | { readonly kind: 'text'; readonly name: string; readonly bytes: Blob }

export interface ImportReport {
  readonly imported: readonly BlockInfo[]
  /** ULIDs that were there already with the same content. */
  readonly known: readonly string[]
  /** What could not be taken in whole, or was left out, and why: a sentence each. */
  readonly remarks: readonly string[]
}

export type ArchiveFormat = 'zip' | 'tar.gz'

/** What to export: blocks as they are, everything in [minT, maxT) as one new block, the whole store as a data directory
 *  that Prometheus can start on, the blocks of a snapshot, or the samples in [minT, maxT) that the selectors match as OpenMetrics text; without
 *  selectors all of them. */
export type ExportRequest =
  | { readonly kind: 'blocks'; readonly format: ArchiveFormat; readonly ulids: readonly string[] }
  | {
      readonly kind: 'range'
      readonly format: ArchiveFormat
      readonly minT: number
      readonly maxT: number
    }
  | { readonly kind: 'directory'; readonly format: ArchiveFormat }
  | { readonly kind: 'snapshot'; readonly format: ArchiveFormat; readonly name: string }
  | {
      readonly kind: 'text'
      readonly match: readonly string[]
      readonly minT: number
      readonly maxT: number
    }

/** An archive that is being read piece by piece. */
export interface ExportTicket {
  readonly id: number
  /** For the file, such as `brazier-01J….zip`. */
  readonly fileName: string
  /** MIME type. */
  readonly type: string
}
