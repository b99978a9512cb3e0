/** A file in an archive that is read. */
export interface ArchiveEntry {
  /** Relative, `/` between names, without `.` and `..`. */
  readonly path: string
  /** As declared; `bytes` has exactly so many, or throws. */
  readonly size: number
  /** To be read at most once, and before the next entry is asked for. Pieces are lent until the next one.
   *  @throws ImportError */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** A file for an archive that is written. */
export interface NewEntry {
  readonly path: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
  /** Exactly `size` bytes. Pieces are the archive's from then on. */
  readonly bytes: AsyncIterable<Uint8Array>
}
