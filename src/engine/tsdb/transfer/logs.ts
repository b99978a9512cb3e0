import type { ArchiveEntry } from '../../archive/archive.ts'
import { crc32c } from '../../bytes/crc32c.ts'
import type { LogPath } from './blockpath.ts'
import type { StagedFiles } from './stagedfiles.ts'

/** What a data directory has beside its blocks, in a staging folder. */
export interface IncomingLog {
  /** The data directory in the source; '' is its root. */
  readonly directory: string
  /** The folder on the disk that has `wal`, `wbl` and `chunks_head`. */
  readonly folder: string
  /** Of all files. */
  readonly bytes: number
  /** The same for the same files. */
  readonly fingerprint: number
}

/** Logs on their way in. They are written as they are, into a staging folder that is never published. */
export class IncomingLogs {
  /** Has everything; to be removed when the import ends. */
  readonly folder: string
  private readonly files: StagedFiles
  private readonly found = new Map<string, Found>()

  /** @param folder a staging folder that nobody else has */
  constructor(files: StagedFiles, folder: string) {
    this.files = files
    this.folder = folder
  }

  async take(entry: ArchiveEntry, { directory, file }: LogPath, signal?: AbortSignal): Promise<void> {
    const known = this.found.get(directory)
    const log = known ?? {
      directory,
      folder: `${this.folder}/${this.found.size}`,
      bytes: 0,
      files: new Map(),
    }
    this.found.set(directory, log)
    let checksum = crc32c(new TextEncoder().encode(file))
    await this.files.write(`${log.folder}/${file}`, entry.bytes, signal, piece => {
      checksum = crc32c(piece, checksum)
    })
    log.files.set(file, checksum)
    log.bytes += entry.size
  }

  get all(): IncomingLog[] {
    return [...this.found.values()].map(({ files, ...log }) => ({
      ...log,
      fingerprint: fingerprintOf(files),
    }))
  }
}

interface Found {
  readonly directory: string
  readonly folder: string
  bytes: number
  /** Checksums of the files with their paths. */
  readonly files: Map<string, number>
}

/** Whatever the order in which they came. */
function fingerprintOf(files: ReadonlyMap<string, number>): number {
  const sorted = [...files.values()].sort((a, b) => a - b)
  return crc32c(new Uint8Array(Float64Array.from(sorted).buffer))
}
