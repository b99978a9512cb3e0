// From what the user picked or dropped to what the engine takes in.
import type { ImportSource, SourceFile } from '../../engine/api/service.ts'
import { texts } from '../texts.ts'

/** Files and folders that are looked at, at most: the folder of blocks may have been mistaken for another. A
 *  Prometheus that keeps a year has some hundreds of files. */
const entriesAtMost = 20_000

/** What the file picker offers. */
export const archiveSuffixes = '.zip,.tar,.tar.gz,.tgz'

const archive = /\.(?:zip|tar|tar\.gz|tgz)$/i

/** Each archive is a source of its own; everything else together is one, so that the files of a block folder stay
 *  together however they were chosen. Only archives on top count: one in a folder is a file like any other. */
export function sourcesOf(files: readonly SourceFile[]): ImportSource[] {
  const loose = files.filter(({ path }) => !isArchive(path))
  return [
    ...files
      .filter(({ path }) => isArchive(path))
      .map(({ path, bytes }) => ({ kind: 'archive', name: path, bytes }) as const),
    ...(loose.length > 0 ? [{ kind: 'folder', name: nameOf(loose), files: loose } as const] : []),
  ]
}

function isArchive(path: string): boolean {
  return !path.includes('/') && archive.test(path)
}

/** The folder's name, as long as it is one folder. */
function nameOf(files: readonly SourceFile[]): string {
  const tops = new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''))
  const [first = ''] = tops
  return tops.size === 1 ? first : texts.blocks.andMore(first, tops.size - 1)
}

/** The files of an `<input type="file">`, with their paths if it was one for folders. */
export function pickedFiles(list: Iterable<File>): SourceFile[] {
  return Array.from(list, file => ({ path: file.webkitRelativePath || file.name, bytes: file }))
}

/** The files of a drop, and those of its folders with everything below. To be called while the drop is being
 *  handled: afterwards its items are empty. */
export async function droppedFiles(items: Iterable<DataTransferItem>): Promise<SourceFile[]> {
  const entries: FileSystemEntry[] = []
  const bare: File[] = []
  for (const item of items) {
    const entry = item.webkitGetAsEntry()
    const file = entry ? null : item.getAsFile()
    if (entry) entries.push(entry)
    if (file) bare.push(file)
  }
  return [...pickedFiles(bare), ...(await filesBelow(entries))]
}

/** All files at and below the entries, by path. Throws when there are more than `atMost` entries. */
export async function filesBelow(
  entries: readonly FileSystemEntry[],
  atMost = entriesAtMost,
): Promise<SourceFile[]> {
  const open = [...entries]
  const files: SourceFile[] = []
  let seen = 0
  for (let entry = open.pop(); entry; entry = open.pop()) {
    if (++seen > atMost) throw new Error(texts.blocks.tooMany(atMost))
    if (isFolder(entry)) open.push(...(await childrenOf(entry, atMost)))
    else files.push({ path: pathOf(entry), bytes: await fileOf(entry as FileSystemFileEntry) })
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

function pathOf({ fullPath }: FileSystemEntry): string {
  return fullPath.replace(/^\//, '')
}

async function childrenOf(folder: FileSystemDirectoryEntry, atMost: number): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const children: FileSystemEntry[] = []
  // Chromium tells a hundred at a time.
  while (children.length <= atMost) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, () => reject(unreadable(folder)))
    })
    if (some.length === 0) break
    children.push(...some)
  }
  return children
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, () => reject(unreadable(entry))))
}

function unreadable(entry: FileSystemEntry): Error {
  return new Error(texts.blocks.unreadable(pathOf(entry)))
}
