import { cleanPath } from '../../archive/paths.ts'
import { readArchive, type ArchiveEntry, type ReadOptions } from '../../archive/archive.ts'
import { Roll } from '../../archive/limits.ts'
import { Source } from '../../archive/source.ts'
import type { ImportSource, SourceFile } from '../../model/blocks.ts'

/** What has files in it. */
export type FileSource = Exclude<ImportSource, { kind: 'text' }>

/** Bytes of an archive, of a text, or of all files of a folder. */
export function bytesOf(source: ImportSource): number {
  if (source.kind !== 'folder') return source.bytes.size
  return source.files.reduce((sum, file) => sum + file.bytes.size, 0)
}

/** The files of an archive or a folder alike, with paths that are safe and come once.
 *  @throws ImportError, or the signal's reason */
export function filesOf(source: FileSource, options: ReadOptions): AsyncIterable<ArchiveEntry> {
  return source.kind === 'archive' ? readArchive(source.bytes, options) : readFolder(source.files, options)
}

async function* readFolder(files: readonly SourceFile[], options: ReadOptions): AsyncGenerator<ArchiveEntry> {
  const roll = new Roll()
  let before = 0
  for (const file of files) {
    const path = cleanPath(file.path)
    roll.addFile(path)
    const base = before
    const progress = (done: number) => options.progress?.(base + done)
    const source = new Source(file.bytes, { ...options, progress })
    yield { path, size: source.size, bytes: source.pieces() }
    before += source.size
  }
}
