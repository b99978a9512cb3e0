import { ImportError } from '../model/errors.ts'

// What an archive may ask of us. Each is held against what a header says before anything is allocated or unpacked
// for it.

const KiB = 1024
const MiB = 1024 * KiB

/** Files and folders in an archive: a thousand blocks have about ten thousand, and the paths of all are kept in
 *  memory to find one that comes twice. */
export const maxEntries = 20_000

/** Length of a path in UTF-16 units. A block's own part is 44 at most; the folders before it may be a disk's. */
export const maxPathLength = 1024

/** A zip's central directory, which is kept while the archive is read. As many entries as are allowed, with the
 *  paths and extra fields that real programs write, need half of it. */
export const maxDirectoryBytes = 8 * MiB

/** How many bytes may come out of one byte of archive, counted over the whole of it. Chunks of a real server shrink
 *  to between a half and a third; blocks of nothing but constant series, 48,000 samples each, to a 46th as a whole;
 *  a bomb of zeros to a thousandth. */
export const maxExpansion = 250

/** What any archive may expand to, however small it is: the rule above is one for the long run. */
export const freeExpansion = 64 * MiB

/** One read of an archive, one piece of an archive that is written. */
export const pieceBytes = MiB

/** What a decompressor is fed at a time. Browsers inflate all that they are fed before anybody can ask them to wait;
 *  at deflate's utmost ratio of 1,032 that is 16 MiB. */
export const feedBytes = 16 * KiB

/** Bytes that an archive of this size may expand to. */
export function expansionOf(archiveBytes: number): number {
  return Math.max(freeExpansion, archiveBytes * maxExpansion)
}

/** The paths of the entries of one archive. */
export class Roll {
  private readonly files = new Set<string>()
  private entries = 0

  /** Folders may come again: programs that add to an archive repeat them.
   *  @throws ImportError */
  addFolder(path: string): void {
    if (++this.entries > maxEntries) {
      throw new ImportError(`${path}: want at most ${maxEntries} entries, have more`)
    }
  }

  /** @throws ImportError also when the path is there already */
  addFile(path: string): void {
    this.addFolder(path)
    if (this.files.has(path)) throw new ImportError(`${path}: want every file once, have it twice`)
    this.files.add(path)
  }
}
